/**
 * Properties over random stacks, carried out in a world that refuses every step in a wrong order:
 * what was applied plans to nothing, what was cut off anywhere converges, what is destroyed is gone.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Resource } from "../../providers/provider.ts";
import type { Topology } from "../../planner/topology.ts";
import { type Cut, CutOff, resource, topology, World } from "./world.ts";

const volume = fc.record({
  capacity: fc.integer({ min: 1, max: 3 }),
  format: fc.constantFrom("qcow2", "raw"),
  image: fc.boolean(),
  /** The same volume by another address. */
  nested: fc.boolean(),
});

const machine = fc.record({
  vcpus: fc.integer({ min: 1, max: 2 }),
  firmware: fc.constantFrom("bios", "uefi"),
  /** The same machine by another name on the host. */
  renamed: fc.boolean(),
  disks: fc.uniqueArray(fc.nat(2), { maxLength: 3 }),
  userData: fc.option(fc.constantFrom("one", "two")),
  nic: fc.boolean(),
  wait: fc.boolean(),
  /** The same machine by another address, which its aliases tell. */
  nested: fc.boolean(),
  /** Options that change what is compared, and how a change is made. */
  ignores: fc.constantFrom(undefined, ["vcpus"]),
  replaces: fc.constantFrom(undefined, ["vcpus"]),
});

const model = fc.record({
  host: fc.constantFrom("lab", "den"),
  path: fc.constantFrom("/a", "/b"),
  sha: fc.constantFrom("a", "b"),
  network: fc.record({ name: fc.constantFrom("front", "back"), subnet: fc.constantFrom("1", "2") }),
  volumes: fc.array(fc.option(volume), { minLength: 3, maxLength: 3 }),
  machines: fc.array(fc.option(machine), { minLength: 2, maxLength: 2 }),
});

type Model = typeof model extends fc.Arbitrary<infer T> ? T : never;

/** Turns a random choice into a stack. */
function build(choice: Model, host = "lab"): Topology {
  const resources: Resource[] = [
    resource(`${host}/pool.store`, { name: "store", path: choice.path }),
    resource(`${host}/network.net`, { ...choice.network }),
  ];
  const images = choice.volumes.some((item) => item?.image === true);
  if (images) {
    resources.push(resource(`${host}/image.os`, {
      pool: `${host}/pool.store`,
      name: "os",
      sha256: choice.sha.repeat(64),
    }, { tenure: "shared" }));
  }
  const volumes = choice.volumes.map((item, index) => {
    if (item === null) return undefined;
    const address = item.nested ? `${host}/inner/volume.v${index}` : `${host}/volume.v${index}`;
    resources.push(resource(address, {
      pool: `${host}/pool.store`,
      name: `v${index}`,
      capacity: item.capacity,
      format: item.format,
      ...(item.image ? { image: `${host}/image.os` } : {}),
    }));
    return address;
  });
  choice.machines.forEach((item, index) => {
    if (item === null) return;
    if (item.userData !== null) {
      resources.push(resource(`${host}/seed.m${index}`, {
        pool: `${host}/pool.store`,
        name: `m${index}`,
        userData: item.userData,
      }));
    }
    const places = [`${host}/machine.m${index}`, `${host}/inner/machine.m${index}`] as const;
    const [address, former] = item.nested ? [places[1], places[0]] : places;
    resources.push(resource(address, {
      name: item.renamed ? `renamed-${index}` : `m${index}`,
      vcpus: item.vcpus,
      firmware: item.firmware,
      disks: item.disks.flatMap((disk) =>
        volumes[disk] === undefined ? [] : [{ name: `d${disk}`, volume: volumes[disk] }]
      ),
      ...(item.userData === null ? {} : { seed: `${host}/seed.m${index}` }),
      nics: item.nic
        ? [{ name: "nic0", network: `${host}/network.net`, mac: `52:54:00:00:00:0${index}` }]
        : [],
      ...(item.wait ? { wait: "lease" } : {}),
    }, {
      options: {
        aliases: [former],
        ...(item.ignores === undefined ? {} : { ignoreChanges: item.ignores }),
        ...(item.replaces === undefined ? {} : { replaceOnChanges: item.replaces }),
      },
    }));
  });
  return topology(resources, { hosts: ["lab", "den"] });
}

const stacks = model.map((choice) => build(choice, choice.host));

/** The topology as an evaluation gives it that knows the record: what was renamed keeps its UUID. */
function known(world: World, wanted: Topology): Topology {
  const rows = new Map(world.record?.resources.map((row) => [row.address, row.resource.uuid]));
  return {
    ...wanted,
    resources: wanted.resources.map((item) => {
      const addresses = [item.address, ...item.options?.aliases ?? []];
      const uuid = addresses.map((address) => rows.get(address)).find((one) => one !== undefined);
      return { ...item, uuid: uuid ?? item.uuid };
    }),
  };
}

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
        world.apply(known(world, wanted));
        settled(world, wanted);
      }
      world.destroy();
      assert.deepEqual(world.listing(), before);
      assert.deepEqual(world.record?.resources, []);
    }),
    { numRuns: 300 },
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
        cutOff(world, known(world, second), { step: at, when });
        const last = third ?? second;
        world.apply(known(world, last));
        settled(world, last);
        world.destroy();
        assert.deepEqual(world.listing(), before);
      },
    ),
    { numRuns: 400 },
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
    { numRuns: 200 },
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
    const one = JSON.stringify(world.planned(known(world, second)));
    assert.equal(JSON.stringify(world.planned(known(world, { ...second, resources }))), one);
  }));
});
