/**
 * What a sweep over many domains came to, for people to read.
 *
 * @module
 */

import type { Journey } from "./journey.ts";

/** Counts of a sweep, and each failure with its reason. */
export class Report {
  /** Domains that libvirt takes. */
  accepted = 0;
  /** Fields that are declared of all of them together. */
  fields = 0;
  /** `path: reason`. */
  readonly failures: string[] = [];
  /** Domains that were offered to libvirt. */
  tried = 0;
  readonly #found: number;
  readonly #refused: string[] = [];
  readonly #changed = new Map<string, number>();
  #partial = 0;

  constructor(found: number) {
    this.#found = found;
  }

  /** Takes in what became of one domain. */
  add(path: string, { why, fields, partial, changed, refused }: Journey): void {
    this.accepted++;
    this.fields += fields;
    if (partial) this.#partial++;
    if (why !== undefined) this.failures.push(`${path}: ${why}`);
    this.#refused.push(...refused.map((reason) => `${path}: ${reason}`));
    if (changed === undefined) return;
    const name = changed.replace(/\[[^\]]*\]/g, "[]");
    this.#changed.set(name, (this.#changed.get(name) ?? 0) + 1);
  }

  /** Everything in a few lines. */
  get summary(): string {
    const passed = this.accepted - this.failures.length;
    const changed = [...this.#changed].sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `${name} ${count}`);
    return [
      `${this.#found} domains found, ${this.tried} tried, ${this.accepted} accepted, ` +
      `${passed} imported and changed without loss`,
      `${(this.fields / this.accepted).toFixed(1)} fields declared of each, ` +
      `${this.#partial} with a device that stays undeclared`,
      `one field changed: ${changed.join(", ")}`,
      ...this.#refused.map((reason) => `refused, and another field changed: ${reason}`),
      ...this.failures.map((failure) => `failed: ${failure}`),
    ].join("\n");
  }

  /** Shows it in the test's output. */
  print(): void {
    Deno.stdout.writeSync(new TextEncoder().encode(`${this.summary}\n`));
  }
}
