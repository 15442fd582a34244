/**
 * Comparison: each resource that is declared or recorded meets what its host has, and a decision
 * comes out.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import type { FieldChange, Lookup, Observed } from "../providers/provider.ts";
import type { JournalEntry, ResourceRecord, ResourceStatus } from "../state/store.ts";
import { sameJson } from "./digest.ts";
import { type Decision, type OldHalf, worst } from "./decision.ts";
import { isLeftover } from "./leftover.ts";
import type { ObservedIndex } from "./observed.ts";
import { lost, ownership, type RecordIndex } from "./ownership.ts";
import type { Action, Reason } from "./plan.ts";
import { problem } from "./problem.ts";
import type { Kinds, Resolved } from "./resolve.ts";

/** What deciding looks at. */
export interface DecideContext {
  readonly stack: string;
  readonly kinds: Kinds;
  readonly observed: ObservedIndex;
  readonly records: RecordIndex;
  readonly lookup: Lookup;
  /** Operation of the step that a stopped run had begun, by address. */
  readonly begun: ReadonlyMap<string, ResourceStatus>;
  readonly errors: StaddleError[];
  /** Entries of the record whose object another resource has taken over, with its address. */
  readonly adopted: Map<string, string>;
  /** Address of the declared resource that wants a name on a host. */
  wantedBy(host: string, kind: string, key: string): string | undefined;
}

const statusOf: Readonly<Record<string, ResourceStatus>> = {
  create: "creating",
  update: "updating",
  delete: "deleting",
  wait: "waiting",
};

/** Steps that began and did not end, as the status that they left a resource in. */
export function begunSteps(
  unfinished: readonly JournalEntry[],
): ReadonlyMap<string, ResourceStatus> {
  const begun = new Map<string, ResourceStatus>();
  for (const { step, address, operation } of unfinished) {
    const status = statusOf[operation];
    // The old half of a replacement says nothing about the new one.
    if (status !== undefined && !step.includes("#")) begun.set(address, status);
  }
  return begun;
}

/** Status of a record's entry, journal included. */
function statusFor(
  known: ResourceRecord | undefined,
  context: DecideContext,
): ResourceStatus | undefined {
  if (known === undefined || known.status !== "present") return known?.status;
  return context.begun.get(known.address) ?? "present";
}

/** Decides about a resource that the stack declares. Undefined: an error was added. */
export function decideDeclared(entry: Resolved, context: DecideContext): Decision | undefined {
  const { resource, kind, key } = entry;
  const known = context.records.byAddress(resource.address);
  const base: Base = {
    address: resource.address,
    kind,
    host: resource.host,
    key,
    resource,
    needs: entry.needs,
    references: entry.references,
    declared: true,
    record: known,
  };
  if (resource.tenure === "existing") return decideExisting(base, context);
  if (resource.tenure === "shared") return decideShared(entry, base, context);
  return decideManaged(entry, base, context);
}

type Base = Omit<Decision, "action" | "reason" | "changes" | "notes">;

interface Extra {
  readonly changes?: readonly FieldChange[];
  readonly observed?: Observed;
  readonly old?: OldHalf;
  readonly waitOnly?: boolean;
  readonly nameFrom?: string;
  readonly notes?: readonly string[];
}

function decision(base: Base, action: Action, reason: Reason, extra: Extra = {}): Decision {
  return { ...base, changes: [], notes: [], ...extra, action, reason };
}

function decideExisting(base: Base, context: DecideContext): Decision | undefined {
  const { host, kind, key, resource } = base;
  const found = context.observed.byKey(host, kind.kind, key);
  if (found !== undefined) {
    return decision(base, "no-op", "reference-only", { observed: found });
  }
  const there = context.observed.keys(host, kind.kind);
  context.errors.push(problem(resource, {
    code: "plan.existing-missing",
    message: `host ${host} has no ${kind.kind} "${key}"`,
    details: there.length === 0 ? [] : [`${kind.kind}s that are there: ${listed(there)}`],
    help: `make it on the host first, correct the name, or declare the ${kind.kind} so that the ` +
      `stack makes it`,
  }));
  return undefined;
}

