/**
 * By which digest the history knows a plan.
 *
 * @module
 */

import type { Plan } from "../planner/plan.ts";
import { planDocument } from "../planner/plan_json.ts";
import type { ApplyOptions } from "./options.ts";

/**
 * The digest of the document that the plan was read from. Of a plan that was never saved, the document is
 * made as it would have been saved when the run began.
 */
export function planDigest(
  plan: Plan,
  startedAt: string,
  { planDigest, topology }: Pick<ApplyOptions, "planDigest" | "topology">,
): string {
  return planDigest ?? planDocument(plan, { timestamp: startedAt, topology }).staddle.digest;
}
