/**
 * The runs of a stack, newest first.
 *
 * @module
 */

import type { RunRecord } from "../../state/store.ts";
import { plain, type Style } from "./style.ts";
import { table } from "./table.ts";

/** A line for each run. */
export function historyText(
  stack: string,
  runs: readonly RunRecord[],
  style: Style = plain,
): string {
  if (runs.length === 0) return `Stack "${stack}" has no recorded runs.`;
  return table(
    ["STARTED", "RUN", "COMMAND", "WHO", "RESULT", "CHANGES", "TOOK"],
    runs.map((run) => [
      run.startedAt.replace(/\.\d+Z$/, "Z"),
      run.id.slice(0, 8),
      run.command,
      run.who,
      run.result ?? "never ended",
      `+${run.add} ~${run.change} -${run.destroy}`,
      run.endedAt === undefined ? "" : took(Date.parse(run.endedAt) - Date.parse(run.startedAt)),
    ]),
    style,
  );
}

/** A duration for people: `0.4s`, `12s`, `3m05s`. */
export function took(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  if (seconds < 60) return `${Math.round(seconds)}s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, "0")}s`;
}
