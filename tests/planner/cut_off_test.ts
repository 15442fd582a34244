/** What a run that was cut off leaves, and a stack that was changed before the next run: each once met. */

import assert from "node:assert/strict";
import type { JsonObject, Resource } from "../../providers/provider.ts";
import { known } from "./random_stacks.ts";
import { type Cut, CutOff, resource, topology, World } from "./world.ts";

const pool = (path = "/a", name = "store") => resource("lab/pool.store", { name, path });

function volume(address: string, name: string, more: JsonObject = {}): Resource {
  return resource(address, { pool: "lab/pool.store", name, capacity: 1, ...more });
}

function machine(volumes: readonly string[], more: JsonObject = {}): Resource {
  const disks = volumes.map((address) => ({ name: address.at(-1)!, volume: address }));
  return resource("lab/machine.web", { name: "web", disks, ...more });
}

const image = resource("lab/image.os", {
  pool: "lab/pool.store",
  name: "os",
  sha256: "a".repeat(64),
}, { tenure: "shared" });

/** A run that is killed before or after the operation of a step. */
function cutOff(
  world: World,
  wanted: readonly Resource[],
  when: Cut["when"],
  id: string,
): void {
  const stack = known(world, topology(wanted));
  const step = world.planned(stack).steps.findIndex((one) => one.id === id);
  assert.notEqual(step, -1, `no step ${id}`);
  assert.throws(() => world.apply(stack, {}, { step, when }), CutOff);
}

/** Applies; nothing is left to be done, and nothing stays behind when all is destroyed. */
function converges(world: World, wanted: readonly Resource[], left: readonly string[] = []): void {
  world.apply(known(world, topology(wanted)));
  const again = world.planned(known(world, topology(wanted)));
  assert.deepEqual(again.steps.map(({ id }) => id), []);
  assert.deepEqual(
    world.listing(),
    [
      ...left,
      ...wanted.map(({ kind, spec }) => {
        const inPool = kind === "volume" ? "store/" : "";
        return `lab ${kind} ${inPool}${spec.name}`;
      }),
    ].sort(),
  );
  world.destroy();
  assert.deepEqual(world.listing(), []);
  assert.deepEqual(world.record?.resources, []);
}

Deno.test("an object that two entries have is taken away once, before another gets its name", () => {
  const world = new World();
  world.apply(topology([pool(), volume("lab/volume.z", "x", { format: "raw" })]));
  // Killed as the volume, by another address, was about to be deleted to be made anew.
  const other = [pool(), volume("lab/volume.b", "x", { format: "qcow2" })];
  cutOff(world, other, "before", "delete:lab/volume.b#old");
  const both = world.record!.resources.filter(({ key }) => key === "store/x");
  assert.deepEqual(both.map(({ address }) => address), ["lab/volume.b", "lab/volume.z"]);

  const last = [
    pool(),
    volume("lab/volume.b", "y", { format: "qcow2" }),
    volume("lab/volume.c", "x", { format: "qcow2", capacity: 2 }),
  ];
  const { steps } = world.planned(known(world, topology(last)));
  const deletions = steps.filter(({ operation }) => operation === "delete");
  assert.deepEqual(deletions.map(({ id, key }) => [id, key]), [
    ["delete:lab/volume.c#old", "store/x"],
  ]);
  converges(world, last);
});

Deno.test("what an object stood on goes after it, also where another entry takes it away", () => {
  const world = new World();
  world.apply(topology([pool(), volume("lab/volume.b", "x")]));
  const other = [pool(), image, volume("lab/volume.a", "x", { image: image.address })];
  cutOff(world, other, "after", "create:lab/volume.a");

  const last = [pool(), volume("lab/volume.a", "y"), volume("lab/volume.b", "z")];
  const { steps } = world.planned(known(world, topology(last)));
  const ids = steps.map(({ id }) => id);
  const gone = steps.filter(({ key, operation }) => operation === "delete" && key === "store/x");
  assert.equal(gone.length, 1, ids.join());
  assert.ok(ids.indexOf(gone[0]!.id) < ids.indexOf("delete:lab/image.os"), ids.join());
  converges(world, last);
});

Deno.test("a name that another entry frees can be taken", () => {
  const world = new World();
  world.apply(topology([pool(), volume("lab/volume.a", "x")]));
  cutOff(
    world,
    [pool(), volume("lab/volume.a", "y")],
    "before",
    "delete:lab/volume.a#old",
  );
  // The one that was to go is taken back, and the one that came goes to another.
  converges(world, [pool(), volume("lab/volume.a", "x"), volume("lab/volume.b", "y")]);
});

Deno.test("what stays for a while after a stopped replacement stays in the record", () => {
  const world = new World();
  const shared = resource("lab/pool.store", { name: "store", path: "/s" }, { tenure: "shared" });
  const rigid = { rigid: true };
  world.apply(topology([shared, volume("lab/volume.a", "x"), machine(["lab/volume.a"], rigid)]));
  cutOff(
    world,
    [pool("/b", "depot"), volume("lab/volume.a", "x")],
    "after",
    "create:lab/pool.store",
  );
  const last = [shared, machine([], rigid)];
  converges(world, last, ["lab pool depot", "lab volume store/x"]);
});

Deno.test("a half-made machine that runs on what is made anew is made anew with it", () => {
  const world = new World();
  world.apply(topology([pool()]));
  const rigid = { rigid: true };
  const first = [pool(), volume("lab/volume.a", "x"), machine(["lab/volume.a"], rigid)];
  cutOff(world, first, "after", "create:lab/machine.web");

  const last = [pool(), volume("lab/volume.a", "y"), machine(["lab/volume.a"], rigid)];
  const { steps } = world.planned(known(world, topology(last)));
  const ids = steps.map(({ id }) => id);
  assert.ok(
    ids.indexOf("delete:lab/machine.web#old") < ids.indexOf("delete:lab/volume.a#old"),
    ids.join(),
  );
  assert.ok(ids.includes("delete:lab/machine.web#old"), ids.join());
  converges(world, last);
});

Deno.test("a machine that runs on what a stopped replacement left goes before it", () => {
  const world = new World();
  const rigid = { rigid: true };
  world.apply(
    topology([pool(), volume("lab/inner/volume.a", "x"), machine(["lab/inner/volume.a"], rigid)]),
  );
  cutOff(
    world,
    [pool(), volume("lab/inner/volume.a", "y"), machine([])],
    "before",
    "create:lab/inner/volume.a",
  );
  converges(world, [pool(), machine([], rigid)], ["lab volume store/x"]);
});

Deno.test("a machine is made anew whose volume, which a stopped run left, is made anew", () => {
  const world = new World();
  world.apply(topology([pool(), volume("lab/volume.a", "x"), machine(["lab/volume.a"])]));
  cutOff(world, [pool(), volume("lab/volume.a", "y")], "before", "create:lab/volume.a");
  const last = [
    pool(),
    volume("lab/volume.b", "x", { format: "raw" }),
    machine(["lab/volume.b"]),
  ];
  converges(world, last);
});
