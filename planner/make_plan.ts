/**
 * The plan of a run: what the stack wants meets what the hosts have and what the record knows.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import type { JsonObject, Lookup, Observed } from "../providers/provider.ts";
import type { JournalEntry, StackPart, StackRecord } from "../state/store.ts";
import { cascadeReplacements } from "./decide/cascade.ts";
import { decideDeclared } from "./decide/declared.ts";
import { leftoversFirst } from "./decide/beside.ts";
import { decideAside, decideGone, decideUnrecorded } from "./decide/gone.ts";
import { begunSteps, type DecideContext } from "./decide/deciding.ts";
import { type Decision, worst } from "./decide/decision.ts";
import { findDrift } from "./decide/drift.ts";
import { goOnce } from "./decide/going_once.ts";
import { keepHeld } from "./decide/held.ts";
import { keepNeedsLeftOut, usedByLeftOut } from "./decide/left_out.ts";
import { indexObserved, type ObservedByHost } from "./observed.ts";
import { outputChanges } from "./outputs.ts";
import { optionNotes, optionsOf, plannedHooks, refusals } from "./decide/options.ts";
import { indexRecord, type RecordIndex } from "./decide/ownership.ts";
import { withChanges } from "./paths.ts";
import { isCovered } from "./field_patterns.ts";
import { type Plan, PLAN_FORMAT, type ResourcePlan } from "./plan.ts";
import { issueError } from "./problem.ts";
import { removals, withRemovals } from "./decide/removal.ts";
import { likelyRenames } from "./decide/renames.ts";
import { emptyLookup, type Kinds, type Resolution, resolveTopology } from "./resolve.ts";
import { select } from "./select.ts";
import { Slots } from "./slots.ts";
import { makeSteps } from "./steps.ts";
import type { Topology } from "./topology.ts";
import { goingAway, spareUsed, type UsesByHost } from "./decide/users.ts";

/** Everything that a plan is made of. */
export interface PlanInput {
  /** As `validateTopology` gave it back; left out: a plan from the record alone. */
  readonly topology?: Topology;
  readonly kinds: Kinds;
  /** What was read, by host; a host that could not be read is no key. */
  readonly observed: ObservedByHost;
  readonly facts: Readonly<Record<string, JsonObject>>;
  readonly record?: StackRecord;
  /**
   * Who uses what {@linkcode MadePlan.going} named when the plan was made without; absent: not asked yet.
   */
  readonly users?: UsesByHost;
  /** Steps of a stopped run that began and did not end. */
  readonly unfinished?: readonly JournalEntry[];
  readonly mode: "apply" | "destroy";
  /** Stack file as the person named it. */
  readonly source?: string;
  /** Digest of the stack file, its modules and the lock. */
  readonly digest?: string;
  /** Patterns over addresses. */
  readonly target?: readonly string[];
  readonly exclude?: readonly string[];
  /** Addresses that are left out besides, though nobody asked for that: see {@linkcode wayBack}. */
  readonly leftAlone?: readonly string[];
}

/** A plan, and what keeps it from being applied. */
export interface MadePlan {
  readonly plan: Plan;
  /** Empty: the plan may be applied. Otherwise it has no steps. */
  readonly errors: readonly StaddleError[];
  /** What it takes away, by host: whoever else uses that is to be told to a second making. */
  readonly going: Readonly<Record<string, readonly Observed[]>>;
}

/**
 * Makes a plan.
 *
 * The same input gives the same plan, whatever the order of declaration. Nothing is left unknown:
 * every step carries what it will write.
 */
