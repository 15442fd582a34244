/**
 * What objects hold on to: a machine that gives up a disk at its next start runs on it until then, and a
 * saved state of one names what it is to be restored with. Nothing may take that away from under it.
 *
 * @module
 */

import type { StaddleError } from "../../providers/error.ts";
import type { Observed } from "../../providers/provider.ts";
import type { Decision } from "./decision.ts";
import { textsIn } from "../field_patterns.ts";
import { isLeftover, ownerOf } from "../leftover.ts";
import { problem } from "../problem.ts";
import { goingOf } from "./removal.ts";
import { statesNaming, type UsesByHost } from "./users.ts";

/** Who goes on using something, and what of it does where it does not run on it. */
interface Holder {
  readonly address: string;
  readonly by?: string;
}

/**
 * Keeps what is still used, and all that it stands on in turn, until a plan that is made when nobody uses
 * it any more. Whoever uses something needs it, also for the record: so it is chosen, and taken away, in
 * the right order. What would be made anew cannot be kept; that is refused.
 *
 * @param users Who uses what goes, as the hosts tell: snapshots are seen there alone.
 * @returns The refusals.
 */
export function keepHeld(
  decisions: Map<string, Decision>,
  users: UsesByHost = {},
): readonly StaddleError[] {
  const errors: StaddleError[] = [];
  const leftovers = Map.groupBy([...decisions.keys()].filter(isLeftover), ownerOf);
  const open = [...holdersOf(decisions, users)].map(([address, by]) => ({
    address,
    by,
    below: "",
  }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { address, by, below } = next;
    const decision = decisions.get(address);
    if (decision === undefined || goingOf(decision) === undefined) continue;
    if (decision.action !== "delete" || decision.goesFirst === true) {
      // What goes over to the new one was for the cascade to see to.
      const strangers = by.filter((holder) =>
        !goesOver(decisions.get(holder.address)!, address, goingOf(decision)!.key)
      );
      if (strangers.length > 0) errors.push(heldAnew(decision, strangers, decisions));
      continue;
    }
    decisions.set(address, {
      ...decision,
      action: "no-op",
      reason: "still-used",
      notes: [
        ...decision.notes,
        ...(below === "" ? untilFree(by) : [`it stays with ${below}, which needs it`]),
      ],
    });
    // What a stopped run left of a need may be the one that it stands on.
    for (const need of decision.needs.flatMap((need) => [need, ...leftovers.get(need) ?? []])) {
      open.push({ address: need, by, below: address });
    }
  }
  return errors;
}

/** Whether a change takes something from the old object of a resource to the new one. */
function goesOver({ references, changes }: Decision, address: string, key: string): boolean {
  return references.some((used) => used.address === address) &&
    changes.some(({ before }) => textsIn(before).has(key));
}

/** Who goes on using what, by the address of the latter. What is held becomes a need. */
function holdersOf(
  decisions: Map<string, Decision>,
  users: UsesByHost,
): ReadonlyMap<string, readonly Holder[]> {
  const objects = [...decisions.values()].flatMap((decision) =>
    [decision.observed, decision.old?.observed]
      .filter((object): object is Observed => object !== undefined)
      .map((object) => ({ object, address: decision.address }))
  );
  const owners = new Map(objects.map(({ object, address }) => [object, address]));
  const byHost = Map.groupBy(owners.keys(), ({ host }) => host);
  const holders = new Map<string, Holder[]>();
  const holds = (address: string, name: string, by?: string) => {
    const known = holders.get(name) ?? [];
    if (known.some((holder) => holder.address === address && holder.by === by)) return;
    holders.set(name, [...known, { address, ...(by === undefined ? {} : { by }) }]);
    const decision = decisions.get(address)!;
    decisions.set(address, { ...decision, needs: [...new Set([...decision.needs, name])].sort() });
  };
  for (const [address, { kind, action, observed, changes }] of [...decisions]) {
    if (kind.holds === undefined || observed === undefined) continue;
    if (action !== "no-op" && action !== "update" && action !== "create") continue;
    const held = kind.holds(observed, { changes, among: byHost.get(observed.host)! });
    for (const { object, by } of held) holds(address, owners.get(object)!, by);
  }
  for (const { address, user, by } of statesNaming(decisions, users)) holds(user, address, by);
  return holders;
}

/** Why something stays, and until when. */
function untilFree(holders: readonly Holder[]): readonly string[] {
  const running = holders.filter(({ by }) => by === undefined).map(({ address }) => address);
  const others = holders.filter(({ by }) => by !== undefined);
  return [
    ...(running.length === 0 ? [] : [
      `it stays until ${running.join(" and ")} ${running.length === 1 ? "is" : "are"} restarted, ` +
      "for that runs on it; a plan after that takes it away",
    ]),
    ...others.map((holder) =>
      `it stays with ${holderText(holder)}, which names it; a plan after that is gone takes it away`
    ),
  ];
}

function holderText({ address, by }: Holder): string {
  return by === undefined ? address : `${by} of ${address}`;
}

function heldAnew(
  decision: Decision,
  by: readonly Holder[],
  decisions: ReadonlyMap<string, Decision>,
): StaddleError {
  const key = goingOf(decision)!.key;
  const users = by.map(({ address }) => decisions.get(address)!);
  const names = by.map(holderText).join(" and ");
  const what = `${decision.kind.kind} "${key}" would be taken away to be made anew, and ${names} `;
  const others = users.map(({ resource }) => resource);
  if (by.some((holder) => holder.by !== undefined)) {
    return problem(decision.resource, {
      code: "plan.still-used",
      message: `${what}${by.length === 1 ? "goes" : "go"} on naming it`,
      others,
      help: "leave it as it is until that is gone; then make it anew",
    });
  }
  const saved = users.every(({ action }) => action === "no-op");
  return problem(decision.resource, {
    code: "plan.still-used",
    message: `${what}goes on using it until the next start`,
    others,
    help: saved
      ? `restart ${names}, and then make this plan again`
      : `leave it as it is, let ${names} be changed, and restart that; then make it anew`,
  });
}
