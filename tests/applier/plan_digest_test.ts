/** By which digest a run is kept in the history. */

import assert from "node:assert/strict";
import type { Plan } from "../../planner/plan.ts";
import { parsePlanJson, planDocument, renderPlanJson } from "../../planner/plan_json.ts";
import { topologySchema } from "../../planner/topology.ts";
import { small } from "../planner/small_stack.ts";
import { topology, World } from "../planner/world.ts";
import { fakeHosts } from "./fake_host.ts";
import { place } from "./run.ts";

/** The plan of a small stack that does not exist yet. */
function planned() {
  const wanted = topology(small());
  return { wanted, plan: new World().planned(wanted) };
}

Deno.test("a saved plan is known by the digest that its file has", async () => {
  await using here = place();
  const { wanted, plan } = planned();
  const file = renderPlanJson(plan, { timestamp: "2026-01-02T03:04:05.678Z", topology: wanted });
  const saved = parsePlanJson(file).staddle;
  const { runs } = await here.apply(saved.plan as unknown as Plan, fakeHosts(), {
    topology: topologySchema.parse(saved.topology),
    planDigest: saved.digest,
  });
  assert.match(saved.digest, /^[0-9a-f]{64}$/);
  assert.deepEqual(runs.map(({ planDigest, result }) => [planDigest, result]), [
    [saved.digest, "done"],
  ]);
});

Deno.test("one that was not saved is known by what its revision makes", async () => {
  await using here = place();
  const { wanted, plan } = planned();
  const { runs: [run], writes } = await here.apply(plan, fakeHosts(), { topology: wanted });
  const kept = await here.store.revision("shop", run!.id);
  const made = planDocument(kept!.plan as unknown as Plan, {
    timestamp: run!.startedAt,
    topology: topologySchema.parse(kept!.topology),
  });
  assert.equal(run?.planDigest, made.staddle.digest);
  assert.equal(writes[0]!.run?.planDigest, run?.planDigest, "from the beginning on");
});

Deno.test("what nobody declared has a digest as well", async () => {
  await using here = place();
  const { runs: [run] } = await here.apply(planned().plan, fakeHosts());
  assert.equal(await here.store.revision("shop", run!.id), undefined);
  assert.match(run!.planDigest!, /^[0-9a-f]{64}$/);
});
