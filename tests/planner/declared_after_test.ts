/** What runs of a part of a stack leave declared, and the way back to it, in a world in memory. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { declaredAfter } from "../../planner/declared_after.ts";
import type { PlanInput } from "../../planner/make_plan.ts";
import type { Plan } from "../../planner/plan.ts";
import type { Topology } from "../../planner/topology.ts";
import { wayBack } from "../../planner/way_back.ts";
import type { Json } from "../../providers/provider.ts";
import { fakeKinds } from "./fake_kinds.ts";
import { known, stacks } from "./random_stacks.ts";
import { small } from "./small_stack.ts";
import { resource, topology, World } from "./world.ts";

type Scope = Pick<PlanInput, "target" | "exclude">;

/** A world, and what each run has left declared, oldest first. */
class Story {
  readonly world = new World();
  readonly left: Topology[] = [];

  /** Applies a stack or a part of it. */
  async apply(wanted: Topology, scope: Scope = {}): Promise<Plan> {
    const plan = this.world.planned(wanted, scope);
    this.left.push(await this.after(plan, wanted, scope));
    this.world.run(plan, wanted);
    return plan;
  }

  async destroy(scope: Scope): Promise<void> {
    const plan = this.world.planned(undefined, { mode: "destroy", ...scope });
    this.left.push(await this.after(plan, undefined, scope));
    this.world.run(plan, undefined);
  }

  /** Plans the way back to what is left after the run of that number. */
  back(number: number) {
    const { topology, leftAlone } = wayBack(this.left.at(number)!, this.world.record);
    return { topology, leftAlone, made: this.world.plan(topology, { exclude: leftAlone }) };
  }

  /** Goes back, and gives what changed. */
  goBack(number: number): string[] {
    const { topology, leftAlone } = this.back(number);
    const plan = this.world.apply(topology, { exclude: leftAlone });
    return plan.steps.map(({ id }) => id);
  }

  after(plan: Plan, wanted: Topology | undefined, scope: Scope): Topology | Promise<Topology> {
    if (wanted !== undefined && !scope.target?.length && !scope.exclude?.length) return wanted;
    return declaredAfter({
      plan,
      topology: wanted,
      record: this.world.record,
      earlier: this.left.toReversed(),
      kinds: fakeKinds,
    });
  }
}

const network = (name: string, subnet: string) => resource(`lab/network.${name}`, { name, subnet });

Deno.test("after a part was applied, the rest is what it was: changed things as they were, new ones not at all", async () => {
  const story = new Story();
  const { world } = story;
  await story.apply(topology([network("a", "1"), network("b", "1"), network("gone", "1")]));
  const wanted = topology([network("a", "2"), network("b", "2"), network("c", "2")], {
    parameters: { two: true },
  });
  await story.apply(wanted, { target: ["lab/network.a"] });
  const part = story.left.at(-1)!;
  assert.deepEqual(
    part.resources.map(({ address, spec }) => [address, spec.subnet]),
    [["lab/network.a", "2"], ["lab/network.b", "1"], ["lab/network.gone", "1"]],
  );
  assert.deepEqual(part.parameters, { two: true });
  assert.equal(part.leftAlone, undefined);
  assert.deepEqual(story.back(-1).made.plan.steps, [], "it is there already");

  await story.apply(wanted);
  assert.equal(world.listing().length, 3);
  assert.deepEqual(story.goBack(1).sort(), [
    "create:lab/network.gone",
    "delete:lab/network.c",
    "update:lab/network.b",
  ]);
  assert.deepEqual(world.listing(), ["lab network a", "lab network b", "lab network gone"]);
});

Deno.test("what was left out by --exclude is as it was before; a part of a part as well", async () => {
  const story = new Story();
  await story.apply(topology([network("a", "1"), network("b", "1"), network("c", "1")]));
  const second = topology([network("a", "2"), network("b", "2"), network("c", "2")]);
  await story.apply(second, { exclude: ["lab/network.a"] });
  const third = topology([network("a", "3"), network("b", "3"), network("c", "3")]);
  await story.apply(third, { target: ["lab/network.c"] });
  const subnets = (left: Topology) =>
    Object.fromEntries(left.resources.map(({ name, spec }) => [name, spec.subnet]));
  assert.deepEqual(story.left.slice(1).map(subnets), [
    { a: "1", b: "2", c: "2" },
    { a: "1", b: "2", c: "3" },
  ]);
});

