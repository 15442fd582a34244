/**
 * What holds for every plan, whatever its graph and whichever steps fail.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Step } from "../../providers/provider.ts";
import type { JournalEntry } from "../../state/store.ts";
import { failure, fakeHosts, planOf, readBack, resource, step } from "./fake_host.ts";
import { gate, place } from "./run.ts";

interface World {
  readonly steps: readonly Step[];
  readonly failing: ReadonlySet<string>;
  readonly dark: ReadonlySet<string>;
  readonly parallelism: number;
  readonly perHost: number;
  readonly cancelAfter: number | undefined;
}

const hostNames = ["a", "b", "c"];

/** Steps over three hosts, each needing some of those before it, put in any order. */
const world: fc.Arbitrary<World> = fc.record({
  steps: fc.array(
    fc.record({
      host: fc.constantFrom(...hostNames),
      operation: fc.constantFrom("create", "update", "delete"),
      needs: fc.array(fc.nat({ max: 100 }), { maxLength: 4 }),
      fails: fc.integer({ min: 0, max: 9 }),
      rank: fc.nat(),
    }),
    { minLength: 1, maxLength: 24 },
  ),
  dark: fc.subarray(hostNames, { maxLength: 1 }),
  anyDark: fc.boolean(),
  parallelism: fc.integer({ min: 1, max: 12 }),
  perHost: fc.integer({ min: 1, max: 6 }),
  failEvery: fc.boolean(),
  cancel: fc.option(fc.nat({ max: 12 }), { nil: undefined, freq: 3 }),
}).map(({ steps, dark, anyDark, parallelism, perHost, failEvery, cancel }) => {
  const id = (i: number) => `${steps[i]!.operation}:${steps[i]!.host}/volume.v${i}`;
  const made = steps.map((wanted, i) => ({
    rank: wanted.rank,
    step: step(
      id(i),
      i === 0 ? [] : [...new Set(wanted.needs.map((need) => id(need % i)))],
      { resource: resource(`${wanted.host}/volume.v${i}`, { size: i }) },
    ),
  }));
  return {
    steps: made.toSorted((a, b) => a.rank - b.rank).map(({ step }) => step),
    failing: new Set(failEvery ? steps.flatMap(({ fails }, i) => fails === 0 ? [id(i)] : []) : []),
    dark: new Set(anyDark ? dark : []),
    parallelism,
    perHost,
    cancelAfter: cancel,
  };
});

/** Everything that a step needs, near and far. */
function upstream(steps: ReadonlyMap<string, Step>, id: string): Set<string> {
  const found = new Set<string>();
  const open = [...steps.get(id)!.needs];
  for (let need = open.pop(); need !== undefined; need = open.pop()) {
    if (found.has(need)) continue;
    found.add(need);
    open.push(...steps.get(need)!.needs);
  }
  return found;
}

