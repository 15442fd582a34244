/**
 * Values that another stack gives out as sensitive: where they end up is known by looking for them,
 * for a text does not say where it came from.
 *
 * @module
 */

import type { Json, JsonObject } from "../providers/provider.ts";
import { pathText } from "../planner/paths.ts";

/** Shorter texts are looked for as a whole, shorter numbers not at all: they stand everywhere. */
const SHORT = 4;

/** Sensitive values, to be found again. */
export class Secrets {
  readonly #texts = new Set<string>();

  /** Takes a value in, with everything in it. */
  add(value: Json): void {
    if (typeof value === "string" && value !== "") this.#texts.add(value);
    else if (typeof value === "number" && `${value}`.length >= SHORT) this.#texts.add(`${value}`);
    else if (Array.isArray(value)) { for (const one of value) this.add(one); }
    else if (value !== null && typeof value === "object") {
      for (const one of Object.values(value as JsonObject)) if (one !== undefined) this.add(one);
    }
  }

  /** Whether a value is one of them, or a text that holds one. */
  has(value: unknown): boolean {
    if (this.#texts.size === 0) return false;
    if (typeof value !== "string") return typeof value === "number" && this.#texts.has(`${value}`);
    for (const text of this.#texts) {
      if (text.length < SHORT ? value === text : value.includes(text)) return true;
    }
    return false;
  }

  /** Paths in a spec where one of them stands. */
  pathsIn(spec: JsonObject): readonly string[] {
    const found: string[] = [];
    if (this.#texts.size === 0) return found;
    const walk = (value: Json | undefined, path: readonly PropertyKey[]): void => {
      if (this.has(value)) found.push(pathText(spec, path));
      else if (Array.isArray(value)) {
        value.forEach((one: Json, index) => walk(one, [...path, index]));
      } else if (value !== null && typeof value === "object") {
        for (const [key, one] of Object.entries(value as JsonObject)) walk(one, [...path, key]);
      }
    };
    walk(spec, []);
    return found;
  }
}