Deno.test("what a run that failed never came to is told from what was applied", async () => {
  const story = new Story();
  await story.apply(topology([network("a", "1"), network("b", "1")]));
  // It was to change both, and nothing of it was done.
  story.left.push(topology([network("a", "2"), network("b", "2")]));
  await story.apply(topology([network("a", "3"), network("b", "3")]), {
    target: ["lab/network.a"],
  });
  assert.deepEqual(story.left.at(-1)!.resources.map(({ spec }) => spec.subnet), ["3", "1"]);
});

Deno.test("a part that is destroyed leaves the rest declared", async () => {
  const story = new Story();
  await story.apply(topology(small(), { parameters: { size: 1 } }));
  await story.destroy({ target: ["lab/machine.web"] });
  const left = story.left.at(-1)!;
  assert.deepEqual(left.parameters, { size: 1 });
  assert.equal(left.resources.length, 5);
  assert.deepEqual(story.back(-1).made.plan.steps, []);
  await story.apply(topology(small()));
  assert.deepEqual(story.goBack(1), ["delete:lab/machine.web"]);
});

Deno.test("what nobody is known to have declared is left alone, and all that needs it", async () => {
  const story = new Story();
  const { world } = story;
  await story.apply(topology([...small(), network("other", "1")]));
  // A record that was edited: nobody has declared a volume of that address.
  const moved = (address: string) =>
    address === "lab/volume.web-root" ? "lab/volume.moved" : address;
  world.record = {
    ...world.record!,
    resources: world.record!.resources.map((row) => ({
      ...row,
      address: moved(row.address),
      needs: row.needs.map(moved),
    })),
  };
  const wanted = topology([...small(), network("other", "2")]);
  await story.apply(wanted, { target: ["lab/network.other"] });
  const left = story.left.at(-1)!;
  assert.deepEqual(left.leftAlone, ["lab/machine.web", "lab/volume.moved"]);
  world.remove("lab", "network", "other");
  assert.deepEqual(story.goBack(-1), ["create:lab/network.other"]);

  story.left.length = 0;
  await story.apply(topology([...small(), network("other", "3")]), {
    target: ["lab/network.other"],
  });
  assert.equal(story.left[0]!.leftAlone?.length, 6, "nothing was kept: all the rest");
  assert.deepEqual(story.back(-1).made.errors, []);
  assert.deepEqual(story.back(-1).made.plan.steps, []);
});

Deno.test("what is only referred to is declared where something of the rest needs it", async () => {
  const story = new Story();
  story.world.put("lab", "network", "office", { name: "office" });
  const office = resource("lab/network.office", { name: "office" }, { tenure: "existing" });
  const vm = (name: string, vcpus: number) =>
    resource(`lab/machine.${name}`, {
      name,
      vcpus,
      disks: [],
      nics: [{ name: "nic0", network: "lab/network.office", mac: `52:54:00:00:00:0${name}` }],
    });
  await story.apply(topology([office, vm("1", 1), network("a", "1")]));
  await story.apply(topology([vm("1", 2), network("a", "2"), office]), {
    target: ["lab/network.a"],
  });
  assert.deepEqual(story.left.at(-1)!.resources.map(({ address }) => address), [
    "lab/network.a",
    "lab/machine.1",
    "lab/network.office",
  ]);
});

Deno.test("a part that has by now what the rest had: the rest is left alone", async () => {
  const story = new Story();
  const mac = "52:54:00:00:00:01";
  const vm = (name: string, more: string) =>
    resource(`lab/machine.${name}`, {
      name,
      vcpus: 1,
      disks: [],
      nics: [{ name: "nic0", network: "lab/network.n", mac: more }],
    });
  await story.apply(topology([network("n", "1"), vm("one", mac)]));
  await story.apply(
    topology([network("n", "1"), vm("one", "52:54:00:00:00:02"), vm("two", mac)]),
    { target: ["lab/machine.two"] },
  );
  const left = story.left.at(-1)!;
  assert.deepEqual(left.leftAlone, ["lab/machine.one"]);
  assert.deepEqual(left.resources.map(({ name }) => name), ["n", "two"]);
});

