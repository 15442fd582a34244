/**
 * What objects hold on to as they run: a machine that gives up a disk at its next start runs on it until
 * then, and nothing may take that away from under it.
 *
 * @module
 */

import type { StaddleError } from "../providers/error.ts";
import type { Observed } from "../providers/provider.ts";
import type { Decision } from "./decision.ts";
import { isLeftover, ownerOf } from "./leftover.ts";
import { problem } from "./problem.ts";
import { goingOf } from "./removal.ts";

/**
 * Keeps what is still run on, and all that it stands on in turn, until a plan that is made after the
 * restart. Whoever runs on something needs it, also for the record: so it is chosen, and taken away, in
 * the right order. What would be made anew cannot be kept; that is refused.
 *
 * @returns The refusals.
 */
export function keepHeld(decisions: Map<string, Decision>): readonly StaddleError[] {
  const errors: StaddleError[] = [];
  const leftovers = Map.groupBy([...decisions.keys()].filter(isLeftover), ownerOf);
  const open = [...holdersOf(decisions)].map(([address, by]) => ({ address, by, below: "" }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { address, by, below } = next;
    const decision = decisions.get(address);
    if (decision === undefined || goingOf(decision) === undefined) continue;
    if (decision.action !== "delete" || decision.goesFirst === true) {
      // What names it goes over to the new one: that is for the cascade to see to.
      const strangers = by.map((holder) => decisions.get(holder)!)
        .filter(({ references }) => !references.some((used) => used.address === address));
      if (strangers.length > 0) errors.push(heldAnew(decision, strangers));
      continue;
    }
    decisions.set(address, {
      ...decision,
      action: "no-op",
      reason: "still-used",
      notes: [
        ...decision.notes,
        below === "" ? runOn(by) : `it stays with ${below}, which needs it`,
      ],
    });
    // What a stopped run left of a need may be the one that it stands on.
    for (const need of decision.needs.flatMap((need) => [need, ...leftovers.get(need) ?? []])) {
      open.push({ address: need, by, below: address });
    }
  }
  return errors;
}

/** Who runs on what until its next start, by the address of the latter. What is held becomes a need. */
function holdersOf(decisions: Map<string, Decision>): ReadonlyMap<string, readonly string[]> {
  const objects = [...decisions.values()].flatMap((decision) =>
    [decision.observed, decision.old?.observed]
      .filter((object): object is Observed => object !== undefined)
      .map((object) => ({ object, address: decision.address }))
  );
  const owners = new Map(objects.map(({ object, address }) => [object, address]));
  const byHost = Map.groupBy(owners.keys(), ({ host }) => host);
  const holders = new Map<string, string[]>();
  for (const [address, decision] of [...decisions]) {
    const { kind, action, observed, changes, needs } = decision;
    if (kind.holds === undefined || observed === undefined) continue;
    if (action !== "no-op" && action !== "update" && action !== "create") continue;
    const held = kind.holds(observed, { changes, among: byHost.get(observed.host)! })
      .map((object) => owners.get(object)!);
    if (held.length === 0) continue;
    for (const one of held) holders.set(one, [...holders.get(one) ?? [], address]);
    decisions.set(address, { ...decision, needs: [...new Set([...needs, ...held])].sort() });
  }
  return holders;
}

function runOn(by: readonly string[]): string {
  return `it stays until ${by.join(" and ")} ${
    by.length === 1 ? "is" : "are"
  } restarted, for that ` +
    "runs on it; a plan after that takes it away";
}

function heldAnew(decision: Decision, by: readonly Decision[]): StaddleError {
  const key = goingOf(decision)!.key;
  const names = by.map(({ address }) => address).join(" and ");
  const saved = by.every(({ action }) => action === "no-op");
  return problem(decision.resource, {
    code: "plan.still-used",
    message: `${decision.kind.kind} "${key}" would be taken away to be made anew, and ${names} ` +
      "goes on using it until the next start",
    others: by.map(({ resource }) => resource),
    help: saved
      ? `restart ${names}, and then make this plan again`
      : `leave it as it is, let ${names} be changed, and restart that; then make it anew`,
  });
}
