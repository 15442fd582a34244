/**
 * Steps: decisions become operations with what must precede each.
 *
 * Three rules give the order. What is made waits for what it needs. What is taken away waits for
 * whatever used it to be taken away or changed. A replacement that cannot stand beside its
 * predecessor deletes first, but only when all that the new one needs is there: an image that
 * cannot be fetched leaves the machine running.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import type { JsonObject, Step } from "../providers/provider.ts";
import { type Decision, madeAnew } from "./decide/decision.ts";
import { digest } from "./digest.ts";
import { topologicalOrder } from "./graph.ts";
import { ownerOf } from "./leftover.ts";
import { ownedBefore } from "./decide/options.ts";
import { problem } from "./problem.ts";
import { Slots } from "./slots.ts";

/** What making steps looks at. */
export interface StepsContext {
  readonly stack: string;
  /** Spec of what is to be made, with the defaults of a new object. */
  complete(decision: Decision): JsonObject | undefined;
  readonly errors: StaddleError[];
}

type Decisions = ReadonlyMap<string, Decision>;

/**
 * Makes the steps of all decisions, each behind everything that it needs.
 *
 * Where an object would have to go on from something that must be gone to something that cannot be
 * there yet, its decision becomes a replacement: no order of steps could carry it over.
 */
export function makeSteps(decisions: Map<string, Decision>, context: StepsContext): Step[] {
  if ([...decisions.values()].every((decision) => isIdle(decision))) return [];
  for (;;) {
    const errors: StaddleError[] = [];
    const careful = order(wire(decisions, { ...context, errors }, true));
    // Deleting late is a courtesy; where it closes a circle it gives way.
    const { steps, cycles } = careful.cycles.length === 0
      ? careful
      : order(wire(decisions, { ...context, errors: [] }, false));
    if (cycles.length > 0 && carriedOver(decisions, cycles)) continue;
    context.errors.push(...errors);
    for (const cycle of cycles) context.errors.push(noOrder(cycle));
    return steps;
  }
}

/** Whether a decision takes no step. What stays on the host loses the mark that it carries. */
function isIdle({ action, retained, kind }: Decision): boolean {
  return action === "no-op" ||
    (action === "forget" && !(retained === true && kind.marked === true));
}

/** Turns updates that wait for each other across a deletion into replacements. */
function carriedOver(
  decisions: Map<string, Decision>,
  cycles: readonly (readonly string[])[],
): boolean {
  let turned = false;
  for (const cycle of cycles) {
    // Without a deletion it is names that are exchanged: nobody asked for anything to be made anew.
    if (!cycle.some((id) => id.startsWith("delete:"))) continue;
    for (const id of new Set(cycle)) {
      const address = id.slice(id.indexOf(":") + 1);
      const decision = decisions.get(address);
      // An update, or the create that finishes a half-made object.
      if (decision?.observed === undefined || decision.old !== undefined) continue;
      if (id !== lastChange(decision)) continue;
      decisions.set(
        address,
        madeAnew(decision, decision.observed, {
          changes: decision.changes,
          notes: ["made anew, for what it uses goes before what it is to use can be there"],
        }),
      );
      turned = true;
    }
  }
  return turned;
}

