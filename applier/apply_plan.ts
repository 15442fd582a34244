/**
 * Carries a plan out.
 *
 * @module
 */

import { sameJson } from "../planner/digest.ts";
import { ownerOf } from "../planner/leftover.ts";
import { plannedHooks } from "../planner/decide/options.ts";
import type { Plan } from "../planner/plan.ts";
import { summarize } from "../planner/summary.ts";
import { StaddleError } from "../providers/error.ts";
import type { HostSession, Json, JsonObject, Step, StepResult } from "../providers/provider.ts";
import type {
  JournalEntry,
  RecordWrite,
  ResourceRecord,
  RunRecord,
  StackRecord,
} from "../state/store.ts";
import {
  attempt,
  declaredTimeout,
  defaultRetry,
  defaultTimeouts,
  toStaddleError,
} from "./attempt.ts";
import { notRecorded, recordFailed, staleRecord } from "./errors.ts";
import { type SkipReason, stepReference, type StopReason, type TimelessEvent } from "./events.ts";
import { refuseHooks, runHook } from "./hooks.ts";
import type { ApplyOptions } from "./options.ts";
import { planDigest } from "./plan_digest.ts";
import { type Recorder, recorder } from "./recorder.ts";
import type { ApplyResult } from "./result.ts";
import { type Schedule, schedule, type Silenced } from "./schedule.ts";
import { countsAfter, emptyTally, outcomeOf, resultOf } from "./tally.ts";
import * as moments from "./transitions.ts";

/** Steps in flight at once, over all hosts. */
const PARALLELISM = 10;

/** Milliseconds between two signs that a step is still going on. */
const STILL_GOING_ON = 10_000;

/**
 * Carries a plan out and returns how that went. Failures of steps are part of the result.
 *
 * @throws {StaddleError} before anything is touched: `apply.stale-plan` (exit code 4) if the record
 * is not the one that was planned against, `apply.bad-plan` for steps that no order fits; or what
 * writing the run's beginning came to.
 */
export async function applyPlan(plan: Plan, options: ApplyOptions): Promise<ApplyResult> {
  const serial = options.record?.serial ?? 0;
  const { lineage } = plan.record;
  const otherRecord = lineage !== undefined && lineage !== options.record?.lineage;
  if (plan.record.serial !== serial || otherRecord) throw staleRecord(plan, serial);
  if (options.allowHooks !== true) refuseHooks(plan);
  const queue = schedule(plan.steps, {
    parallelism: options.parallelism ?? PARALLELISM,
    hosts: plan.hosts,
  });
  return await new Run(plan, options, queue).go();
}

/** One run. A class because it holds timers and listeners while it goes on. */
class Run {
  readonly #id = crypto.randomUUID();
  readonly #begun = performance.now();
  readonly #startedAt = new Date().toISOString();
  readonly #plan: Plan;
  readonly #index: moments.PlanIndex;
  readonly #options: ApplyOptions;
  readonly #queue: Schedule;
  readonly #hooks: ReturnType<typeof plannedHooks>;
  readonly #record: Recorder;
  readonly #sessions = new Map<string, Promise<HostSession>>();
  /** The failed step for which a host counts as lost. */
  readonly #lostHosts = new Map<string, Step>();
  readonly #performing = new Map<Step, number>();
  #planDigest: string | undefined;
  readonly #finished = Promise.withResolvers<void>();
  /** Aborts with the first reason to stop; no step begins after it. */
  readonly #stopping = new AbortController();
  /** Aborts when steps in flight are to be given up. */
  readonly #abort = new AbortController();

  readonly #tally = emptyTally();
  #listenerFailure: { readonly thrown: unknown } | undefined;

  constructor(plan: Plan, options: ApplyOptions, queue: Schedule) {
    this.#plan = plan;
    this.#index = moments.indexPlan(plan);
    this.#options = options;
    this.#queue = queue;
    this.#hooks = plannedHooks(plan.steps);
    this.#record = recorder(options.lease, options.record);
  }

