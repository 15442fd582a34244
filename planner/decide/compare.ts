/**
 * Comparison of a declaration with the object that is its own.
 *
 * @module
 */

import type { FieldChange, JsonObject, Observed } from "../../providers/provider.ts";
import type { ResourceRecord, ResourceStatus } from "../../state/store.ts";
import { canStandBeside } from "./beside.ts";
import { type Decision, type OldHalf, worst } from "./decision.ts";
import { type Base, type DecideContext, decision, type Extra, takenOver } from "./deciding.ts";
import { sameJson } from "../digest.ts";
import { isAsRecorded } from "../observed.ts";
import { byOptions, owned, ownedBefore } from "./options.ts";
import { lost } from "./ownership.ts";
import type { Reason } from "../plan.ts";
import type { Resolved } from "../resolve.ts";

/**
 * The object that was made under another name, if it is still there and ours.
 *
 * @param nameFrom Address of the resource that has the name of the new one now, if one has.
 */
export function oldHalf(
  base: Base,
  context: DecideContext,
  nameFrom?: string,
): OldHalf | undefined {
  const known = base.record;
  if (known === undefined || known.key === base.key || known.resource.tenure === "existing") {
    return undefined;
  }
  const observed = context.observed.byKey(known.host, known.kind, known.key);
  if (
    observed === undefined || known.host !== base.host || known.kind !== base.kind.kind ||
    lost(known, observed, context.stack, base.kind.marked === true) !== undefined ||
    takenOver(known, context) !== undefined
  ) return undefined;
  return {
    key: known.key,
    resource: known.resource,
    observed,
    afterCreate: canStandBeside(base, observed, nameFrom, context),
  };
}

/** The fields by which a new object differs from the one beside which it is made. */
export function replacing(
  entry: Resolved,
  base: Base,
  old: OldHalf,
  context: DecideContext,
): FieldChange[] {
  const changes = [...diff(entry, old.observed, base.record, context)];
  if (worst(changes) === "replace") return changes;
  return [
    { path: "name", before: old.key, after: entry.key, disruption: "replace" },
    ...changes,
  ];
}

/** What was found. */
export interface Found {
  readonly found: Observed;
  readonly atKey: boolean;
  readonly status: ResourceStatus | undefined;
  readonly nameFrom: string | undefined;
}

/** For a new object, the fields count whose changes would be ignored. */
function anew(base: Base): Base {
  return base.whole === undefined ? base : { ...base, resource: base.whole };
}

const MARK_PUT_BACK = "it no longer carries the mark of this stack, as when it went back to a " +
  "snapshot from before it had one: the mark is put back";

/** Compares a declaration with the object that is its own. */
export function compare(
  entry: Resolved,
  base: Base,
  context: DecideContext,
  { found, atKey, status, nameFrom }: Found,
): Decision {
  const { kind, key, record: known } = base;
  // A machine that went back to a snapshot from before it was taken over carries no mark.
  const unmarked = kind.marked === true && found.mark === undefined;
  if (
    !unmarked && atKey && status === "present" && known!.key === key &&
    isAsRecorded(known!, found) &&
    sameJson(ownedBefore(known!.resource.spec, base.resource.options), base.resource.spec)
  ) return decision(base, "no-op", "unchanged", { observed: found });

  const fields = [...diff(entry, found, known, context)];
  if (!atKey && !fields.some((change) => change.path === "name")) {
    fields.unshift({
      path: "name",
      before: found.key,
      after: key,
      disruption: kind.marked === true ? "restart" : "replace",
    });
  }
  const changes = byOptions(fields, base.resource);
  const stopped: Reason | undefined = status === "creating" || status === "updating"
    ? "half-made"
    : status === "deleting"
    ? "half-deleted"
    : undefined;
  const unsettled = unsettledSpecs(found, known, context)
    .map((spec) => ownedBefore(spec, base.resource.options)!);
  const extra: Extra = { changes, observed: found, nameFrom, unsettled };
  // Half-made under another name: two objects cannot have its UUID, and nothing in it is of worth.
  if (worst(changes) === "replace" || (status === "creating" && !atKey)) {
    return decision(anew(base), "replace", stopped ?? "replace-field-differs", {
      ...extra,
      old: {
        key: found.key,
        resource: known?.resource ?? base.resource,
        observed: found,
        afterCreate: canStandBeside(base, found, nameFrom, context),
      },
    });
  }
  // A create is repeated, never patched: what is inside a half-made object cannot be seen.
  if (status === "creating") return decision(anew(base), "create", "half-made", extra);
  const marking: Extra = unmarked ? { ...extra, notes: [MARK_PUT_BACK] } : extra;
  if (stopped !== undefined) return decision(base, "update", stopped, marking);
  if (changes.length > 0) return decision(base, "update", "fields-differ", marking);
  if (status === "waiting" && kind.waits(base.resource) !== undefined) {
    return decision(base, "update", "wait-unfinished", { observed: found, waitOnly: true });
  }
  if (unmarked) return decision(base, "update", "unmarked", marking);
  return decision(base, "no-op", "unchanged", { observed: found });
}

/** Declarations, besides the one that was last applied, of which the object may have something. */
export function unsettledSpecs(
  { host, kind, key }: Observed,
  known: ResourceRecord | undefined,
  { records }: DecideContext,
): readonly JsonObject[] {
  const targets = (row: ResourceRecord) => [row.target, ...row.stopped ?? []];
  const others = records.allByKey(host, kind, key).filter((row) => row !== known);
  const all = [
    ...known === undefined ? [] : targets(known),
    ...others.flatMap((row) => [row.resource, ...targets(row)]),
  ];
  return all.filter((resource) => resource !== undefined).map(({ spec }) => spec);
}

/** The declared fields that differ, as the options have them. */
export function diff(
  entry: Resolved,
  found: Observed,
  known: ResourceRecord | undefined,
  context: DecideContext,
): readonly FieldChange[] {
  const { lookup } = context;
  // A stopped run may have added what neither the declaration before it nor this one has.
  const resource = owned(entry.resource, () => entry.kind.view(found));
  const against = (spec: JsonObject | undefined) =>
    entry.kind.diff(resource, found, { previous: ownedBefore(spec, resource.options), lookup });
  const changes = [...against(known?.resource.spec)];
  for (const spec of unsettledSpecs(found, known, context)) {
    for (const change of against(spec)) {
      if (!changes.some(({ path }) => path === change.path)) changes.push(change);
    }
  }
  return byOptions(changes, resource);
}
