/**
 * Whether somebody has come to use what a saved plan takes away. The object itself is as it was: a host
 * says nothing on a volume of the machine that has it for a disk.
 *
 * @module
 */

import type { UsesByHost } from "../planner/decide/users.ts";
import type { Plan } from "../planner/plan.ts";
import { StaddleError } from "../providers/error.ts";
import type { Observed, Step, Use } from "../providers/provider.ts";

/** Exit status for a plan that something has overtaken. */
const STALE = 4;

type Name = Pick<Observed, "kind" | "key">;

const slot = (host: string, { kind, key }: Name) => `${host}\n${kind}\n${key}`;

/** Steps of a plan that take an object away from its host. */
export function takingAway(plan: Plan): readonly Step[] {
  return plan.steps.filter(({ operation, retain }) => operation === "delete" && retain !== true);
}

/**
 * Users that the plan did not account for when it was made: then it would have been refused.
 *
 * @param uses Who uses the objects that go, as the hosts say now.
 * @returns one error an object.
 */
export function usedSince(plan: Plan, uses: UsesByHost): StaddleError[] {
  const going = new Map(takingAway(plan).map((step) => [slot(step.host, step), step]));
  const known = new Map(plan.resources.map((one) => [slot(one.host, one), one]));
  const strange = Object.entries(uses).flatMap(([host, list]) =>
    list.flatMap(({ object, user, by }) => {
      const step = going.get(slot(host, object));
      if (step === undefined || going.has(slot(host, user))) return [];
      const own = by === undefined ? known.get(slot(host, user)) : undefined;
      // It goes over to something else, or goes on with the new one of the same name.
      if (own !== undefined && (own.action !== "no-op" || own.needs?.includes(step.address))) {
        return [];
      }
      return [{ step, who: userText({ user, by }) }];
    })
  );
  return [...Map.groupBy(strange, ({ step }) => step)].map(([step, users]) =>
    new StaddleError({
      code: "plan.stale",
      summary: `The plan is stale: ${step.address} is used by now, and would be taken away`,
      where: [`${step.kind} ${step.key} on host ${step.host}`],
      details: [...new Set(users.map(({ who }) => who))].sort(),
      help: "nothing was touched: plan again, and review that plan",
      exitCode: STALE,
    })
  );
}

function userText({ user, by }: Pick<Use, "user" | "by">): string {
  const name = `${user.kind} "${user.key}"`;
  return `by ${by === undefined ? "" : `${by} of `}${name}`;
}
