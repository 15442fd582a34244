/**
 * The status of a run at the foot of a terminal: steps that are going on, redrawn in place while
 * finished lines scroll by above.
 *
 * @module
 */

import type { ApplyEvent } from "../applier/events.ts";
import { type RunningStep, statusLines } from "./render/apply_text.ts";
import type { Terminal } from "./terminal.ts";

/** Most steps that are shown at once. */
const MOST = 8;
/** Between two redraws. */
const REDRAW_MS = 250;

/** The foot of a terminal. Dispose of it before anything else is printed. */
export class LiveStatus implements Disposable {
  readonly #terminal: Terminal;
  readonly #running = new Map<string, Omit<RunningStep, "elapsed"> & { readonly since: number }>();
  readonly #timer: ReturnType<typeof setInterval>;
  #drawn = 0;
  #done = 0;
  #total = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#timer = setInterval(() => this.#redraw(), REDRAW_MS);
  }

  /** Takes an event in, and prints the lines that belong above. */
  update(event: ApplyEvent, lines: readonly string[]): void {
    this.#note(event);
    if (lines.length === 0) return;
    this.#clear();
    for (const line of lines) this.#terminal.print(line);
    this.#draw();
  }

  #note(event: ApplyEvent): void {
    if (event.type === "run_start") this.#total = event.steps;
    if (!("step" in event)) return;
    const { id } = event.step;
    if (event.type === "step_start") {
      this.#running.set(id, { step: event.step, since: performance.now() });
    } else if (event.type === "step_progress") {
      const known = this.#running.get(id);
      if (known === undefined || event.message === undefined) return;
      this.#running.set(id, { ...known, message: event.message, fraction: event.fraction });
    } else if (event.type !== "step_retry") {
      this.#running.delete(id);
      if (event.type === "step_complete") this.#done++;
    }
  }

  #redraw(): void {
    this.#clear();
    this.#draw();
  }

  #draw(): void {
    if (this.#running.size === 0) return;
    const now = performance.now();
    const lines = statusLines(
      [...this.#running.values()].map(({ since, ...step }) => ({ ...step, elapsed: now - since })),
      { done: this.#done, total: this.#total, most: MOST, columns: this.#terminal.columns() },
    );
    this.#terminal.status(`${lines.join("\n")}\n`);
    this.#drawn = lines.length;
  }

  #clear(): void {
    if (this.#drawn > 0) this.#terminal.status(`\x1b[${this.#drawn}A\x1b[J`);
    this.#drawn = 0;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#clear();
  }
}
