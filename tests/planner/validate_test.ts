import assert from "node:assert/strict";
import type { Resource } from "../../providers/provider.ts";
import { validateTopology } from "../../planner/validate.ts";
import { golden } from "../support/golden.ts";
import { fakeKinds } from "./fake_kinds.ts";
import { small } from "./small_stack.ts";
import { resource, topology } from "./world.ts";

const at = (line: number) => ({ declaredAt: `stack.ts:${line}:3` });

const errorsOf = (resources: readonly Resource[], hosts?: readonly string[]) =>
  validateTopology(topology(resources, { hosts }), fakeKinds).errors;

Deno.test("a valid topology comes back with its specs normalised", () => {
  const { topology: valid, errors } = validateTopology(topology(small()), fakeKinds);
  assert.deepEqual(errors, []);
  assert.equal(valid.resources.find((item) => item.kind === "volume")!.spec.format, "qcow2");
});

Deno.test("each mistake is an error that names address, place and remedy", () => {
  const pool = resource("lab/pool.store", { name: "store" }, at(1));
  const net = resource("lab/network.front", { name: "front" }, at(2));
  const nic = (mac: string, network = "lab/network.front") => ({
    nics: [{ name: "nic0", network, mac }],
  });
  const table: [string, Resource[], string[]?][] = [
    ["topology.cycle", [
      resource("lab/machine.a", { name: "a" }, { dependsOn: ["lab/machine.b"], ...at(3) }),
      resource("lab/machine.b", { name: "b" }, { dependsOn: ["lab/machine.c"], ...at(4) }),
      resource("lab/machine.c", { name: "c" }, { dependsOn: ["lab/machine.a"], ...at(5) }),
    ]],
    ["topology.cycle", [
      resource("lab/machine.a", { name: "a" }, { dependsOn: ["lab/machine.a"], ...at(3) }),
    ]],
    ["topology.duplicate-name", [
      resource("lab/machine.web", { name: "web" }, at(3)),
      resource("lab/front/machine.site", { name: "web" }, at(7)),
    ]],
    ["topology.duplicate-address", [
      resource("lab/machine.web", { name: "web" }, at(3)),
      resource("lab/machine.web", { name: "web" }, at(4)),
    ]],
    ["topology.claimed-twice", [
      net,
      resource("lab/machine.a", { name: "a", ...nic("52:54:00:00:00:01") }, at(3)),
      resource("lab/machine.b", { name: "b", ...nic("52:54:00:00:00:01") }, at(4)),
    ]],
    ["topology.unknown-field", [resource("lab/machine.web", { name: "web", vcpu: 2 }, at(3))]],
    ["topology.invalid-spec", [resource("lab/machine.web", { name: "web", vcpus: 0 }, at(3))]],
    ["topology.invalid-spec", [
      resource("lab/machine.web", { name: "web", disks: [{ name: "root", volume: 5 }] }, at(3)),
    ]],
    ["topology.unknown-kind", [resource("lab/machin.web", { name: "web" }, at(3))]],
    ["topology.unknown-host", [resource("labb/machine.web", { name: "web" }, at(3))], ["lab"]],
    ["topology.wrong-address", [
      { ...resource("lab/machine.web", { name: "web" }, at(3)), name: "other" },
    ]],
    ["topology.unknown-reference", [
      pool,
      resource("lab/volume.data", { pool: "lab/pool.stroe", name: "data" }, at(3)),
    ]],
    ["topology.wrong-kind", [
      net,
      resource("lab/volume.data", { pool: "lab/network.front", name: "data" }, at(3)),
    ]],
    ["topology.other-host", [
      pool,
      resource("den/volume.data", { pool: "lab/pool.store", name: "data" }, at(3)),
    ]],
    ["topology.unknown-dependency", [
      resource("lab/machine.web", { name: "web" }, { dependsOn: ["lab/machine.wbe"], ...at(3) }),
    ]],
  ];
  const texts = table.map(([code, resources, hosts]) => {
    const errors = errorsOf(resources, hosts);
    assert.deepEqual(errors.map((error) => error.code), [code]);
    assert.ok(errors[0]!.help !== undefined, `${code} says what to do`);
    assert.ok(errors[0]!.where.length > 0, `${code} says where`);
    return errors[0]!.render();
  });
  golden(import.meta.url, "topology_errors.txt", texts.join("\n\n"));
});

Deno.test("all errors are found, not the first alone", () => {
  const errors = errorsOf([
    resource("lab/machine.a", { name: "a", vcpus: 0, colour: "red" }),
    resource("lab/machine.b", { name: "" }),
  ]);
  assert.deepEqual(errors.map((error) => error.code).sort(), [
    "topology.invalid-spec",
    "topology.invalid-spec",
    "topology.unknown-field",
  ]);
});

Deno.test("two scopes may refer to one existing thing, and two hosts have equal names", () => {
  assert.deepEqual(
    errorsOf([
      resource("lab/a/pool.default", { name: "default" }, { tenure: "existing" }),
      resource("lab/b/pool.default", { name: "default" }, { tenure: "existing" }),
      resource("den/pool.default", { name: "default" }),
    ]),
    [],
  );
});
