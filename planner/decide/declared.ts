/**
 * Decisions about what a stack declares: each resource meets what its host has.
 *
 * @module
 */

import type { StaddleError } from "../../providers/error.ts";
import type { Observed, Resource } from "../../providers/provider.ts";
import type { ResourceRecord, ResourceStatus } from "../../state/store.ts";
import { compare, oldHalf, replacing } from "./compare.ts";
import { adopts, imported, nothingToAdopt } from "./imported.ts";
import type { Decision } from "./decision.ts";
import { type Base, type DecideContext, decision, listed, statusFor } from "./deciding.ts";
import { leftoverAddress } from "../leftover.ts";
import { owned } from "./options.ts";
import { ownership } from "./ownership.ts";
import type { Reason } from "../plan.ts";
import { problem } from "../problem.ts";
import type { Resolved } from "../resolve.ts";

/** Decides about a resource that the stack declares. Undefined: an error was added. */
export function decideDeclared(entry: Resolved, context: DecideContext): Decision | undefined {
  const { resource, kind, key } = entry;
  const own = context.records.byAddress(resource.address);
  const formers = formerEntries(resource, own, context);
  const base: Base = {
    address: resource.address,
    kind,
    host: resource.host,
    key,
    resource,
    needs: entry.needs,
    references: entry.references,
    declared: true,
    record: together(own, formers),
    formers: formers.map(({ address }) => address),
  };
  if (resource.tenure === "existing") return decideExisting(base, context);
  for (const { address } of formers) context.adopted.set(address, resource.address);
  const decided = resource.tenure === "shared"
    ? decideShared(entry, base, context)
    : decideManaged(entry, base, context);
  return own !== undefined || formers.length === 0 || decided === undefined
    ? decided
    : renamed(decided, formers[0]!);
}

/**
 * Entries of the record that a resource had under addresses from before. Where it has one of its own
 * already, a run was stopped in mid-rename: then those of the same object, which its UUID tells.
 */
function formerEntries(
  { options, kind, host, uuid }: Resource,
  own: ResourceRecord | undefined,
  context: DecideContext,
): readonly ResourceRecord[] {
  const entries = (options?.aliases ?? []).map((address) => context.records.byAddress(address))
    .filter((entry) =>
      entry?.kind === kind && entry.host === host && entry.resource.tenure !== "existing"
    ) as ResourceRecord[];
  return own === undefined
    ? entries.slice(0, 1)
    : entries.filter((entry) => entry.resource.uuid === uuid);
}

/** The entry that counts, needing whatever one of them says that the object needs. */
function together(
  own: ResourceRecord | undefined,
  formers: readonly ResourceRecord[],
): ResourceRecord | undefined {
  const entry = own ?? formers[0];
  if (entry === undefined || own === undefined || formers.length === 0) return entry;
  const needs = new Set([entry, ...formers].flatMap((one) => one.needs));
  return { ...entry, needs: [...needs].sort() };
}

/** A decision about a resource that had another address: its mark on the host is to say the new one. */
function renamed(decided: Decision, former: ResourceRecord): Decision {
  const marks = decided.action === "no-op" && decided.kind.marked === true;
  return {
    ...decided,
    ...(marks ? { action: "update", reason: "renamed" } : {}),
    previousAddress: former.address,
    notes: [`was ${former.address} of this stack`, ...decided.notes],
  };
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
  const left = context.records.byAddress(leftoverAddress(base.address, key));
  if (found !== undefined && left !== undefined) {
    context.adopted.set(left.address, base.address);
    const as = { ...base, record: left };
    return left.status === "creating"
      ? decision(as, "create", "half-made", { observed: found })
      : decision(as, "no-op", "reference-only", { observed: found });
  }
  const status = statusFor(known, context);
  const old = oldHalf(base, context);
  if (old !== undefined) {
    return decision(base, "replace", "replace-field-differs", {
      observed: found,
      // What is there already stands beside it.
      old: { ...old, afterCreate: old.afterCreate || found !== undefined },
      changes: replacing(entry, base, old, context),
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
    const whose = ownership(entry, found, context.records, base.formers);
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
      return takenBack(entry, base, context, { found, leftover: whose.leftover });
    }
  }
  const atKey = found !== undefined;
  if (atKey && nameFrom === undefined && adopts(entry, found!, context)) {
    return imported(entry, base, context, found!);
  }
  if (found === undefined) {
    const elsewhere = context.observed.byUuid(host, kind.kind, resource.uuid);
    if (elsewhere !== undefined) {
      const whose = ownership(entry, elsewhere, context.records, base.formers);
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

  const old = oldHalf(base, context, nameFrom);
  if (old !== undefined && old.observed !== found) {
    // Another name, and nothing that could be renamed: a new object beside the old one.
    const changes = replacing(entry, base, old, context);
    const reason = status === "present" || status === "waiting"
      ? "replace-field-differs"
      : status === "deleting"
      ? "half-deleted"
      : "half-made";
    return decision(base, "replace", reason, { changes, observed: found, old, nameFrom });
  }
  if (found === undefined) {
    const lost = resource.adopt === true ? nothingToAdopt(base, status, context) : undefined;
    if (lost !== undefined) {
      context.errors.push(lost);
      return undefined;
    }
    return decision(base, "create", absenceReason(status), { nameFrom });
  }
  return compare(entry, present(base, found), context, { found, atKey, status, nameFrom });
}

/** What is decided about an object that is there: fields whose changes are ignored are not owned. */
function present(base: Base, found: Observed): Base {
  const resource = owned(base.resource, () => base.kind.view(found));
  return resource === base.resource ? base : { ...base, resource, whole: base.resource };
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
  const as = { ...present(base, found), record: before };
  const compared = compare(entry, as, context, {
    found,
    atKey: true,
    status: "present",
    nameFrom: undefined,
  });
  return {
    ...compared,
    previousAddress: before.address,
    notes: [`was ${before.address} of this stack`, ...compared.notes],
  };
}

/** A resource that is once more what it was before a run that was to replace it and was stopped. */
function takenBack(
  entry: Resolved,
  base: Base,
  context: DecideContext,
  from: { readonly found: Observed; readonly leftover: string },
): Decision {
  const { found, leftover } = from;
  const before = context.records.byAddress(leftover);
  // Whoever uses either object is known by the needs of both.
  const as = { ...present(base, found), record: before };
  return compare(entry, as, context, {
    found,
    atKey: true,
    status: before?.status,
    nameFrom: undefined,
  });
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
