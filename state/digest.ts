/**
 * Digest of a declaration, equal whatever the order of its keys.
 *
 * @module
 */

import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Json, JsonObject } from "../providers/provider.ts";

/** Canonical JSON (RFC 8785): keys in order, no blanks; keys whose value is undefined are left out. */
export function canonicalJson(value: Json): string {
  return canonicalize(value) as string;
}

/** SHA-256 (hex) of the canonical JSON of a resolved spec, as `ResourceRecord.specDigest` holds it. */
export function specDigest(spec: JsonObject): string {
  return createHash("sha256").update(canonicalJson(spec)).digest("hex");
}