function noOrder(cycle: readonly string[]): StaddleError {
  return new StaddleError({
    code: "plan.no-order",
    summary: `these steps wait for each other: ${cycle.join(" -> ")}`,
    where: [...new Set(cycle.map((id) => id.slice(id.indexOf(":") + 1).replace(/#old$/, "")))],
    help: "make the change in two applies, for example a new name first",
  });
}

function order(steps: readonly Step[]): { steps: Step[]; cycles: readonly (readonly string[])[] } {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const { order, cycles } = topologicalOrder(new Map(steps.map((step) => [step.id, step.needs])));
  return { steps: order.map((id) => byId.get(id)!), cycles };
}

/** Whether a decision makes a new object. */
function makes(decision: Decision): boolean {
  return decision.action === "create" || decision.action === "replace";
}

function wire(decisions: Decisions, context: StepsContext, careful: boolean): Step[] {
  const users = usersOf(decisions);
  const ready = readiness(decisions);
  const early = earliness(decisions, ready);
  // In the order of dependencies, so that no chain, however long, is walked by recursion.
  for (const address of dependencyOrder(decisions)) {
    ready.of([address]);
    early(address);
  }
  const leftFirst = new Map<string, string[]>();
  for (const { address, goesFirst } of decisions.values()) {
    if (goesFirst !== true) continue;
    leftFirst.set(ownerOf(address), [...leftFirst.get(ownerOf(address)) ?? [], address]);
  }
  const steps: Step[] = [];
  for (const address of [...decisions.keys()].sort()) {
    const decision = decisions.get(address)!;
    if (isIdle(decision)) continue;
    const needs = ready.of(decision.needs);
    if (decision.nameFrom !== undefined) {
      const step = users.freed.get(decision.host, decision.kind.kind, decision.key);
      if (step === undefined) context.errors.push(nameInUse(decision, decisions));
      else needs.add(step);
    }
    if (decision.action === "delete" || decision.action === "forget") {
      const before = released(decision, decision.goesFirst === true, decisions, users);
      steps.push(deletion(decision, context, before));
    } else if (decision.action === "update" && decision.waitOnly !== true) {
      steps.push(step(decision, "update", context, needs));
    } else if (makes(decision)) {
      const { old } = decision;
      for (const left of leftFirst.get(address) ?? []) needs.add(`delete:${left}`);
      if (old !== undefined && !(old.afterCreate && decision.retained === true)) {
        const before = released(decision, !old.afterCreate, decisions, users);
        if (old.afterCreate) before.add(`create:${address}`);
        else {
          if (careful) { for (const id of early(address)) before.add(id); }
          needs.add(`delete:${address}#old`);
        }
        steps.push(deletion(decision, context, before));
      }
      steps.push(step(decision, "create", context, needs));
    }
    if (waits(decision)) {
      const after = decision.waitOnly === true ? needs : new Set([lastChange(decision)!]);
      steps.push(step(decision, "wait", context, after));
    }
  }
  return steps;
}

/** Whether a wait step stands at the end. */
function waits(decision: Decision): boolean {
  const due = makes(decision) || decision.waitOnly === true ||
    (decision.action === "update" && decision.record?.status === "waiting");
  return due && decision.kind.waits(decision.resource) !== undefined;
}

/** Id of the step that makes or changes. */
function lastChange(decision: Decision): string | undefined {
  if (makes(decision)) return `create:${decision.address}`;
  return decision.action === "update" && decision.waitOnly !== true
    ? `update:${decision.address}`
    : undefined;
}

function step(
  decision: Decision,
  operation: "create" | "update" | "wait",
  context: StepsContext,
  needs: ReadonlySet<string>,
): Step {
  const { address, resource, observed, old, unsettled = [] } = decision;
  const spec = operation === "create" ? context.complete(decision) : undefined;
  // What a replacement makes must not be there, but for what was found under the new name already.
  const found = old !== undefined && (!old.afterCreate || observed === old.observed)
    ? undefined
    : observed;
  return {
    id: `${operation}:${address}`,
    operation,
    address,
    kind: decision.kind.kind,
    host: decision.host,
    key: decision.key,
    resource: spec === undefined ? resource : { ...resource, spec },
    mark: { stack: context.stack, address, digest: digest(resource.spec) },
    ...(operation === "wait" || old !== undefined || observed === undefined ? {} : {
      previous: ownedBefore(decision.record?.resource.spec, resource.options),
      ...(unsettled.length === 0 ? {} : { unsettled }),
    }),
    changes: operation === "wait" ? [] : decision.changes,
    fingerprint: operation === "wait" && makes(decision) ? undefined : found?.fingerprint,
    needs: [...needs].sort(),
  };
}

function deletion(decision: Decision, context: StepsContext, needs: ReadonlySet<string>): Step {
  const { address, old, record } = decision;
  // How it goes is what the declaration says now, where there is one.
  const { options } = decision.declared ? decision.resource : record?.resource ?? decision.resource;
  return {
    id: old === undefined ? `delete:${address}` : `delete:${address}#old`,
    operation: "delete",
    address,
    kind: decision.kind.kind,
    host: decision.host,
    key: old?.key ?? decision.key,
    resource: { ...old?.resource ?? decision.resource, options },
    mark: {
      stack: context.stack,
      address,
      digest: record?.specDigest ?? digest(decision.resource.spec),
    },
    changes: [],
    fingerprint: (old?.observed ?? decision.observed)?.fingerprint,
    needs: [...needs].sort(),
    ...(decision.action === "forget" ? { retain: true } : {}),
  };
}

function dependencyOrder(decisions: Decisions): readonly string[] {
  const graph = new Map([...decisions].map(([address, { needs }]) => [address, needs]));
  return topologicalOrder(graph).order;
}

/** Steps after which resources are there: their own, or those of what they need in turn. */
function readiness(decisions: Decisions): { of(addresses: readonly string[]): Set<string> } {
  const known = new Map<string, ReadonlySet<string>>();
  const one = (address: string): ReadonlySet<string> => {
    const found = known.get(address);
    if (found !== undefined) return found;
    known.set(address, new Set());
    const decision = decisions.get(address);
    let result: ReadonlySet<string> = new Set();
    if (decision !== undefined && decision.action !== "delete" && decision.action !== "forget") {
      const last = waits(decision) ? `wait:${address}` : lastChange(decision);
      result = last === undefined ? all(decision.needs) : new Set([last]);
    }
    known.set(address, result);
    return result;
  };
  const all = (addresses: readonly string[]): Set<string> => {
    const result = new Set<string>();
    for (const address of addresses) for (const id of one(address)) result.add(id);
    return result;
  };
  return { of: all };
}

/**
 * Steps that a replacement which deletes first may wait for before it deletes: all that the new
 * object needs, less what can itself be made only after the deletion.
 */
function earliness(
  decisions: Decisions,
  ready: { of(addresses: readonly string[]): Set<string> },
): (address: string) => ReadonlySet<string> {
  const known = new Map<string, ReadonlySet<string>>();
  const early = (address: string): ReadonlySet<string> => {
    const found = known.get(address);
    if (found !== undefined) return found;
    const result = new Set<string>();
    known.set(address, result);
    for (const need of decisions.get(address)?.needs ?? []) {
      const old = decisions.get(need)?.old;
      const ids = old !== undefined && !old.afterCreate ? early(need) : ready.of([need]);
      for (const id of ids) result.add(id);
    }
    return result;
  };
  return early;
}

/** Who used what. */
interface Users {
  /** Addresses of those that used each resource, as the record has it. */
  readonly users: ReadonlyMap<string, readonly string[]>;
  /** Other addresses under which the record has the object of a resource. */
  readonly aliases: ReadonlyMap<string, readonly string[]>;
  /** Addresses of those that the record says have an object: more than one, where runs were stopped. */
  readonly objects: Slots<string[]>;
  /** The steps after which names are free. */
  readonly freed: Slots<string>;
}

function usersOf(decisions: Decisions): Users {
  const users = new Map<string, string[]>();
  const aliases = new Map<string, string[]>();
  const objects = new Slots<string[]>();
  const add = (map: Map<string, string[]>, name: string, address: string) => {
    const list = map.get(name);
    if (list === undefined) map.set(name, [address]);
    else list.push(address);
  };
  for (const [address, { heir, record, needs }] of decisions) {
    for (const need of record?.needs ?? needs) add(users, ownerOf(need), address);
    if (heir !== undefined) add(aliases, heir, address);
    if (record === undefined) continue;
    const { host, kind, key } = record;
    const known = objects.get(host, kind, key);
    if (known === undefined) objects.set(host, kind, key, [address, record.address]);
    else known.push(address, record.address);
  }
  return { users, aliases, objects, freed: namesFreed(decisions) };
}

/**
 * Steps after which nothing uses an old object any more.
 *
 * @param first The object goes before its successor is made: users that go on to the successor
 * cannot be waited for.
 */
function released(
  decision: Decision,
  first: boolean,
  decisions: Decisions,
  { users, aliases, objects, freed }: Users,
): Set<string> {
  const result = new Set<string>();
  // An object that came from another address of the stack has its users there.
  const known = decision.record?.address ?? decision.address;
  const others = aliases.get(decision.address) ?? [];
  const gone = decision.old?.key ?? decision.key;
  const same = objects.get(decision.host, decision.kind.kind, gone) ?? [];
  const owners = [...new Set([decision.address, known, ...others, ...same].map(ownerOf))];
  const seen = new Set<string>(owners);
  const open = owners.flatMap((owner) => users.get(owner) ?? []);
  for (let address = open.pop(); address !== undefined; address = open.pop()) {
    if (seen.has(address)) continue;
    seen.add(address);
    const user = decisions.get(address);
    if (user === undefined) continue;
    // Stopped runs can have left it an object that another resource takes away.
    const { record } = user;
    const step = record && freed.get(record.host, record.kind, record.key);
    if (step?.startsWith("delete:")) result.add(step);
    if (user.action === "delete") result.add(`delete:${address}`);
    else if (user.old !== undefined) result.add(`delete:${address}#old`);
    else if (user.observed !== undefined && lastChange(user) !== undefined) {
      if (!first || !user.needs.includes(ownerOf(decision.address))) {
        result.add(lastChange(user)!);
      }
    } else if (user.heir !== undefined) {
      open.push(user.heir);
    } else if (user.action === "no-op" || user.action === "forget") {
      open.push(...users.get(address) ?? []);
    }
  }
  return result;
}

/** The steps after which names are free, by host, kind and name. */
function namesFreed(decisions: Decisions): Slots<string> {
  const freed = new Slots<string>();
  for (const { address, action, kind, host, key, old, observed } of decisions.values()) {
    if (action === "delete") freed.set(host, kind.kind, key, `delete:${address}`);
    else if (old !== undefined) {
      freed.set(old.observed.host, kind.kind, old.key, `delete:${address}#old`);
    } else if (action === "update" && observed !== undefined && observed.key !== key) {
      freed.set(host, kind.kind, observed.key, `update:${address}`);
    }
  }
  return freed;
}

function nameInUse(decision: Decision, decisions: Decisions): StaddleError {
  const holder = decisions.get(decision.nameFrom!);
  const kept = holder?.reason === "still-used" ? holder.notes.at(-1) : undefined;
  return problem(decision.resource, {
    code: "plan.name-in-use",
    message: `the name "${decision.key}" on host ${decision.host} is held by ` +
      `${decision.nameFrom} of this stack` +
      (kept === undefined ? ", which does not give it up in this run" : `: ${kept}`),
    others: holder === undefined ? [] : [holder.resource],
    help: holder === undefined
      ? `let this run concern ${decision.nameFrom} too, or choose another name`
      : kept === undefined
      ? "choose another name"
      : "choose another name, or make this plan again after that",
  });
}
