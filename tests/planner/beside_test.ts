/** What is made before the object goes that it replaces: whatever can stand beside it. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject, Tenure } from "../../providers/provider.ts";
import type { Plan } from "../../planner/plan.ts";
import { planDisruption } from "../../planner/summary.ts";
import { known, stacks, stillUsed } from "./random_stacks.ts";
import { small } from "./small_stack.ts";
import { CutOff, resource, topology, World } from "./world.ts";

const steps = (plan: Plan) =>
  plan.steps.map((step) => step.needs.length === 0 ? step.id : `${step.id} <- ${step.needs}`);

const OTHER = { name: "other.qcow2" };
const VOLUME = "lab/volume.web-root";

/** A world in which the small stack was applied. */
function applied(machine: JsonObject = {}): World {
  const world = new World();
  world.apply(topology(small({ machine })));
  return world;
}

Deno.test("a volume of another name is made, the machine goes over to it, the old one goes", () => {
  const plan = applied().apply(topology(small({ volume: OTHER })));
  assert.deepEqual(steps(plan), [
    `create:${VOLUME}`,
    `update:lab/machine.web <- create:${VOLUME}`,
    `delete:${VOLUME}#old <- create:${VOLUME},update:lab/machine.web`,
  ]);
});

Deno.test("a machine that would use the old one until its next start is made anew", () => {
  const rigid = { rigid: true };
  const plan = applied(rigid).apply(topology(small({ volume: OTHER, machine: rigid })));
  assert.deepEqual(steps(plan), [
    `create:${VOLUME}`,
    `delete:lab/machine.web#old <- create:${VOLUME}`,
    `create:lab/machine.web <- create:${VOLUME},delete:lab/machine.web#old`,
    `delete:${VOLUME}#old <- create:${VOLUME},delete:lab/machine.web#old`,
  ]);
  const machine = plan.resources.find(({ address }) => address === "lab/machine.web")!;
  assert.deepEqual(machine.notes, [
    `made anew because ${VOLUME} is made anew, and it would use the old one until its next start`,
  ]);
  assert.deepEqual(machine.changes.map(({ disruption }) => disruption), ["replace"]);
  assert.equal(planDisruption(plan), "replace");
});

Deno.test("a name that another resource of the stack has to give up is waited for", () => {
  const volumes = (a: string, b: string) =>
    topology([
      resource("lab/pool.store", { name: "store" }),
      resource("lab/volume.a", { pool: "lab/pool.store", name: a }),
      resource("lab/volume.b", { pool: "lab/pool.store", name: b }),
    ]);
  const world = new World();
  world.apply(volumes("one", "two"));
  assert.deepEqual(steps(world.apply(volumes("two", "three"))), [
    "delete:lab/volume.a#old",
    "create:lab/volume.b",
    "delete:lab/volume.b#old <- create:lab/volume.b",
    "create:lab/volume.a <- delete:lab/volume.a#old,delete:lab/volume.b#old",
  ]);
  assert.deepEqual(steps(world.apply(volumes("three", "two"))), [
    "delete:lab/volume.a#old",
    "delete:lab/volume.b#old",
    "create:lab/volume.a <- delete:lab/volume.a#old,delete:lab/volume.b#old",
    "create:lab/volume.b <- delete:lab/volume.a#old,delete:lab/volume.b#old",
  ]);
});

Deno.test("pools stand beside each other unless they have one UUID or one folder", () => {
  const change = (tenure: Tenure, from: JsonObject, to: JsonObject) => {
    const world = new World();
    world.apply(topology([resource("lab/pool.p", from, { tenure })]));
    return steps(world.apply(topology([resource("lab/pool.p", to, { tenure })])));
  };
  const [one, two] = [{ name: "one", path: "/one" }, { name: "two", path: "/two" }];
  const first = ["create:lab/pool.p", "delete:lab/pool.p#old <- create:lab/pool.p"];
  const last = ["delete:lab/pool.p#old", "create:lab/pool.p <- delete:lab/pool.p#old"];
  assert.deepEqual(change("shared", one, two), first);
  assert.deepEqual(change("shared", one, { ...two, path: "/one" }), last);
  // The UUID follows from the address.
  assert.deepEqual(change("managed", one, two), last);
});

Deno.test("what a stopped replacement was to take away is taken back as it is", () => {
  const world = applied();
  assert.throws(
    () => world.apply(topology(small({ volume: OTHER })), {}, { step: 1, when: "before" }),
    CutOff,
  );
  const before = world.things.get("lab volume store/web-root.qcow2");
  const plan = world.apply(topology(small()));
  assert.deepEqual(steps(plan), [
    "update:lab/machine.web",
    `delete:${VOLUME}#store/other.qcow2 <- update:lab/machine.web`,
  ]);
  assert.equal(world.things.get("lab volume store/web-root.qcow2"), before);
  assert.deepEqual(world.planned(topology(small())).steps, []);
});

Deno.test("what is taken back grows where it is, and is not made once more", () => {
  const world = applied();
  const larger = { ...OTHER, capacity: 200 };
  assert.throws(
    () => world.apply(topology(small({ volume: larger })), {}, { step: 0, when: "after" }),
    CutOff,
  );
  const plan = world.apply(topology(small({ volume: { capacity: 200 } })));
  assert.deepEqual(steps(plan), [
    `delete:${VOLUME}#store/other.qcow2`,
    `update:${VOLUME}`,
  ]);
});

Deno.test("whatever has a free name of its own is made before the old one goes", () => {
  fc.assert(
    fc.property(stacks, stacks, (first, second) => {
      const world = new World();
      world.apply(first);
      fc.pre(!stillUsed(world, known(world, second)));
      const plan = world.planned(known(world, second));
      const byId = new Map(plan.steps.map((step) => [step.id, step]));
      const makesFirst = (address: string) =>
        byId.get(`delete:${address}#old`)?.needs.includes(`create:${address}`) === true;
      for (const { address, host, kind, key, needs = [] } of plan.resources) {
        const old = byId.get(`delete:${address}#old`);
        if (old === undefined || old.key === key) continue;
        // Machines, networks and managed pools have a UUID that two cannot have.
        if (kind !== "volume" && kind !== "seed" && kind !== "image") continue;
        const free = !world.things.has(World.slot(host, kind, key));
        const waits = needs.some((need) => byId.has(`delete:${need}#old`) && !makesFirst(need));
        assert.equal(makesFirst(address), free && !waits, old.id);
      }
    }),
    { numRuns: 100 },
  );
});
