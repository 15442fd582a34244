/**
 * A change applied to a record that is kept as one document. Pure.
 *
 * @module
 */

import { DOCUMENTS_KEEP, withinLimits } from "../history_limits.ts";
import { serialOfReplacement } from "../record_change.ts";
import { presentRecord } from "../record_version.ts";
import {
  type JournalEntry,
  RECORD_VERSION,
  type RecordDocument,
  type RecordWrite,
} from "../store.ts";

/** What there is after a change; undefined once it was forgotten. */
export function changed(
  document: RecordDocument | undefined,
  stack: string,
  location: string,
  change: RecordWrite,
): RecordDocument | undefined {
  let there = change.forget ? undefined : document;
  const { forget, encryptTo: _, ...rest } = change;
  if (forget && Object.values(rest).every((value) => value === undefined)) return undefined;
  let serial = (there?.serial ?? 0) + 1;
  if (change.replace !== undefined) {
    const force = change.force ?? false;
    serial = serialOfReplacement(stack, location, there, change.replace, force);
    there = change.replace;
  }
  const base = there === undefined ? empty(stack) : { ...there, ...presentRecord(there, location) };
  const resources = new Map(base.resources.map((resource) => [resource.address, resource]));
  for (const address of change.remove ?? []) resources.delete(address);
  for (const resource of change.put ?? []) resources.set(resource.address, resource);
  const next: RecordDocument = {
    ...base,
    version: RECORD_VERSION,
    serial,
    hosts: change.hosts ?? base.hosts,
    resources: [...resources.values()].sort((a, b) => order(a.address, b.address)),
    outputs: change.outputs ?? base.outputs,
    reservations: change.reservations ?? base.reservations,
    runs: withOne(base.runs, change.run, ({ id }) => id),
    journal: [...base.journal, ...change.journal ?? []],
    revisions: withOne(base.revisions, change.revision, ({ run }) => run),
  };
  return withinLimits(next, DOCUMENTS_KEEP);
}

/** By code points, as the databases do it. */
export function order(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function withOne<T>(
  all: readonly T[],
  one: T | undefined,
  key: (value: T) => string,
): readonly T[] {
  if (one === undefined) return all;
  const at = all.findLastIndex((other) => key(other) === key(one));
  return at < 0 ? [...all, one] : all.with(at, one);
}

function empty(stack: string): RecordDocument {
  const journal: readonly JournalEntry[] = [];
  return {
    version: RECORD_VERSION,
    stack,
    lineage: crypto.randomUUID(),
    serial: 0,
    hosts: {},
    resources: [],
    outputs: {},
    reservations: {},
    runs: [],
    journal,
    revisions: [],
  };
}
