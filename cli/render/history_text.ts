/**
 * The runs of a stack, newest first, and one of them in full.
 *
 * @module
 */

import type { JournalEntry, RunRecord } from "../../state/store.ts";
import { partFlags } from "./part_text.ts";
import { plain, type Style } from "./style.ts";
import { table } from "./table.ts";

/** A line for each run, in 80 columns where names are short: what else is known stands in its revision. */
export function historyText(
  stack: string,
  runs: readonly RunRecord[],
  style: Style = plain,
): string {
  if (runs.length === 0) return `Stack "${stack}" has no recorded runs.`;
  return table(
    ["STARTED (UTC)", "REVISION", "COMMAND", "WHO", "PLAN", "RESULT", "DONE", "TOOK"],
    runs.map((run) => [
      run.startedAt.slice(0, 16).replace("T", " "),
      run.id.slice(0, 8),
      run.part === undefined ? run.command : `${run.command} (part)`,
      run.who.replace(/ \(\d+\)$/, ""), // Without the process.
      run.planned === undefined ? "" : sumText(run.planned),
      run.result ?? "never ended",
      sumText(run),
      run.endedAt === undefined ? "" : took(Date.parse(run.endedAt) - Date.parse(run.startedAt)),
    ]),
    style,
  );
}

type Sum = Pick<RunRecord, "import" | "add" | "change" | "destroy">;

/** `+1 ~0 -2`, and how many were taken over where any were. */
function sumText({ import: imported, add, change, destroy }: Sum): string {
  return `+${add} ~${change} -${destroy}${imported === undefined ? "" : `, ${imported} imported`}`;
}

/** What is told of one run. */
export interface Revision {
  readonly run: RunRecord;
  /** In order; empty where it is no longer kept. */
  readonly journal: readonly JournalEntry[];
  /** Whether `plan --to` can plan the way back to it. */
  readonly kept: boolean;
}

/** Digits of a plan's digest that are shown; JSON has all of them. */
const DIGITS = 12;

/** A run in full: who, when, what was planned, and what became of each step. */
export function revisionText(
  stack: string,
  { run, journal, kept }: Revision,
  style: Style = plain,
): string {
  const lines: [string, string][] = [
    ["stack", stack],
    ["command", run.command],
    ...(run.part === undefined ? [] : [["part", partFlags(run.part)] satisfies [string, string]]),
    ["who", run.who],
    ["started", run.startedAt],
    ["ended", run.endedAt ?? "never"],
    ["result", run.result ?? "never ended"],
    ["plan", run.planDigest === undefined ? "not known" : run.planDigest.slice(0, DIGITS)],
    ["planned", run.planned === undefined ? "not known" : sumText(run.planned)],
    ["done", sumText(run)],
    ["parameters", parametersText(run.parameters)],
    ["way back", kept ? wayBackText(stack, run) : "not kept"],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  const steps = stepsOf(journal);
  return [
    style.bold(`revision ${run.id}`),
    ...lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    "",
    steps.length > 0
      ? table(["STEP", "RESULT", "TOOK", "WHY"], steps, style)
      : journal.length === 0 && sumOf(run) > 0
      ? "Its steps are no longer kept."
      : "It had no steps.",
  ].join("\n");
}

/** A run that was not done has a way back to what it was to do. */
function wayBackText(stack: string, { id, result, command }: RunRecord): string {
  const planned = `staddle plan ${stack} --to ${id.slice(0, 8)}`;
  if (result === "done") return planned;
  return `${planned} (to what it was to ${command === "destroy" ? "leave" : "bring about"})`;
}

function sumOf({ add, change, destroy }: Sum): number {
  return add + change + destroy;
}

function parametersText(parameters: RunRecord["parameters"]): string {
  const entries = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return entries.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(", ") || "none";
}

/** A line for each step, in the order in which they began. */
function stepsOf(journal: readonly JournalEntry[]): string[][] {
  const ends = new Map(
    journal.filter(({ phase }) => phase !== "begin").map((entry) => [entry.step, entry]),
  );
  return journal.filter(({ phase }) => phase === "begin").map(({ step, at }) => {
    const end = ends.get(step);
    return [
      step,
      end === undefined ? "never ended" : end.phase === "end" ? "done" : "failed",
      end === undefined ? "" : took(Date.parse(end.at) - Date.parse(at)),
      end?.detail ?? "",
    ];
  });
}

/** A duration for people: `0.4s`, `12s`, `3m05s`. */
export function took(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  if (seconds < 60) return `${Math.round(seconds)}s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, "0")}s`;
}
