import assert from "node:assert/strict";
import type { Plan } from "../../planner/plan.ts";
import type { PlanInput } from "../../planner/make_plan.ts";
import { planDocument } from "../../planner/plan_json.ts";
import type { ResourceStatus } from "../../state/store.ts";
import { exceeds, hasChanges, planDisruption, summarize } from "../../planner/summary.ts";
import { golden } from "../support/golden.ts";
import { resource, topology, World } from "./world.ts";
import { small } from "./small_stack.ts";

const steps = (plan: Plan) =>
  plan.steps.map((step) => step.needs.length === 0 ? step.id : `${step.id} <- ${step.needs}`);

const changed = (plan: Plan) =>
  plan.resources.filter((item) => item.action !== "no-op")
    .map((item) => `${item.action} ${item.address}: ${item.reason}`);

const find = (plan: Plan, address: string) =>
  plan.resources.find((item) => item.address === address)!;

/** A world in which the small stack was applied. */
function applied(): World {
  const world = new World();
  world.apply(topology(small()));
  return world;
}

/** The same with the status of one entry of the record changed. */
function withStatus(address: string, status: ResourceStatus): World {
  const world = applied();
  world.record = {
    ...world.record!,
    resources: world.record!.resources.map((entry) =>
      entry.address === address ? { ...entry, status } : entry
    ),
  };
  return world;
}

Deno.test("a new stack is made in the order of dependencies, and then planned to nothing", () => {
  const world = new World();
  const plan = world.apply(topology(small()));
  assert.deepEqual(steps(plan), [
    "create:lab/pool.store",
    "create:lab/image.debian <- create:lab/pool.store",
    "create:lab/network.front",
    "create:lab/seed.web <- create:lab/pool.store",
    "create:lab/volume.web-root <- create:lab/image.debian,create:lab/pool.store",
    "create:lab/machine.web <- create:lab/network.front,create:lab/seed.web," +
    "create:lab/volume.web-root",
  ]);
  assert.deepEqual(summarize(plan), { add: 6, change: 0, destroy: 0 });
  const again = world.planned(topology(small()));
  assert.equal(hasChanges(again), false);
  assert.deepEqual(summarize(again), { add: 0, change: 0, destroy: 0 });
});

Deno.test("a created machine carries what its host decides, the record what was declared", () => {
  const world = new World();
  world.facts = { lab: { accelerator: "kvm-hw" } };
  const plan = world.planned(topology(small({ machine: { accel: "prefer-kvm" } })));
  const step = plan.steps.find((item) => item.id === "create:lab/machine.web")!;
  assert.equal(step.resource.spec.domainType, "kvm");
  assert.equal(find(plan, "lab/machine.web").resource.spec.domainType, undefined);
  assert.equal(find(plan, "lab/machine.web").after?.domainType, "kvm");
  assert.deepEqual(find(plan, "lab/machine.web").notes, ["accelerator: kvm-hw"]);
});

Deno.test("what is taken away goes the other way round", () => {
  const world = applied();
  const plan = world.destroy();
  assert.deepEqual(steps(plan), [
    "delete:lab/machine.web",
    "delete:lab/volume.web-root <- delete:lab/machine.web",
    "delete:lab/image.debian <- delete:lab/volume.web-root",
    "delete:lab/network.front <- delete:lab/machine.web",
    "delete:lab/seed.web <- delete:lab/machine.web",
    "delete:lab/pool.store <- delete:lab/image.debian,delete:lab/seed.web,delete:lab/volume.web-root",
  ]);
  assert.deepEqual(summarize(plan), { add: 0, change: 0, destroy: 6 });
  assert.deepEqual(world.listing(), []);
});

Deno.test("a live change touches the machine alone", () => {
  const plan = applied().planned(topology(small({ machine: { vcpus: 2 } })));
  assert.deepEqual(changed(plan), ["update lab/machine.web: fields-differ"]);
  assert.deepEqual(find(plan, "lab/machine.web").changes, [
    { path: "vcpus", before: 1, after: 2, disruption: "live" },
  ]);
  assert.equal(find(plan, "lab/machine.web").after?.vcpus, 2);
  assert.equal(planDisruption(plan), "live");
  assert.deepEqual(exceeds(plan, "live"), []);
});

Deno.test("a limit names what goes beyond it, by address and field", () => {
  const plan = applied().planned(
    topology(
      small({ machine: { vcpus: 2, memory: 5 } }).filter((item) => item.kind !== "network")
        .map((item) =>
          item.kind === "machine" ? { ...item, spec: { ...item.spec, nics: [] } } : item
        ),
    ),
  );
  assert.deepEqual(exceeds(plan, "live").map((item) => `${item.address} ${item.path}`), [
    "lab/machine.web memory",
    "lab/network.front ",
  ]);
  assert.deepEqual(exceeds(plan, "restart").map((item) => item.address), ["lab/network.front"]);
  assert.deepEqual(exceeds(plan, "replace"), []);
});

