/**
 * Digests of plain JSON: SHA-256 over its canonical form (RFC 8785), so that the order of keys and
 * keys without a value make no difference.
 *
 * @module
 */

import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Json } from "../providers/provider.ts";

/** The canonical text of a JSON value (RFC 8785). */
export function canonicalJson(value: Json): string {
  return canonicalize(value)!;
}

/** SHA-256 (hex) of the canonical text. */
export function digest(value: Json): string {
  return hash("sha256", canonicalJson(value), "hex");
}

/** Whether two values are the same JSON; undefined stands for nothing there. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  return canonicalJson(a) === canonicalJson(b);
}
