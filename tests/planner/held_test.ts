/** What a machine runs on until its next start: it is not taken away before that. */

import assert from "node:assert/strict";
import type { Resource } from "../../providers/provider.ts";
import type { Plan } from "../../planner/plan.ts";
import { hasChanges } from "../../planner/summary.ts";
import { golden } from "../support/golden.ts";
import { small } from "./small_stack.ts";
import { resource, topology, World } from "./world.ts";

const VOLUME = "lab/volume.data";
const MACHINE = "lab/machine.web";
const POOL = "lab/pool.data";

const disk = { name: "data", volume: VOLUME };
const root = { name: "root", volume: "lab/volume.web-root" };

/** The small stack with a second disk, in a pool of its own, on a machine that changes disks at its start. */
function stack(has: { disk?: boolean; volume?: false | object; rigid?: boolean } = {}): Resource[] {
  const { disk: used = false, volume = {}, rigid = true } = has;
  return [
    ...small({ machine: { rigid, disks: used ? [root, disk] : [root] } }),
    ...(volume === false ? [] : [
      resource(POOL, { name: "data" }),
      resource(VOLUME, { pool: POOL, name: "data.raw", capacity: 1, ...volume }),
    ]),
  ];
}

function applied(rigid = true): World {
  const world = new World();
  world.apply(topology(stack({ disk: true, rigid })));
  return world;
}

const ids = (plan: Plan) => plan.steps.map(({ id }) => id);
const row = (world: World, address: string) =>
  world.record!.resources.find((entry) => entry.address === address);
const planned = (plan: Plan, address: string) =>
  plan.resources.find((item) => item.address === address)!;

/** It and its pool stay, and the plan says why. */
function isKept(plan: Plan): void {
  assert.ok(ids(plan).every((id) => !id.startsWith("delete:")), ids(plan).join());
  const { action, reason, notes } = planned(plan, VOLUME);
  assert.deepEqual({ action, reason, notes }, {
    action: "no-op",
    reason: "still-used",
    notes: [
      `it stays until ${MACHINE} is restarted, for that runs on it; a plan after that takes it away`,
    ],
  });
  assert.deepEqual(planned(plan, POOL).notes, [`it stays with ${VOLUME}, which needs it`]);
}

Deno.test("a volume that is given up at the next start stays until then, in the record too", () => {
  const world = applied();
  const before = [row(world, VOLUME), row(world, POOL)];
  const wanted = topology(stack({ volume: false }));
  const plan = world.apply(wanted);
  assert.deepEqual(ids(plan), [`update:${MACHINE}`]);
  isKept(plan);
  assert.deepEqual([row(world, VOLUME), row(world, POOL)], before);
  const again = world.apply(wanted);
  isKept(again);
  assert.equal(hasChanges(again), false);
  assert.deepEqual([row(world, VOLUME), row(world, POOL)], before);

  world.restart("lab", "web");
  assert.deepEqual(ids(world.apply(wanted)), [`delete:${VOLUME}`, `delete:${POOL}`]);
  assert.deepEqual([row(world, VOLUME), row(world, POOL)], [undefined, undefined]);
  assert.equal(row(world, MACHINE)!.needs.includes(VOLUME), false);
  assert.equal(hasChanges(world.planned(wanted)), false);
});

Deno.test("so does one that is declared no longer while the restart is waited for", () => {
  const world = applied();
  world.apply(topology(stack()));
  assert.ok(row(world, MACHINE)!.needs.includes(VOLUME));
  isKept(world.apply(topology(stack({ volume: false }))));
  // Aimed at alone, it comes with whoever runs on it.
  isKept(world.planned(topology(stack({ volume: false })), { target: [VOLUME, POOL] }));
});

Deno.test("what runs on a volume keeps it when it is left out of the run", () => {
  const world = applied();
  const wanted = topology(stack({ volume: false }));
  assert.deepEqual(ids(world.planned(wanted, { exclude: [MACHINE] })), []);
  world.apply(wanted);
  assert.deepEqual(ids(world.planned(wanted, { exclude: [MACHINE] })), []);
});

Deno.test("a volume that is given up at once goes at once", () => {
  const plan = applied(false).apply(topology(stack({ volume: false, rigid: false })));
  assert.deepEqual(ids(plan), [`update:${MACHINE}`, `delete:${VOLUME}`, `delete:${POOL}`]);
});

Deno.test("a destruction waits for no restart, and takes the machine first", () => {
  const world = applied();
  world.apply(topology(stack({ volume: false })));
  const order = ids(world.destroy());
  assert.ok(order.indexOf(`delete:${MACHINE}`) < order.indexOf(`delete:${VOLUME}`), order.join());
  assert.deepEqual(world.listing(), []);
});

Deno.test("a machine that goes takes along what it ran on", () => {
  const world = applied();
  world.apply(topology(stack({ volume: false })));
  const without = stack({ volume: false }).filter(({ address }) => address !== MACHINE);
  const order = ids(world.apply(topology(without)));
  assert.deepEqual(order.slice(0, 3), [`delete:${MACHINE}`, `delete:${VOLUME}`, `delete:${POOL}`]);
});

Deno.test("one that is declared once more is as it was", () => {
  const world = applied();
  world.apply(topology(stack({ volume: false })));
  assert.deepEqual(ids(world.apply(topology(stack({ disk: true })))), [`update:${MACHINE}`]);
  assert.equal(row(world, VOLUME)!.status, "present");
});

Deno.test("golden: what would be made anew under a machine that runs on it is refused", () => {
  const world = applied();
  const anew = topology(stack({ volume: { format: "raw" } }));
  const refusal = () => world.plan(anew).errors.map((error) => error.render()).join("\n");
  const before = refusal();
  world.apply(topology(stack()));
  golden(import.meta.url, "still_used.txt", `${before}\n\n${refusal()}`);
  assert.deepEqual(world.plan(anew).plan.steps, []);
  world.restart("lab", "web");
  assert.deepEqual(ids(world.apply(anew)), [`delete:${VOLUME}#old`, `create:${VOLUME}`]);
});

Deno.test("golden: a name that something keeps until a restart is refused with what to wait for", () => {
  const world = applied();
  const pool = stack().find(({ address }) => address === POOL)!;
  const other = (name: string) => resource("lab/volume.other", { pool: POOL, name, capacity: 1 });
  const declared = (name: string) => topology([...stack({ volume: false }), pool, other(name)]);
  world.apply(declared("other.raw"));
  const { errors } = world.plan(declared("data.raw"));
  golden(import.meta.url, "name_kept.txt", errors.map((error) => error.render()).join("\n"));
  world.restart("lab", "web");
  world.apply(declared("data.raw"));
});