export function makePlan(input: PlanInput): MadePlan {
  const { topology, kinds, record, mode } = input;
  const stack = topology?.stack ?? record?.stack ?? "";
  const errors: StaddleError[] = [];
  const { target, exclude = [], leftAlone = [] } = input;
  const selection = select(topology, record, kinds, {
    mode,
    target,
    exclude: [...exclude, ...leftAlone],
  });
  errors.push(...selection.errors);
  const observed = indexObserved(input.observed);
  const resolution: Resolution = topology === undefined
    ? { resolved: new Map(), lookup: emptyLookup(stack, input.facts), errors: [] }
    : resolveTopology(topology, kinds, { observed: input.observed, facts: input.facts });
  if (mode === "apply") errors.push(...resolution.errors);

  const unread = new Set<string>();
  const concerns = (address: string, host: string) => {
    if (!selection.has(address)) return false;
    if (!observed.wasRead(host)) unread.add(host);
    return observed.wasRead(host);
  };
  const wanted = new Slots<string>();
  if (mode === "apply") {
    for (const { resource, key } of resolution.resolved.values()) {
      wanted.set(resource.host, resource.kind, key, resource.address);
    }
  }
  const context: DecideContext = {
    stack,
    kinds,
    observed,
    records: indexRecord(stack, record),
    lookup: resolution.lookup,
    begun: begunSteps(input.unfinished ?? []),
    errors,
    adopted: new Map(),
    wantedBy: (host, kind, key) => wanted.get(host, kind, key),
  };

  const decisions = new Map<string, Decision>();
  const keep = (decision: Decision | undefined) => {
    if (decision !== undefined) decisions.set(decision.address, decision);
  };
  const refused = new Set<string>();
  for (const entry of resolution.resolved.values()) {
    const { address, host } = entry.resource;
    if (mode === "destroy") {
      if (context.records.byAddress(address) === undefined && concerns(address, host)) {
        guard(errors, () => keep(decideUnrecorded(entry, context)));
      }
      continue;
    }
    if (!concerns(address, host)) continue;
    guard(errors, () => {
      const ignored = resolution.lookup.observed(address) === undefined
        ? []
        : entry.resource.options?.ignoreChanges ?? [];
      for (const issue of entry.kind.check(entry.resource, resolution.lookup)) {
        if (isCovered(issue.path, ignored)) continue;
        refused.add(address);
        errors.push(issueError(entry.resource, issue));
      }
      keep(decideDeclared(entry, context));
      keep(decideAside(entry, context));
    });
  }
  const neededByLeftOut = (needed: string) =>
    record?.resources.some(({ address, needs }) =>
      needs.includes(needed) && !selection.has(address)
    ) === true;
  const renamed = mode === "apply" ? formerAddresses(resolution, context.records) : new Map();
  for (const known of record?.resources ?? []) {
    const declared = mode === "apply" && resolution.resolved.has(known.address);
    // What has been taken over is not left out, unless for those who are left out with it.
    const adopted = context.adopted.has(known.address) && !neededByLeftOut(known.address);
    if (declared || !(adopted || concerns(known.address, known.host))) continue;
    // Renamed, and this run does not concern it: it stays in the record as it is.
    const now = renamed.get(known.address);
    if (now !== undefined && !decisions.has(now)) continue;
    const reason = mode === "destroy" ? "destroy-requested" : "not-declared";
    guard(errors, () => keep(decideGone(known, reason, context)));
  }
  for (const host of [...unread].sort()) errors.push(notRead(host));
  if (mode === "apply") {
    leftoversFirst(decisions, context);
    cascadeReplacements(decisions, [...resolution.resolved.keys()]);
    goOnce(decisions);
  }

  for (const [address, decision] of decisions) {
    if (decision.action === "replace" && optionsOf(decision).retainOnDelete === true) {
      decisions.set(address, { ...decision, retained: true });
    }
  }
  if (mode === "apply") errors.push(...keepHeld(decisions, input.users));
  const going = goingAway(decisions);
  if (input.users !== undefined) errors.push(...spareUsed(decisions, input.users));
  if (mode === "apply" && !selection.whole) {
    keepNeedsLeftOut(decisions);
    errors.push(...usedByLeftOut(decisions, record, kinds));
  }

  const completed = new Map<string, JsonObject | undefined>();
  const complete = ({ address, kind, resource }: Decision) => {
    if (!completed.has(address)) {
      completed.set(address, undefined);
      // What a check refused is not asked for more: it would only say the same again.
      const run = () => completed.set(address, kind.complete(resource, resolution.lookup));
      if (!refused.has(address)) guard(errors, run);
    }
    return completed.get(address);
  };
  const ordered = makeSteps(decisions, { stack, complete, errors });
  const removed = removals(decisions);
  const steps = withRemovals(ordered, removed);
  errors.push(...refusals(decisions.values()));
  const hooks = plannedHooks(steps);
  const hooksOf = (address: string) =>
    steps.filter((step) => step.address === address).flatMap((step) => hooks.get(step.id) ?? []);
  const renames = mode === "apply" ? likelyRenames(decisions) : new Map<string, string>();
  // An entry goes in the same write in which the other address gets the object. Where that takes a
  // step it stays until the next plan, so that the object, and who uses it, is in the record at every
  // moment.
  const usedWithSteps = new Set(
    [...decisions.values()].filter(({ action }) => action !== "no-op")
      .flatMap((decision) => decision.record?.needs ?? []),
  );
  for (const { address, heir } of [...decisions.values()]) {
    const taker = heir === undefined ? undefined : decisions.get(heir);
    const moves = taker !== undefined && taker.record?.address === address;
    if (moves && (taker.action !== "no-op" || usedWithSteps.has(address))) {
      decisions.delete(address);
    }
  }
  const lookup: Lookup = resolution.lookup;
  const resources = [...decisions.keys()].sort().flatMap((address): ResourcePlan[] => {
    const decision = decisions.get(address)!;
    let planned: ResourcePlan[] = [];
    const note = removed.get(address)?.note;
    const notes = [
      ...(note === undefined ? [] : [note]),
      ...(renames.has(address) ? [suggestion(decision, renames.get(address)!)] : []),
      ...optionNotes(
        decision,
        decision.resource.options?.hooks === undefined ? [] : hooksOf(address),
      ),
    ];
    guard(errors, () => {
      const made = resourcePlan(decision, completed.get(address), lookup);
      planned = [{ ...made, notes: [...made.notes, ...notes] }];
    });
    return planned;
  });
  let drift: Plan["drift"] = [];
  const handedOver = (address: string) =>
    context.adopted.has(address) || decisions.get(address)?.heir !== undefined;
  guard(errors, () => {
    const options = (address: string) => resolution.resolved.get(address)?.resource.options;
    drift = findDrift(record, { kinds, observed, selection, lookup, options, handedOver });
  });

  const kept = record?.outputs ?? {};
  const plan: Plan = {
    format: PLAN_FORMAT,
    mode,
    part: partOf(input),
    stack: {
      name: stack,
      source: input.source,
      digest: input.digest,
      parameters: topology?.parameters ?? {},
    },
    record: { serial: record?.serial ?? 0, lineage: record?.lineage },
    hosts: { ...record?.hosts, ...topology?.hosts },
    resources,
    drift,
    outputs: outputChanges(
      kept,
      mode === "apply" ? topology?.outputs ?? kept : selection.whole ? {} : kept,
    ),
    steps: errors.length === 0 ? steps : [],
    references: mode === "apply" ? topology?.references : undefined,
    reservations: mode === "apply" ? topology?.reservations : undefined,
  };
  return { plan, errors, going };
}

