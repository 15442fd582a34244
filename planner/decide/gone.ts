/**
 * What becomes of objects that the stack declares no longer, or that are to be destroyed.
 *
 * @module
 */

import { type Base, type DecideContext, decision, statusFor, takenOver } from "./deciding.ts";
import type { ResourceRecord } from "../../state/store.ts";
import type { Decision } from "./decision.ts";
import { isLeftover, leftoverAddress } from "../leftover.ts";
import { lost } from "./ownership.ts";
import type { Reason } from "../plan.ts";
import { problem } from "../problem.ts";
import type { Resolved } from "../resolve.ts";

/**
 * Decides about an entry of the record that is to go.
 *
 * @param entry Address under which the record has it, where the object goes as something of its own.
 */
export function decideGone(
  known: ResourceRecord,
  reason: "not-declared" | "destroy-requested",
  context: DecideContext,
  entry: string = known.address,
): Decision | undefined {
  const kind = context.kinds.get(known.kind);
  if (kind === undefined) {
    context.errors.push(problem(known.resource, {
      code: "plan.unknown-kind",
      message: `the record has it as a "${known.kind}", a kind that is not known here`,
      help: "use the version of Staddle, or the provider, that made it",
    }));
    return undefined;
  }
  const status = statusFor(known, context);
  const why: Reason = isLeftover(known.address) || status === "deleting"
    ? "half-deleted"
    : status === "creating" && reason === "not-declared"
    ? "half-made"
    : reason;
  const base: Base = {
    address: known.address,
    kind,
    host: known.host,
    key: known.key,
    resource: known.resource,
    needs: known.needs,
    references: [],
    declared: false,
    record: known,
  };
  const other = context.records.byKey(known.host, known.kind, known.key);
  const twin = other !== undefined && other.address !== entry ? other.address : undefined;
  // A stopped move left two entries: the one that is declared decides what becomes of the object.
  const declared = () =>
    context.records.allByKey(known.host, known.kind, known.key)
      .find(({ address }) => address !== entry && context.lookup.resource(address) !== undefined)
      ?.address;
  const left = (heir: string) =>
    decision(base, "forget", why, { heir, notes: [`${heir} has it now`] });
  const taker = reason === "not-declared" ? takenOver(known, context) ?? twin ?? declared() : twin;
  if (taker !== undefined) return left(taker);
  const found = context.observed.byKey(known.host, known.kind, known.key) ??
    (kind.marked === true
      ? context.observed.byUuid(known.host, known.kind, known.resource.uuid)
      : undefined);
  if (found === undefined) {
    return isHidden(known, base, context)
      ? decision(base, "delete", why)
      : decision(base, "forget", why);
  }
  // Found by its UUID under a name that another entry has: a rename was stopped, and that entry goes
  // on with the object.
  const renamed = found.key === known.key
    ? undefined
    : context.records.byKey(found.host, found.kind, found.key);
  if (renamed !== undefined && renamed.address !== known.address) return left(renamed.address);
  if (known.resource.tenure === "existing") {
    return decision(base, "forget", why, { notes: ["it stays: this stack only used it"] });
  }
  const notOurs = lost(known, found, context.stack, kind.marked === true);
  if (notOurs !== undefined) return decision(base, "forget", why, { notes: notOurs });
  if (known.resource.options?.retainOnDelete === true && status !== "creating") {
    return decision({ ...base, key: found.key }, "forget", why, {
      observed: found,
      retained: true,
      notes: [
        kind.marked === true
          ? "it stays, as retainOnDelete says; the mark of this stack is taken off"
          : "it stays, as retainOnDelete says",
      ],
    });
  }
  return decision({ ...base, key: found.key }, "delete", why, { observed: found });
}

/**
 * Whether a stopped run may have left something that is not seen under its name: of an image the torn
 * file, of a copy the stamp that stands beside it. Deleting takes that away too.
 */
function isHidden(known: ResourceRecord, { kind }: Base, context: DecideContext): boolean {
  const status = statusFor(known, context);
  return kind.hides === true && known.resource.tenure !== "existing" &&
    status !== "present" && status !== "waiting";
}

/**
 * Decides about what a stopped run has left of a declared resource under another name: where nothing is
 * seen of it, or where the resource is once more what it was before that run. It goes, as something of
 * its own.
 */
export function decideAside(entry: Resolved, context: DecideContext): Decision | undefined {
  const known = context.records.byAddress(entry.resource.address);
  const { kind, key, resource } = entry;
  if (
    known === undefined || known.kind !== kind.kind ||
    (known.key === key && known.host === resource.host)
  ) return undefined;
  const seen = context.observed.byKey(known.host, known.kind, known.key) !== undefined;
  const takenBack = context.adopted.has(leftoverAddress(resource.address, key));
  // What has a UUID was renamed, and is one object under either name.
  if (kind.marked === true || (seen ? !takenBack : kind.hides !== true)) return undefined;
  const left = { ...known, address: leftoverAddress(known.address, known.key) };
  const decided = decideGone(left, "not-declared", context, known.address);
  return decided?.action === "delete" ? decided : undefined;
}

/** Decides about a declared resource that is to be destroyed and that no record has. */
export function decideUnrecorded(entry: Resolved, context: DecideContext): Decision | undefined {
  const { resource, kind, key } = entry;
  const found = context.observed.byKey(resource.host, resource.kind, key) ??
    context.observed.byUuid(resource.host, resource.kind, resource.uuid);
  const mine = found?.mark !== undefined && found.mark.stack === context.stack &&
    found.mark.address === resource.address;
  if (found === undefined || !mine || resource.tenure === "existing") return undefined;
  return decision(
    {
      address: resource.address,
      kind,
      host: resource.host,
      key: found.key,
      resource,
      needs: entry.needs,
      references: entry.references,
      declared: false,
      record: undefined,
    },
    "delete",
    "destroy-requested",
    { observed: found, notes: ["no record has it; it carries this stack's mark"] },
  );
}
