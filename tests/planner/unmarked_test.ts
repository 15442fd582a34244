/** An object that is ours by its UUID and no longer carries the mark. */

import assert from "node:assert/strict";
import { planText } from "../../cli/render/plan_text.ts";
import { summarize } from "../../planner/mod.ts";
import { golden } from "../support/golden.ts";
import { resource, topology, World } from "./world.ts";

const machine = resource("lab/machine.web", { name: "web", vcpus: 1 });
const slot = World.slot("lab", "machine", "web");

function unmarked(): World {
  const world = new World();
  world.apply(topology([machine]));
  // As after going back to a snapshot from before it was taken over.
  world.things.set(slot, { ...world.things.get(slot)!, mark: undefined });
  return world;
}

Deno.test("golden: a mark that is gone is put back, and the plan says so", () => {
  const world = unmarked();
  const { plan } = world.plan(topology([machine]));
  golden(import.meta.url, "plan_unmarked.txt", planText(plan, { summary: summarize(plan) }));
  assert.deepEqual(plan.steps.map(({ id, changes }) => ({ id, changes })), [
    { id: "update:lab/machine.web", changes: [] },
  ]);
  world.apply(topology([machine]));
  assert.equal(world.things.get(slot)!.mark?.address, "lab/machine.web");
  assert.deepEqual(world.plan(topology([machine])).plan.steps, []);
});

Deno.test("it goes along with what else differs, and is destroyed as ours", () => {
  const changed = topology([resource("lab/machine.web", { name: "web", vcpus: 2 })]);
  const [planned] = unmarked().plan(changed).plan.resources;
  assert.deepEqual([planned!.action, planned!.reason], ["update", "fields-differ"]);
  assert.match(planned!.notes.join("\n"), /the mark is put back/);
  const world = unmarked();
  world.apply(topology([]));
  assert.equal(world.things.size, 0);
});
