/**
 * A run as text: one line for each thing that happens, in the order in which it happens, and a
 * summary with the next command to type.
 *
 * @module
 */

import type { ApplyEvent, Counts, StepReference } from "../../applier/events.ts";
import type { ApplyResult, SkippedStep } from "../../applier/result.ts";
import type { Plan } from "../../planner/plan.ts";
import type { Operation } from "../../providers/provider.ts";
import { errorText } from "./error_text.ts";
import { took } from "./history_text.ts";
import { plain, type Style } from "./style.ts";

const DOING: Readonly<Record<Operation, string>> = {
  create: "Creating",
  update: "Modifying",
  delete: "Destroying",
  wait: "Waiting",
};

const DEED: Readonly<Record<Operation, string>> = {
  create: "Creation",
  update: "Modifications",
  delete: "Destruction",
  wait: "Waiting",
};

function doing({ operation, retain }: StepReference): string {
  return retain === true ? "Letting go" : DOING[operation];
}

function deed({ operation, retain }: StepReference): string {
  return retain === true ? "Letting go" : DEED[operation];
}

/** How a run is written. */
export interface ApplyTextOptions {
  readonly style?: Style;
  /** True when a status line shows progress: then only beginnings and ends get a line. */
  readonly live?: boolean;
}

/** Makes the function that turns each event into the lines to append. */
export function applyLog(options: ApplyTextOptions = {}): (event: ApplyEvent) => string[] {
  const style = options.style ?? plain;
  const said = new Map<string, string>();
  return (event) => {
    if (event.type !== "step_progress") return eventLines(event, style);
    if (options.live) return [];
    const line = progressLine(event);
    // A provider may tell of every chunk: one line a message and quarter is enough.
    const topic = event.message === undefined
      ? line
      : `${event.message.replace(/\d[\d.]*/g, "#")} ${Math.floor((event.fraction ?? 0) * 4)}`;
    if (said.get(event.step.id) === topic) return [];
    said.set(event.step.id, topic);
    return [line];
  };
}

type Progress = Extract<ApplyEvent, { type: "step_progress" }>;

function progressLine(event: Progress): string {
  const { address } = event.step;
  if (event.message === undefined) {
    return `${address}: Still ${doing(event.step).toLowerCase()}... [${
      took(event.elapsed)
    } elapsed]`;
  }
  return `${address}: ${event.message}${percent(event.fraction)}`;
}

function percent(fraction: number | undefined): string {
  return fraction === undefined ? "" : ` (${Math.floor(fraction * 100)}%)`;
}

function eventLines(event: Exclude<ApplyEvent, Progress>, style: Style): string[] {
  switch (event.type) {
    case "run_start":
    case "run_complete":
      return [];
    case "step_start":
      return [`${event.step.address}: ${doing(event.step)}...`];
    case "step_retry":
      return [
        style.warn(
          `${event.step.address}: attempt ${event.attempt} failed, trying again in ${
            took(event.delay)
          }: ${event.error.message}`,
        ),
      ];
    case "step_complete":
      return [
        `${event.step.address}: ${deed(event.step)} complete after ${took(event.elapsed)}`,
        ...event.notes.map((note) => `  note: ${note}`),
      ];
    case "step_failed":
      return [
        style.destroy(
          `${event.step.address}: ${deed(event.step)} failed after ${took(event.elapsed)}`,
        ),
      ];
    case "step_skipped":
      if (event.reason === "stopped") return [];
      return [style.warn(`${event.step.address}: skipped (${skipReason(event)})`)];
    case "run_stopping":
      return stoppingLines(event, style);
  }
}

function skipReason(event: Pick<SkippedStep, "step" | "reason" | "cause">): string {
  if (event.reason === "host-lost") return `the connection to host ${event.step.host} was lost`;
  return `upstream ${event.cause === undefined ? "" : `${addressOf(event.cause)} `}failed`;
}

