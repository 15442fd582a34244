/** Who has come to use what a saved plan takes away, and who was accounted for when it was made. */

import assert from "node:assert/strict";
import { usedSince } from "../../cli/used_since.ts";
import type { Plan, ResourcePlan } from "../../planner/plan.ts";
import type { Step, Use } from "../../providers/provider.ts";
import { golden } from "../support/golden.ts";

const VOLUME = "lab/volume.data";

function of(
  address: string,
  key: string,
  action: ResourcePlan["action"],
  needs: readonly string[] = [],
): ResourcePlan {
  const kind = /\/(\w+)\./.exec(address)![1]!;
  const resource = { address, kind, host: "lab", name: key, spec: {} } as never;
  const rest = { reason: "unchanged", changes: [], notes: [], resource } as const;
  return { address, kind, host: "lab", key, action, needs, ...rest };
}

function taking(away: readonly ResourcePlan[], others: readonly ResourcePlan[] = []): Plan {
  const steps = away.map(({ address, kind, host, key, resource }): Step => ({
    id: `delete:${address}`,
    operation: "delete",
    address,
    kind,
    host,
    key,
    resource,
    mark: {} as never,
    changes: [],
    needs: [],
  }));
  return { steps, resources: [...away, ...others] } as unknown as Plan;
}

const data = of(VOLUME, "disks/data.raw", "delete");

function use(key: string, by?: string): Use {
  const user = { kind: "machine", key };
  return { object: data, user, ...(by === undefined ? {} : { by }) };
}

function codes(plan: Plan, ...uses: readonly Use[]): number {
  return usedSince(plan, { lab: uses }).length;
}

Deno.test("a user whom the plan does not know makes it stale", () => {
  assert.equal(codes(taking([data])), 0);
  const errors = usedSince(taking([data]), {
    lab: [use("stranger"), use("other", 'snapshot "clean"')],
  });
  golden(import.meta.url, "used_since.txt", errors.map((error) => error.render()).join("\n\n"));
  assert.deepEqual(errors.map(({ exitCode }) => exitCode), [4]);
});

Deno.test("one that goes as well, or that the plan changes, was accounted for", () => {
  const web = (action: ResourcePlan["action"], needs?: readonly string[]) =>
    of("lab/machine.web", "web", action, needs);
  assert.equal(codes(taking([data, web("delete")]), use("web"), use("web", "the saved state")), 0);
  assert.equal(codes(taking([data], [web("update")]), use("web")), 0);
  assert.equal(codes(taking([data], [web("no-op", [VOLUME])]), use("web")), 0);
});

Deno.test("a machine of the stack's that has it by other hands, or a new snapshot of one, was not", () => {
  const web = of("lab/machine.web", "web", "no-op");
  assert.equal(codes(taking([data], [web]), use("web")), 1);
  const changed = { ...web, action: "update" } as const;
  assert.equal(codes(taking([data], [changed]), use("web", 'snapshot "new"')), 1);
});

Deno.test("an object that stays on the host by the plan may be used by anybody", () => {
  const plan = taking([data]);
  const kept = { ...plan, steps: plan.steps.map((step) => ({ ...step, retain: true as const })) };
  assert.equal(codes(kept, use("stranger")), 0);
});
