/**
 * Patterns over the paths of a spec: `memory`, `disks[*].cache`, `nics[front].mac`.
 *
 * An entry of a list stands by its name, in which `*` stands for any characters and `?` for one. A
 * pattern means what stands at its path and everything below.
 *
 * @module
 */

import type { FieldChange, Json, JsonObject } from "../providers/provider.ts";
import { sameJson } from "./digest.ts";
import { entryName, parsePath, type PathPart } from "./paths.ts";
import { matchesPattern } from "./pattern.ts";

function fits(pattern: PathPart, part: PathPart): boolean {
  if (pattern.kind === "key") return part.kind === "key" && part.key === pattern.key;
  return part.kind === "entry" && matchesPattern(pattern.entry, part.entry);
}

/** Whether one of the patterns means a path, or something above it. */
export function isCovered(path: string, patterns: readonly string[]): boolean {
  const parts = parsePath(path);
  return patterns.some((pattern) => {
    const wanted = parsePath(pattern);
    return wanted.length <= parts.length && wanted.every((one, i) => fits(one, parts[i]!));
  });
}

/** Whether one of the patterns means something of what a change changes. */
export function concerns(change: FieldChange, patterns: readonly string[]): boolean {
  if (isCovered(change.path, patterns)) return true;
  const parts = parsePath(change.path);
  return patterns.some((pattern) => {
    const wanted = parsePath(pattern);
    if (wanted.length <= parts.length || !parts.every((part, i) => fits(wanted[i]!, part))) {
      return false;
    }
    const below = wanted.slice(parts.length);
    return !sameJson(valuesAt(change.before, below), valuesAt(change.after, below));
  });
}

/** All texts that stand at the patterns, and below. */
export function textsAt(spec: JsonObject, patterns: readonly string[]): ReadonlySet<string> {
  return textsIn(patterns.flatMap((pattern) => valuesAt(spec, parsePath(pattern))));
}

/** All texts in a value. */
export function textsIn(value: Json | undefined): ReadonlySet<string> {
  const texts = new Set<string>();
  const walk = (value: Json | undefined): void => {
    if (typeof value === "string") texts.add(value);
    else if (value !== null && typeof value === "object") Object.values(value).forEach(walk);
  };
  walk(value);
  return texts;
}

/** All that stands at a pattern. */
function valuesAt(root: Json | undefined, pattern: readonly PathPart[]): readonly Json[] {
  const [part, ...rest] = pattern;
  if (root === undefined) return [];
  if (part === undefined) return [root];
  if (root === null || typeof root !== "object") return [];
  if (part.kind === "entry") {
    return Array.isArray(root)
      ? root.flatMap((entry: Json, index) =>
        matchesPattern(part.entry, entryName(entry, index)) ? valuesAt(entry, rest) : []
      )
      : [];
  }
  return Array.isArray(root) ? [] : valuesAt((root as JsonObject)[part.key], rest);
}

/**
 * A spec without what the patterns mean. A list that is meant as a whole is empty.
 *
 * @param has Where given, entries of lists that it does not have stay whole.
 */
export function without(
  spec: JsonObject,
  patterns: readonly string[] | undefined,
  has?: JsonObject,
): JsonObject {
  if (patterns === undefined || patterns.length === 0) return spec;
  let result: Json | undefined = spec;
  for (const pattern of patterns) result = take(result, parsePath(pattern), has ?? anything);
  return result as JsonObject;
}

/** Stands for an object that has whatever is asked for. */
const anything = Symbol("anything");

type Has = Json | undefined | typeof anything;

function below(has: Has, part: PathPart): Has {
  return has === anything ? anything : valuesAt(has, [part])[0];
}

function take(
  here: Json | undefined,
  [part, ...rest]: readonly PathPart[],
  has: Has,
): Json | undefined {
  if (part === undefined || here === null || typeof here !== "object") return here;
  if (part.kind === "entry") {
    if (!Array.isArray(here)) return here;
    const list: readonly Json[] = here;
    const meant = (entry: Json, index: number) =>
      matchesPattern(part.entry, entryName(entry, index));
    return rest.length === 0
      ? list.filter((entry, index) => !meant(entry, index))
      : list.map((entry, index) => {
        const own = below(has, { kind: "entry", entry: entryName(entry, index) });
        return meant(entry, index) && own !== undefined ? take(entry, rest, own)! : entry;
      });
  }
  const object = here as JsonObject;
  const value = object[part.key];
  if (Array.isArray(here) || value === undefined) return here;
  if (rest.length > 0) return { ...object, [part.key]: take(value, rest, below(has, part)) };
  if (Array.isArray(value)) return { ...object, [part.key]: [] };
  const { [part.key]: _, ...others } = object;
  return others;
}

/** A path with the names of entries left out, as the tables of kinds write it: `disks[].cache`. */
export function fieldPath(pattern: string): string {
  return parsePath(pattern).reduce(
    (text, part) =>
      part.kind === "entry" ? `${text}[]` : `${text}${text === "" ? "" : "."}${part.key}`,
    "",
  );
}
