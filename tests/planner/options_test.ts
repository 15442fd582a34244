/** Options: what they make of a plan, and what of the world when it is carried out. */

import assert from "node:assert/strict";
import type { Plan } from "../../planner/plan.ts";
import { hookText, plannedHooks } from "../../planner/decide/options.ts";
import { hasChanges } from "../../planner/summary.ts";
import { validateTopology } from "../../planner/validate.ts";
import type { DeclaredOptions, JsonObject, Resource } from "../../providers/provider.ts";
import { golden } from "../support/golden.ts";
import { fakeKinds } from "./fake_kinds.ts";
import { resource, topology, World } from "./world.ts";
import { small, type SmallOptions } from "./small_stack.ts";

const find = (plan: Plan, address: string) =>
  plan.resources.find((item) => item.address === address)!;

const ids = (plan: Plan) => plan.steps.map((step) => step.id);

/** The small stack with options at some addresses. */
function stack(
  options: Readonly<Record<string, DeclaredOptions>>,
  fields: SmallOptions = {},
) {
  return topology(
    small(fields).map((item) =>
      options[item.address] === undefined ? item : { ...item, options: options[item.address] }
    ),
  );
}

/** The small stack without its machine, volume and seed. */
const bare = () =>
  topology(small().filter(({ kind }) => !["machine", "volume", "seed"].includes(kind)));

const machine = "lab/machine.web";
const volume = "lab/volume.web-root";
const seed = "lab/seed.web";

Deno.test("what is protected is neither destroyed nor made anew", () => {
  const world = new World();
  const kept = stack({ [machine]: { protect: true } });
  world.apply(kept);
  const codes = (wanted: ReturnType<typeof stack> | undefined, options = {}) =>
    world.plan(wanted, options).errors.map(({ code, exitCode }) => `${code} ${exitCode}`);
  assert.deepEqual(codes(bare()), ["policy.protected 3"]);
  assert.deepEqual(codes(undefined, { mode: "destroy" }), ["policy.protected 3"]);
  // To be let go of is as bad as to be destroyed.
  const both = new World();
  both.apply(stack({ [machine]: { protect: true, retainOnDelete: true } }));
  assert.ok(both.plan(bare()).errors.some(({ code }) => code === "policy.protected"));
  // A volume under it takes it along when it is made anew.
  const anew = { volume: { format: "raw" } };
  assert.deepEqual(codes(stack({ [machine]: { protect: true } }, anew)), ["policy.protected 3"]);
  // What can be changed in place is changed, and the others may go.
  assert.deepEqual(
    ids(world.planned(stack({ [machine]: { protect: true } }, { machine: { vcpus: 2 } }))),
    [`update:${machine}`],
  );
  // Lifted in the declaration: then it may be made anew at once; to go, the record has to know.
  assert.deepEqual(codes(stack({}, anew)), []);
  const lifted = world.apply(stack({}));
  assert.deepEqual(find(lifted, machine).notes, ["it is protected no longer"]);
  assert.equal(hasChanges(lifted), false);
  world.apply(bare());
  assert.equal(world.listing().includes("lab machine web"), false);
});

Deno.test("changes of ignored fields are neither planned nor made, and are no drift", () => {
  const world = new World();
  const options = { [machine]: { ignoreChanges: ["memory", "disks[ro*]"] } };
  const made = world.apply(stack(options, { machine: { memory: 1024 } }));
  assert.equal(find(made, machine).after?.memory, 1024);
  world.change("lab", "machine", "web", { memory: 4096 });
  for (const memory of [1024, 2048]) {
    const wanted = stack(options, { machine: { memory } });
    const plan = world.apply(wanted);
    assert.equal(hasChanges(plan), false);
    assert.deepEqual(plan.drift, []);
  }
  // Another field is changed; the ignored one stays as it is on the host, and out of the record.
  world.apply(stack(options, { machine: { memory: 2048, vcpus: 3 } }));
  const has = world.things.get("lab machine web")!.spec;
  assert.deepEqual([has.memory, has.vcpus], [4096, 3]);
  assert.deepEqual((has.disks as JsonObject[]).map(({ name }) => name), ["root"]);
  const row = world.record!.resources.find(({ address }) => address === machine)!;
  assert.equal(row.resource.spec.memory, undefined);
  // Owned again, it is compared again.
  const plan = world.planned(stack({}, { machine: { memory: 2048, vcpus: 3 } }));
  assert.deepEqual(find(plan, machine).changes.map(({ path }) => path), ["memory"]);
});

