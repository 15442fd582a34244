/**
 * What has to be read before a plan can be made: objects by host, and the hosts whose facts matter.
 *
 * @module
 */

import type { ReadRequest } from "../providers/provider.ts";
import type { StackRecord } from "../state/store.ts";
import { sameJson } from "./digest.ts";
import { owned, ownedBefore } from "./decide/options.ts";
import { indexObserved, isAsRecorded, type ObservedByHost } from "./observed.ts";
import { type Kinds, resolveTopology } from "./resolve.ts";
import type { Selection } from "./select.ts";
import type { Topology } from "./topology.ts";

/** Objects to read, by host. */
export type ReadRequests = Readonly<Record<string, readonly ReadRequest[]>>;

/**
 * States what to read: everything that the stack declares and everything that the record has.
 *
 * @param selection Leaves out what a run does not concern, whole hosts with it.
 */
export function readRequests(
  topology: Topology | undefined,
  record: StackRecord | undefined,
  kinds: Kinds,
  selection?: Selection,
): ReadRequests {
  const requests = new Map<string, Map<string, ReadRequest>>();
  const add = (host: string, request: ReadRequest) => {
    let list = requests.get(host);
    if (list === undefined) requests.set(host, list = new Map());
    const slot = `${request.kind}\n${request.key}`;
    if (!list.has(slot)) list.set(slot, request);
  };
  if (topology !== undefined) {
    for (const { resource, key, kind } of resolveTopology(topology, kinds).resolved.values()) {
      if (selection !== undefined && !selection.has(resource.address)) continue;
      const secrets = kind.secrets?.(resource) ?? [];
      add(resource.host, {
        kind: resource.kind,
        key,
        uuid: resource.uuid,
        ...(secrets.length === 0 ? {} : { secrets }),
      });
    }
  }
  for (const { address, host, kind, key, resource } of record?.resources ?? []) {
    if (selection !== undefined && !selection.has(address)) continue;
    add(host, { kind, key, uuid: resource.uuid });
  }
  return Object.fromEntries([...requests].map(([host, list]) => [host, [...list.values()]]));
}

/**
 * Hosts whose facts a plan wants: those where something has to be made or differs. Where all is as
 * it was last read back, nobody asks a host what it can do.
 */
export function factsNeeded(
  topology: Topology | undefined,
  record: StackRecord | undefined,
  kinds: Kinds,
  options: { readonly observed: ObservedByHost; readonly selection?: Selection },
): readonly string[] {
  if (topology === undefined) return [];
  const observed = indexObserved(options.observed);
  const recorded = new Map((record?.resources ?? []).map((entry) => [entry.address, entry]));
  const hosts = new Set<string>();
  for (const entry of resolveTopology(topology, kinds, options).resolved.values()) {
    const { address, host, kind, tenure } = entry.resource;
    if (hosts.has(host) || !observed.wasRead(host)) continue;
    if (options.selection !== undefined && !options.selection.has(address)) continue;
    const object = observed.byKey(host, kind, entry.key);
    if (object !== undefined && tenure !== "managed") continue;
    const known = recorded.get(address);
    if (
      object === undefined || known === undefined || !isAsRecorded(known, object) ||
      !sameJson(
        ownedBefore(known.resource.spec, entry.resource.options),
        owned(entry.resource).spec,
      )
    ) hosts.add(host);
  }
  return [...hosts].sort();
}

/**
 * Those of the hosts that {@linkcode factsNeeded} will name of which this is certain before any is
 * read: they get something that was never recorded. They can be asked while they are read.
 */
export function factsForeseen(
  topology: Topology | undefined,
  record: StackRecord | undefined,
  selection?: Selection,
): readonly string[] {
  const recorded = new Set(record?.resources.map(({ address }) => address));
  const fresh = (topology?.resources ?? []).filter(({ address, tenure }) =>
    tenure === "managed" && !recorded.has(address) && selection?.has(address) !== false
  );
  return [...new Set(fresh.map(({ host }) => host))].sort();
}
