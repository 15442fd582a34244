/**
 * How a run ended.
 *
 * @module
 */

import type { StaddleError } from "../providers/error.ts";
import type { Counts, SkipReason, StepReference, StopReason } from "./events.ts";

/** A step that failed. */
export interface FailedStep {
  /** The step. */
  readonly step: StepReference;
  /** Why: what its last attempt came to. */
  readonly error: StaddleError;
}

/** A step that was never begun. */
export interface SkippedStep {
  /** The step. */
  readonly step: StepReference;
  /** Why. */
  readonly reason: SkipReason;
  /** Id of the step at the root; absent for `stopped`. */
  readonly cause?: string;
}

/** Something that a person should know about a resource. */
export interface Note {
  /** Address of the resource. */
  readonly address: string;
  /** One sentence. */
  readonly text: string;
}

/** How a run ended. */
export interface ApplyResult {
  /** Id of the run; absent when there was nothing to do and nothing was written. */
  readonly run?: string;
  /** `cancelled` when the run was stopped by request, whatever failed beside. */
  readonly result: "done" | "failed" | "cancelled";
  /** Resources done. */
  readonly counts: Counts;
  /** Steps that ended well, in the order of the plan. */
  readonly done: readonly StepReference[];
  /** In the order in which they failed. */
  readonly failed: readonly FailedStep[];
  /** Steps that something else kept from being begun, in the order of the plan. */
  readonly skipped: readonly SkippedStep[];
  /**
   * Steps that were not begun because the run was stopped, and waits that were given up then, in the
   * order of the plan.
   */
  readonly cancelled: readonly StepReference[];
  /** What the provider had to say, in the order in which steps ended. */
  readonly notes: readonly Note[];
  /** Why the run was stopped, if it was. */
  readonly stopped?: StopReason;
  /** The record could not be written, or the lease was lost. Ends the run whatever else happened. */
  readonly fatal?: StaddleError;
  /** Milliseconds. */
  readonly elapsed: number;
}