  async go(): Promise<ApplyResult> {
    const wrote = await this.#begin();
    this.#emit({
      type: "run_start",
      run: this.#id,
      stack: this.#plan.stack.name,
      command: this.#plan.mode,
      steps: this.#plan.steps.length,
    });
    {
      using _listening = this.#listen();
      const ticking = setInterval(() => this.#tick(), STILL_GOING_ON);
      try {
        this.#pump();
        await this.#finished.promise;
      } finally {
        clearInterval(ticking);
      }
    }
    const cancelled = this.#queue.rest().map(stepReference);
    for (const step of cancelled) this.#emit({ type: "step_skipped", step, reason: "stopped" });
    const outcome = outcomeOf(this.#tally, cancelled);
    if (wrote) await this.#end(outcome);
    const result = resultOf(this.#plan, this.#tally, {
      ...(wrote ? { run: this.#id } : {}),
      result: outcome,
      cancelled,
      elapsed: performance.now() - this.#begun,
    });
    this.#emit({
      type: "run_complete",
      run: this.#id,
      result: result.result,
      counts: result.counts,
      failed: result.failed.length,
      skipped: result.skipped.length + cancelled.length,
      elapsed: result.elapsed,
    });
    // The record is whole by now; a listener's mistake must not have kept it from that.
    if (this.#listenerFailure !== undefined) throw this.#listenerFailure.thrown;
    return result;
  }

  /** The write at the start of the run; false if there is nothing to do and nothing to write. */
  async #begin(): Promise<boolean> {
    const { record } = this.#options;
    const settled = moments.settle(this.#index, this.#record.rows);
    const hosts = { ...record?.hosts, ...this.#plan.hosts };
    const reservations = { ...record?.reservations, ...this.#plan.reservations };
    if (
      this.#plan.steps.length === 0 && settled.put.length + settled.remove.length === 0 &&
      this.#endsAsItIs()
    ) return false;
    this.#planDigest = planDigest(this.#plan, this.#startedAt, this.#options);
    const at = new Date().toISOString();
    const journal = moments.settledEntries(this.#record.rows, settled)
      .map((entry): JournalEntry => ({ ...entry, run: this.#id, phase: "end", at }));
    await this.#record.write(
      () => settled,
      () => ({
        hosts,
        reservations,
        run: this.#runRecord(),
        ...(journal.length > 0 ? { journal } : {}),
        ...this.#revision(),
      }),
    );
    return true;
  }

  /** Whether the record's outputs, hosts and reservations are already what the plan wants. */
  #endsAsItIs(): boolean {
    const { record } = this.#options;
    const last = this.#lastParts();
    return sameJson(last.hosts as unknown as Json, (record?.hosts ?? {}) as unknown as Json) &&
      sameJson(last.outputs as unknown as Json, (record?.outputs ?? {}) as unknown as Json) &&
      sameJson(last.reservations, record?.reservations ?? {});
  }

  #lastParts(): Pick<StackRecord, "hosts" | "outputs" | "reservations"> {
    const { record } = this.#options;
    const { rows } = this.#record;
    const gone = this.#plan.mode === "destroy" && rows.size === 0;
    return {
      hosts: moments.hostsToKeep(this.#plan, record?.hosts ?? {}, rows),
      outputs: moments.outputsAfter(this.#plan),
      reservations: gone ? {} : this.#plan.reservations ?? record?.reservations ?? {},
    };
  }

  /** The write at the end of the run. Only a run that was done replaces what earlier ones left. */
  async #end(outcome: ApplyResult["result"]): Promise<void> {
    if (this.#tally.stopped === "lease-lost") return;
    try {
      const change = (rows: moments.Rows): moments.RowChange =>
        outcome === "done" ? moments.renamedAway(this.#index, rows) : { put: [], remove: [] };
      await this.#record.write(change, () => ({
        ...(outcome === "done" ? this.#lastParts() : {}),
        run: { ...this.#runRecord(), endedAt: new Date().toISOString(), result: outcome },
      }));
    } catch (error) {
      this.#recordFailed(error);
    }
  }

  /** Begins whatever may begin. */
  #pump(): void {
    while (!this.#stopping.signal.aborted) {
      const step = this.#queue.next();
      if (step === undefined) break;
      void this.#take(step);
    }
    if (this.#queue.inFlight.size === 0) this.#finished.resolve();
  }

  /** One step from its turn to its end. Never throws. */
  async #take(step: Step): Promise<void> {
    try {
      const session = await this.#session(step);
      if (session === undefined) return;
      if (this.#stopping.signal.aborted) return this.#queue.putBack(step);
      const earlier = this.#record.rows.get(step.address);
      const written = await this.#write(
        step,
        "begin",
        (rows) => moments.beginStep(this.#index, rows, step),
      );
      if (!written) return this.#queue.putBack(step);
      await this.#carryOut(step, session, earlier);
    } catch (thrown) {
      // Not a step's failure but a mistake in this room: stop, and say so in the result.
      if (this.#queue.inFlight.has(step)) this.#queue.putBack(step);
      this.#recordFailed(toStaddleError(thrown, step));
    } finally {
      this.#pump();
    }
  }

  /** The session of the step's host; undefined if it cannot be had, which is dealt with here. */
  async #session(step: Step): Promise<HostSession | undefined> {
    let opening = this.#sessions.get(step.host);
    if (opening === undefined) {
      opening = this.#options.sessions(this.#plan.hosts[step.host]!);
      this.#sessions.set(step.host, opening);
    }
    try {
      return await opening;
    } catch (thrown) {
      const root = this.#lostHosts.get(step.host);
      if (root === undefined) {
        this.#fail(step, toStaddleError(thrown, step), 0);
        this.#loseHost(step);
      } else {
        // Nothing was begun: the host is to blame, and that has been said.
        const silenced = this.#queue.fail(step).map((other) => ({ ...other, cause: root }));
        this.#skip([{ step, cause: root }, ...silenced], "host-lost");
      }
      return undefined;
    }
  }

  async #carryOut(
    step: Step,
    session: HostSession,
    earlier: ResourceRecord | undefined,
  ): Promise<void> {
    const started = performance.now();
    const reference = stepReference(step);
    const elapsed = () => performance.now() - started;
    this.#performing.set(step, started);
    this.#emit({ type: "step_start", step: reference });
    let result: StepResult;
    try {
      result = await this.#perform(step, session, elapsed);
    } catch (thrown) {
      const error = toStaddleError(thrown, step);
      this.#performing.delete(step);
      const foreign = step.operation === "create" && this.#options.isForeign?.(error) === true;
      await this.#write(
        step,
        "failed",
        (rows) => foreign ? moments.notMade(rows, step, earlier) : { put: [], remove: [] },
        error,
      );
      // A wait that was given up is as good as not begun: its row says `waiting` either way.
      if (step.operation === "wait" && error.code === "apply.aborted") {
        return this.#queue.putBack(step);
      }
      this.#fail(step, error, elapsed());
      if (this.#options.isHostLost?.(error) === true) this.#loseHost(step);
      return;
    }
    this.#performing.delete(step);
    const tally = this.#tally;
    const ended = { step, result, index: this.#index, rows: this.#record.rows };
    tally.counts = countsAfter(tally.counts, ended);
    const written = await this.#write(
      step,
      "end",
      (rows) => moments.endStep(this.#index, rows, step, result),
    );
    for (const text of result.notes) tally.notes.push({ address: step.address, text });
    if (!written) return this.#fail(step, notRecorded(step, tally.fatal), elapsed());
    tally.done.push(reference);
    this.#emit({
      type: "step_complete",
      step: reference,
      elapsed: elapsed(),
      notes: result.notes,
    });
    this.#queue.complete(step);
  }

  async #perform(step: Step, session: HostSession, elapsed: () => number): Promise<StepResult> {
    const owner = moments.newOwner(this.#index, this.#record.rows, step);
    if (owner !== undefined) {
      return { notes: [`kept ${step.key}: it belongs to ${owner} now`] };
    }
    await this.#runHooks(step, "before", elapsed);
    const result = await this.#attempt(step, session, elapsed);
    await this.#runHooks(step, "after", elapsed);
    return result;
  }

  async #runHooks(step: Step, when: "before" | "after", elapsed: () => number): Promise<void> {
    for (const hook of this.#hooks.get(step.id) ?? []) {
      if (hook.when !== when) continue;
      const message = `running hook ${hook.moment}`;
      this.#emit({ type: "step_progress", step: stepReference(step), elapsed: elapsed(), message });
      const { baseDirectory } = this.#options;
      await runHook(hook, { plan: this.#plan, baseDirectory, signal: this.#abort.signal });
    }
  }

  #attempt(step: Step, session: HostSession, elapsed: () => number): Promise<StepResult> {
    const options = this.#options;
    const reference = stepReference(step);
    return attempt({
      step,
      session,
      baseDirectory: options.baseDirectory,
      // A wait changes nothing, so that there is nothing to finish either.
      abort: step.operation === "wait" ? this.#stopping.signal : this.#abort.signal,
      stopping: this.#stopping.signal,
      timeout: declaredTimeout(step) ?? options.timeouts?.[step.operation] ??
        defaultTimeouts[step.operation],
      grace: options.grace,
      retry: options.retry ?? defaultRetry,
      isTransient: (error) => options.isTransient?.(error) ?? false,
      progress: (message, fraction) =>
        this.#emit({
          type: "step_progress",
          step: reference,
          elapsed: elapsed(),
          message,
          ...(fraction === undefined ? {} : { fraction }),
        }),
      retrying: (number, delay, error) =>
        this.#emit({ type: "step_retry", step: reference, attempt: number, delay, error }),
    });
  }

  /** Writes a line of the journal with a change of rows; false if the record cannot be written. */
  async #write(
    step: Step,
    phase: JournalEntry["phase"],
    change: (rows: moments.Rows) => moments.RowChange,
    error?: StaddleError,
  ): Promise<boolean> {
    const entry: JournalEntry = {
      run: this.#id,
      step: step.id,
      address: ownerOf(step.address),
      operation: step.operation,
      phase,
      at: new Date().toISOString(),
      ...(error === undefined ? {} : { detail: `${error.code}: ${error.message}` }),
    };
    try {
      await this.#record.write(change, () => ({
        journal: [entry],
        // The counts stay true in a run that never comes to its end.
        ...(phase === "end" ? { run: this.#runRecord() } : {}),
      }));
      return true;
    } catch (thrown) {
      this.#recordFailed(thrown);
      return false;
    }
  }

  #revision(): Pick<RecordWrite, "revision"> {
    const { topology } = this.#options;
    if (topology === undefined) return {};
    // Plain data both, written as they are.
    const kept = { topology, plan: this.#plan } as unknown as Record<
      "topology" | "plan",
      JsonObject
    >;
    return { revision: { run: this.#id, ...kept } };
  }

  #runRecord(): RunRecord {
    return {
      id: this.#id,
      stack: this.#plan.stack.name,
      command: this.#plan.mode,
      who: this.#options.who,
      startedAt: this.#startedAt,
      planned: summarize(this.#plan),
      ...this.#tally.counts,
      parameters: this.#plan.stack.parameters,
      part: this.#plan.part,
      planDigest: this.#planDigest,
      ...(this.#plan.references === undefined ? {} : { references: this.#plan.references }),
    };
  }

  #fail(step: Step, error: StaddleError, elapsed: number): void {
    const reference = stepReference(step);
    this.#tally.failed.push({ step: reference, error });
    this.#emit({ type: "step_failed", step: reference, elapsed, error });
    this.#skip(this.#queue.fail(step), "upstream-failed");
  }

  #loseHost(cause: Step): void {
    if (this.#lostHosts.has(cause.host)) return;
    this.#lostHosts.set(cause.host, cause);
    this.#skip(this.#queue.loseHost(cause.host, cause), "host-lost");
  }

  #skip(silenced: readonly Silenced[], reason: SkipReason): void {
    for (const { step, cause } of silenced) {
      const skipped = { step: stepReference(step), reason, cause: cause.id };
      this.#tally.skipped.push(skipped);
      this.#emit({ type: "step_skipped", ...skipped });
    }
  }

  #recordFailed(thrown: unknown): void {
    const error = thrown instanceof StaddleError ? thrown : recordFailed(thrown);
    this.#tally.fatal ??= error;
    if (error.code === "state.lease-lost") {
      this.#stop("lease-lost", error);
      this.#abort.abort();
    } else this.#stop("record-failed", error);
  }

  /** The first reason counts, but giving up is more than stopping. */
  #stop(reason: StopReason, error?: StaddleError): void {
    if (this.#tally.stopped === reason) return;
    if (this.#tally.stopped !== undefined && reason !== "aborted" && reason !== "lease-lost") {
      return;
    }
    this.#tally.stopped = reason;
    this.#stopping.abort();
    this.#emit({
      type: "run_stopping",
      reason,
      inFlight: [...this.#performing.keys()].map(stepReference),
      ...(error === undefined ? {} : { error }),
    });
  }

  /** Follows the signals of the caller and of the lease until it is disposed of. */
  #listen(): Disposable {
    const { signal, abort, lease } = this.#options;
    const stack = new DisposableStack();
    const on = (source: AbortSignal | undefined, act: () => void) => {
      if (source === undefined) return;
      if (source.aborted) return act();
      source.addEventListener("abort", act, { once: true });
      stack.defer(() => source.removeEventListener("abort", act));
    };
    on(signal, () => this.#stop("cancelled"));
    on(abort, () => {
      this.#stop("aborted");
      this.#abort.abort();
    });
    on(lease.lost, () => this.#recordFailed(lease.lost.reason));
    return stack;
  }

  #tick(): void {
    const now = performance.now();
    for (const [step, started] of this.#performing) {
      const elapsed = now - started;
      if (elapsed < STILL_GOING_ON / 2) continue;
      this.#emit({ type: "step_progress", step: stepReference(step), elapsed });
    }
  }

  #emit(event: TimelessEvent): void {
    if (this.#listenerFailure !== undefined) return;
    try {
      this.#options.onEvent?.({ at: new Date().toISOString(), ...event });
    } catch (thrown) {
      this.#listenerFailure = { thrown };
    }
  }
}
