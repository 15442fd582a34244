/**
 * Properties over random stacks, carried out in a world that refuses every step in a wrong order:
 * what was applied plans to nothing, what was cut off anywhere converges, what is destroyed is gone.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Topology } from "../../planner/topology.ts";
import { known, stacks, stillUsed } from "./random_stacks.ts";
import { type Cut, CutOff, World } from "./world.ts";

/** No step is left, and a second run forgets nothing that it should keep. */
function settled(world: World, declared: Topology): void {
  const wanted = known(world, declared);
  const { steps, drift } = world.planned(wanted);
  assert.deepEqual(steps.map((step) => step.id), []);
  assert.deepEqual(drift, []);
  world.apply(wanted);
  const again = world.planned(wanted);
  assert.ok(again.resources.every((item) => item.action === "no-op"));
}

function bystanders(world: World): void {
  world.put("lab", "machine", "theirs", { name: "theirs" });
  world.put("lab", "volume", "store/theirs", { name: "theirs" });
  world.put("den", "network", "default", { name: "default" });
}

Deno.test("what was applied plans to nothing, and what is destroyed leaves nothing", () => {
  fc.assert(
    fc.property(fc.array(stacks, { minLength: 1, maxLength: 4 }), (sequence) => {
      const world = new World();
      bystanders(world);
      const before = world.listing();
      for (const wanted of sequence) {
        if (stillUsed(world, known(world, wanted))) continue;
        world.apply(known(world, wanted));
        settled(world, wanted);
      }
      world.destroy();
      assert.deepEqual(world.listing(), before);
      assert.deepEqual(world.record?.resources, []);
    }),
    { numRuns: 150 },
  );
});

Deno.test("a run that is cut off anywhere converges, on the same stack or another", () => {
  fc.assert(
    fc.property(
      stacks,
      stacks,
      fc.option(stacks),
      fc.nat(30),
      fc.constantFrom("before" as const, "after" as const),
      (first, second, third, at, when) => {
        const world = new World();
        bystanders(world);
        const before = world.listing();
        world.apply(first);
        fc.pre(!stillUsed(world, known(world, second)));
        cutOff(world, known(world, second), { step: at, when });
        const last = third ?? second;
        fc.pre(!stillUsed(world, known(world, last)));
        world.apply(known(world, last));
        settled(world, last);
        world.destroy();
        assert.deepEqual(world.listing(), before);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("a destruction that is cut off anywhere is finished by the next one", () => {
  fc.assert(
    fc.property(
      stacks,
      fc.nat(12),
      fc.constantFrom("before" as const, "after" as const),
      (wanted, at, when) => {
        const world = new World();
        world.apply(wanted);
        const plan = world.planned(undefined, { mode: "destroy" });
        try {
          world.run(plan, undefined, { step: at, when });
        } catch (error) {
          if (!(error instanceof CutOff)) throw error;
        }
        world.destroy();
        assert.deepEqual(world.listing(), []);
        assert.deepEqual(world.record?.resources, []);
      },
    ),
    { numRuns: 150 },
  );
});

function cutOff(world: World, wanted: Topology, cut: Cut): void {
  try {
    world.apply(wanted, {}, cut);
  } catch (error) {
    if (!(error instanceof CutOff)) throw error;
  }
}

Deno.test("a plan does not depend on the order of declaration", () => {
  const shuffled = stacks.chain((wanted) =>
    fc.tuple(
      fc.constant(wanted),
      fc.shuffledSubarray([...wanted.resources], {
        minLength: wanted.resources.length,
        maxLength: wanted.resources.length,
      }),
    )
  );
  fc.assert(fc.property(stacks, shuffled, (first, [second, resources]) => {
    const world = new World();
    world.apply(first);
    fc.pre(!stillUsed(world, known(world, second)));
    const one = JSON.stringify(world.planned(known(world, second)));
    assert.equal(JSON.stringify(world.planned(known(world, { ...second, resources }))), one);
  }));
});