function decideShared(entry: Resolved, base: Base, context: DecideContext): Decision {
  const { host, kind, key, record: known } = base;
  const found = context.observed.byKey(host, kind.kind, key);
  const status = statusFor(known, context);
  const old = oldHalf(base, context);
  if (old !== undefined) {
    return decision(base, "replace", "replace-field-differs", {
      observed: found,
      old,
      changes: replacing(entry, old, context),
    });
  }
  if (found !== undefined) {
    return status === "creating" && known!.key === key
      ? decision(base, "create", "half-made", { observed: found })
      : decision(base, "no-op", "reference-only", { observed: found });
  }
  return decision(base, "create", absenceReason(status));
}

function absenceReason(status: ResourceStatus | undefined): Reason {
  if (status === undefined) return "not-on-host";
  if (status === "creating") return "half-made";
  return status === "deleting" ? "half-deleted" : "gone-from-host";
}

/** The object that was made under another name, if it is still there and ours. */
function oldHalf(base: Base, context: DecideContext): OldHalf | undefined {
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
    afterCreate: base.kind.createBeforeDelete,
  };
}

/** The resource that has now, under the same name, what an entry of the record had. */
function takenOver(known: ResourceRecord, context: DecideContext): string | undefined {
  const adopted = context.adopted.get(known.address);
  if (adopted !== undefined) return adopted;
  const wanted = context.wantedBy(known.host, known.kind, known.key);
  if (wanted === undefined || wanted === known.address) return undefined;
  if (context.lookup.resource(wanted)?.tenure !== "managed") return wanted;
  const taker = context.records.byAddress(wanted);
  return taker?.host === known.host && taker.kind === known.kind && taker.key === known.key
    ? wanted
    : undefined;
}

/** The fields by which a new object differs from the one beside which it is made. */
function replacing(entry: Resolved, old: OldHalf, context: DecideContext): FieldChange[] {
  const changes = [
    ...diff(entry, old.observed, context.records.byAddress(entry.resource.address), context),
  ];
  if (worst(changes) === "replace") return changes;
  return [
    { path: "name", before: old.key, after: entry.key, disruption: "replace" },
    ...changes,
  ];
}

function decideManaged(
  entry: Resolved,
  base: Base,
  context: DecideContext,
): Decision | undefined {
  const { host, kind, key, resource, record: known } = base;
  const status = statusFor(known, context);
  let found = context.observed.byKey(host, kind.kind, key);
  let nameFrom: string | undefined;
  if (found !== undefined) {
    const whose = ownership(entry, found, context.records);
    if (whose.status === "foreign") {
      context.errors.push(notOurs(base, context.stack, whose.why));
      return undefined;
    }
    if (whose.status === "sibling") {
      const before = context.records.byAddress(whose.address);
      if (canMove(before, base, context)) {
        context.adopted.set(whose.address, resource.address);
        return moved(entry, base, context, { found, before });
      }
      nameFrom = whose.address;
      found = undefined;
    } else if (whose.status === "ours" && whose.leftover !== undefined) {
      context.adopted.set(whose.leftover, resource.address);
    }
  }
  const atKey = found !== undefined;
  if (atKey && nameFrom === undefined && adopts(entry, found!, context)) {
    return imported(entry, base, context, found!);
  }
  if (found === undefined) {
    const elsewhere = context.observed.byUuid(host, kind.kind, resource.uuid);
    if (elsewhere !== undefined) {
      const whose = ownership(entry, elsewhere, context.records);
      if (whose.status === "ours") found = elsewhere;
      else if (whose.status === "adopted") {
        context.errors.push(problem(resource, {
          code: "import.other-name",
          message: `host ${host} has the ${kind.kind} to be adopted under the name ` +
            `"${elsewhere.key}", not "${key}"`,
          help: `declare name: "${elsewhere.key}"`,
        }));
        return undefined;
      } else {
        context.errors.push(problem(resource, {
          code: "ownership.not-ours",
          message: `host ${host} has a ${kind.kind} "${elsewhere.key}" with the UUID ` +
            `${resource.uuid}, which is to be this one's`,
          details: whose.status === "foreign" ? whose.why : [`it belongs to ${whose.address}`],
          help: `take that ${kind.kind} away, or give the declaration another name`,
        }));
        return undefined;
      }
    }
  }

  const old = oldHalf(base, context);
  if (old !== undefined && old.observed !== found) {
    // Another name, and nothing that could be renamed: a new object beside the old one.
    const changes = replacing(entry, old, context);
    const reason = status === "present" || status === "waiting"
      ? "replace-field-differs"
      : status === "deleting"
      ? "half-deleted"
      : "half-made";
    return decision(base, "replace", reason, { changes, observed: found, old, nameFrom });
  }
  if (found === undefined) {
    if (resource.adopt === true && known === undefined) {
      context.errors.push(nothingToAdopt(base, context));
      return undefined;
    }
    return decision(base, "create", absenceReason(status), { nameFrom });
  }
  return compare(entry, base, context, { found, atKey, status, nameFrom });
}