Deno.test("what an ignored field has on the host is not taken from under it", () => {
  const world = new World();
  const options = { [machine]: { ignoreChanges: ["disks"] } };
  world.apply(stack(options));
  const without = stack(options, { machine: { disks: [] } });
  const dropped = topology(without.resources.filter(({ kind }) => kind !== "volume"));
  assert.deepEqual(world.plan(dropped).errors.map(({ code }) => code), ["options.ignored-in-use"]);
  // The same in two runs: the first of them drops nothing but the declaration.
  assert.equal(hasChanges(world.apply(without)), false);
  assert.deepEqual(world.plan(dropped).errors.map(({ code }) => code), ["options.ignored-in-use"]);
});

Deno.test("an entry that is new is declared whole, whatever is ignored in entries", () => {
  const world = new World();
  const options = { [machine]: { ignoreChanges: ["nics[*].mac"] } };
  world.apply(stack(options));
  const nics = [
    { name: "nic0", network: "lab/network.front", mac: "52:54:00:00:00:99" },
    { name: "nic1", network: "lab/network.front", mac: "52:54:00:00:00:02" },
  ];
  const plan = world.planned(stack(options, { machine: { nics } }));
  const added = find(plan, machine).changes.find(({ path }) => path === "nics[nic1]");
  assert.equal((added?.after as JsonObject).mac, "52:54:00:00:00:02");
});

Deno.test("an ignored field counts for a machine that is made anew", () => {
  const world = new World();
  const options = { [machine]: { ignoreChanges: ["memory"] } };
  world.apply(stack(options, { machine: { memory: 1024, firmware: "bios" } }));
  const anew = stack(options, { machine: { memory: 2048, firmware: "uefi" } });
  const plan = world.apply(anew);
  assert.deepEqual(find(plan, machine).changes.map(({ path }) => path), ["firmware"]);
  assert.equal(world.things.get("lab machine web")!.spec.memory, 2048);
  // Carried along with its volume as well.
  world.apply(
    stack(options, { machine: { memory: 4096, firmware: "uefi" }, volume: { format: "raw" } }),
  );
  assert.equal(world.things.get("lab machine web")!.spec.memory, 4096);
});

Deno.test("a field can be made to replace", () => {
  const world = new World();
  world.apply(stack({}));
  const options = { [machine]: { replaceOnChanges: ["vcpus"] } };
  assert.equal(hasChanges(world.planned(stack(options))), false);
  const plan = world.planned(stack(options, { machine: { vcpus: 2 } }));
  assert.equal(find(plan, machine).action, "replace");
  assert.deepEqual(ids(plan), [`delete:${machine}#old`, `create:${machine}`]);
  const inside = { [machine]: { replaceOnChanges: ["disks[*].volume"] } };
  const other = topology([
    ...stack(inside, { machine: { disks: [{ name: "root", volume: "lab/volume.other" }] } })
      .resources,
    resource("lab/volume.other", { pool: "lab/pool.store", name: "other", capacity: 1 }),
  ]);
  assert.equal(find(world.planned(other), machine).action, "replace");
});

Deno.test("what is retained is forgotten, loses its mark, and stays", () => {
  const world = new World();
  const retain = { retainOnDelete: true } as const;
  world.apply(stack({ [machine]: retain, [volume]: retain, [seed]: retain }));
  const plan = world.apply(bare());
  assert.deepEqual(
    plan.resources.filter(({ action }) => action !== "no-op").map((item) =>
      `${item.action} ${item.address}`
    ),
    [`forget ${machine}`, `forget ${seed}`, `forget ${volume}`],
  );
  // Only what carries a mark takes a step.
  assert.deepEqual(plan.steps.map(({ id, retain }) => [id, retain]), [[`delete:${machine}`, true]]);
  assert.equal(world.things.get("lab machine web")!.mark, undefined);
  assert.ok(world.things.has("lab volume store/web-root.qcow2"));
  assert.equal(hasChanges(world.planned(bare())), false);
  assert.equal(world.record!.resources.some(({ address }) => address.includes("web")), false);
});