Deno.test("what has got another address goes back to the one that it had", async () => {
  const story = new Story();
  await story.apply(topology([network("a", "1"), resource("lab/network.b", { name: "x" })]));
  await story.apply(topology([
    network("a", "1"),
    resource("lab/network.c", { name: "x" }, {
      identity: "lab/network.b",
      options: { aliases: ["lab/network.b"] },
    }),
  ]));
  assert.deepEqual(story.goBack(0), ["update:lab/network.b"], "its mark alone");
  assert.deepEqual(
    story.world.record?.resources.map(({ address }) => address),
    ["lab/network.a", "lab/network.b"],
  );
});

/** Entries of a list by name: in which order a host has them depends on which came first. */
function inOrder(value: Json | undefined): Json | undefined {
  return Array.isArray(value)
    ? value.toSorted((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
    : value;
}

/** Everything that is owned and meant to stay, with what the hosts have of it. */
function owned(world: World, staying: (address: string) => boolean): Record<string, unknown> {
  return Object.fromEntries(
    (world.record?.resources ?? []).filter(({ address }) => staying(address)).map((row) => {
      const thing = world.things.get(World.slot(row.host, row.kind, row.key));
      const { spec: applied, tenure } = row.resource;
      // What is shared is used as it is found, and what is not declared stays as the host has it.
      const has = tenure === "shared" ? thing !== undefined : Object.fromEntries(
        Object.keys(applied).map((field) => [field, inOrder(thing?.spec[field])]),
      );
      return [row.address, { key: row.key, applied, has }];
    }),
  );
}

/** Addresses that have one object together, for the sake of one that a run left out: one gets it back. */
function shared(world: World): readonly string[] {
  const rows = world.record?.resources ?? [];
  const same = Map.groupBy(rows, ({ host, kind, key }) => World.slot(host, kind, key));
  return [...same.values()].filter((group) => group.length > 1)
    .flatMap((group) => group.map(({ address }) => address));
}

Deno.test("property: a way back leads to what was owned then, whatever was applied, in whole or in part", async () => {
  const patterns = fc.subarray(["*/machine.m0", "*/volume.v1", "*/network.net", "*/seed.*", "*v2"]);
  const scopes = fc.oneof(
    fc.constant({}),
    patterns.map((target) => ({ target })),
    patterns.map((exclude) => ({ exclude })),
  );
  const runs = fc.array(fc.tuple(stacks, scopes), { minLength: 2, maxLength: 4 });
  let parts = 0;
  await fc.assert(
    fc.asyncProperty(runs, fc.nat(3), async (sequence, choice) => {
      const story = new Story();
      const { world } = story;
      const then: { readonly held: ReadonlySet<string>; readonly has: Record<string, unknown> }[] =
        [];
      for (const [stack, scope] of sequence) {
        const wanted = known(world, {
          ...stack,
          resources: stack.resources.map(({ options, ...one }) => ({
            ...one,
            // What is left as a host has it does not go back either.
            options: options && { ...options, ignoreChanges: undefined },
          })),
        });
        // Refused, as where a pattern matches nothing.
        if (world.plan(wanted, scope).errors.length > 0) continue;
        const plan = await story.apply(wanted, scope);
        if (story.left.at(-1) !== wanted) parts++;
        const held = new Set([...stillUsed(plan), ...shared(world)]);
        then.push({ held, has: owned(world, (address) => !held.has(address)) });
      }
      fc.pre(then.length > 0);
      const number = choice % then.length;
      const { leftAlone, made } = story.back(number);
      // Refused, for a machine still runs on what would be made anew, or on what has the name.
      const runOn = made.errors.some(({ code }) => code === "plan.still-used") ||
        (made.errors.length > 0 && stillUsed(made.plan).size > 0);
      fc.pre(!runOn);
      assert.deepEqual(made.errors.map((error) => error.render()), []);
      world.run(made.plan, story.left[number]);
      const held = stillUsed(made.plan);
      const { has, held: heldThen } = then[number]!;
      // Also what is gone by now, and what did not go together with the rest then.
      const never = story.left[number]!.leftAlone ?? [];
      const skipped = new Set([...leftAlone, ...never, ...held, ...heldThen]);
      const expected = Object.entries(has).filter(([address]) => !skipped.has(address));
      assert.deepEqual(
        owned(world, (address) => !skipped.has(address)),
        Object.fromEntries(expected),
      );
    }),
    { numRuns: 60 },
  );
  assert.ok(parts > 10, "enough of them were parts");
});

/** What stays for a while though it is declared no more. */
function stillUsed(plan: Plan): Set<string> {
  return new Set(
    plan.resources.filter(({ reason }) => reason === "still-used").map(({ address }) => address),
  );
}
