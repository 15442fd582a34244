/**
 * Reading what hosts have: all machines, networks and pools, and the volumes that matter.
 *
 * @module
 */

import type { Survey } from "../../providers/kvm/mod.ts";
import type {
  HostDeclaration,
  HostSession,
  Observed,
  ReadRequest,
} from "../../providers/provider.ts";
import { backingOf, keysByPath, usageOf } from "./usage.ts";

/** What a host has. */
export interface Contents {
  readonly host: HostDeclaration;
  readonly machines: readonly Observed[];
  readonly networks: readonly Observed[];
  readonly pools: readonly Observed[];
  /** Volumes, seeds and images, under each kind that they may be. */
  readonly volumes: readonly Observed[];
}

/** What reading needs. */
export interface ReadContentsOptions {
  readonly survey: (host: HostDeclaration) => Promise<Survey>;
  readonly session: (host: HostDeclaration) => Promise<HostSession>;
  /** Objects that a stack declares, beside what machines refer to. */
  readonly requests: readonly ReadRequest[];
}

/** Reads a host. */
export async function readContents(
  host: HostDeclaration,
  { survey, session, requests }: ReadContentsOptions,
): Promise<Contents> {
  const { machines, networks, pools } = await survey(host);
  const open = await session(host);
  const keyOf = keysByPath(pools);
  const keys = { volume: new Set<string>(), seed: new Set<string>(), image: new Set<string>() };
  for (const { kind, key } of requests) {
    if (kind === "volume" || kind === "seed" || kind === "image") keys[kind].add(key);
  }
  for (const machine of machines) {
    const { disks, drives, boot } = usageOf(machine, keyOf);
    for (const key of [...disks.keys(), ...drives]) keys.volume.add(key);
    for (const key of drives) keys.seed.add(key);
    for (const key of boot) keys.image.add(key);
  }
  const first = await open.read(requestsOf(keys));
  const backing = new Set<string>();
  for (const object of first) {
    const key = object.kind === "volume" ? backingOf(object, keyOf) : undefined;
    if (key !== undefined && !keys.image.has(key)) backing.add(key);
  }
  const second = backing.size === 0 ? [] : await open.read(requestsOf({ image: backing }));
  return { host, machines, networks, pools, volumes: [...first, ...second] };
}

function requestsOf(keys: Readonly<Record<string, ReadonlySet<string>>>): ReadRequest[] {
  return Object.entries(keys).flatMap(([kind, set]) =>
    [...set].sort().map((key) => ({ kind, key }))
  );
}
