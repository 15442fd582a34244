/**
 * What a run has come to so far, and the result that this makes in the end.
 *
 * @module
 */

import type { Plan } from "../planner/plan.ts";
import type { StaddleError } from "../providers/error.ts";
import type { Step, StepResult } from "../providers/provider.ts";
import type { Counts, StepReference, StopReason } from "./events.ts";
import type { ApplyResult, FailedStep, Note, SkippedStep } from "./result.ts";
import { newOwner, type PlanIndex, type Rows } from "./transitions.ts";

/** What a run has come to so far. */
export interface Tally {
  counts: Counts;
  /** Steps that ended well, failed, and were never begun, in the order in which that came about. */
  readonly done: StepReference[];
  readonly failed: FailedStep[];
  readonly skipped: SkippedStep[];
  readonly notes: Note[];
  /** Why no further step begins. */
  stopped?: StopReason;
  /** What ends the run whatever else happened. */
  fatal?: StaddleError;
}

/** Of a run that has done nothing yet. */
export function emptyTally(): Tally {
  return {
    counts: { add: 0, change: 0, destroy: 0 },
    done: [],
    failed: [],
    skipped: [],
    notes: [],
  };
}

/** The counts once a step has ended well; `rows` are those from before its end was written. */
export function countsAfter(
  counts: Counts,
  ended: {
    readonly step: Step;
    readonly result: StepResult;
    readonly index: PlanIndex;
    readonly rows: Rows;
  },
): Counts {
  const { step, result, index, rows } = ended;
  const { add, change, destroy } = counts;
  switch (step.operation) {
    case "create":
      return { ...counts, add: add + 1 };
    case "update": {
      const imported = index.resource(step.address)?.reason === "to-import";
      return {
        ...counts,
        ...(imported ? { import: (counts.import ?? 0) + 1 } : {}),
        // As in the plan: what is taken over as it is was not changed.
        change: change + (imported && step.changes.length === 0 ? 0 : 1),
      };
    }
    case "delete": {
      // Something shared that is still needed is read back after its delete step, and was kept.
      const kept = result.observed !== undefined || newOwner(index, rows, step) !== undefined;
      return kept ? counts : { ...counts, destroy: destroy + 1 };
    }
    case "wait":
      return counts;
  }
}

/** How the run ends; `cancelled` are the steps that were not begun because it was stopped. */
export function outcomeOf(
  tally: Tally,
  cancelled: readonly StepReference[],
): ApplyResult["result"] {
  if (tally.fatal !== undefined) return "failed";
  const gaveUp = tally.stopped === "aborted" && tally.failed.length > 0;
  if (cancelled.length > 0 || gaveUp) return "cancelled";
  return tally.failed.length + tally.skipped.length > 0 ? "failed" : "done";
}

/** The result, its lists in the order of the plan. */
export function resultOf(
  plan: Plan,
  tally: Tally,
  end: Pick<ApplyResult, "run" | "result" | "cancelled" | "elapsed">,
): ApplyResult {
  const places = new Map(plan.steps.map((step, place) => [step.id, place]));
  const place = ({ id }: StepReference) => places.get(id) ?? 0;
  return {
    ...end,
    // Writing the end may have failed in its turn.
    result: tally.fatal === undefined ? end.result : "failed",
    counts: tally.counts,
    done: [...tally.done].sort((a, b) => place(a) - place(b)),
    failed: tally.failed,
    skipped: [...tally.skipped].sort((a, b) => place(a.step) - place(b.step)),
    notes: tally.notes,
    ...(tally.stopped === undefined ? {} : { stopped: tally.stopped }),
    ...(tally.fatal === undefined ? {} : { fatal: tally.fatal }),
  };
}
