/**
 * What is wrong with patches that a schema has taken without looking into their XML.
 *
 * @module
 */

import type { Issue } from "../../provider.ts";
import type { Table } from "../table/mod.ts";
import { faultsOfPatch, type Patch } from "./hatch.ts";
import { ownedPlaces, ownerOfPatch } from "./hatch_places.ts";

const owned = new WeakMap<Table, ReturnType<typeof ownedPlaces>>();

/** Patches that make no sense, or write what a field of the table owns. */
export function* patchIssues(
  kind: string,
  table: Table,
  patches: readonly Patch[] = [],
): Iterable<Issue> {
  let places = owned.get(table);
  if (places === undefined) owned.set(table, places = ownedPlaces(table));
  for (const [index, patch] of patches.entries()) {
    const path = `xml[${index}]`;
    for (const [member, message] of faultsOfPatch(patch)) {
      yield { code: `${kind}.patch-invalid`, path: `${path}.${member}`, message };
    }
    const owner = ownerOfPatch(patch, places);
    if (owner === undefined) continue;
    yield {
      code: `${kind}.patch-owned`,
      path: `${path}.path`,
      message: `${patch.path} belongs to the field "${owner}"`,
      help: "declare that instead",
    };
  }
}
