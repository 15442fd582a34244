/**
 * What the hosts have, put so that it is found by name and by UUID.
 *
 * @module
 */

import type { Observed } from "../providers/provider.ts";

/** What was read, by host. A host that is no key was not read. */
export type ObservedByHost = Readonly<Record<string, readonly Observed[]>>;

/** Looks up what was read. */
export interface ObservedIndex {
  /** Whether the host was read at all. */
  wasRead(host: string): boolean;
  byKey(host: string, kind: string, key: string): Observed | undefined;
  byUuid(host: string, kind: string, uuid: string): Observed | undefined;
  /** Names of all objects of a kind that were read on a host, sorted. */
  keys(host: string, kind: string): readonly string[];
}

/** Makes the index. */
export function indexObserved(observed: ObservedByHost): ObservedIndex {
  const keys = new Map<string, Map<string, Observed>>();
  const uuids = new Map<string, Map<string, Observed>>();
  for (const [host, objects] of Object.entries(observed)) {
    for (const object of objects) {
      const slot = `${host}\n${object.kind}`;
      put(keys, slot, object.key, object);
      if (object.uuid !== undefined) put(uuids, slot, object.uuid.toLowerCase(), object);
    }
  }
  return {
    wasRead: (host) => Object.hasOwn(observed, host),
    byKey: (host, kind, key) => keys.get(`${host}\n${kind}`)?.get(key),
    byUuid: (host, kind, uuid) => uuids.get(`${host}\n${kind}`)?.get(uuid),
    keys: (host, kind) => [...keys.get(`${host}\n${kind}`)?.keys() ?? []].sort(),
  };
}

function put(
  slots: Map<string, Map<string, Observed>>,
  slot: string,
  name: string,
  object: Observed,
): void {
  const names = slots.get(slot);
  if (names === undefined) slots.set(slot, new Map([[name, object]]));
  else names.set(name, object);
}
