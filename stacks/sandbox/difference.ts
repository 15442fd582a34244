/**
 * Where two evaluations of one stack differ.
 *
 * @module
 */

import type { Json, JsonObject } from "../../providers/provider.ts";

/** A place where two values differ. */
export interface Difference {
  /** List entries by address or name where they have one: `resources[lab/machine.web].spec.memory`. */
  readonly path: string;
  /** Undefined: nothing there. */
  readonly first: Json | undefined;
  readonly second: Json | undefined;
}

/** The first few differences, in document order. */
export function differences(first: Json, second: Json, most = 5): readonly Difference[] {
  const found: Difference[] = [];
  compare(first, second, "", found, most);
  return found;
}

function compare(
  a: Json | undefined,
  b: Json | undefined,
  path: string,
  found: Difference[],
  most: number,
): void {
  if (found.length >= most || Object.is(a, b)) return;
  if (Array.isArray(a) && Array.isArray(b)) {
    const [left, right] = [named(a), named(b)];
    if (left !== undefined && right !== undefined) {
      for (const key of new Set([...left.keys(), ...right.keys()])) {
        compare(left.get(key), right.get(key), `${path}[${key}]`, found, most);
      }
      // The same entries in another order differ too.
      if (found.length === 0 && [...left.keys()].join() !== [...right.keys()].join()) {
        found.push({ path, first: [...left.keys()], second: [...right.keys()] });
      }
      return;
    }
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      compare(a[i], b[i], `${path}[${i}]`, found, most);
    }
    return;
  }
  if (isObject(a) && isObject(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      compare(a[key], b[key], path === "" ? key : `${path}.${key}`, found, most);
    }
    return;
  }
  found.push({ path, first: a, second: b });
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Entries of a list by what names them; undefined when they have no such thing. */
function named(list: readonly Json[]): Map<string, Json> | undefined {
  const map = new Map<string, Json>();
  for (const one of list) {
    const key = isObject(one) ? one.address ?? one.key ?? one.name : undefined;
    if (typeof key !== "string" || map.has(key)) return undefined;
    map.set(key, one);
  }
  return map;
}