/** The address in a step's id, `<operation>:<address>[#old]`. */
function addressOf(step: string): string {
  return step.replace(/^[a-z]+:/, "").replace(/#.*$/, "");
}

function stoppingLines(
  event: Extract<ApplyEvent, { type: "run_stopping" }>,
  style: Style,
): string[] {
  // Waits are given up at the first word: there is nothing of them to be finished.
  const running = nameSome(event.inFlight.filter(({ operation }) => operation !== "wait"));
  const waits = nameSome(event.inFlight.filter(({ operation }) => operation === "wait"));
  switch (event.reason) {
    case "cancelled": {
      const waited = waits === "" ? [] : [`no longer waiting for ${waits}`];
      return [style.warn(
        running === ""
          ? `Stopping: ${waited[0] ?? "nothing is in flight"}.`
          : `Stopping: ${
            [`${running} will be finished`, ...waited, "nothing new begins"].join(", ")
          }. Interrupt again to give up.`,
      )];
    }
    case "aborted":
      return [style.warn(`Giving up what is in flight: ${running || "nothing"}.`)];
    case "lease-lost":
      return [style.destroy("Stopping: another run has taken the stack's lock over.")];
    case "record-failed":
      return [style.destroy("Stopping: the record cannot be written.")];
  }
}

function nameSome(steps: readonly StepReference[]): string {
  const names = steps.map(({ address }) => address);
  return names.length > 5
    ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more`
    : names.join(", ");
}

/** What stands below the log of a run. */
export interface RunEnd {
  readonly mode: Plan["mode"];
  readonly result: ApplyResult;
  /** The command that goes on where this run stopped. */
  readonly again: string;
}

/** The sentence for a run that did all that it was to do. */
export function completeText(end: RunEnd, style: Style = plain): string {
  const { counts } = end.result;
  return style.add(style.bold(
    end.mode === "destroy"
      ? `Destroy complete! Resources: ${counts.destroy} destroyed.`
      : `Apply complete! Resources: ${countsText(counts)}.`,
  ));
}

/** `1 imported, 2 added, 0 changed, 0 destroyed`; imports where there are any. */
export function countsText({ import: imported, add, change, destroy }: Counts): string {
  const first = imported === undefined ? "" : `${imported} imported, `;
  return `${first}${add} added, ${change} changed, ${destroy} destroyed`;
}

/** Errors, what was done all the same, what was not, and what to type next. */
export function incompleteText(
  end: RunEnd,
  options: { readonly style?: Style; readonly debug?: boolean } = {},
): string {
  const { mode, result, again } = end;
  const style = options.style ?? plain;
  const parts = result.failed.map(({ error }) => errorText(error, options));
  if (result.fatal !== undefined) parts.push(errorText(result.fatal, options));
  const waits = result.cancelled.filter(({ operation }) => operation === "wait").length;
  const left = ([
    [result.failed.length, "failed"],
    [result.skipped.length, "skipped"],
    [result.cancelled.length - waits, "not begun"],
    [waits, "not waited for"],
  ] as const).filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`).join(", ");
  const verb = mode === "destroy" ? "Destroy" : "Apply";
  const how = result.result === "cancelled" ? "cancelled" : "incomplete";
  parts.push(
    `${style.bold(`${verb} ${how}. Resources: ${countsText(result.counts)}.`)}${
      left === "" ? "" : ` Steps: ${left}.`
    }`,
  );
  const table = stepsTable(result, style);
  if (table !== "") parts.push(table);
  parts.push(`The record is true; to go on: ${again}`);
  return parts.join("\n\n");
}

/** Lines of each sort in the summary; the rest are counted. */
const MOST = 12;

/** What became of each step: done, failed, skipped and why, not begun. */
function stepsTable({ done, failed, skipped, cancelled }: ApplyResult, style: Style): string {
  const verbs = { create: "created", update: "updated", delete: "destroyed", wait: "ready" };
  const section = (word: string, lines: readonly string[], paint: (text: string) => string) => [
    ...lines.slice(0, MOST).map((line) => `  ${paint(word.padEnd(9))}  ${line}`),
    ...(lines.length > MOST ? [`  ${paint(word.padEnd(9))}  and ${lines.length - MOST} more`] : []),
  ];
  return [
    ...section("done", done.map((step) => `${step.address}: ${verbs[step.operation]}`), style.add),
    ...section(
      "failed",
      failed.map(({ step, error }) => `${step.address}: ${step.operation}: ${error.code}`),
      style.destroy,
    ),
    ...section("skipped", skipped.map(skippedText), style.warn),
    ...section(
      "not begun",
      cancelled.map((step) => `${step.address}: ${step.operation}`),
      style.dim,
    ),
  ].join("\n");
}

function skippedText({ step, reason, cause }: SkippedStep): string {
  const why = reason === "stopped" ? "the run was stopped" : skipReason({ step, reason, cause });
  return `${step.address}: ${step.operation} (${why})`;
}

/** A step that is going on, for the status lines of a terminal. */
export interface RunningStep {
  readonly step: StepReference;
  /** Milliseconds. */
  readonly elapsed: number;
  readonly message?: string;
  readonly fraction?: number;
}

/** The status lines: the steps that have gone on longest, and how many there are beside. */
export function statusLines(
  running: readonly RunningStep[],
  options: {
    readonly done: number;
    readonly total: number;
    readonly most: number;
    readonly columns: number;
  },
): string[] {
  const longest = [...running].sort((a, b) => b.elapsed - a.elapsed);
  const shown = longest.slice(0, options.most).map(({ step, elapsed, message, fraction }) =>
    `  ${step.address}: ${message ?? `${doing(step).toLowerCase()}`}${percent(fraction)} [${
      took(elapsed)
    }]`
  );
  const more = running.length - shown.length;
  return [
    ...shown,
    `  ${options.done} of ${options.total} steps done${more > 0 ? `, ${more} more going on` : ""}`,
  ].map((line) => line.length < options.columns ? line : `${line.slice(0, options.columns - 2)}…`);
}