Deno.test("a seed is made anew before the old one goes, and the machine changes in between", () => {
  const plan = applied().apply(topology(small({ userData: "other" })));
  assert.deepEqual(steps(plan), [
    "create:lab/seed.web",
    "update:lab/machine.web <- create:lab/seed.web",
    "delete:lab/seed.web#old <- create:lab/seed.web,update:lab/machine.web",
  ]);
  assert.deepEqual(summarize(plan), { add: 1, change: 1, destroy: 1 });
});

Deno.test("a volume under a machine takes the machine along, once the new image is there", () => {
  const plan = applied().apply(topology(small({ sha256: "b".repeat(64) })));
  assert.deepEqual(steps(plan), [
    "create:lab/image.debian",
    "delete:lab/machine.web#old <- create:lab/image.debian",
    "delete:lab/volume.web-root#old <- create:lab/image.debian,delete:lab/machine.web#old",
    "create:lab/volume.web-root <- create:lab/image.debian,delete:lab/volume.web-root#old",
    "create:lab/machine.web <- create:lab/volume.web-root,delete:lab/machine.web#old",
    "delete:lab/image.debian#old <- create:lab/image.debian,delete:lab/volume.web-root#old",
  ]);
  assert.deepEqual(find(plan, "lab/machine.web").notes, [
    "made anew because lab/volume.web-root, which it uses, is made anew",
  ]);
});

Deno.test("every reason is reached", () => {
  const other = topology(small({ machine: { vcpus: 2 } }));
  const same = topology(small());
  const without = topology(small().filter((item) => item.kind !== "machine"));
  const gone = applied();
  gone.remove("lab", "machine", "web");
  const halfDeleted = withStatus("lab/machine.web", "deleting");
  const waiting = new World();
  const waits = topology(small({ machine: { wait: "lease" } }));
  waiting.apply(waits);
  waiting.record = {
    ...waiting.record!,
    resources: waiting.record!.resources.map((entry) =>
      entry.kind === "machine" ? { ...entry, status: "waiting" as const } : entry
    ),
  };
  const machine = "lab/machine.web";
  const table: [string, Plan, string][] = [
    ["no-op unchanged", applied().planned(same), machine],
    ["no-op reference-only", applied().planned(same), "lab/image.debian"],
    ["create not-on-host", new World().planned(same), machine],
    ["create gone-from-host", gone.planned(same), machine],
    ["update fields-differ", applied().planned(other), machine],
    [
      "replace replace-field-differs",
      applied().planned(topology(small({ machine: { firmware: "uefi" } }))),
      machine,
    ],
    ["delete not-declared", applied().planned(without), machine],
    ["delete destroy-requested", applied().planned(undefined, { mode: "destroy" }), machine],
    ["create half-made", withStatus(machine, "creating").planned(same), machine],
    ["update half-made", withStatus(machine, "updating").planned(same), machine],
    ["update half-deleted", halfDeleted.planned(same), machine],
    ["delete half-deleted", halfDeleted.planned(without), machine],
    ["update wait-unfinished", waiting.planned(waits), machine],
    ["forget not-declared", gone.planned(without), machine],
    ["forget destroy-requested", gone.planned(undefined, { mode: "destroy" }), machine],
  ];
  for (const [expected, plan, address] of table) {
    const { action, reason } = find(plan, address);
    assert.equal(`${action} ${reason}`, expected);
  }
  assert.deepEqual(waiting.planned(waits).steps.map((step) => step.id), ["wait:lab/machine.web"]);
});

Deno.test("a step that a stopped run had begun counts, though the record says present", () => {
  const entry = {
    run: "1",
    step: "update:lab/machine.web",
    address: "lab/machine.web",
    operation: "update",
    phase: "begin" as const,
    at: "2026-01-01T00:00:00Z",
  };
  const plan = applied().planned(topology(small()), { unfinished: [entry] });
  assert.deepEqual(changed(plan), ["update lab/machine.web: half-made"]);
});

Deno.test("drift is what differs from what was applied, whatever is declared now", () => {
  const world = applied();
  world.change("lab", "machine", "web", { vcpus: 4, colour: "red" });
  world.remove("lab", "volume", "store/web-root.qcow2");
  world.change("lab", "network", "front", { undeclared: true });
  const { drift } = world.planned(topology(small({ machine: { vcpus: 2 } })));
  assert.deepEqual(drift.map(({ address, status, changes }) => ({ address, status, changes })), [
    {
      address: "lab/machine.web",
      status: "changed",
      changes: [{ path: "vcpus", before: 1, after: 4, disruption: "live" }],
    },
    { address: "lab/volume.web-root", status: "deleted", changes: [] },
  ]);
});

