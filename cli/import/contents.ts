/**
 * What a host has of what is to be imported, and who else uses it.
 *
 * @module
 */

import {
  domainUses,
  poolFolders,
  type Uses,
  volumeAt,
} from "../../providers/kvm/kinds/machine/uses.ts";
import type { JsonObject, Observed } from "../../providers/provider.ts";
import { type Reserved, reservedFor } from "./reserved.ts";

/** What a host has. */
export interface HostContents {
  /** Machines to import. */
  readonly machines: readonly Observed[];
  /** Names of those that have a display with a password. */
  readonly withPassword?: readonly string[];
  /** The host's other machines: what they use is declared as existing. */
  readonly others?: readonly Observed[];
  readonly networks: readonly Observed[];
  readonly pools: readonly Observed[];
  readonly volumes: readonly Observed[];
  /** What the host can do; nothing is asked of it where it is not known. */
  readonly facts?: JsonObject;
  /** What was asked for by its name, whether or not a machine uses it. */
  readonly wanted?: {
    readonly networks?: readonly string[];
    readonly pools?: readonly string[];
    readonly volumes?: readonly string[];
  };
}

/** Who uses what, and which addresses are reserved for it. */
export interface Usage {
  /** What a machine uses. */
  of(machine: Observed): Uses;
  /** The volume that a file is, if a pool holds it: `<pool>/<volume>`. */
  volumeAt(path: string): string | undefined;
  /** Machines that are not imported and use something: its kind and name on the host. */
  others(kind: "network" | "pool" | "volume", key: string): readonly string[];
  /** Whether several of the imported machines stand on one volume. */
  isShared(volume: string): boolean;
  /** Addresses that the NICs of imported machines declare. */
  readonly reserved: Reserved;
}

/** Why a machine cannot be imported; undefined: nothing is in the way. */
export function whyNot({ mark, source }: Observed): string | undefined {
  if (mark !== undefined) return `it is ${mark.address} of stack "${mark.stack}" already`;
  return source.persistent === false ? "it is transient: it has no configuration" : undefined;
}

/** Finds out who uses what. */
export function usageOf(contents: HostContents): Usage {
  const { pools, networks } = contents;
  const machines = contents.machines.filter((machine) => whyNot(machine) === undefined);
  const others = [
    ...contents.machines.filter((machine) => whyNot(machine) !== undefined),
    ...(contents.others ?? []),
  ];
  const folders = poolFolders(pools);
  const uses = new Map([...machines, ...others].map((machine) => [
    machine,
    domainUses(machine, folders),
  ]));
  const counts = new Map<string, number>();
  for (const machine of machines) {
    for (const key of uses.get(machine)!.volumes) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const poolOf = (volume: string) => volume.slice(0, volume.indexOf("/"));
  return {
    volumeAt: (path) => volumeAt(path, folders),
    of: (machine) => uses.get(machine)!,
    others: (kind, key) =>
      others.filter((machine) => {
        const { volumes, networks } = uses.get(machine)!;
        if (kind === "network") return networks.includes(key);
        return kind === "volume" ? volumes.includes(key) : volumes.map(poolOf).includes(key);
      }).map((machine) => machine.key),
    isShared: (volume) => (counts.get(volume) ?? 0) > 1,
    reserved: reservedFor(machines, networks),
  };
}
