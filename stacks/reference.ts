/**
 * References to other stacks: their outputs, as the record has them. They are read before the stack is
 * evaluated and handed in, so that a stack remains a function of what it is given.
 *
 * @module
 */

import { z } from "zod";
import { StaddleError } from "../providers/error.ts";
import type { JsonObject } from "../providers/provider.ts";
import { callSite } from "./call_site.ts";
import type { ForeignStack } from "./foreign_stack.ts";
import type { Recorder } from "./recorder.ts";
import { complaint, describe, formatPath, show, type Subject } from "./refuse.ts";
import { didYouMean } from "./suggest.ts";
import type { Referenced, ReferenceShape } from "./types/reference.ts";

/** Code of the error by which an evaluation asks for outputs that it was not given. */
export const NEEDED = "stack.reference-needed";

/** What an evaluation asks for. */
export interface NeededOutputs {
  /** The stack that asks. */
  readonly by: string;
  /** The stack that has them. */
  readonly stack: string;
  readonly outputs: readonly string[];
}

/** What an error asks for; undefined when it is another error. */
export function neededOutputs(error: unknown): NeededOutputs | undefined {
  if (!(error instanceof StaddleError) || error.code !== NEEDED) return undefined;
  try {
    const { by, stack, outputs } = JSON.parse(error.details[0] ?? "");
    const whole = typeof by === "string" && typeof stack === "string" &&
      Array.isArray(outputs) && outputs.every((name) => typeof name === "string");
    return whole ? { by, stack, outputs } : undefined;
  } catch {
    return undefined;
  }
}

/** Gives the outputs of another stack, each as its type has it. */
export function readReference<Shape extends ReferenceShape>(
  recorder: Recorder,
  stack: string,
  shape: Shape,
): Referenced<Shape> {
  const subject: Subject = { label: `reference to stack ${String(stack)}`, at: callSite() };
  recorder.checkName(subject, "stack", stack);
  checkShape(subject, shape);
  if (stack === recorder.stack) {
    throw complaint(subject, {
      code: "stack.invalid-value",
      message: "it is this very stack",
      help: "use the handles that the declarations return",
    });
  }
  const names = Object.keys(shape);
  const known = recorder.references[stack];
  if (known === undefined) throw needed(recorder, stack, names);
  if (known.status === "missing") {
    throw complaint(subject, {
      code: "reference.no-stack",
      message: `nothing is recorded of it in ${known.store}`,
      help: known.nearest === undefined
        ? "apply that stack first; both must be recorded in the same store"
        : `did you mean "${known.nearest}"? If not, apply that stack first, in the same store`,
    });
  }
  const wanted = names.filter((name) => known.names.includes(name));
  if (wanted.some((name) => known.outputs[name] === undefined)) {
    throw needed(recorder, stack, [...new Set([...Object.keys(known.outputs), ...wanted])]);
  }
  const values = names.map((name) => [name, one(recorder, subject, stack, known, name, shape)]);
  return Object.freeze(Object.fromEntries(values)) as Referenced<Shape>;
}

function needed(recorder: Recorder, stack: string, outputs: readonly string[]): StaddleError {
  const need: NeededOutputs = { by: recorder.stack, stack, outputs };
  return new StaddleError({
    code: NEEDED,
    summary: `the outputs of stack ${stack} are needed to evaluate stack ${recorder.stack}`,
    details: [JSON.stringify(need)],
    help: "evaluate it with a store at hand: staddle plan",
  });
}

function checkShape(subject: Subject, shape: unknown): asserts shape is ReferenceShape {
  const example = "for example { subnet: z.string() }: name each output with its type";
  if (typeof shape !== "object" || shape === null || Object.keys(shape).length === 0) {
    throw complaint(subject, {
      code: "stack.invalid-value",
      message: `it must say which outputs it wants, is ${show(shape)}`,
      help: example,
    });
  }
  for (const [name, type] of Object.entries(shape)) {
    if (typeof (type as { safeParse?: unknown } | undefined)?.safeParse === "function") continue;
    throw complaint(subject, {
      code: "stack.invalid-value",
      path: [name],
      message: `must be a zod type, is ${show(type)}`,
      help: example,
    });
  }
}

function one(
  recorder: Recorder,
  subject: Subject,
  stack: string,
  known: Extract<ForeignStack, { status: "found" }>,
  name: string,
  shape: ReferenceShape,
): unknown {
  const type = shape[name]! as z.ZodType;
  const output = known.outputs[name];
  const parsed = type.safeParse(output?.value);
  if (!parsed.success && output === undefined) {
    throw complaint(subject, {
      code: "reference.no-output",
      message: `it has no output "${name}"`,
      help: known.names.length === 0
        ? "it gives out nothing: return outputs from its function, and apply it"
        : didYouMean(name, known.names),
    });
  }
  if (!parsed.success) {
    const found = describe(parsed.error.issues[0]!, type, output!.value);
    throw complaint(subject, {
      code: "reference.wrong-type",
      path: [name],
      // What is sensitive is not shown, not even where it is wrong.
      message: output!.sensitive
        ? `is not what is expected here: ${formatPath(found.path ?? [])}`.replace(/: $/, "")
        : [formatPath(found.path ?? []), found.message].filter((text) => text !== "").join(" "),
      help: "change the type here, or what the other stack gives out",
    });
  }
  if (output === undefined) return parsed.data;
  const used = recorder.used[stack] ??= {};
  used[name] = { digest: output.digest, schema: schemaOf(type) };
  if (output.sensitive) recorder.secrets.add(output.value);
  return parsed.data;
}

function schemaOf(type: z.ZodType): JsonObject {
  const { $schema: _, ...schema } = z.toJSONSchema(type, { io: "input", unrepresentable: "any" });
  return JSON.parse(JSON.stringify(schema));
}
