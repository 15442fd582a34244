/**
 * Saved plans.
 *
 * @module
 */

import { parsePlanJson, renderPlanJson } from "../planner/plan_json.ts";
import type { Plan } from "../planner/plan.ts";
import { StaddleError } from "../providers/error.ts";

/** Saves a plan. The file appears whole or not at all, and only its owner may read it. */
export async function savePlan(path: string, plan: Plan): Promise<void> {
  const scratch = `${path}.${Deno.pid}`;
  try {
    await Deno.writeTextFile(
      scratch,
      renderPlanJson(plan, { timestamp: new Date().toISOString() }),
      {
        mode: 0o600,
      },
    );
    await Deno.rename(scratch, path);
  } catch (error) {
    await Deno.remove(scratch).catch(() => {});
    throw new StaddleError({
      code: "plan.not-saved",
      summary: `Cannot save the plan in ${path}`,
      details: [error instanceof Error ? error.message : String(error)],
      cause: error,
    });
  }
}

/** A plan that was read from a file. */
export interface SavedPlan {
  readonly plan: Plan;
  /** The document as it stands in the file. */
  readonly text: string;
}

/**
 * Reads a saved plan.
 *
 * @throws {StaddleError} `plan.not-readable`, and what {@linkcode parsePlanJson} finds wrong.
 */
export async function loadPlan(path: string): Promise<SavedPlan> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw new StaddleError({
      code: "plan.not-readable",
      summary: `Cannot read the plan ${path}`,
      details: [error instanceof Error ? error.message : String(error)],
      help: "staddle plan STACK --out FILE saves one",
      cause: error,
    });
  }
  return { plan: parsePlanJson(text, path).staddle.plan as unknown as Plan, text };
}

/** True for a file that is JSON by its name or its first character: no stack is. */
export async function looksLikePlan(path: string): Promise<boolean> {
  if (/\.[cm]?[jt]sx?$/.test(path)) return false;
  if (path.endsWith(".json")) return true;
  try {
    using file = await Deno.open(path);
    const start = new Uint8Array(16);
    const length = await file.read(start) ?? 0;
    return new TextDecoder().decode(start.subarray(0, length)).trimStart().startsWith("{");
  } catch {
    return false; // A folder, or nothing: whoever reads it as a stack says so.
  }
}