Deno.test("any plan: order, limits, once each, silence behind failures, a journal without gaps", async () => {
  let ended = { done: 0, failed: 0, cancelled: 0 };
  await fc.assert(
    fc.asyncProperty(world, async (world) => {
      await using here = place();
      const cancel = new AbortController();
      let begun = 0;
      const hosts = fakeHosts({
        connect: (host) =>
          world.dark.has(host.name) ? Promise.reject(new Error("no route")) : Promise.resolve(),
        fault: (step) => {
          if (begun++ === world.cancelAfter) cancel.abort();
          if (world.failing.has(step.id)) throw failure("test.broken", step);
        },
      });
      const before = world.steps.filter(({ operation }) => operation !== "create");
      await here.given({
        put: before.map(({ address, kind, host, key, resource }) => ({
          address,
          kind,
          host,
          key,
          status: "present" as const,
          resource,
          specDigest: "before",
          fingerprint: "before",
          needs: [],
        })),
      });
      const journal: JournalEntry[] = [];
      const { result, row, unfinished, events, writes } = await here.apply(
        planOf(world.steps, {
          hosts: Object.fromEntries(
            hostNames.map((name) => [name, { name, uri: "", parallelism: world.perHost }]),
          ),
        }),
        hosts,
        { parallelism: world.parallelism, signal: cancel.signal },
      );
      for (const write of writes) journal.push(...write.journal ?? []);
      const steps = new Map(world.steps.map((step) => [step.id, step]));
      const place_ = (line: string) => hosts.log.indexOf(line);

      // Each step that began did so once, behind the end of all that it needs.
      const began = hosts.log.filter((line) => line.startsWith("begin ")).map((l) => l.slice(6));
      assert.equal(new Set(began).size, began.length);
      for (const id of began) {
        for (const need of steps.get(id)!.needs) {
          const end = place_(`end ${need}`);
          assert(end >= 0 && end < place_(`begin ${id}`), `${id} began before ${need} ended`);
        }
      }
      // Limits.
      assert(hosts.peak.all <= world.parallelism);
      for (const peak of hosts.peak.hosts.values()) assert(peak <= world.perHost);
      for (const count of hosts.opened.values()) assert.equal(count, 1);

      // Every step ends in exactly one way, and the result says which.
      const failed = new Map(result.failed.map(({ step, error }) => [step.id, error]));
      const skipped = new Map(result.skipped.map((skip) => [skip.step.id, skip]));
      const cancelled = new Set(result.cancelled.map(({ id }) => id));
      assert.equal(failed.size, result.failed.length);
      assert.equal(skipped.size, result.skipped.length);
      for (const id of steps.keys()) {
        const ways = [place_(`end ${id}`) >= 0, failed.has(id), skipped.has(id), cancelled.has(id)];
        assert.equal(ways.filter(Boolean).length, 1, `${id}: ${ways}`);
      }
      // What is skipped has its cause upstream or on its host, directly or by way of another.
      for (const [id, { cause, reason }] of skipped) {
        assert(cause !== undefined && failed.has(cause), `${id} because of ${cause}`);
        assert(!began.includes(id));
        if (reason === "upstream-failed") assert(upstream(steps, id).has(cause));
        else {
          assert.equal(reason, "host-lost");
          const near = [id, ...upstream(steps, id)].map((near) => steps.get(near)!.host);
          assert(near.includes(steps.get(cause)!.host));
        }
      }
      // Nothing is left out without a reason: unless stopped, a step with all needs met was begun.
      if (result.stopped === undefined) assert.equal(cancelled.size, 0);
      for (const host of world.dark) {
        assert(result.failed.filter(({ step }) => step.host === host).length <= 1);
      }

      // The journal: one begin, then one end or one failure, for each step that was begun.
      assert.deepEqual(unfinished, []);
      const lines = (id: string) => journal.filter((e) => e.step === id).map(({ phase }) => phase);
      for (const id of steps.keys()) {
        const wanted = !began.includes(id)
          ? []
          : failed.has(id)
          ? ["begin", "failed"]
          : ["begin", "end"];
        assert.deepEqual(lines(id), wanted, id);
      }
      // The record is true.
      for (const [id, { address, operation, resource }] of steps) {
        const found = row(address);
        if (place_(`end ${id}`) >= 0) {
          if (operation === "delete") assert.equal(found, undefined);
          else {
            assert.equal(found?.status, "present");
            assert.equal(found.fingerprint, readBack(resource.spec));
          }
        } else if (failed.has(id) && began.includes(id)) {
          const status = { create: "creating", update: "updating", delete: "deleting" } as const;
          assert.equal(found?.status, status[operation as "create"]);
        } else if (operation === "create") assert.equal(found, undefined);
        else assert.deepEqual([found?.status, found?.fingerprint], ["present", "before"]);
      }
      // Events say the same as the result.
      const of = (type: string) => events.filter((event) => event.type === type).length;
      assert.equal(of("step_start"), began.length);
      assert.equal(of("step_failed"), failed.size);
      assert.equal(
        of("step_complete"),
        began.length - [...failed.keys()].filter((id) => began.includes(id)).length,
      );
      assert.equal(of("step_skipped"), skipped.size + cancelled.size);
      assert.equal(of("run_complete"), 1);
      const wanted = cancelled.size > 0 ? "cancelled" : failed.size > 0 ? "failed" : "done";
      assert.equal(result.result, wanted);
      ended = { ...ended, [wanted]: ended[wanted] + 1 };
    }),
    { numRuns: 100 },
  );
  // The generator reaches every kind of end.
  assert(ended.done > 5 && ended.failed > 5 && ended.cancelled > 5, JSON.stringify(ended));
});

Deno.test("independent steps run side by side, up to the limits", async () => {
  await using here = place();
  const hosts = fakeHosts({ delay: 20 });
  const steps = hostNames.flatMap((host) =>
    Array.from({ length: 8 }, (_, i) => step(`create:${host}/volume.v${i}`))
  );
  await here.apply(planOf(steps), hosts);
  assert.equal(hosts.peak.all, 10);
  assert.equal(Math.max(...hosts.peak.hosts.values()), 5);
});

Deno.test("a slow host does not hold up another", async () => {
  await using here = place();
  const other = gate();
  const hosts = fakeHosts({
    fault: (step) => {
      // The first step of the one host ends only after the last of the other: a deadlock if it held
      // anything up.
      if (step.id === "create:a/volume.v0") return other.opened;
      if (step.id === "create:b/volume.v3") other.open();
    },
  });
  const chain = (host: string) =>
    Array.from(
      { length: 4 },
      (_, i) =>
        step(`create:${host}/volume.v${i}`, i === 0 ? [] : [`create:${host}/volume.v${i - 1}`]),
    );
  const { result } = await here.apply(planOf([...chain("a"), ...chain("b")]), hosts);
  assert.equal(result.result, "done");
});

Deno.test("the step that most others wait for begins first", async () => {
  await using here = place();
  const hosts = fakeHosts();
  await here.apply(
    planOf([
      step("create:a/volume.alone"),
      step("create:a/pool.base"),
      step("create:a/volume.v", ["create:a/pool.base"]),
      step("create:a/machine.m", ["create:a/volume.v"]),
    ]),
    hosts,
    { parallelism: 1 },
  );
  assert.equal(hosts.log[0], "begin create:a/pool.base");
});
