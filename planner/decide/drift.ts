/**
 * Drift: what the hosts have beside what was last applied, whatever the stack says now.
 *
 * @module
 */

import type { DeclaredOptions, FieldChange, Lookup } from "../../providers/provider.ts";
import type { StackRecord } from "../../state/store.ts";
import { isLeftover } from "../leftover.ts";
import { isAsRecorded, type ObservedIndex } from "../observed.ts";
import { byOptions, owned } from "./options.ts";
import { lost } from "./ownership.ts";
import type { Drift } from "../plan.ts";
import type { Kinds } from "../resolve.ts";
import type { Selection } from "../select.ts";

/** What finding drift looks at. */
export interface DriftContext {
  readonly kinds: Kinds;
  readonly observed: ObservedIndex;
  readonly selection: Selection;
  readonly lookup: Lookup;
  /** The options with which the stack declares a resource now. */
  options(address: string): DeclaredOptions | undefined;
  /** Whether another address of the stack has an entry's object now. */
  handedOver(address: string): boolean;
}

/** Finds what differs from what was last applied. Half-made objects are no drift. */
export function findDrift(record: StackRecord | undefined, context: DriftContext): Drift[] {
  const drift: Drift[] = [];
  for (const known of record?.resources ?? []) {
    const { address, kind: name, host, key, resource } = known;
    const kind = context.kinds.get(name);
    const settled = known.status === "present" || known.status === "waiting";
    if (
      kind === undefined || !settled || isLeftover(address) || resource.tenure === "existing" ||
      context.handedOver(address) || !context.selection.has(address) ||
      !context.observed.wasRead(host)
    ) continue;
    const found = context.observed.byKey(host, name, key) ??
      (kind.marked === true ? context.observed.byUuid(host, name, resource.uuid) : undefined);
    const base = { address, kind: name, host, key };
    if (
      found === undefined ||
      lost(known, found, context.lookup.stack, kind.marked === true) !== undefined
    ) {
      drift.push({ ...base, status: "deleted", changes: [] });
      continue;
    }
    if (resource.tenure === "shared") continue;
    const changes: FieldChange[] = [];
    if (found.key !== key) {
      changes.push({ path: "name", before: key, after: found.key, disruption: "restart" });
    }
    if (!isAsRecorded(known, found)) {
      const lookup = context.lookup;
      const kept = context.options(address) ?? resource.options;
      const applied = owned({ ...resource, options: kept });
      const previous = applied.spec;
      for (const change of byOptions(kind.diff(applied, found, { previous, lookup }), applied)) {
        if (change.path === "name" && found.key !== key) continue;
        // Another value of a secret: nobody can tell whether it was changed there, or where it comes from.
        if (change.format === "sensitive" && change.before === null) continue;
        changes.push({ ...change, before: change.after, after: change.before });
      }
    }
    if (changes.length > 0) drift.push({ ...base, status: "changed", changes });
  }
  return drift.sort((a, b) => (a.address < b.address ? -1 : 1));
}
