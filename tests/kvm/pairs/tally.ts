/**
 * How many pairs a run tries, and what they came to.
 *
 * @module
 */

import type { Ended } from "./pair.ts";

/** The seed of an everyday run, which is the same at each. */
const EVERYDAY = 20_251;

/** Counts of a run, for people to read. */
export class Tally {
  /** What the run is started with: a long one has a seed of its own, which it tells. */
  readonly options: { readonly numRuns: number; readonly seed: number };
  /** Pairs of which both were applied. */
  whole = 0;
  #refused = { first: 0, second: 0 };
  readonly #why = new Map<string, number>();
  readonly #rows = new Set<string>();

  /** @param usual How many pairs a run tries unless `STADDLE_PAIRS` says otherwise. */
  constructor(usual: number) {
    const asked = Deno.env.get("STADDLE_PAIRS");
    const seed = asked === undefined ? EVERYDAY : Date.now() % 2 ** 31;
    this.options = {
      numRuns: Number(asked ?? usual),
      seed: Number(Deno.env.get("STADDLE_SEED") ?? seed),
    };
    // One that is stopped before its end can be repeated too.
    if (asked !== undefined) say([`${asked} pairs, seed ${this.options.seed}`]);
  }

  /** Takes in how a pair ended. */
  add({ refused, changed }: Ended): void {
    for (const path of changed) this.#rows.add(path.replaceAll(/\[[^\]]*\]/g, "[]"));
    if (refused === undefined) {
      this.whole++;
      return;
    }
    this.#refused[refused.which]++;
    const why = refused.why.split("\n")[0]!.replaceAll(/\d+|'[^']*'|"[^"]*"/g, "…");
    this.#why.set(why, (this.#why.get(why) ?? 0) + 1);
  }

  /** Shows it in the test's output. */
  print(): void {
    const { first, second } = this.#refused;
    const reasons = [...this.#why].sort(([, a], [, b]) => b - a);
    const lines = [
      `${
        this.whole + first + second
      } pairs, seed ${this.options.seed}: ${this.whole} applied one ` +
      `after the other, ${this.#rows.size} rows of the table changed`,
      `refused, and left as it was: the first ${first}, the second ${second}`,
      ...reasons.map(([why, count]) => `  ${count} ${why}`),
    ];
    say(lines);
  }
}

function say(lines: readonly string[]): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${lines.join("\n")}\n`));
}
