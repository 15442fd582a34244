/**
 * Whether two values say the same.
 *
 * @module
 */

import type { Json, JsonObject } from "../../provider.ts";

/** Equal whatever the order of keys (a saved plan has its own); undefined stands for nothing there. */
export function sameValue(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length &&
      a.every((item, index) => sameValue(item, b[index]));
  }
  const [one, other] = [a as JsonObject, b as JsonObject];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .every((key) => sameValue(one[key], other[key]));
}