function adopts(entry: Resolved, found: Observed, context: DecideContext): boolean {
  return ownership(entry, found, context.records).status === "adopted";
}

/** An object that becomes this stack's, as it is or with changes, but never by being made anew. */
function imported(
  entry: Resolved,
  base: Base,
  context: DecideContext,
  found: Observed,
): Decision | undefined {
  const changes = diff(entry, found, undefined, context);
  const lost = changes.filter((change) => change.disruption === "replace");
  if (lost.length === 0) {
    return decision(base, "update", "to-import", { changes, observed: found });
  }
  const { host, kind, key, resource } = base;
  context.errors.push(problem(resource, {
    code: "import.would-replace",
    path: lost[0]!.path,
    message: `the ${kind.kind} "${key}" of host ${host} cannot become what is declared without ` +
      "being made anew, and an import destroys nothing",
    details: lost.map(({ path, before, after }) =>
      `${path} is ${JSON.stringify(before ?? null)}, declared ${JSON.stringify(after ?? null)}`
    ),
    help: "declare these fields as they are; change them when it has been imported",
  }));
  return undefined;
}

function nothingToAdopt(base: Base, context: DecideContext): StaddleError {
  const { host, kind, key, resource } = base;
  const there = context.observed.keys(host, kind.kind);
  return problem(resource, {
    code: "import.missing",
    message: `host ${host} has no ${kind.kind} "${key}" that could be adopted`,
    details: there.length === 0 ? [] : [`${kind.kind}s that are there: ${listed(there)}`],
    help: 'correct the name, or leave "adopt" out to have it made',
  });
}

function listed(names: readonly string[]): string {
  return names.slice(0, 8).join(", ") + (names.length > 8 ? ` and ${names.length - 8} more` : "");
}

/**
 * Whether an object goes over to another address of its stack as it is: it is known by its name
 * alone, and the address that had it is declared no more. What carries a UUID cannot: it follows
 * from the address.
 */
function canMove(
  before: ResourceRecord | undefined,
  base: Base,
  context: DecideContext,
): before is ResourceRecord {
  return before !== undefined && base.record === undefined && base.kind.marked !== true &&
    before.status === "present" && before.key === base.key &&
    context.lookup.resource(before.address) === undefined;
}

/** A resource that takes over what another address of the stack had. */
function moved(
  entry: Resolved,
  base: Base,
  context: DecideContext,
  from: { readonly found: Observed; readonly before: ResourceRecord },
): Decision {
  const { found, before } = from;
  const as = { ...base, record: before };
  const compared = compare(entry, as, context, {
    found,
    atKey: true,
    status: "present",
    nameFrom: undefined,
  });
  return { ...compared, notes: [`was ${before.address} of this stack`] };
}

interface Found {
  readonly found: Observed;
  readonly atKey: boolean;
  readonly status: ResourceStatus | undefined;
  readonly nameFrom: string | undefined;
}

