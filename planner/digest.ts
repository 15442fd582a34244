/**
 * Digests of plain JSON: SHA-256 over its canonical form (RFC 8785), so that the order of keys and
 * keys without a value make no difference.
 *
 * @module
 */

import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Json, JsonObject } from "../providers/provider.ts";

/** The canonical text of a JSON value (RFC 8785). */
export function canonicalJson(value: Json): string {
  return canonicalize(value)!;
}

/** SHA-256 (hex) of the canonical text. */
export function digest(value: Json): string {
  return hash("sha256", canonicalJson(value), "hex");
}

/**
 * Whether two values are the same JSON; undefined stands for nothing there. Says what comparing
 * digests would say, at a tenth of the cost.
 */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a === null || b === null) return false;
  if (typeof a !== "object" || typeof b !== "object") return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length &&
      a.every((item, index) => sameJson(item, b[index]));
  }
  if (Array.isArray(b)) return false;
  return sameObject(a as JsonObject, b as JsonObject);
}

function sameObject(a: JsonObject, b: JsonObject): boolean {
  let present = 0;
  for (const key in a) {
    if (a[key] === undefined) continue;
    present++;
    if (!Object.hasOwn(b, key) || !sameJson(a[key], b[key])) return false;
  }
  for (const key in b) if (b[key] !== undefined) present--;
  return present === 0;
}
