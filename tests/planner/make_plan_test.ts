import assert from "node:assert/strict";
import { resource, topology, World } from "./world.ts";
import type { Resource } from "../../providers/provider.ts";

const at = (line: number) => `stack.ts:${line}:3`;

/** Pool, image, volume, seed, network, machine on one host. */
export function small(change: {
  readonly sha256?: string;
  readonly userData?: string;
  readonly capacity?: number;
  readonly vcpus?: number;
  readonly memory?: number;
  readonly firmware?: string;
  readonly format?: string;
  readonly wait?: string;
} = {}): Resource[] {
  const { sha256 = "a".repeat(64), userData = "hello", capacity = 100 } = change;
  return [
    resource("lab/pool.store", { name: "store" }, { declaredAt: at(1) }),
    resource("lab/image.debian", { pool: "lab/pool.store", name: "debian", sha256 }, {
      tenure: "shared",
      declaredAt: at(2),
    }),
    resource("lab/network.front", { name: "front", subnet: "10.0.0.0/24" }, { declaredAt: at(3) }),
    resource("lab/volume.web-root", {
      pool: "lab/pool.store",
      name: "web-root.qcow2",
      capacity,
      image: "lab/image.debian",
      ...(change.format === undefined ? {} : { format: change.format }),
    }, { declaredAt: at(4) }),
    resource("lab/seed.web", { pool: "lab/pool.store", name: "web", userData }, {
      declaredAt: at(5),
    }),
    resource("lab/machine.web", {
      name: "web",
      vcpus: change.vcpus ?? 1,
      ...(change.memory === undefined ? {} : { memory: change.memory }),
      ...(change.firmware === undefined ? {} : { firmware: change.firmware }),
      ...(change.wait === undefined ? {} : { wait: change.wait }),
      disks: [{ name: "root", volume: "lab/volume.web-root" }],
      seed: "lab/seed.web",
      nics: [{ name: "nic0", network: "lab/network.front", mac: "52:54:00:00:00:01" }],
    }, { declaredAt: at(6) }),
  ];
}

Deno.test("a new stack is made in the order of dependencies", () => {
  const world = new World();
  const plan = world.apply(topology(small()));
  console.log(plan.steps.map((s) => s.id + " <- " + s.needs));
  assert.deepEqual(world.planned(topology(small())).steps, []);
  for (
    const c of [{ sha256: "b".repeat(64) }, { userData: "x" }, { vcpus: 2 }, { format: "raw" }, {
      firmware: "uefi",
    }]
  ) {
    const p = world.apply(topology(small(c)));
    console.log(
      JSON.stringify(c),
      p.resources.filter((r) => r.action !== "no-op").map((r) =>
        r.address + " " + r.action + " " + r.reason + " " +
        r.changes.map((c) => c.path + "/" + c.disruption)
      ),
      p.steps.map((s) => s.id + " <- " + s.needs),
    );
    assert.deepEqual(world.planned(topology(small(c))).steps, []);
    const q = world.apply(topology(small()));
    assert.deepEqual(world.planned(topology(small())).steps, []);
  }
  const d = world.destroy();
  console.log(d.steps.map((s) => s.id + " <- " + s.needs), world.listing(), world.record);
});
