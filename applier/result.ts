/**
 * How a run ended.
 *
 * @module
 */

import type { StaddleError } from "../providers/error.ts";
import type { Counts, SkipReason, StepReference, StopReason } from "./events.ts";

/** A step that failed. */
export interface FailedStep {
  readonly step: StepReference;
  readonly error: StaddleError;
}

/** A step that was never begun. */
export interface SkippedStep {
  readonly step: StepReference;
  readonly reason: SkipReason;
  /** Id of the step at the root; absent for `stopped`. */
  readonly cause?: string;
}

/** Something that a person should know about a resource. */
export interface Note {
  readonly address: string;
  readonly text: string;
}

/** How a run ended. */
export interface ApplyResult {
  /** Id of the run; absent when there was nothing to do and nothing was written. */
  readonly run?: string;
  /** `cancelled` when the run was stopped by request, whatever failed beside. */
  readonly result: "done" | "failed" | "cancelled";
  readonly counts: Counts;
  /** In the order in which they failed. */
  readonly failed: readonly FailedStep[];
  /** Steps that something else kept from being begun, in the order of the plan. */
  readonly skipped: readonly SkippedStep[];
  /** Steps that were not begun because the run was stopped, in the order of the plan. */
  readonly cancelled: readonly StepReference[];
  readonly notes: readonly Note[];
  /** Why the run was stopped, if it was. */
  readonly stopped?: StopReason;
  /** The record could not be written, or the lease was lost. Ends the run whatever else happened. */
  readonly fatal?: StaddleError;
  /** Milliseconds. */
  readonly elapsed: number;
}
