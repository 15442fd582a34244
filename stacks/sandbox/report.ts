/**
 * What the inside of the sandbox tells the outside: one line of JSON behind a mark.
 *
 * @module
 */

import type { Topology } from "../../planner/topology.ts";
import type { StaddleErrorInit } from "../../providers/error.ts";
import type { Json } from "../../providers/provider.ts";
import type { ParameterDescription } from "../parameters.ts";

/** What the outside asks for. */
export interface RunRequest {
  /** Stands before the report, so that nothing that a stack prints passes for one. */
  readonly mark: string;
  readonly mode: "evaluate" | "describe";
  readonly parameters: Readonly<Record<string, Json>>;
  readonly reservations: Readonly<Record<string, string>>;
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
