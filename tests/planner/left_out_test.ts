/** A run of a part takes nothing away from under what it leaves out. */

import assert from "node:assert/strict";
import type { PlanInput } from "../../planner/make_plan.ts";
import type { Topology } from "../../planner/topology.ts";
import { golden } from "../support/golden.ts";
import { small } from "./small_stack.ts";
import { resource, topology, World } from "./world.ts";

/** A world with the small stack, and what planning a part of another one ends in. */
function planPart(wanted: Topology, scope: Pick<PlanInput, "target" | "exclude">) {
  const world = new World();
  world.apply(topology(small()));
  return { world, ...world.plan(wanted, scope) };
}

const withPool = (spec: Record<string, string>) =>
  topology(small().map((one) => one.kind === "pool" ? { ...one, spec } : one));

Deno.test("golden: refused, naming what is left out and would lose what it uses", () => {
  const lines: string[] = [];
  const show = (title: string, wanted: Topology, scope: Parameters<typeof planPart>[1]): void => {
    const { plan, errors } = planPart(wanted, scope);
    assert.deepEqual(plan.steps, []);
    lines.push(`# ${title}`, ...errors.map((error) => error.render()), "");
  };
  show("a pool under volumes", withPool({ name: "depot" }), { target: ["lab/pool.*"] });
  show("a volume under a machine", topology(small({ volume: { format: "raw" } })), {
    target: ["lab/volume.web-root"],
  });
  show(
    "a volume that another address takes over",
    topology([
      ...small({ machine: { disks: [] } }).filter(({ kind }) => kind !== "volume"),
      resource("lab/volume.other", {
        pool: "lab/pool.store",
        name: "web-root.qcow2",
        capacity: 1,
        format: "raw",
      }),
    ]),
    { target: ["lab/volume.other"] },
  );
  show("a medium, which gets another name", topology(small({ userData: "bye" })), {
    exclude: ["lab/machine.web"],
  });
  show("an image under a volume", topology(small({ sha256: "b".repeat(64) })), {
    target: ["lab/image.debian"],
  });
  golden(import.meta.url, "left_out.txt", lines.join("\n"));
});

Deno.test("what is left out along with what it uses is in nobody's way", () => {
  const wanted = topology(small({ userData: "bye" }));
  const { errors, plan } = planPart(wanted, { exclude: ["lab/machine.web", "lab/seed.web"] });
  assert.deepEqual([errors, plan.steps], [[], []]);
});

Deno.test("what comes back under its name may be made anew under what survives that", () => {
  const world = new World();
  world.apply(topology(small()));
  const wanted = topology(
    small().map((one) =>
      one.kind === "network" ? { ...one, options: { replaceOnChanges: ["subnet"] } } : one
    ).map((one) =>
      one.kind === "network" ? { ...one, spec: { ...one.spec, subnet: "10.9.0.0/24" } } : one
    ),
  );
  const plan = world.planned(wanted, { target: ["lab/network.front"] });
  assert.deepEqual(plan.steps.map(({ id }) => id), [
    "delete:lab/network.front#old",
    "create:lab/network.front",
  ]);
});

Deno.test("what only has to come first holds nothing", () => {
  const world = new World();
  const net = (name: string) => resource("lab/network.first", { name });
  const second = resource("lab/network.second", { name: "second" }, {
    dependsOn: ["lab/network.first"],
  });
  world.apply(topology([net("one"), second]));
  const plan = world.planned(topology([net("two"), second]), { target: ["lab/network.first"] });
  assert.equal(plan.resources[0]?.action, "replace");
});