Deno.test("a machine without a record is known by its mark; a volume is not", () => {
  const world = applied();
  world.record = undefined;
  const { plan, errors } = world.plan(topology(small()));
  assert.equal(find(plan, "lab/machine.web").action, "no-op");
  assert.deepEqual(errors.map((error) => error.code), Array(2).fill("ownership.not-ours"));
  assert.deepEqual(plan.steps, []);
  const destroy = world.planned(topology(small()), { mode: "destroy" });
  assert.deepEqual(destroy.steps.map((step) => step.id), [
    "delete:lab/machine.web",
    "delete:lab/network.front",
  ]);
});

Deno.test("a machine that was renamed by hand is found by its UUID", () => {
  const world = applied();
  const thing = world.things.get("lab machine web")!;
  world.remove("lab", "machine", "web");
  world.things.set("lab machine renamed", {
    ...thing,
    key: "renamed",
    spec: { ...thing.spec, name: "renamed" },
  });
  const plan = world.apply(topology(small()));
  assert.deepEqual(find(plan, "lab/machine.web").changes, [
    { path: "name", before: "renamed", after: "web", disruption: "restart" },
  ]);
  assert.ok(world.things.has("lab machine web"));
});

Deno.test("names that two machines exchange are refused, one that is passed on is not", () => {
  const machines = (a: string, b?: string) =>
    topology([
      resource("lab/machine.a", { name: a }),
      ...(b === undefined ? [] : [resource("lab/machine.b", { name: b })]),
    ]);
  const world = new World();
  world.apply(machines("one", "two"));
  const { errors } = world.plan(machines("two", "one"));
  assert.deepEqual([...new Set(errors.map((error) => error.code))], ["plan.no-order"]);
  assert.deepEqual(steps(world.apply(machines("two", "three"))), [
    "update:lab/machine.b",
    "update:lab/machine.a <- update:lab/machine.b",
  ]);
});

Deno.test("a volume that is declared under another address keeps its content", () => {
  const world = new World();
  const stack = (scope: string) =>
    topology([
      resource("lab/pool.store", { name: "store" }),
      resource(`${scope}/volume.data`, { pool: "lab/pool.store", name: "data" }),
    ]);
  world.apply(stack("lab"));
  const plan = world.apply(stack("lab/inner"));
  assert.deepEqual(plan.steps, []);
  assert.deepEqual(world.record!.resources.map((entry) => entry.address).sort(), [
    "lab/inner/volume.data",
    "lab/pool.store",
  ]);
});

Deno.test("existing things are used, never touched, and shared ones taken as they are", () => {
  const world = new World();
  world.put("lab", "pool", "fast", { name: "fast" });
  world.put("lab", "image", "fast/os-aaaaaaaaaaaa", { other: true });
  const wanted = topology([
    resource("lab/pool.fast", { name: "fast" }, { tenure: "existing" }),
    resource("lab/image.os", { pool: "lab/pool.fast", name: "os", sha256: "a".repeat(64) }, {
      tenure: "shared",
    }),
    resource("lab/volume.data", { pool: "lab/pool.fast", name: "data" }),
  ]);
  assert.deepEqual(steps(world.apply(wanted)), ["create:lab/volume.data"]);
  const destroyed = world.planned(undefined, { mode: "destroy" });
  assert.deepEqual(steps(destroyed), [
    "delete:lab/image.os",
    "delete:lab/volume.data",
  ]);
});

Deno.test("outputs change by value", () => {
  const world = new World();
  const out = (value: number, sensitive = false) =>
    topology([], { outputs: { a: { value, sensitive } } });
  assert.deepEqual(world.apply(out(1)).outputs, [
    { name: "a", action: "create", before: undefined, after: 1, sensitive: false },
  ]);
  assert.equal(world.planned(out(1)).outputs[0]!.action, "no-op");
  assert.equal(world.planned(out(1, true)).outputs[0]!.action, "update");
  assert.equal(world.planned(out(2)).outputs[0]!.action, "update");
  assert.equal(world.planned(topology([])).outputs[0]!.action, "delete");
});

