/**
 * What the inside of the sandbox tells the outside: one line of JSON behind a mark.
 *
 * @module
 */

import { z } from "zod";
import type { Topology } from "../../planner/topology.ts";
import type { StaddleErrorInit } from "../../providers/error.ts";
import type { Json } from "../../providers/provider.ts";
import type { ParameterDescription } from "../parameters.ts";
import type { Identity } from "../recorder.ts";
import type { ForeignStack } from "../foreign_stack.ts";

/** What the outside asks for. */
export interface RunRequest {
  /** Stands before the report, so that nothing that a stack prints passes for one. */
  readonly mark: string;
  readonly mode: "evaluate" | "describe";
  readonly parameters: Readonly<Record<string, Json>>;
  readonly reservations: Readonly<Record<string, string>>;
  readonly identities: Readonly<Record<string, Identity>>;
  readonly references: Readonly<Record<string, ForeignStack>>;
  /** Whether clocks are shifted: the second of two evaluations. */
  readonly shifted: boolean;
}

/** Something that a stack printed. */
export interface Print {
  readonly text: string;
  /** `file:line:column`. */
  readonly at?: string;
}

/** An error that is not one of ours. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
  /** Frames of the stack's own files, innermost first: `file:line:column`. */
  readonly frames: readonly string[];
}

/** How an evaluation ended. */
export type Report =
  | { readonly status: "done"; readonly topology: Topology; readonly prints: readonly Print[] }
  | {
    readonly status: "described";
    readonly name: string;
    readonly parameters: readonly ParameterDescription[];
    readonly prints: readonly Print[];
  }
  | {
    readonly status: "refused";
    readonly errors: readonly StaddleErrorInit[];
    readonly prints: readonly Print[];
  }
  | { readonly status: "thrown"; readonly thrown: Thrown; readonly prints: readonly Print[] };

const place = z.array(z.string()).optional();

/** Frame of a report: what comes from the inside is believed only in this shape. */
const frame = z.discriminatedUnion("status", [
  z.object({ status: z.literal("done"), topology: z.unknown() }),
  z.object({
    status: z.literal("described"),
    name: z.string(),
    parameters: z.array(
      z.looseObject({ name: z.string(), required: z.boolean(), type: z.string() }),
    ),
  }),
  z.object({
    status: z.literal("refused"),
    errors: z.array(z.object({
      code: z.string(),
      summary: z.string(),
      where: place,
      details: place,
      help: z.string().optional(),
      exitCode: z.number().optional(),
    })).min(1),
  }),
  z.object({
    status: z.literal("thrown"),
    thrown: z.object({ name: z.string(), message: z.string(), frames: z.array(z.string()) }),
  }),
]).and(z.object({ prints: z.array(z.object({ text: z.string(), at: z.string().optional() })) }));

/** Reads a report; undefined when it is none, for a stack may break whatever writes it. */
export function readReport(text: string): Report | undefined {
  try {
    const result = frame.safeParse(JSON.parse(text));
    // The topology is validated by whoever uses it.
    return result.success ? result.data as unknown as Report : undefined;
  } catch {
    return undefined;
  }
}
