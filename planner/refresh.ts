/**
 * The plan of a refresh: the record takes over what has changed on the hosts. No host is touched, and
 * what the stack declares stays as it is: where the two differ by then, the next plan says so.
 *
 * @module
 */

import { isLeftover } from "./leftover.ts";
import { type MadePlan, makePlan, type PlanInput } from "./make_plan.ts";
import { indexObserved } from "./observed.ts";
import { withChanges } from "./paths.ts";
import type { Plan, ResourcePlan } from "./plan.ts";

/**
 * Makes the plan: an entry for each object that has drifted, or whose fingerprint has moved because of
 * something that nobody declares. What a stopped run left half made is none of its concern.
 */
export function makeRefreshPlan(input: Omit<PlanInput, "mode">): MadePlan {
  const { record, kinds } = input;
  const { plan, errors } = makePlan({ ...input, mode: "apply" });
  const observed = indexObserved(input.observed);
  const drifts = new Map(plan.drift.map((drift) => [drift.address, drift]));
  const concerned = new Set(plan.resources.map(({ address }) => address));
  const resources: ResourcePlan[] = [];
  for (const known of record?.resources ?? []) {
    const { address, kind: name, host, resource, needs } = known;
    const drift = drifts.get(address);
    const base = { address, kind: name, host, reason: "changed-outside", needs } as const;
    if (drift?.status === "deleted") {
      const gone = { ...base, key: known.key, action: "forget", resource } as const;
      resources.push({ ...gone, changes: [], notes: [], fingerprint: undefined });
      continue;
    }
    const settled = known.status === "present" || known.status === "waiting";
    const owned = resource.tenure !== "existing" && !isLeftover(address);
    if (!settled || !owned || !concerned.has(address)) continue;
    const found = observed.byKey(host, name, known.key) ??
      (kinds.get(name)?.marked === true ? observed.byUuid(host, name, resource.uuid) : undefined);
    if (found === undefined || (drift === undefined && found.fingerprint === known.fingerprint)) {
      continue;
    }
    resources.push({
      ...base,
      key: found.key,
      action: "no-op",
      changes: [],
      notes: [],
      resource: { ...resource, spec: withChanges(resource.spec, drift?.changes ?? []) },
      fingerprint: found.fingerprint,
    });
  }
  const kept = plan.outputs.filter(({ action }) => action !== "create")
    .map(({ name, before, sensitive }) =>
      ({ name, action: "no-op", before, after: before, sensitive }) as const
    );
  const refresh: Plan = {
    ...plan,
    mode: "refresh",
    hosts: record?.hosts ?? {},
    resources,
    outputs: kept,
    steps: [],
    reservations: undefined,
  };
  return { plan: refresh, errors, going: {} };
}
