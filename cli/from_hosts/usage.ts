/**
 * What a machine stands on, by its XML: volumes, drives, images to boot from, networks.
 *
 * @module
 */

import {
  children,
  getElement,
  getElements,
  getPath,
  parseXml,
} from "../../providers/kvm/xml/mod.ts";
import type { Observed } from "../../providers/provider.ts";

/** What a machine stands on. */
export interface Usage {
  /** Disks: `<pool>/<volume>`, and the name that the stack has given the disk, if it has. */
  readonly disks: ReadonlyMap<string, string | undefined>;
  /** Media of its drives: `<pool>/<volume>`. */
  readonly drives: ReadonlySet<string>;
  /** Kernel and initial RAM disk: `<pool>/<volume>`. */
  readonly boot: ReadonlySet<string>;
  /** Names of networks. */
  readonly networks: ReadonlySet<string>;
}

/** Which volume a path is; undefined for one in no pool. */
export type KeyOfPath = (path: string) => string | undefined;

/** Finds volumes by their path, in pools that are folders. */
export function keysByPath(pools: readonly Observed[]): KeyOfPath {
  const folders = new Map(pools.flatMap(({ key, source }) => {
    const path = getPath(parseXml(String(source.xml)), "./target/path");
    return path === undefined ? [] : [[path.replace(/\/+$/, ""), key] as const];
  }));
  return (path) => {
    const cut = path.lastIndexOf("/");
    const pool = folders.get(path.slice(0, cut));
    return pool === undefined ? undefined : `${pool}/${path.slice(cut + 1)}`;
  };
}

/** Reads it off a machine, as it is configured and as it runs. */
export function usageOf({ source }: Observed, keyOf: KeyOfPath): Usage {
  const disks = new Map<string, string | undefined>();
  const drives = new Set<string>();
  const boot = new Set<string>();
  const networks = new Set<string>();
  for (const xml of [source.xml, source.liveXml]) {
    if (typeof xml !== "string") continue;
    const domain = parseXml(xml);
    const devices = getElement(domain, "./devices");
    for (const disk of devices === undefined ? [] : children(devices, "disk")) {
      const [from] = children(disk, "source");
      const pool = from?.attributes.get("pool");
      const volume = from?.attributes.get("volume");
      const path = from?.attributes.get("file") ?? from?.attributes.get("dev");
      const key = pool !== undefined && volume !== undefined
        ? `${pool}/${volume}`
        : path === undefined
        ? undefined
        : keyOf(path);
      if (key === undefined) continue;
      const device = disk.attributes.get("device") ?? "disk";
      if (device !== "disk" && device !== "lun") drives.add(key);
      else disks.set(key, getPath(disk, "./alias/@name")?.replace(/^ua-/, ""));
    }
    for (const place of ["./os/kernel", "./os/initrd"] as const) {
      const path = getPath(domain, place);
      const key = path === undefined ? undefined : keyOf(path);
      if (key !== undefined) boot.add(key);
    }
    for (const from of getElements(domain, "./devices/interface/source")) {
      const network = from.attributes.get("network");
      if (network !== undefined) networks.add(network);
    }
  }
  return { disks, drives, boot, networks };
}

/** The volume that an overlay stands on: `<pool>/<volume>`. */
export function backingOf({ source }: Observed, keyOf: KeyOfPath): string | undefined {
  const path = getPath(parseXml(String(source.xml)), "./backingStore/path");
  return path === undefined ? undefined : keyOf(path);
}
