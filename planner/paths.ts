/**
 * Paths in a spec: `disks[root].size`. Entries of a list stand by what names them, so that a path
 * stays true when the list is put in another order.
 *
 * @module
 */

import type { FieldChange, Json, JsonObject } from "../providers/provider.ts";

/** One part of a path. */
export type PathPart =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "entry"; readonly entry: string };

/** Fields by which an entry of a list may be named, in this order. */
const namingFields = ["name", "mac", "ip", "address", "id", "path", "namespace"] as const;

/** Splits a path into its parts. */
export function parsePath(path: string): readonly PathPart[] {
  const parts: PathPart[] = [];
  // A place in XML names an entry too, and may hold brackets: xml[./devices/channel[@type='unix']].
  for (const match of path.matchAll(/\[((?:[^[\]]|\[[^\]]*\])*)\]|([^.[\]]+)/g)) {
    parts.push(
      match[1] !== undefined ? { kind: "entry", entry: match[1] } : { kind: "key", key: match[2]! },
    );
  }
  return parts;
}

/** What names an entry of a list; its place where nothing does. */
export function entryName(entry: Json | undefined, index: number): string {
  if (typeof entry === "string") return entry;
  if (entry !== null && typeof entry === "object" && !Array.isArray(entry)) {
    for (const field of namingFields) {
      const value = (entry as JsonObject)[field];
      if (typeof value === "string") return value;
    }
  }
  return String(index);
}

/** The text of a path made of keys and places, entries of lists by name. */
export function pathText(root: Json | undefined, path: readonly PropertyKey[]): string {
  let text = "";
  let here: Json | undefined = root;
  for (const part of path) {
    if (Array.isArray(here) && typeof part === "number") {
      const entry = here[part] as Json | undefined;
      text += `[${entryName(entry, part)}]`;
      here = entry;
    } else {
      text += `${text === "" ? "" : "."}${String(part)}`;
      here = here !== null && typeof here === "object"
        ? (here as JsonObject)[String(part)]
        : undefined;
    }
  }
  return text;
}

function entryIndex(list: readonly Json[], entry: string): number {
  for (const field of namingFields) {
    const found = list.findIndex((item) =>
      item !== null && typeof item === "object" && !Array.isArray(item) &&
      (item as JsonObject)[field] === entry
    );
    if (found >= 0) return found;
  }
  const plain = list.indexOf(entry);
  if (plain >= 0) return plain;
  return /^\d+$/.test(entry) && Number(entry) < list.length ? Number(entry) : -1;
}

/** The value with the one at the path set, or taken away where it is undefined. */
function withValue(
  here: Json | undefined,
  parts: readonly PathPart[],
  value: Json | undefined,
): Json | undefined {
  const [part, ...rest] = parts;
  if (part === undefined) return value;
  if (part.kind === "entry") {
    const list: Json[] = Array.isArray(here) ? [...here] : [];
    const index = entryIndex(list, part.entry);
    const fresh: Json | undefined = rest.length > 0 && value !== undefined
      ? { name: part.entry }
      : undefined;
    const next = withValue(index < 0 ? fresh : list[index], rest, value);
    if (next === undefined) {
      if (index >= 0) list.splice(index, 1);
    } else if (index < 0) list.push(next);
    else list[index] = next;
    return list;
  }
  const object: Record<string, Json | undefined> =
    here !== null && here !== undefined && typeof here === "object" && !Array.isArray(here)
      ? { ...here as JsonObject }
      : {};
  const next = withValue(object[part.key], rest, value);
  if (next === undefined) delete object[part.key];
  else object[part.key] = next;
  return object;
}

/** A view of an object with the changes made: what it will be as far as a plan can say. */
export function withChanges(view: JsonObject, changes: readonly FieldChange[]): JsonObject {
  let result: Json | undefined = view;
  for (const change of changes) result = withValue(result, parsePath(change.path), change.after);
  return (result ?? {}) as JsonObject;
}

/** The value with what stands at the paths replaced; paths that lead nowhere change nothing. */
export function masked(
  value: JsonObject | undefined,
  paths: readonly string[],
  mask: Json,
): JsonObject | undefined {
  if (value === undefined) return undefined;
  let result: Json | undefined = value;
  for (const path of paths) {
    const parts = parsePath(path);
    if (valueAt(result, parts) !== undefined) result = withValue(result, parts, mask);
  }
  return result as JsonObject;
}

/** What stands at a path. */
export function valueAt(root: Json | undefined, parts: readonly PathPart[]): Json | undefined {
  let here = root;
  for (const part of parts) {
    if (here === null || here === undefined || typeof here !== "object") return undefined;
    if (part.kind === "entry") {
      if (!Array.isArray(here)) return undefined;
      here = here[entryIndex(here, part.entry)] as Json | undefined;
    } else here = Array.isArray(here) ? undefined : (here as JsonObject)[part.key];
  }
  return here;
}

/** The shape that Terraform's `*_sensitive` and `replace_paths` have: keys, and places in lists. */
export function placesOf(root: Json | undefined, path: string): readonly (string | number)[] {
  const places: (string | number)[] = [];
  let here = root;
  for (const part of parsePath(path)) {
    if (part.kind === "entry") {
      const index = Array.isArray(here) ? entryIndex(here, part.entry) : -1;
      places.push(index >= 0 ? index : part.entry);
      here = index >= 0 ? (here as readonly Json[])[index] : undefined;
    } else {
      places.push(part.key);
      here = here !== null && typeof here === "object" && !Array.isArray(here)
        ? (here as JsonObject)[part.key]
        : undefined;
    }
  }
  return places;
}
