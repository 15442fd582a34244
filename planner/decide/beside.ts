/**
 * Whether an object can stand beside the one that it replaces, so that it is made before that one goes.
 *
 * @module
 */

import type { Observed } from "../../providers/provider.ts";
import type { Decision } from "./decision.ts";
import type { Base, DecideContext } from "./deciding.ts";
import { isLeftover, ownerOf } from "../leftover.ts";

/**
 * Whether nothing that only one object of a host can have is wanted by the new one and had by the old
 * one: a name, a UUID, and whatever the kind claims for itself alone.
 *
 * @param nameFrom Address of the resource that has the name of the new one now, if one has.
 */
export function canStandBeside(
  { kind, key, resource }: Pick<Base, "kind" | "key" | "resource">,
  old: Observed,
  nameFrom: string | undefined,
  { lookup }: Pick<DecideContext, "lookup">,
): boolean {
  if (key === old.key || nameFrom !== undefined) return false;
  // What carries the mark carries the UUID too, which follows from the address: both halves' own.
  if (kind.marked === true || old.uuid?.toLowerCase() === resource.uuid) return false;
  if (kind.claims === undefined) return true;
  const claims = (spec: typeof resource.spec) => kind.claims!({ ...resource, spec });
  const had = new Set(claims(kind.view(old)).map(({ what }) => what));
  return !claims(kind.complete(resource, lookup)).some(({ what }) => had.has(what));
}

/** Finds what stopped runs have left that cannot stand beside what is to be made now. */
export function leftoversFirst(
  decisions: Map<string, Decision>,
  context: Pick<DecideContext, "lookup">,
): void {
  for (const [address, left] of decisions) {
    if (!isLeftover(address) || left.action !== "delete" || left.observed === undefined) continue;
    const owner = decisions.get(ownerOf(address));
    const makes = owner?.action === "create" || owner?.action === "replace";
    if (makes && !canStandBeside(owner, left.observed, undefined, context)) {
      decisions.set(address, { ...left, goesFirst: true });
    }
  }
}
