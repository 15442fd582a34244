/**
 * How what a plan takes away is taken away: that may depend on what goes with it.
 *
 * @module
 */

import type { Observed, Removal, Step } from "../../providers/provider.ts";
import type { Decision } from "./decision.ts";

/** The object that a decision takes away from its host, if it does. */
export function goingOf({ action, old, observed, retained }: Decision): Observed | undefined {
  if (action === "delete") return observed;
  return action === "replace" && retained !== true ? old?.observed : undefined;
}

/** How objects are taken away, by the address of their resource; none where nothing has to be known. */
export function removals(
  decisions: ReadonlyMap<string, Decision>,
): ReadonlyMap<string, Removal> {
  const gone = [...decisions.values()].map(goingOf).filter((object) => object !== undefined);
  const byHost = Map.groupBy(gone, ({ host }) => host);
  const found = new Map<string, Removal>();
  for (const [address, decision] of decisions) {
    const observed = goingOf(decision);
    const { kind, resource, record, declared } = decision;
    if (observed === undefined || kind.removal === undefined) continue;
    const known = declared ? resource : record?.resource ?? resource;
    const going = byHost.get(observed.host)!;
    found.set(address, kind.removal(known, { observed, going }));
  }
  return found;
}

/** The steps, those that take something away with how they do it. */
export function withRemovals(
  steps: readonly Step[],
  removals: ReadonlyMap<string, Removal>,
): readonly Step[] {
  return steps.map((step) => {
    const removal = step.operation === "delete" && step.retain !== true
      ? removals.get(step.address)
      : undefined;
    return removal === undefined ? step : { ...step, removal: removal.how };
  });
}
