/**
 * What happens during a run, as it happens: from these the command line makes text, JSON lines and
 * whatever else a person or a tool reads. Plain data but for the errors.
 *
 * @module
 */

import type { Plan } from "../planner/plan.ts";
import type { StaddleError } from "../providers/error.ts";
import type { Operation, Step } from "../providers/provider.ts";

/** The part of a step that a message needs. */
export interface StepReference {
  /** Id of the step. */
  readonly id: string;
  /** What it does. */
  readonly operation: Operation;
  /** Address of its resource. */
  readonly address: string;
  /** Kind of its resource. */
  readonly kind: string;
  /** Name of its host. */
  readonly host: string;
  /** Name on the host. */
  readonly key: string;
  /** Only with `delete`: the object stays, and what it carries of Staddle's goes. */
  readonly retain?: true;
}

/** Resources done so far. A replacement counts in add and in destroy. */
export interface Counts {
  /** Taken over as they are; one that was changed by that counts as changed too. Absent: none. */
  readonly import?: number;
  /** Made. */
  readonly add: number;
  /** Changed in place. */
  readonly change: number;
  /** Taken away; what was kept because something else needs it does not count. */
  readonly destroy: number;
}

/** Why no further step begins. */
export type StopReason =
  | "cancelled" // the first Ctrl-C: what is in flight finishes, but for waits, which are given up
  | "aborted" // the second: what is in flight is given up
  | "lease-lost" // another run took the stack's lock over
  | "record-failed"; // the record cannot be written

/** Why a step was never begun, or a wait not to its end. */
export type SkipReason =
  | "upstream-failed" // a step that it needs failed: `cause`
  | "host-lost" // the connection to its host failed in step `cause`
  | "stopped"; // the run was stopped: see `run_stopping`

/** What every event has. */
export interface EventBase {
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** One thing that happened. Durations are in milliseconds. */
export type ApplyEvent =
  & EventBase
  & (
    | {
      readonly type: "run_start";
      readonly run: string;
      readonly stack: string;
      readonly command: Plan["mode"];
      readonly steps: number;
    }
    | { readonly type: "step_start"; readonly step: StepReference }
    | {
      /** What the provider tells, and every ten seconds that the step is still going on. */
      readonly type: "step_progress";
      readonly step: StepReference;
      readonly elapsed: number;
      /** Absent when all there is to say is that it goes on. */
      readonly message?: string;
      /** From 0 to 1, where it is known. */
      readonly fraction?: number;
    }
    | {
      readonly type: "step_retry";
      readonly step: StepReference;
      /** The attempt that failed, from 1. */
      readonly attempt: number;
      /** Until the next one. */
      readonly delay: number;
      readonly error: StaddleError;
    }
    | {
      readonly type: "step_complete";
      readonly step: StepReference;
      readonly elapsed: number;
      readonly notes: readonly string[];
    }
    | {
      readonly type: "step_failed";
      readonly step: StepReference;
      readonly elapsed: number;
      readonly error: StaddleError;
    }
    | {
      readonly type: "step_skipped";
      readonly step: StepReference;
      readonly reason: SkipReason;
      /** Id of the step at the root; absent for `stopped`. */
      readonly cause?: string;
    }
    | {
      readonly type: "run_stopping";
      readonly reason: StopReason;
      /** Steps that are still going on. */
      readonly inFlight: readonly StepReference[];
      readonly error?: StaddleError;
    }
    | {
      readonly type: "run_complete";
      readonly run: string;
      readonly result: "done" | "failed" | "cancelled";
      readonly counts: Counts;
      readonly failed: number;
      readonly skipped: number;
      readonly elapsed: number;
    }
  );

/** Distributes over the union, as the built-in Omit does not. */
type WithoutTime<Event> = Event extends unknown ? Omit<Event, "at"> : never;

/** An event that is yet to be given its time. */
export type TimelessEvent = WithoutTime<ApplyEvent>;

/** The part of a step that a message needs. */
export function stepReference(step: Step): StepReference {
  const { id, operation, address, kind, host, key, retain } = step;
  const reference = { id, operation, address, kind, host, key };
  return retain === true ? { ...reference, retain } : reference;
}
