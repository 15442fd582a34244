/**
 * Who on a host uses what a plan takes away. What the plan itself knows of is in order; someone else's
 * machine is not to lose a disk, and a snapshot of one's own is not to lose what it goes back to.
 *
 * @module
 */

import type { StaddleError } from "../../providers/error.ts";
import type { Observed, Use } from "../../providers/provider.ts";
import type { Decision } from "./decision.ts";
import { textsIn } from "../field_patterns.ts";
import { problem } from "../problem.ts";
import { goingOf } from "./removal.ts";

/** Uses of what the hosts have, by host. */
export type UsesByHost = Readonly<Record<string, readonly Use[]>>;

type Name = Pick<Observed, "kind" | "key" | "uuid">;

const slot = (host: string, { kind, key }: Name) => `${host}\n${kind}\n${key}`;

/** Objects that decisions take away, by host: their users are to be known. */
export function goingAway(
  decisions: ReadonlyMap<string, Decision>,
): Readonly<Record<string, readonly Observed[]>> {
  const going = [...decisions.values()].map(goingOf).filter((object) => object !== undefined);
  return Object.fromEntries(Map.groupBy(going, ({ host }) => host));
}

/** A use of what goes, by someone who stays. */
interface Claimed {
  readonly address: string;
  readonly use: Use;
  /** Address of the user, where it is a resource that the plan concerns. */
  readonly user?: string;
}

function claimed(decisions: ReadonlyMap<string, Decision>, uses: UsesByHost): Claimed[] {
  const going = new Map<string, string>();
  const known = new Map<string, string>();
  for (const [address, decision] of decisions) {
    const goes = goingOf(decision);
    if (goes !== undefined) going.set(slot(goes.host, goes), address);
    const { observed } = decision;
    if (observed !== undefined) known.set(slot(observed.host, observed), address);
  }
  return Object.entries(uses).flatMap(([host, list]) =>
    list.flatMap((use): Claimed[] => {
      const address = going.get(slot(host, use.object));
      if (address === undefined || going.has(slot(host, use.user))) return [];
      const user = known.get(slot(host, use.user));
      return [{ address, use, ...(user === undefined ? {} : { user }) }];
    })
  );
}

/**
 * States of the stack's own machines that name what goes, by its address: snapshots are no part of what a
 * plan knows otherwise.
 */
export function statesNaming(
  decisions: ReadonlyMap<string, Decision>,
  uses: UsesByHost,
): readonly { readonly address: string; readonly user: string; readonly by: string }[] {
  return claimed(decisions, uses).flatMap(({ address, use: { by }, user }) =>
    by === undefined || user === undefined ? [] : [{ address, user, by }]
  );
}

/**
 * Refuses to take away what somebody uses of whom the plan knows nothing. What is shared among stacks
 * stays instead, and is this one's no longer.
 *
 * @returns The refusals.
 */
export function spareUsed(decisions: Map<string, Decision>, uses: UsesByHost): StaddleError[] {
  const strangers = claimed(decisions, uses).filter((claim) => !isAccounted(claim, decisions));
  return [...Map.groupBy(strangers, ({ address }) => address)].flatMap(([address, claims]) => {
    const decision = decisions.get(address)!;
    const users = [...new Set(claims.map(({ use }) => userText(use)))].sort();
    if (decision.resource.tenure !== "shared") return [inUse(decision, users)];
    const notes = [...decision.notes, `it stays, for ${listed(users)} of the host needs it`];
    decisions.set(
      address,
      decision.action === "delete"
        ? { ...decision, action: "forget", notes }
        : { ...decision, retained: true, notes },
    );
    return [];
  });
}

/** Whether the plan sees to it that a user goes over to something else, or goes on with a new one. */
function isAccounted(
  { address, use, user }: Claimed,
  decisions: ReadonlyMap<string, Decision>,
): boolean {
  if (user === undefined || use.by !== undefined) return false;
  const { references, changes, action } = decisions.get(user)!;
  const goes = goingOf(decisions.get(address)!)!;
  return action === "create" || references.some((used) => used.address === address) ||
    decisions.get(user)!.record?.needs.includes(address) === true ||
    changes.some(({ before }) => textsIn(before).has(goes.key));
}

function userText({ user, by }: Use): string {
  const name = `${user.kind} "${user.key}"`;
  return by === undefined ? name : `${by} of ${name}`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(" and ");
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

function inUse(decision: Decision, users: readonly string[]): StaddleError {
  const { resource, kind, action, host } = decision;
  const key = goingOf(decision)!.key;
  return problem(resource, {
    code: "plan.used-by-others",
    message: `${kind.kind} "${key}" would be taken away${
      action === "replace" ? " to be made anew" : ""
    }, and something of host ${host} uses it that this plan does not change: ${listed(users)}`,
    details: users.length > 3 ? users : [],
    help: `take it off ${users.length === 1 ? "that" : "those"} first; or leave it where it is: ` +
      `keep it declared, or let go of it with staddle state rm`,
  });
}

/**
 * Makes a plan; and, where it takes something away, makes it again once it is known who uses that.
 *
 * @param make Makes the plan, of the same input every time.
 * @param ask Asks hosts who uses the objects that go.
 */
export async function heedingUsers<
  Made extends { readonly going: Readonly<Record<string, readonly Observed[]>> },
>(
  make: (known: { readonly users?: UsesByHost }) => Made,
  ask: (going: Made["going"]) => Promise<UsesByHost>,
): Promise<Made> {
  const first = make({});
  if (Object.keys(first.going).length === 0) return first;
  return make({ users: await ask(first.going) });
}
