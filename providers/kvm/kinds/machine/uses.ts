/**
 * What a domain uses of its host: volumes and networks, by the names that they have there.
 *
 * @module
 */

import type { Observed } from "../../../provider.ts";
import { children, getElement, getPath, parseXml } from "../../xml/mod.ts";
import { sourceText } from "../canonical.ts";

/** Names of what a domain uses. */
export interface Uses {
  /** Volumes that its disks stand on, as `<pool>/<volume>`, whether it says so or gives the path. */
  readonly volumes: readonly string[];
  /** Networks that its NICs are on. */
  readonly networks: readonly string[];
}

/** Directory pools that run, by their folders. */
export function poolFolders(pools: readonly Observed[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { key, source } of pools) {
    if (source.active !== true) continue;
    const pool = parseXml(sourceText(source, "xml"));
    const path = getPath(pool, "./target/path");
    if (pool.attributes.get("type") === "dir" && path !== undefined) found.set(path, key);
  }
  return found;
}

/** The volume that a file is, if a pool holds it: `<pool>/<volume>`. */
export function volumeAt(path: string, folders: ReadonlyMap<string, string>): string | undefined {
  const slash = path.lastIndexOf("/");
  const pool = folders.get(path.slice(0, slash));
  return pool === undefined ? undefined : `${pool}/${path.slice(slash + 1)}`;
}

/** What a domain uses. Media in drives are not counted: they come and go. */
export function domainUses(domain: Observed, folders: ReadonlyMap<string, string>): Uses {
  const devices = getElement(parseXml(sourceText(domain.source, "xml")), "./devices");
  const volumes = new Set<string>();
  const networks = new Set<string>();
  for (const device of devices === undefined ? [] : children(devices)) {
    if (device.name === "interface") {
      const network = getPath(device, "./source/@network");
      if (network !== undefined) networks.add(network);
    }
    if (device.name !== "disk" || (device.attributes.get("device") ?? "disk") !== "disk") continue;
    const pool = getPath(device, "./source/@pool");
    const volume = getPath(device, "./source/@volume");
    const file = getPath(device, "./source/@file");
    const key = pool !== undefined && volume !== undefined
      ? `${pool}/${volume}`
      : file === undefined
      ? undefined
      : volumeAt(file, folders);
    if (key !== undefined) volumes.add(key);
  }
  return { volumes: [...volumes], networks: [...networks] };
}
