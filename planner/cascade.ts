/**
 * Replacements that follow from replacements.
 *
 * @module
 */

import type { FieldChange } from "../providers/provider.ts";
import { type Decision, madeAnew } from "./decision.ts";

/**
 * Carries replacements on to what cannot stand without the old object: a machine whose volume is
 * made anew is made anew too, for it would otherwise run on a disk that was taken from under it.
 *
 * @param order Addresses in the order of dependencies.
 */
export function cascadeReplacements(
  decisions: Map<string, Decision>,
  order: readonly string[],
): void {
  // Other addresses under which the record has an object: its users are known by them.
  const aliases = new Map<string, string[]>();
  for (const [address, { action, nameFrom }] of decisions) {
    if (action !== "forget" || nameFrom === undefined) continue;
    aliases.set(nameFrom, [...aliases.get(nameFrom) ?? [], address]);
  }
  const usedBefore = (mine: Decision, used: string) => {
    if (mine.record === undefined) return true;
    const former = decisions.get(used)?.record?.address ?? used;
    return [used, former, ...aliases.get(used) ?? []]
      .some((name) => mine.record!.needs.includes(name));
  };
  for (const address of order) {
    const mine = decisions.get(address);
    if (mine === undefined || (mine.observed ?? mine.old) === undefined) continue;
    // A half-made object counts as there: it holds on to what it was made of.
    if (mine.action === "delete" || mine.action === "forget") continue;
    if (mine.resource.tenure === "existing" || mine.old?.afterCreate === false) continue;
    const held = mine.old?.observed ?? mine.observed!;
    const causes = mine.references.filter((reference) => {
      const used = decisions.get(reference.address);
      return reference.survives !== true && used?.old !== undefined && !used.old.afterCreate &&
        usedBefore(mine, reference.address);
    });
    if (causes.length === 0) continue;
    if (mine.old !== undefined) {
      // The new one needs what can only be made once the old one is gone.
      decisions.set(address, {
        ...mine,
        ...givenBack(mine, decisions),
        old: { ...mine.old, afterCreate: false },
      });
      continue;
    }
    const changed = new Set(mine.changes.map((change) => change.path));
    decisions.set(
      address,
      madeAnew(mine, held, {
        changes: [
          ...mine.changes,
          ...causes.filter((cause) => !changed.has(cause.path)).map((cause): FieldChange => {
            const used = decisions.get(cause.address)!;
            return {
              path: cause.path,
              before: used.old!.key,
              after: used.key,
              disruption: "replace",
            };
          }),
        ],
        notes: causes.map((cause) =>
          `made anew because ${cause.address}, which it uses, is made anew`
        ),
      }),
    );
  }
}

/**
 * A replacement may have found its new object made already, by a run that was stopped. Where that
 * stands on what goes, it goes too, as the entry of the record that still has it.
 */
function givenBack(mine: Decision, decisions: Map<string, Decision>): Partial<Decision> {
  if (mine.observed === undefined || mine.observed === mine.old?.observed) return {};
  for (const [address, entry] of decisions) {
    if (entry.action !== "forget" || entry.nameFrom !== mine.address) continue;
    if (entry.key !== mine.key) continue;
    decisions.set(address, {
      ...entry,
      action: "delete",
      nameFrom: undefined,
      observed: mine.observed,
      notes: [],
    });
    return { observed: undefined, nameFrom: address };
  }
  return {};
}
