/**
 * What the hosts have, put so that it is found by name and by UUID.
 *
 * @module
 */

import type { Observed } from "../providers/provider.ts";
import type { ResourceRecord } from "../state/store.ts";
import { Slots } from "./slots.ts";

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

/**
 * Whether an object is as it was last read back. Its fingerprint says nothing of secrets: one that is
 * known to differ counts.
 */
export function isAsRecorded(known: ResourceRecord, found: Observed): boolean {
  return known.fingerprint === found.fingerprint &&
    !Object.values(found.secrets ?? {}).some(({ config, live }) =>
      [config, live].some((state) => state === "other" || state === "absent")
    );
}

const indexes = new WeakMap<ObservedByHost, ObservedIndex>();

/** Makes the index, once for all that ask for it on the way to a plan. */
export function indexObserved(observed: ObservedByHost): ObservedIndex {
  const found = indexes.get(observed);
  if (found !== undefined) return found;
  const made = makeIndex(observed);
  indexes.set(observed, made);
  return made;
}

function makeIndex(observed: ObservedByHost): ObservedIndex {
  const keys = new Slots<Observed>();
  const uuids = new Slots<Observed>();
  for (const [host, objects] of Object.entries(observed)) {
    for (const object of objects) {
      keys.set(host, object.kind, object.key, object);
      if (object.uuid !== undefined) uuids.set(host, object.kind, object.uuid, object);
    }
  }
  return {
    wasRead: (host) => Object.hasOwn(observed, host),
    byKey: (host, kind, key) => keys.get(host, kind, key),
    byUuid: (host, kind, uuid) => uuids.get(host, kind, uuid),
    keys: (host, kind) => keys.names(host, kind),
  };
}