Deno.test("what is retained is not left without what it needs", () => {
  const world = new World();
  world.apply(stack({ [machine]: { retainOnDelete: true } }));
  const { errors } = world.plan(bare());
  assert.deepEqual([...new Set(errors.map(({ code }) => code))], ["options.retained-needs"]);
});

Deno.test("a retained seed stays beside the one that takes its place", () => {
  const world = new World();
  const options = { [seed]: { retainOnDelete: true } } as const;
  world.apply(stack(options));
  const before = world.listing().filter((name) => name.startsWith("lab seed"));
  const plan = world.apply(stack(options, { userData: "other" }));
  assert.deepEqual(ids(plan), [`create:${seed}`, `update:${machine}`]);
  assert.equal(world.listing().filter((name) => name.startsWith("lab seed")).length, 2);
  assert.ok(world.listing().includes(before[0]!));
  assert.equal(hasChanges(world.planned(stack(options, { userData: "other" }))), false);
  // A volume that must be made anew under its name cannot keep the old one.
  const refused = world.plan(stack({ [volume]: { retainOnDelete: true } }, {
    userData: "other",
    volume: { format: "raw" },
  }));
  assert.deepEqual(refused.errors.map(({ code }) => code), ["options.retained-in-the-way"]);
});

/** The small stack with its machine, volume and seed under other addresses, their names kept. */
function renamed(scope: string, aliases: boolean): Resource[] {
  const to = (address: string) => address.replace("lab/", `lab/${scope}/`);
  return small().map((item) => {
    if (!["machine", "volume", "seed"].includes(item.kind)) return item;
    const spec = JSON.parse(
      JSON.stringify(item.spec).replaceAll(`"${volume}"`, `"${to(volume)}"`)
        .replaceAll(`"${seed}"`, `"${to(seed)}"`),
    );
    return {
      ...resource(to(item.address), spec, aliases ? { identity: item.address } : {}),
      ...(aliases ? { options: { aliases: [item.address] } } : {}),
    };
  });
}

Deno.test("what is renamed keeps its identity, and nothing is made anew", () => {
  const world = new World();
  world.apply(topology(small()));
  const before = new Map(world.things);
  const plan = world.apply(topology(renamed("inner", true)));
  assert.deepEqual(ids(plan), ["update:lab/inner/machine.web"]);
  const moved = find(plan, "lab/inner/machine.web");
  assert.deepEqual(
    [moved.action, moved.reason, moved.previousAddress, moved.changes.length],
    ["update", "renamed", machine, 0],
  );
  assert.deepEqual([...world.things.keys()].sort(), [...before.keys()].sort());
  const now = world.things.get("lab machine web")!;
  assert.equal(now.uuid, before.get("lab machine web")!.uuid);
  assert.equal(now.mark?.address, "lab/inner/machine.web");
  // Nothing is left of the former addresses, with the aliases and without.
  assert.deepEqual(
    world.record!.resources.filter(({ address }) => !address.includes("/inner/"))
      .map(({ kind }) => kind).sort(),
    ["image", "network", "pool"],
  );
  assert.equal(hasChanges(world.planned(topology(renamed("inner", true)))), false);
  const without = renamed("inner", true).map(({ options: _, ...item }) => item);
  assert.equal(hasChanges(world.planned(topology(without))), false);
  world.destroy();
  assert.deepEqual(world.listing(), []);
});

Deno.test("a rename that this run does not concern leaves the record as it is", () => {
  const world = new World();
  world.apply(topology(small()));
  const plan = world.planned(topology(renamed("inner", true)), { exclude: ["lab/inner/*"] });
  assert.deepEqual(ids(plan), []);
  assert.equal(hasChanges(plan), false);
});

Deno.test("a likely rename is suggested once, for what is not carried along", () => {
  const world = new World();
  world.apply(topology(small()));
  const plan = world.planned(topology(
    small().map((item) =>
      item.kind === "machine" ? resource("lab/machine.shop", { ...item.spec, name: "shop" }) : item
    ),
  ));
  assert.deepEqual(find(plan, "lab/machine.shop").notes, [
    "lab/machine.web, which goes, is like it: if it was renamed, give this one the option " +
    'aliases: ["web"], and nothing is made anew',
  ]);
  const unlike = world.planned(topology([
    ...bare().resources,
    resource("lab/machine.shop", { name: "shop", vcpus: 7, memory: 5 }),
  ]));
  assert.deepEqual(find(unlike, "lab/machine.shop").notes, []);
});

