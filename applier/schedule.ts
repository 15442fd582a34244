/**
 * Which step is next. Pure bookkeeping over the graph of steps: no clock, no promises.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import type { HostDeclaration, Step } from "../providers/provider.ts";

/** Most steps in flight on one host, unless its declaration says otherwise. */
export const HOST_PARALLELISM = 5;

/** A step that will not be begun, and the one at the root of it. */
export interface Silenced {
  readonly step: Step;
  readonly cause: Step;
}

/** The steps of a run, from waiting to ended. */
export interface Schedule {
  /** A step that may begin now and counts as in flight from here on. */
  next(): Step | undefined;
  /** A step in flight has ended well. */
  complete(step: Step): void;
  /** A step in flight has failed. Returns the steps that this silences, in the plan's order. */
  fail(step: Step): readonly Silenced[];
  /** A step that {@linkcode Schedule.next} gave was not begun after all; it joins the rest. */
  putBack(step: Step): void;
  /** Silences whatever has not begun on a host, and what needs it. `cause` is a failed step. */
  loseHost(host: string, cause: Step): readonly Silenced[];
  /** Steps in flight. */
  readonly inFlight: ReadonlySet<Step>;
  /** Steps that were neither begun nor silenced, in the plan's order. */
  rest(): readonly Step[];
}

interface Node {
  readonly step: Step;
  /** Place in the plan. */
  readonly place: number;
  readonly dependents: Node[];
  /** Steps in the longest chain that hangs on this one: long chains begin first. */
  height: number;
  /** Needs that have not ended. */
  open: number;
  state: "waiting" | "ready" | "begun" | "ended" | "silenced";
}

/** Limits on what is in flight at once. */
export interface Limits {
  /** Over all hosts. */
  readonly parallelism: number;
  readonly hosts: Readonly<Record<string, HostDeclaration>>;
}

/**
 * Puts the steps of a plan in order.
 *
 * @throws {StaddleError} `apply.bad-plan` for steps that no order fits: one id twice, a need that is
 * no step, a cycle, a host that the plan does not have.
 */
export function schedule(steps: readonly Step[], limits: Limits): Schedule {
  const nodes = toNodes(steps, limits);
  const ready = new Map<string, Node[]>();
  const perHost = new Map<string, number>();
  const inFlight = new Set<Step>();

  const enqueue = (node: Node) => {
    node.state = "ready";
    const queue = ready.get(node.step.host) ?? [];
    ready.set(node.step.host, queue);
    // Kept in order of urgency, the most urgent last.
    let low = 0;
    let high = queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(node, queue[middle]!)) low = middle + 1;
      else high = middle;
    }
    queue.splice(low, 0, node);
  };
  const hasRoom = (host: string) =>
    (perHost.get(host) ?? 0) < (limits.hosts[host]?.parallelism ?? HOST_PARALLELISM);
  const leave = (step: Step) => {
    if (!inFlight.delete(step)) throw new Error(`step ${step.id} is not in flight`);
    perHost.set(step.host, perHost.get(step.host)! - 1);
    return nodes.get(step.id)!;
  };
  const silence = (start: readonly Node[], cause: Step): readonly Silenced[] => {
    const silenced: Node[] = [];
    const open = [...start];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node.state !== "waiting" && node.state !== "ready") continue;
      node.state = "silenced";
      silenced.push(node);
      open.push(...node.dependents);
    }
    for (const [host, queue] of ready) {
      if (queue.some((node) => node.state === "silenced")) {
        ready.set(host, queue.filter((node) => node.state === "ready"));
      }
    }
    return silenced.sort((a, b) => a.place - b.place).map(({ step }) => ({ step, cause }));
  };

  for (const node of nodes.values()) if (node.open === 0) enqueue(node);

  return {
    inFlight,
    next() {
      if (inFlight.size >= limits.parallelism) return undefined;
      let best: Node | undefined;
      for (const [host, queue] of ready) {
        const head = queue.at(-1);
        if (head === undefined || !hasRoom(host)) continue;
        if (best === undefined || isBefore(head, best)) best = head;
      }
      if (best === undefined) return undefined;
      const { step } = best;
      ready.get(step.host)!.pop();
      best.state = "begun";
      inFlight.add(step);
      perHost.set(step.host, (perHost.get(step.host) ?? 0) + 1);
      return step;
    },
    complete(step) {
      const node = leave(step);
      node.state = "ended";
      for (const dependent of node.dependents) {
        dependent.open--;
        if (dependent.open === 0 && dependent.state === "waiting") enqueue(dependent);
      }
    },
    fail(step) {
      const node = leave(step);
      node.state = "ended";
      return silence(node.dependents, step);
    },
    putBack(step) {
      leave(step).state = "waiting";
    },
    loseHost(host, cause) {
      return silence([...nodes.values()].filter(({ step }) => step.host === host), cause);
    },
    rest() {
      return [...nodes.values()]
        .filter(({ state }) => state === "waiting" || state === "ready")
        .map(({ step }) => step);
    },
  };
}

function isBefore(a: Node, b: Node): boolean {
  return a.height !== b.height ? a.height > b.height : a.place < b.place;
}

function toNodes(steps: readonly Step[], limits: Limits): ReadonlyMap<string, Node> {
  const nodes = new Map<string, Node>();
  for (const [place, step] of steps.entries()) {
    if (nodes.has(step.id)) throw badPlan(`two steps have the id ${step.id}`);
    if (!Object.hasOwn(limits.hosts, step.host)) {
      throw badPlan(`step ${step.id} is for host "${step.host}", which the plan does not have`);
    }
    nodes.set(step.id, { step, place, dependents: [], height: 1, open: 0, state: "waiting" });
  }
  for (const node of nodes.values()) {
    for (const id of new Set(node.step.needs)) {
      const need = nodes.get(id);
      if (need === undefined) {
        throw badPlan(`step ${node.step.id} needs ${id}, which is no step of the plan`);
      }
      need.dependents.push(node);
      node.open++;
    }
  }
  measure(nodes);
  return nodes;
}

/** Fills the heights in, from the steps that nothing needs upwards, and finds cycles by the way. */
function measure(nodes: ReadonlyMap<string, Node>): void {
  const left = new Map([...nodes.values()].map((node) => [node, node.dependents.length]));
  const open = [...nodes.values()].filter((node) => node.dependents.length === 0);
  let measured = 0;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    measured++;
    for (const id of new Set(node.step.needs)) {
      const need = nodes.get(id)!;
      need.height = Math.max(need.height, node.height + 1);
      const rest = left.get(need)! - 1;
      left.set(need, rest);
      if (rest === 0) open.push(need);
    }
  }
  if (measured < nodes.size) {
    const stuck = [...nodes.values()].filter((node) => left.get(node)! > 0);
    throw badPlan(
      `steps wait for one another: ${stuck.slice(0, 5).map((n) => n.step.id).join(", ")}`,
    );
  }
}

function badPlan(what: string): StaddleError {
  return new StaddleError({
    code: "apply.bad-plan",
    summary: `Cannot apply the plan: ${what}`,
    help: "plan again; a plan file must not be edited by hand",
  });
}
