/**
 * Suggestions: where one thing goes and a like one comes, it may be the same by another name.
 *
 * @module
 */

import type { Json, JsonObject } from "../../providers/provider.ts";
import type { Decision } from "./decision.ts";
import { entryName } from "../paths.ts";

/** Part of what two specs say that must be the same. */
const ALIKE = 0.75;

/** Fields that follow from the address, or from what the host has. */
const derived: ReadonlySet<string> = new Set([
  "name",
  "mac",
  "ip",
  "metaData",
  "bridge",
  "volume",
  "seed",
  "digest",
]);

/**
 * What may have been renamed: for each resource that would be made anew though nothing of the record
 * is its own, the one that would be destroyed and is most like it. Each is named once, and what only
 * belongs to another that is named is left out.
 */
export function likelyRenames(decisions: ReadonlyMap<string, Decision>): Map<string, string> {
  const coming = [...decisions.values()].filter((decision) =>
    decision.action === "create" && decision.record === undefined &&
    decision.resource.tenure === "managed" && decision.resource.adopt !== true
  );
  const going = [...decisions.values()].filter((decision) =>
    (decision.action === "delete" || decision.retained === true) &&
    decision.reason === "not-declared"
  );
  if (coming.length === 0 || going.length === 0) return new Map();
  const pairs: { readonly now: string; readonly before: string; readonly likeness: number }[] = [];
  const leaves = new Map([...coming, ...going].map((decision) => [decision, leavesOf(decision)]));
  // Beyond this many nobody has renamed them one by one.
  if (coming.length * going.length > 10_000) return new Map();
  for (const now of coming) {
    for (const before of going) {
      if (now.kind.kind !== before.kind.kind || now.host !== before.host) continue;
      const likeness = compare(leaves.get(now)!, leaves.get(before)!);
      if (likeness >= ALIKE) pairs.push({ now: now.address, before: before.address, likeness });
    }
  }
  pairs.sort((a, b) => b.likeness - a.likeness || (a.now + a.before < b.now + b.before ? -1 : 1));
  const found = new Map<string, string>();
  const taken = new Set<string>();
  for (const { now, before } of pairs) {
    if (found.has(now) || taken.has(before)) continue;
    found.set(now, before);
    taken.add(before);
  }
  for (const [now, before] of [...found]) {
    const owner = [...found].some(([other, former]) =>
      other !== now && decisions.get(other)!.needs.includes(now) &&
      decisions.get(former)!.needs.includes(before)
    );
    if (owner) found.delete(now);
  }
  return found;
}

/** What a spec says, path by path, its own name left out wherever it stands. */
function leavesOf({ resource, key }: Decision): ReadonlyMap<string, string> {
  const names = [resource.name, key, String(resource.spec.name ?? "")]
    .filter((name) => name !== "").sort((a, b) => b.length - a.length);
  const leaves = new Map<string, string>();
  const walk = (value: Json | undefined, path: string): void => {
    if (value === undefined) return;
    if (Array.isArray(value)) {
      value.forEach((entry: Json, index) => walk(entry, `${path}[${entryName(entry, index)}]`));
    } else if (value !== null && typeof value === "object") {
      for (const [field, inner] of Object.entries(value as JsonObject)) {
        if (!derived.has(field)) walk(inner, `${path}.${field}`);
      }
    } else {
      const text = names.reduce(
        (text, name) => text.replaceAll(name, "*"),
        JSON.stringify(value),
      );
      leaves.set(path, text);
    }
  };
  walk(resource.spec, "");
  return leaves;
}

function compare(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): number {
  const paths = new Set([...a.keys(), ...b.keys()]);
  if (paths.size === 0) return 0;
  let same = 0;
  for (const path of paths) if (a.get(path) === b.get(path)) same++;
  return same / paths.size;
}
