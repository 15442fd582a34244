/**
 * Saved plans.
 *
 * @module
 */

import {
  parsePlanJson,
  planDocument,
  renderPlanJson,
  withSignature,
} from "../planner/plan_json.ts";
import type { Plan } from "../planner/plan.ts";
import type { Topology } from "../planner/topology.ts";
import { StaddleError } from "../providers/error.ts";

/** What is saved beside a plan. */
export interface SaveOptions {
  /** What the plan leaves declared, for the history. */
  readonly topology?: Topology;
  /** File of the private key that signs it. */
  readonly sign?: string;
}

/** Saves a plan. The file appears whole or not at all, and only its owner may read it. */
export async function savePlan(
  path: string,
  plan: Plan,
  { topology, sign }: SaveOptions = {},
): Promise<void> {
  const options = { timestamp: new Date().toISOString(), topology };
  let text: string;
  if (sign === undefined) text = renderPlanJson(plan, options);
  else {
    const { signDocument } = await import("./plan_signature.ts");
    const document = planDocument(plan, options);
    text = withSignature(document, await signDocument(document, sign));
  }
  const scratch = `${path}.${Deno.pid}`;
  try {
    await Deno.writeTextFile(scratch, text, { mode: 0o600 });
    await Deno.rename(scratch, path);
  } catch (error) {
    await Deno.remove(scratch).catch(() => {});
    throw new StaddleError({
      code: "plan.not-saved",
      summary: `Cannot save the plan in ${path}`,
      // Without the name of the scratch file.
      details: [error instanceof Error ? error.message.replace(/: \w+ '.*$/, "") : String(error)],
      help: "name a file in a folder that is there and may be written to; nothing was changed",
      cause: error,
    });
  }
}

/** A plan that was read from a file. */
export interface SavedPlan {
  readonly plan: Plan;
  readonly topology?: Topology;
  /** SHA-256 (hex) that binds the document. */
  readonly digest: string;
  /** The document as it stands in the file. */
  readonly text: string;
}

/**
 * Reads a saved plan.
 *
 * @param keys Names of public keys, one of which must have signed it; none: nobody needs to have.
 * @throws {StaddleError} `plan.not-readable`, what {@linkcode parsePlanJson} finds wrong, and
 * `policy.…` (exit code 3) for a signature that is missing, foreign or does not fit.
 */
export async function loadPlan(path: string, keys: readonly string[] = []): Promise<SavedPlan> {
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
  if (keys.length > 0) {
    const { requireSignature } = await import("./plan_signature.ts");
    await requireSignature(text, path, keys);
  }
  const { plan, topology, digest } = parsePlanJson(text, path).staddle;
  return {
    plan: plan as unknown as Plan,
    topology: topology as Topology | undefined,
    digest,
    text,
  };
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
