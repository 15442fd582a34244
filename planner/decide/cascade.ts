/**
 * Replacements that follow from replacements.
 *
 * @module
 */

import type { FieldChange } from "../../providers/provider.ts";
import { type Decision, madeAnew } from "./decision.ts";
import { textsIn } from "../field_patterns.ts";
import { isLeftover, ownerOf } from "../leftover.ts";

/**
 * Carries replacements on to what cannot stand without the old object: a machine whose volume is
 * made anew is made anew too, for it would otherwise run on a disk that was taken from under it. Where
 * the new one is made first, what uses it goes over to it, unless it would do so at its next start only.
 *
 * @param order Addresses in the order of dependencies.
 */
export function cascadeReplacements(
  decisions: Map<string, Decision>,
  order: readonly string[],
): void {
  // Other addresses under which the record has an object: its users are known by them.
  const aliases = new Map<string, string[]>();
  for (const [address, { heir }] of decisions) {
    if (heir === undefined) continue;
    aliases.set(heir, [...aliases.get(heir) ?? [], address]);
  }
  const leftovers = new Map<string, Decision[]>();
  for (const [address, decision] of decisions) {
    if (!isLeftover(address) || decision.action !== "delete") continue;
    const owner = ownerOf(address);
    leftovers.set(owner, [...leftovers.get(owner) ?? [], decision]);
  }
  /** Names of what goes once the resource is what it is to be. */
  const goingAfter = (used: string): readonly string[] => {
    const old = decisions.get(used)?.old;
    const left = (leftovers.get(used) ?? []).map(({ key }) => key);
    return old?.afterCreate === true ? [old.key, ...left] : left;
  };
  /** Name of what goes before the resource is made. */
  const goingFirst = (used: string): string | undefined => {
    const old = decisions.get(used)?.old;
    return old?.afterCreate === false
      ? old.key
      : leftovers.get(used)?.find(({ goesFirst }) => goesFirst === true)?.key;
  };
  const usedBefore = (mine: Decision, used: string) => {
    if (mine.record === undefined) return true;
    const former = decisions.get(used)?.record?.address ?? used;
    const names = [used, former, ...aliases.get(used) ?? []].map(ownerOf);
    return mine.record.needs.some((need) => names.includes(ownerOf(need)));
  };
  for (const address of order) {
    const mine = decisions.get(address);
    if (mine === undefined || (mine.observed ?? mine.old) === undefined) continue;
    // A half-made object counts as there: it holds on to what it was made of.
    if (mine.action === "delete" || mine.action === "forget") continue;
    if (mine.resource.tenure === "existing" || mine.old?.afterCreate === false) continue;
    const held = mine.old?.observed ?? mine.observed!;
    const firm = mine.references.filter((reference) =>
      reference.survives !== true && usedBefore(mine, reference.address)
    );
    const causes = firm.filter(({ address }) => goingFirst(address) !== undefined);
    const changed = mine.action === "update" ||
      (mine.action === "create" && mine.old === undefined);
    const left = causes.length > 0 || !changed
      ? []
      : firm.filter((reference) => goingAfter(reference.address).some((key) => stays(mine, key)));
    if (left.length > 0) {
      decisions.set(address, madeAnew(mine, held, leftBehind(mine, left)));
      continue;
    }
    if (causes.length === 0) continue;
    if (mine.old !== undefined) {
      // The new one needs what can only be made once the old one is gone.
      decisions.set(address, { ...mine, old: { ...mine.old, afterCreate: false } });
      continue;
    }
    const paths = new Set(mine.changes.map((change) => change.path));
    decisions.set(
      address,
      madeAnew(mine, held, {
        changes: [
          ...mine.changes,
          ...causes.filter((cause) => !paths.has(cause.path)).map((cause): FieldChange => {
            const used = decisions.get(cause.address)!;
            return {
              path: cause.path,
              before: goingFirst(cause.address)!,
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

/** Whether an object goes on using something until its next start, though an update is to end that. */
function stays({ changes }: Decision, key: string): boolean {
  return changes.some(({ disruption, before }) =>
    disruption === "next-boot" && textsIn(before).has(key)
  );
}

/** Why an object is made anew that would be left on what goes. */
function leftBehind(
  { changes }: Decision,
  left: readonly { readonly address: string }[],
): Pick<Decision, "changes" | "notes"> {
  return {
    changes: changes.map((change) =>
      change.disruption === "next-boot" ? { ...change, disruption: "replace" } : change
    ),
    notes: left.map(({ address }) =>
      `made anew because ${address} is made anew, and it would use the old one until its next start`
    ),
  };
}