Deno.test("hooks run beside their steps, and after what is waited for", () => {
  const hook = (line: string) => ({ command: ["/bin/sh", "-c", line], timeout: 60 });
  const hooks = {
    beforeCreate: hook("a"),
    afterCreate: hook("b"),
    afterUpdate: hook("c"),
    beforeDelete: hook("d"),
    afterDelete: hook("e"),
  };
  const moments = (plan: Plan) =>
    [...plannedHooks(plan.steps)].flatMap(([id, list]) =>
      list.map(({ moment, when }) => `${when} ${id}: ${moment}`)
    );
  const world = new World();
  const options = { [machine]: { hooks } };
  const made = world.apply(stack(options));
  assert.deepEqual(moments(made), [
    `before create:${machine}: beforeCreate`,
    `after create:${machine}: afterCreate`,
  ]);
  assert.deepEqual(find(made, machine).notes, [
    "hook beforeCreate: a (at most 60 s)",
    "hook afterCreate: b (at most 60 s)",
  ]);
  const waiting = world.apply(stack(options, { machine: { wait: "lease", vcpus: 2 } }));
  assert.deepEqual(moments(waiting), [`after update:${machine}: afterUpdate`]);
  const anew = world.planned(stack(options, { machine: { wait: "lease", firmware: "uefi" } }));
  assert.deepEqual(moments(anew), [
    `before delete:${machine}#old: beforeDelete`,
    `after delete:${machine}#old: afterDelete`,
    `before create:${machine}: beforeCreate`,
    `after wait:${machine}: afterCreate`,
  ]);
  // What the record has counts for what is no longer declared.
  assert.deepEqual(moments(world.planned(bare())), [
    `before delete:${machine}: beforeDelete`,
    `after delete:${machine}: afterDelete`,
  ]);
});

Deno.test("nothing of a hook hides in a plan", () => {
  const text = (...command: string[]) => hookText({ command, timeout: 1 });
  assert.equal(text("/bin/sh", "-c", "true\n\x1b[2Krm \u202ex"), "true\\n\\u{1b}[2Krm \\u{202e}x");
  assert.equal(text("./a", "b c", "d"), './a "b c" d');
});

Deno.test("errors of options read well", () => {
  const texts: string[] = [];
  const at = (options: DeclaredOptions) => stack({ [machine]: options });
  for (
    const options of [
      { ignoreChanges: ["memroy"] },
      { ignoreChanges: ["disks[*].name"] },
      { ignoreChanges: ["name"] },
      { replaceOnChanges: ["nope.at.all"] },
      { aliases: [volume] },
    ]
  ) {
    const { errors } = validateTopology(at(options), fakeKinds);
    assert.ok(errors.length > 0, JSON.stringify(options));
    texts.push(...errors.map((error) => error.render()));
  }
  const twice = topology([
    resource("lab/network.a", { name: "a" }, { options: { aliases: ["lab/network.z"] } }),
    resource("lab/network.b", { name: "b" }, { options: { aliases: ["lab/network.z"] } }),
  ]);
  texts.push(...validateTopology(twice, fakeKinds).errors.map((error) => error.render()));
  const world = new World();
  world.apply(at({ protect: true }));
  const show = (wanted: ReturnType<typeof stack> | undefined, options = {}) =>
    texts.push(...world.plan(wanted, options).errors.map((error) => error.render()));
  show(bare());
  show(undefined, { mode: "destroy" });
  show(stack({ [machine]: { protect: true } }, { machine: { firmware: "uefi" } }));
  world.apply(at({ retainOnDelete: true }));
  show(bare());
  show(stack({ [volume]: { retainOnDelete: true } }, { volume: { format: "raw" } }));
  world.apply(at({ ignoreChanges: ["disks"] }));
  const without = stack({ [machine]: { ignoreChanges: ["disks"] } }, { machine: { disks: [] } });
  show(topology(without.resources.filter(({ kind }) => kind !== "volume")));
  golden(import.meta.url, "option_errors.txt", texts.join("\n\n"));
});
