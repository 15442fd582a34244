/**
 * One step carried out: in time, given up when told to, tried again when that may help.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import type { HostSession, Operation, Step, StepResult } from "../providers/provider.ts";

/** When and how often a step is tried again after a failure that may pass. */
export interface RetryPolicy {
  /** Attempts in all. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubled before each further one. */
  readonly delay: number;
  /** Most milliseconds between two attempts. */
  readonly maximumDelay: number;
}

/** Three more attempts within some four seconds. */
export const defaultRetry: RetryPolicy = { attempts: 4, delay: 500, maximumDelay: 8000 };

/**
 * Seconds that a step may take. A net under what hangs, not a measure of what is usual: an image of
 * many GiB may travel over a slow line, and wait conditions have limits of their own.
 */
export const defaultTimeouts: Readonly<Record<Operation, number>> = {
  create: 3600,
  update: 3600,
  delete: 900,
  wait: 3600,
};

/** Seconds that the stack's author gives a step, if he does. */
export function declaredTimeout({ operation, resource }: Step): number | undefined {
  return operation === "wait" ? undefined : resource.options?.timeouts?.[operation];
}

/**
 * Milliseconds that a step gets to put things in order after it was told to stop. Then it is left
 * alone: a call into a library that does not come back cannot be ended otherwise.
 */
export const GRACE = 5000;

/** Code of what a provider threw that is no error of ours. */
const STEP_FAILED = "apply.step-failed";

/** What {@linkcode attempt} needs. */
export interface AttemptOptions {
  readonly step: Step;
  readonly session: HostSession;
  readonly baseDirectory: string;
  /** Gives the step up. For a wait step that is `stopping` too: giving it up leaves nothing half done. */
  readonly abort: AbortSignal;
  /** No attempt after the one that is going on. */
  readonly stopping: AbortSignal;
  /** Seconds. */
  readonly timeout: number;
  /** Milliseconds; {@linkcode GRACE} unless given. */
  readonly grace?: number;
  readonly retry: RetryPolicy;
  isTransient(error: StaddleError): boolean;
  progress(message: string, fraction?: number): void;
  retrying(attempt: number, delay: number, error: StaddleError): void;
}

/** Carries the step out. @throws {StaddleError} the last attempt's. */
export async function attempt(options: AttemptOptions): Promise<StepResult> {
  const overtime = new AbortController();
  const timer = setTimeout(() => overtime.abort(), options.timeout * 1000);
  try {
    return await attempts(options, overtime.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Tries until it is done, or trying again is no use or not wanted any more. */
async function attempts(options: AttemptOptions, timeout: AbortSignal): Promise<StepResult> {
  const { step, retry, abort, stopping } = options;
  for (let number = 1;; number++) {
    try {
      return await once(options, timeout);
    } catch (thrown) {
      const error = toStaddleError(thrown, step);
      if (abort.aborted) throw gaveUp(step, "apply.aborted", "the run was aborted", error);
      if (timeout.aborted) {
        const why = `it took more than ${options.timeout} s`;
        const longer = step.operation === "wait" ? "" : '; "timeouts" gives it longer';
        throw gaveUp(step, "apply.timeout", why, error, longer);
      }
      if (number >= retry.attempts || stopping.aborted || !options.isTransient(error)) throw error;
      const delay = backoff(retry, number);
      options.retrying(number, delay, error);
      await pause(delay, [abort, stopping, timeout]);
      if (abort.aborted || stopping.aborted || timeout.aborted) throw error;
    }
  }
}

/** One attempt. Ends at the latest some time after it was told to. */
async function once(options: AttemptOptions, timeout: AbortSignal): Promise<StepResult> {
  const { step, abort, session, baseDirectory, grace = GRACE } = options;
  const signal = AbortSignal.any([abort, timeout]);
  signal.throwIfAborted();
  let open = true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const { promise: left, reject: leave } = Promise.withResolvers<never>();
  const onAbort = () => {
    timer = setTimeout(() => leave(new Error("it did not stop when it was told to")), grace);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const work = session.perform(step, {
      signal,
      baseDirectory,
      progress: (message, fraction) => {
        if (open) options.progress(message, fraction);
      },
    });
    return await Promise.race([work, left]);
  } finally {
    open = false;
    signal.removeEventListener("abort", onAbort);
    clearTimeout(timer);
  }
}

/** Up to a fifth more or less, so that steps which failed together do not come back together. */
function backoff(retry: RetryPolicy, number: number): number {
  const delay = Math.min(retry.delay * 2 ** (number - 1), retry.maximumDelay);
  return Math.round(delay * (0.8 + 0.4 * Math.random()));
}

/** Waits, or less if one of the signals aborts. */
function pause(milliseconds: number, signals: readonly AbortSignal[]): Promise<void> {
  const signal = AbortSignal.any([...signals]);
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
  });
}

function gaveUp(
  step: Step,
  code: string,
  why: string,
  cause: StaddleError,
  more = "",
): StaddleError {
  return new StaddleError({
    code,
    summary: `Cannot ${step.operation} ${step.address}: ${why}`,
    where: [`${step.kind} "${step.key}" on host "${step.host}"`],
    // The summary says already what was attempted.
    details: cause.code === STEP_FAILED ? cause.details : [cause.message, ...cause.details],
    help: `run the same command again: it reads the host and finishes what is half done${more}`,
    cause,
  });
}

/** An error that does not say what it is about, with the step's resource, its host and its place. */
function named(error: StaddleError, step: Step): StaddleError {
  const { code, message: summary, details, help, exitCode, cause } = error;
  const { declaredAt } = step.resource;
  return new StaddleError({
    code,
    summary,
    where: [
      ...(declaredAt === undefined ? [] : [declaredAt]),
      step.address,
      `${step.kind} "${step.key}" on host "${step.host}"`,
    ],
    details,
    ...(help === undefined ? {} : { help }),
    exitCode,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Whatever a provider threw, as an error that names the step. */
export function toStaddleError(thrown: unknown, step: Step): StaddleError {
  if (thrown instanceof StaddleError) return thrown.where.length > 0 ? thrown : named(thrown, step);
  return new StaddleError({
    code: STEP_FAILED,
    summary: `Cannot ${step.operation} ${step.address}`,
    where: [`${step.kind} "${step.key}" on host "${step.host}"`],
    details: [thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)],
    help:
      "run the same command again; if it fails in the same way, this is a fault in Staddle: run it " +
      "with --debug and report what it prints",
    cause: thrown,
  });
}
