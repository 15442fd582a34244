/**
 * Stacks that use outputs of others: what a plan would break, and what has changed since it was made.
 *
 * @module
 */

import { z } from "zod";
import { digest } from "../planner/digest.ts";
import { nearest } from "../planner/nearest.ts";
import type { Plan } from "../planner/plan.ts";
import type { References } from "../planner/topology.ts";
import { StaddleError } from "../providers/error.ts";
import type { Json, JsonObject } from "../providers/provider.ts";
import { describe, formatPath } from "../stacks/refuse.ts";
import type { Store } from "../state/store.ts";

/** Exit status for a plan that a rule refuses. */
const REFUSED = 3;
/** Exit status for a plan that something has overtaken. */
const STALE = 4;
/** Runs in which the last one that applied something is looked for. */
const RUNS = 50;

/** What a stack uses of others, as it was last applied. A run that failed counts: it may have begun. */
export async function usedOutputs(store: Store, stack: string): Promise<References> {
  for (const { command, result, references } of await store.runs(stack, RUNS)) {
    if (command === "apply") return references ?? {};
    if (command === "destroy" && result === "done") return {};
  }
  return {};
}

/**
 * Refuses a plan that takes outputs away which other stacks in the same store use, or gives them values
 * that are not of the types which those expect.
 *
 * @throws never; the errors are returned, one a stack.
 */
export async function brokenDependents(plan: Plan, store: Store): Promise<StaddleError[]> {
  const changed = plan.outputs.filter(({ action }) => action === "delete" || action === "update");
  if (changed.length === 0) return [];
  const errors: StaddleError[] = [];
  for (const other of await store.stacks()) {
    if (other === plan.stack.name) continue;
    let used: References[string];
    try {
      used = (await usedOutputs(store, other))[plan.stack.name] ?? {};
    } catch (error) {
      errors.push(unknownDependent(plan.stack.name, other, error));
      continue;
    }
    const broken = changed.flatMap(({ name, action, after, sensitive }) => {
      const expected = used[name];
      if (expected === undefined) return [];
      if (action === "delete") return [`${name}: it would be there no longer`];
      const why = misfit(expected.schema, after, sensitive);
      return why === undefined ? [] : [`${name}: ${why}`];
    });
    if (broken.length === 0) continue;
    errors.push(
      new StaddleError({
        code: "references.breaks-dependent",
        summary: `This would break stack "${other}", which uses outputs of stack ` +
          `"${plan.stack.name}"`,
        details: broken,
        help: plan.mode === "destroy"
          ? `destroy stack "${other}" first, or take its reference away and apply it; to go on all ` +
            "the same: --break-dependents"
          : `keep the output as it is until stack "${other}" no longer needs it; to go on all the ` +
            "same: --break-dependents",
        exitCode: REFUSED,
      }),
    );
  }
  return errors;
}

/** A record that cannot be read says not what its stack uses. */
function unknownDependent(stack: string, other: string, error: unknown): StaddleError {
  if (!(error instanceof StaddleError)) throw error;
  return new StaddleError({
    code: "references.unknown-dependent",
    summary:
      `Cannot tell whether this would break stack "${other}", which may use outputs of stack ` +
      `"${stack}": ${error.message}`,
    where: error.where,
    details: error.details,
    help:
      `make the record of stack "${other}" readable first: staddle state check ${other} says what ` +
      "is wrong with it; to go on all the same: --break-dependents",
    cause: error,
    exitCode: REFUSED,
  });
}

/** Why a value is not of a type; undefined when it is, or nobody can tell. */
function misfit(
  schema: JsonObject,
  value: Json | undefined,
  sensitive: boolean,
): string | undefined {
  let type: z.ZodType;
  try {
    type = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  } catch {
    return undefined;
  }
  const parsed = type.safeParse(value);
  if (parsed.success) return undefined;
  if (sensitive) return "it would no longer be of the type that is expected";
  const { path = [], message } = describe(parsed.error.issues[0]!, type, value);
  return [formatPath(path), message].filter((text) => text !== "").join(" ");
}

/** What a plan used of other stacks that is not so any more. */
export async function staleReferences(plan: Plan, store: Store): Promise<StaddleError[]> {
  const errors: StaddleError[] = [];
  for (const [stack, used] of Object.entries(plan.references ?? {})) {
    const recorded = (await store.stacks()).includes(stack);
    const outputs = recorded ? (await store.load(stack))?.outputs ?? {} : {};
    const moved = Object.entries(used).flatMap(([name, { digest: planned }]) => {
      const output = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
      if (output === undefined) {
        const near = nearest(name, Object.keys(outputs));
        return [`${name}: it is there no longer${near === undefined ? "" : `; there is ${near}`}`];
      }
      return digest(output.value) === planned ? [] : [`${name}: it has another value`];
    });
    if (moved.length === 0) continue;
    errors.push(
      new StaddleError({
        code: "plan.stale",
        summary:
          `The plan is stale: outputs of stack "${stack}", which it was made with, have changed`,
        where: [store.location],
        details: moved,
        help: "nothing was touched: plan again, and review that plan",
        exitCode: STALE,
      }),
    );
  }
  return errors;
}
