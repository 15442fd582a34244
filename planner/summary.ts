/**
 * What a plan comes to: how many resources it adds, changes and destroys, and how much it disturbs.
 *
 * @module
 */

import type { Disruption } from "../providers/provider.ts";
import { exceedsDisruption, worst } from "./decide/decision.ts";
import type { Action, Plan, Summary } from "./plan.ts";

/**
 * Counts resources. A replacement counts as added and as destroyed, an import that changes something
 * as imported and as changed; nothing else counts twice.
 */
export function summarize(plan: Plan): Summary {
  let add = 0;
  let change = 0;
  let destroy = 0;
  let imported = 0;
  for (const { action, reason, changes } of plan.resources) {
    if (reason === "to-import") {
      imported++;
      if (changes.length > 0) change++;
      continue;
    }
    if (action === "create" || action === "replace") add++;
    if (action === "update") change++;
    if (action === "delete" || action === "replace") destroy++;
  }
  return { ...(imported === 0 ? {} : { import: imported }), add, change, destroy };
}

/** Whether applying a plan would do anything: steps, outputs, entries to forget or to bring up to date. */
export function hasChanges(plan: Plan): boolean {
  if (plan.mode === "refresh") return plan.resources.length > 0;
  return plan.steps.length > 0 ||
    plan.resources.some(({ action }) => action !== "no-op") ||
    plan.outputs.some(({ action }) => action !== "no-op");
}

/**
 * The most disruptive thing that a plan does to what is there. A deletion counts as `replace`: what
 * ran runs no more. Undefined: nothing that exists is touched.
 */
export function planDisruption(plan: Plan): Disruption | undefined {
  return worst(plan.resources.flatMap(excessesOf));
}

/** One thing that goes beyond a limit. */
export interface Excess {
  readonly address: string;
  readonly action: Action;
  /** Path in the spec; empty where the object as a whole goes. */
  readonly path: string;
  readonly disruption: Disruption;
}

/** What goes beyond a limit, by address and field, for `--max-disruption`. */
export function exceeds(plan: Plan, limit: Disruption): Excess[] {
  return plan.resources.flatMap(excessesOf)
    .filter(({ disruption }) => exceedsDisruption(disruption, limit));
}

function excessesOf(
  { address, action, changes, disruption }: Plan["resources"][number],
): Excess[] {
  if (action === "delete") return [{ address, action, path: "", disruption: "replace" }];
  if (action !== "update" && action !== "replace") return [];
  const fields = changes.map((change): Excess => ({
    address,
    action,
    path: change.path,
    disruption: change.disruption,
  }));
  const whole = action === "replace" && worst(fields) !== "replace";
  return whole ? [...fields, { address, action, path: "", disruption: disruption! }] : fields;
}
