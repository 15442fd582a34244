/**
 * Selection: which part of a stack a run concerns, by `--target` and `--exclude`.
 *
 * A selection is closed: what is made comes with all that it needs, what is taken away with all
 * that needs it; an excluded resource takes along whatever could not stand without it.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import type { StackRecord } from "../state/store.ts";
import { closure, type Graph, reversed } from "./graph.ts";
import { ownerOf } from "./leftover.ts";
import { nearest } from "./nearest.ts";
import { matchesPattern } from "./pattern.ts";
import { dependencies, type Kinds } from "./resolve.ts";
import type { Topology } from "./topology.ts";

export { matchesPattern } from "./pattern.ts";

/** What a run is asked to do with what. */
export interface Scope {
  readonly mode: "apply" | "destroy";
  /** Patterns over addresses; left out: everything. */
  readonly target?: readonly string[];
  readonly exclude?: readonly string[];
}

/** The chosen addresses. */
export interface Selection {
  readonly whole: boolean;
  has(address: string): boolean;
  readonly errors: readonly StaddleError[];
}

/** Chooses the part of a stack that a run concerns. */
export function select(
  topology: Topology | undefined,
  record: StackRecord | undefined,
  kinds: Kinds,
  scope: Scope,
): Selection {
  const target = scope.target ?? [];
  const exclude = scope.exclude ?? [];
  if (target.length === 0 && exclude.length === 0) {
    return { whole: true, has: () => true, errors: [] };
  }
  const declared: Graph = topology === undefined ? new Map() : dependencies(topology, kinds).graph;
  const recorded: Graph = new Map(
    (record?.resources ?? []).map((entry) => [entry.address, entry.needs]),
  );
  const all = [...new Set([...declared.keys(), ...recorded.keys()])].sort();
  const errors: StaddleError[] = [];
  const match = (patterns: readonly string[], flag: string) => {
    const found = new Set<string>();
    for (const pattern of patterns) {
      const hits = all.filter((address) => matchesPattern(pattern, address));
      for (const address of hits) found.add(address);
      if (hits.length === 0) errors.push(noMatch(pattern, flag, all));
    }
    return found;
  };

  // What has to go first when one goes, and what must be there when one is made.
  const users = reversed(withAll(recorded, declared, all));
  const goes = (address: string) => scope.mode === "destroy" || !declared.has(address);
  const grown = (start: Iterable<string>): Set<string> => {
    const chosen = new Set<string>();
    const open = [...start];
    for (let address = open.pop(); address !== undefined; address = open.pop()) {
      if (chosen.has(address)) continue;
      chosen.add(address);
      open.push(...(goes(address) ? users.get(address) ?? [] : declared.get(address) ?? []));
    }
    return chosen;
  };

  const chosen = target.length === 0 ? new Set(all) : grown(match(target, "--target"));
  const out = match(exclude, "--exclude");
  if (scope.mode === "destroy") {
    // An excluded resource stays, and so does everything that it stands on.
    for (const address of closure(withAll(recorded, declared, all), out)) chosen.delete(address);
  } else {
    const dependents = reversed(declared);
    const staying = new Set([...closure(dependents, out), ...out]);
    for (const address of staying) chosen.delete(address);
    // What stays on the host, or stays as it is, keeps what it uses.
    for (const kept of closure(recorded, staying)) {
      if (!declared.has(kept)) chosen.delete(kept);
    }
  }
  // What a stopped replacement left behind goes with the resource that it belonged to.
  return {
    whole: false,
    has: (address) => chosen.has(address) || chosen.has(ownerOf(address)),
    errors,
  };
}

/** Both graphs in one, over all addresses. */
function withAll(recorded: Graph, declared: Graph, all: readonly string[]): Graph {
  return new Map(all.map((address) => [
    address,
    [...new Set([...recorded.get(address) ?? [], ...declared.get(address) ?? []])],
  ]));
}

function noMatch(pattern: string, flag: string, all: readonly string[]): StaddleError {
  const guess = nearest(pattern, all);
  return new StaddleError({
    code: "plan.no-match",
    summary: `${flag} "${pattern}" matches no address of the stack`,
    help: guess === undefined
      ? `addresses look like ${all[0] ?? "lab/machine.web"}; "*" stands for any characters`
      : `did you mean ${guess}?`,
  });
}
