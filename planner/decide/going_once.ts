/**
 * What goes, goes once.
 *
 * After runs that were stopped the record can have one object under several addresses. Were it taken
 * away for each of them, the later ones would find what has been made under its name since.
 *
 * @module
 */

import type { Decision } from "./decision.ts";
import { goingOf } from "./removal.ts";

/**
 * Leaves an object that several decisions would take away to one of them: to the one that makes it anew
 * under the same name, or else to the first. The others only give it up.
 */
export function goOnce(decisions: Map<string, Decision>): void {
  const going = [...decisions.values()].filter((decision) => goingOf(decision) !== undefined);
  for (const [object, same] of Map.groupBy(going, goingOf)) {
    if (same.length < 2) continue;
    const sorted = same.toSorted((a, b) => a.address < b.address ? -1 : 1);
    const taker = sorted.find(({ old, key }) => old?.key === key) ?? sorted[0]!;
    for (const other of sorted) {
      if (other === taker) continue;
      const note = `${taker.address} takes "${object!.key}" away`;
      decisions.set(other.address, givenUp(other, taker.address, note));
    }
  }
}

function givenUp(decision: Decision, taker: string, note: string): Decision {
  const { old, observed } = decision;
  const notes = [...decision.notes, note];
  if (old === undefined) {
    return { ...decision, action: "forget", heir: taker, observed: undefined, notes };
  }
  return {
    ...decision,
    action: "create",
    reason: "not-on-host",
    changes: [],
    old: undefined,
    observed: observed === old.observed ? undefined : observed,
    notes,
  };
}
