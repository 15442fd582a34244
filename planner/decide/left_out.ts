/**
 * What a run of a part leaves out must keep what it uses: nothing is taken away from under it.
 *
 * @module
 */

import { StaddleError } from "../../providers/error.ts";
import type { Observed } from "../../providers/provider.ts";
import type { ResourceRecord, StackRecord } from "../../state/store.ts";
import type { Decision } from "./decision.ts";
import { isLeftover } from "../leftover.ts";
import { problem } from "../problem.ts";
import { goingOf } from "./removal.ts";
import type { Kinds } from "../resolve.ts";

/**
 * Refuses what would be taken away, or made anew under another name, while something uses it of which
 * nothing is decided.
 *
 * @returns The refusals.
 */
export function usedByLeftOut(
  decisions: ReadonlyMap<string, Decision>,
  record: StackRecord | undefined,
  kinds: Kinds,
): readonly StaddleError[] {
  const decided = new Set(
    [...decisions.values()].flatMap(({ address, record, formers = [] }) =>
      record === undefined ? [address, ...formers] : [address, record.address, ...formers]
    ),
  );
  const rows = record?.resources ?? [];
  const leftOut = rows.filter(({ address, resource }) =>
    !decided.has(address) && !isLeftover(address) && resource.tenure !== "existing"
  );
  if (leftOut.length === 0) return [];
  return [...decisions.values()].flatMap((decision) => {
    const going = goingOf(decision);
    if (going === undefined) return [];
    const names = new Set(
      rows.filter(({ host, kind, key }) =>
        host === decision.host && kind === going.kind && key === going.key
      ).map(({ address }) => address),
    );
    const users = leftOut.filter((row) => standsOn(row, names, { going, decision, kinds }));
    return users.length === 0 ? [] : [refusal(decision, going, users)];
  });
}

/**
 * Keeps among the needs of each resource what it needed and a run of a part leaves out: a machine may go
 * on using that until its next start, which only a run of the whole can tell.
 */
export function keepNeedsLeftOut(decisions: Map<string, Decision>): void {
  for (const [address, decision] of decisions) {
    const leftOut = (decision.record?.needs ?? []).filter((need) => !decisions.has(need));
    if (leftOut.length === 0) continue;
    const needs = [...new Set([...decision.needs, ...leftOut])].sort();
    decisions.set(address, { ...decision, needs });
  }
}

/** Whether a resource that is left out would lose what it uses. */
function standsOn(
  { kind, needs, resource }: ResourceRecord,
  names: ReadonlySet<string>,
  { going, decision, kinds }: {
    readonly going: Observed;
    readonly decision: Decision;
    readonly kinds: Kinds;
  },
): boolean {
  const needed = needs.filter((need) => names.has(need));
  if (needed.length === 0) return false;
  // What the record has is resolved: names on the host stand in the place of addresses.
  const references = kinds.get(kind)?.references(resource)
    .filter((one) => one.address === going.key && one.kinds.includes(going.kind)) ?? [];
  if (references.length === 0) return needed.some((need) => !resource.dependsOn.includes(need));
  const comesBack = decision.action === "replace" && decision.key === going.key;
  return !comesBack || references.some(({ survives }) => survives !== true);
}

function refusal(
  decision: Decision,
  going: Observed,
  users: readonly ResourceRecord[],
): StaddleError {
  const names = users.map(({ address }) => address);
  return problem(decision.resource, {
    code: "plan.used-by-left-out",
    message: `${going.kind} "${going.key}" would be taken away${
      decision.action === "replace" ? " to be made anew" : ""
    }, and ${names.join(", ")}, which this run leaves out, ${
      names.length === 1 ? "uses" : "use"
    } it`,
    others: users.map(({ resource }) => resource),
    help: `let this run concern ${names.length === 1 ? "that" : "those"} as well, or leave ` +
      `${decision.address} out too`,
  });
}