function partOf({ target = [], exclude = [] }: PlanInput): StackPart | undefined {
  if (target.length === 0 && exclude.length === 0) return undefined;
  return {
    ...(target.length === 0 ? {} : { target }),
    ...(exclude.length === 0 ? {} : { exclude }),
  };
}

/** Runs a part whose errors are for a person; anything else is a fault of the program. */
function guard(errors: StaddleError[], run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof StaddleError)) throw error;
    errors.push(error);
  }
}

function resourcePlan(
  decision: Decision,
  completed: JsonObject | undefined,
  lookup: Lookup,
): ResourcePlan {
  const { address, kind, host, key, action, reason, changes, resource, observed, old } = decision;
  const held = old?.observed ?? observed;
  const before = held !== undefined &&
      (action === "update" || action === "replace" || action === "delete")
    ? kind.view(held)
    : undefined;
  const makes = action === "create" || action === "replace";
  const after = makes
    ? completed ?? resource.spec
    : action === "update"
    ? withChanges(before ?? {}, changes)
    : undefined;
  return {
    address,
    kind: kind.kind,
    host,
    key,
    action,
    reason,
    changes,
    disruption: action === "update" || action === "replace"
      ? action === "replace" ? "replace" : worst(changes)
      : undefined,
    before,
    after,
    resource,
    notes: action === "update" || makes || (action === "no-op" && observed !== undefined)
      ? [...decision.notes, ...kind.notes?.(resource, lookup) ?? []]
      : decision.notes,
    previousAddress: decision.previousAddress,
    needs: decision.needs,
    fingerprint: observed?.fingerprint,
  };
}

/** Where resources are now that the record has under an address from before. */
function formerAddresses(
  { resolved }: Resolution,
  records: RecordIndex,
): ReadonlyMap<string, string> {
  const renamed = new Map<string, string>();
  for (const { resource: { address, options } } of resolved.values()) {
    if (options?.aliases === undefined || records.byAddress(address) !== undefined) continue;
    for (const former of options.aliases) renamed.set(former, address);
  }
  return renamed;
}

/** What to write if one resource is another by a new name. */
function suggestion({ address, resource }: Decision, before: string): string {
  const cut = before.lastIndexOf(".") + 1;
  const sameScope =
    before.slice(0, cut) === address.slice(0, address.length - resource.name.length);
  const alias = JSON.stringify(sameScope ? before.slice(cut) : before);
  return `${before}, which goes, is like it: if it was renamed, give this one the option ` +
    `aliases: [${alias}], and nothing is made anew`;
}

function notRead(host: string): StaddleError {
  return new StaddleError({
    code: "plan.host-not-read",
    summary: `host ${host} was not read, and the plan needs to know what it has`,
    where: [host],
    help: `make the host answer, or leave it out with --exclude "${host}/*"`,
  });
}