/** Compares a declaration with the object that is its own. */
function compare(
  entry: Resolved,
  base: Base,
  context: DecideContext,
  { found, atKey, status, nameFrom }: Found,
): Decision {
  const { kind, key, record: known } = base;
  if (
    atKey && status === "present" && known!.key === key &&
    known!.fingerprint === found.fingerprint &&
    sameJson(known!.resource.spec, base.resource.spec)
  ) return decision(base, "no-op", "unchanged", { observed: found });

  const changes = [...diff(entry, found, known, context)];
  if (!atKey && !changes.some((change) => change.path === "name")) {
    changes.unshift({
      path: "name",
      before: found.key,
      after: key,
      disruption: kind.marked === true ? "restart" : "replace",
    });
  }
  const stopped: Reason | undefined = status === "creating" || status === "updating"
    ? "half-made"
    : status === "deleting"
    ? "half-deleted"
    : undefined;
  const extra: Extra = { changes, observed: found, nameFrom };
  // Half-made under another name: two objects cannot have its UUID, and nothing in it is of worth.
  if (worst(changes) === "replace" || (status === "creating" && !atKey)) {
    return decision(base, "replace", stopped ?? "replace-field-differs", {
      ...extra,
      old: {
        key: found.key,
        resource: known?.resource ?? base.resource,
        observed: found,
        afterCreate: kind.createBeforeDelete && found.key !== key,
      },
    });
  }
  // A create is repeated, never patched: what is inside a half-made object cannot be seen.
  if (status === "creating") return decision(base, "create", "half-made", extra);
  if (stopped !== undefined) return decision(base, "update", stopped, extra);
  if (changes.length > 0) return decision(base, "update", "fields-differ", extra);
  if (status === "waiting" && kind.waits(base.resource) !== undefined) {
    return decision(base, "update", "wait-unfinished", { observed: found, waitOnly: true });
  }
  return decision(base, "no-op", "unchanged", { observed: found });
}

function diff(
  entry: Resolved,
  found: Observed,
  known: ResourceRecord | undefined,
  context: DecideContext,
): readonly FieldChange[] {
  const { lookup } = context;
  // A stopped run may have added what neither the declaration before it nor this one has.
  const { host, kind, key } = found;
  const earlier = [known?.resource.spec, known?.target?.spec];
  for (const other of context.records.allByKey(host, kind, key)) {
    if (other !== known) earlier.push(other.resource.spec, other.target?.spec);
  }
  const [previous, ...more] = earlier;
  const changes = [...entry.kind.diff(entry.resource, found, { previous, lookup })];
  for (const spec of more) {
    if (spec === undefined) continue;
    for (const change of entry.kind.diff(entry.resource, found, { previous: spec, lookup })) {
      if (!changes.some(({ path }) => path === change.path)) changes.push(change);
    }
  }
  return changes;
}

function notOurs(base: Base, stack: string, why: readonly string[]): StaddleError {
  const { host, kind, key, resource } = base;
  return problem(resource, {
    code: "ownership.not-ours",
    message: `host ${host} has a ${kind.kind} "${key}" that is not stack "${stack}"'s; it is not ` +
      "touched",
    details: why,
    help: `take it over with "staddle import", or give the declaration another name`,
  });
}

/** Decides about an entry of the record that is to go. */
export function decideGone(
  known: ResourceRecord,
  reason: "not-declared" | "destroy-requested",
  context: DecideContext,
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
  const twin = other !== undefined && other.address !== known.address ? other.address : undefined;
  const taker = reason === "not-declared" ? takenOver(known, context) ?? twin : twin;
  if (taker !== undefined) {
    return decision(base, "forget", why, { nameFrom: taker, notes: [`${taker} has it now`] });
  }
  const found = context.observed.byKey(known.host, known.kind, known.key) ??
    (kind.marked === true
      ? context.observed.byUuid(known.host, known.kind, known.resource.uuid)
      : undefined);
  if (found === undefined) return decision(base, "forget", why);
  if (known.resource.tenure === "existing") {
    return decision(base, "forget", why, { notes: ["it stays: this stack only used it"] });
  }
  const notOurs = lost(known, found, context.stack, kind.marked === true);
  if (notOurs !== undefined) return decision(base, "forget", why, { notes: notOurs });
  return decision({ ...base, key: found.key }, "delete", why, { observed: found });
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