Deno.test("a target comes with what it needs, an exclusion with what needs it", () => {
  const plan = (options: Partial<PlanInput>, world = new World()) =>
    world.planned(topology(small()), options).resources.map((item) => item.address);
  assert.deepEqual(plan({ target: ["*/volume.web-root"] }), [
    "lab/image.debian",
    "lab/pool.store",
    "lab/volume.web-root",
  ]);
  assert.deepEqual(plan({ exclude: ["lab/image.*"] }), [
    "lab/network.front",
    "lab/pool.store",
    "lab/seed.web",
  ]);
  assert.deepEqual(
    plan({ mode: "destroy", target: ["lab/volume.web-root"] }, applied()),
    ["lab/machine.web", "lab/volume.web-root"],
  );
  assert.deepEqual(plan({ mode: "destroy", exclude: ["lab/seed.web"] }, applied()), [
    "lab/image.debian",
    "lab/machine.web",
    "lab/network.front",
    "lab/volume.web-root",
  ]);
});

Deno.test("a plan of a part carries what was given, and is no complete one for Terraform's tools", () => {
  const world = new World();
  const made = (options: Partial<PlanInput>) => {
    const { part, ...plan } = world.planned(topology(small()), options);
    const { complete } = planDocument({ ...plan, part }, { timestamp: "2026-01-01T00:00:00Z" });
    return { part, complete };
  };
  const target = ["lab/volume.*"];
  const exclude = ["lab/machine.web"];
  assert.deepEqual(made({ target, exclude }), { part: { target, exclude }, complete: false });
  assert.deepEqual(made({ target, exclude: [] }), { part: { target }, complete: false });
  assert.deepEqual(made({ target: [] }), { part: undefined, complete: true });
  // Nobody asked for that: what is left alone is told by who plans the way back.
  const leftAlone = ["lab/machine.web"];
  assert.deepEqual(made({ leftAlone }), { part: undefined, complete: true });
  assert.ok(
    !world.planned(topology(small()), { leftAlone }).resources.some(({ kind }) =>
      kind === "machine"
    ),
  );
});

Deno.test("a host that was not read is an error, unless it is left out", () => {
  const wanted = topology([
    resource("lab/machine.a", { name: "a" }),
    resource("den/machine.b", { name: "b" }),
  ]);
  const world = new World();
  const { errors } = world.plan(wanted, { observed: { lab: [] } });
  assert.deepEqual(errors.map((error) => error.code), ["plan.host-not-read"]);
  assert.deepEqual(errors[0]!.where, ["den"]);
  const plan = world.planned(wanted, { observed: { lab: [] }, exclude: ["den/*"] });
  assert.deepEqual(steps(plan), ["create:lab/machine.a"]);
});

Deno.test("errors of planning read well", () => {
  const texts: string[] = [];
  const show = (world: World, wanted: ReturnType<typeof topology>, options = {}) => {
    const { plan, errors } = world.plan(wanted, options);
    assert.ok(errors.length > 0);
    assert.deepEqual(plan.steps, []);
    texts.push(...errors.map((error) => error.render()));
  };
  const machine = topology([
    resource("lab/machine.web", { name: "web" }, { declaredAt: "stack.ts:4:3" }),
  ]);
  const theirs = new World();
  theirs.put("lab", "machine", "web", { name: "web" }, {
    mark: { stack: "office", address: "lab/machine.mail", digest: "00" },
  });
  show(theirs, machine);
  const unmarked = new World();
  unmarked.put("lab", "machine", "web", { name: "web" });
  show(unmarked, machine);
  const volume = new World();
  volume.put("lab", "volume", "store/web-root.qcow2", {});
  show(volume, topology(small()));
  const pools = new World();
  pools.put("lab", "pool", "store", {});
  show(
    pools,
    topology([
      resource("lab/pool.store", { name: "store" }, { tenure: "existing" }),
      resource("lab/pool.fast", { name: "fast" }, {
        tenure: "existing",
        declaredAt: "stack.ts:9:3",
      }),
    ]),
  );
  show(new World(), topology(small({ volume: { capacity: 13 } })));
  show(new World(), machine, { target: ["lab/machine.wbe"] });
  show(new World(), machine, { observed: {} });
  const named = (a: string, b: string) =>
    topology([
      resource("lab/machine.a", { name: a }, { declaredAt: "stack.ts:4:3" }),
      resource("lab/machine.b", { name: b }, { declaredAt: "stack.ts:5:3" }),
    ]);
  const exchange = new World();
  exchange.apply(named("one", "two"));
  show(exchange, named("two", "one"));
  show(exchange, named("three", "one"), { target: ["lab/machine.b"] });
  const other = new World();
  other.apply(machine);
  const rows = other.record!.resources.map((row) => ({ ...row, kind: "container" }));
  other.record = { ...other.record!, resources: rows };
  show(other, topology([]));
  golden(import.meta.url, "planning_errors.txt", texts.join("\n\n"));
});
