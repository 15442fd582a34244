/**
 * The way back to what an earlier run has left declared.
 *
 * @module
 */

import type { Resource } from "../providers/provider.ts";
import type { StackRecord } from "../state/store.ts";
import { isLeftover } from "./leftover.ts";
import type { Topology } from "./topology.ts";

/** What is planned to go back. */
export interface WayBack {
  /** What is planned. */
  readonly topology: Topology;
  /** Addresses to exclude: see {@linkcode Topology.leftAlone}. */
  readonly leftAlone: readonly string[];
}

/**
 * What an earlier run has left declared, as it is planned today: as when a stack is evaluated, what is
 * there keeps its UUID. What has got another address since is known by its UUID and goes back to the one
 * that it had; what was left alone and is still there stays as it is.
 */
export function wayBack(topology: Topology, record: StackRecord | undefined): WayBack {
  const rows = new Map(record?.resources.map((row) => [row.address, row]));
  const declared = new Set(topology.resources.map(({ address }) => address));
  const moved = new Map(
    [...rows.values()].filter(({ address }) => !declared.has(address) && !isLeftover(address))
      .map((row) => [slot(row.kind, row.host, row.resource.uuid), row]),
  );
  const back = (resource: Resource): Resource => {
    const { address, kind, host, uuid, options, tenure, adopt } = resource;
    if (tenure === "existing" || adopt === true) return resource;
    const aliases = options?.aliases ?? [];
    const row = rows.get(address) ?? moved.get(slot(kind, host, uuid)) ??
      aliases.map((alias) => rows.get(alias)).find((one) => one?.kind === kind);
    if (row === undefined || row.host !== host) return resource;
    const known = row.address === address || aliases.includes(row.address);
    return {
      ...resource,
      uuid: row.resource.uuid,
      ...(known ? {} : { options: { ...options, aliases: [...aliases, row.address] } }),
    };
  };
  return {
    topology: { ...topology, resources: topology.resources.map(back) },
    leftAlone: topology.leftAlone?.filter((address) => rows.has(address)) ?? [],
  };
}

function slot(kind: string, host: string, uuid: string): string {
  return `${host}\n${kind}\n${uuid}`;
}
