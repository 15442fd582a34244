/**
 * Fingerprints: digests over what was read from a host, less what changes by itself.
 *
 * @module
 */

import { hash } from "node:crypto";
import type { Json, JsonObject } from "../../provider.ts";

/** SHA-256 (hex) of some texts in order; their borders count. */
export function digestOf(...texts: readonly string[]): string {
  return hash("sha256", JSON.stringify(texts), "hex");
}

/** JSON with sorted keys, undefined left out: equal values, equal text. */
export function canonicalJson(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value as JsonObject).filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => a < b ? -1 : 1);
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`)}}`;
}

/** Text of a source's field; empty when it is not there. */
export function sourceText(source: JsonObject, name: string): string {
  const value = source[name];
  return typeof value === "string" ? value : "";
}
