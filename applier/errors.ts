/**
 * Errors of a run as a whole.
 *
 * @module
 */

import type { Plan } from "../planner/plan.ts";
import { StaddleError } from "../providers/error.ts";
import type { Step } from "../providers/provider.ts";

/** The record is not the one that the plan was made against. */
export function staleRecord(plan: Plan, serial: number): StaddleError {
  return new StaddleError({
    code: "apply.stale-plan",
    summary: `Cannot apply the plan of stack "${plan.stack.name}": its record has changed since`,
    details: [
      plan.record.serial === serial
        ? "another record has taken the place of the one that was planned against"
        : `planned against serial ${plan.record.serial}, the record has serial ${serial}`,
    ],
    help: "plan again",
    exitCode: 4,
  });
}

/** The host has it; the record could not be told. */
export function notRecorded(step: Step, cause: StaddleError | undefined): StaddleError {
  return new StaddleError({
    code: "apply.not-recorded",
    summary: `${step.operation} of ${step.address} was done, but could not be recorded`,
    where: [`${step.kind} "${step.key}" on host "${step.host}"`],
    ...(cause === undefined ? {} : { details: [cause.message], cause }),
    help: "run the same command again: it reads the host and finds that this is done",
  });
}

/** What a store threw that is no error of ours. */
export function recordFailed(thrown: unknown): StaddleError {
  return new StaddleError({
    code: "apply.record-failed",
    summary: "Cannot write the record during the run",
    details: [thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)],
    help: "run the same command again: it reads the hosts and finishes what is half done",
    cause: thrown,
  });
}
