/** Runs from their first write to their last, on hosts in memory. */

import assert from "node:assert/strict";
import { failure, fakeHosts, planned, planOf, readBack, resource, step } from "./fake_host.ts";
import { gate, place } from "./run.ts";
import { machine, noPause, pool, rowOf, volume } from "./samples.ts";

Deno.test("steps are carried out in order, and the record says what was read back", async () => {
  await using here = place();
  const hosts = fakeHosts();
  const { result, record, row, unfinished, runs, events } = await here.apply(
    planOf([machine, volume, pool], {
      resources: [planned("create", machine.resource, { needs: ["lab/volume.web"] })],
      outputs: [{ name: "ip", action: "create", after: "10.0.0.2", sensitive: false }],
      reservations: { "lab/machine.web#nic0": "10.0.0.2" },
    }),
    hosts,
  );
  assert.deepEqual(hosts.log, [
    "begin create:lab/pool.store",
    "end create:lab/pool.store",
    "begin create:lab/volume.web",
    "end create:lab/volume.web",
    "begin create:lab/machine.web",
    "end create:lab/machine.web",
  ]);
  assert.equal(result.result, "done");
  assert.deepEqual(result.counts, { add: 3, change: 0, destroy: 0 });
  assert.deepEqual(row("lab/machine.web"), rowOf(machine.resource, { needs: ["lab/volume.web"] }));
  assert.deepEqual(record?.outputs, { ip: { value: "10.0.0.2", sensitive: false } });
  assert.deepEqual(record?.reservations, { "lab/machine.web#nic0": "10.0.0.2" });
  assert.deepEqual(Object.keys(record?.hosts ?? {}), ["lab"]);
  assert.deepEqual(unfinished, []);
  assert.equal(runs[0]?.result, "done");
  assert.equal(runs[0]?.add, 3);
  assert.equal(runs[0]?.who, "ann@desk (pid 7)");
  assert.deepEqual(events.map(({ type }) => type), [
    "run_start",
    ...Array(3).fill(["step_start", "step_complete"]).flat(),
    "run_complete",
  ]);
});

Deno.test("a step is on record before the host is touched", async () => {
  await using here = place();
  const seen: unknown[] = [];
  const hosts = fakeHosts({
    fault: async (step) => {
      const record = await here.store.load("shop");
      const row = record?.resources.find((row) => row.address === step.address);
      const open = await here.store.unfinished("shop");
      seen.push([step.id, row?.status, row?.fingerprint, open.map((entry) => entry.step)]);
      seen.push([Object.keys(record?.hosts ?? {}), record?.reservations, record?.outputs]);
    },
  });
  const wanted = resource("lab/machine.web", { vcpus: 2 });
  const before = resource("lab/machine.web", { vcpus: 1 });
  await here.given({ put: [rowOf(before)] });
  const { row } = await here.apply(
    planOf([step("update:lab/machine.web", [], { resource: wanted, previous: before.spec })], {
      reservations: { "lab/machine.web#nic0": "10.0.0.2" },
      outputs: [{ name: "ip", action: "create", after: "10.0.0.2", sensitive: false }],
    }),
    hosts,
  );
  assert.deepEqual(seen, [
    ["update:lab/machine.web", "updating", readBack(before.spec), ["update:lab/machine.web"]],
    [["lab"], { "lab/machine.web#nic0": "10.0.0.2" }, {}],
  ]);
  assert.deepEqual(row("lab/machine.web"), rowOf(wanted));
});

Deno.test("a stopped update keeps both declarations", async () => {
  await using here = place();
  const before = resource("lab/machine.web", { vcpus: 1 });
  const wanted = resource("lab/machine.web", { vcpus: 2 });
  await here.given({ put: [rowOf(before)] });
  const hosts = fakeHosts({
    fault: (step) => {
      throw failure("test.broken", step);
    },
  });
  const { row, result } = await here.apply(
    planOf([step("update:lab/machine.web", [], { resource: wanted, previous: before.spec })]),
    hosts,
  );
  assert.equal(result.result, "failed");
  assert.deepEqual(
    row("lab/machine.web"),
    rowOf(before, { status: "updating", target: wanted }),
  );
});

Deno.test("a failed step silences what needs it, once each, and nothing else", async () => {
  await using here = place();
  const other = step("create:lab/network.front");
  const both = step("create:lab/machine.db", [volume.id, other.id]);
  const hosts = fakeHosts({
    fault: (step) => {
      if (step.id === volume.id) throw failure("test.broken", step);
    },
  });
  const steps = [pool, volume, machine, other, both, step("wait:lab/machine.web", [machine.id])];
  const { result, row, events, unfinished, record, runs } = await here.apply(
    planOf(steps, { outputs: [{ name: "a", action: "create", after: 1, sensitive: false }] }),
    hosts,
  );
  assert.equal(result.result, "failed");
  assert.deepEqual(result.failed.map(({ step, error }) => [step.id, error.code]), [
    [volume.id, "test.broken"],
  ]);
  assert.deepEqual(
    result.skipped.map(({ step, reason, cause }) => [step.id, reason, cause]),
    [machine.id, both.id, "wait:lab/machine.web"].map((id) => [id, "upstream-failed", volume.id]),
  );
  assert.equal(events.filter(({ type }) => type === "step_skipped").length, 3);
  assert.deepEqual(result.counts, { add: 2, change: 0, destroy: 0 });
  assert.equal(row(volume.address)?.status, "creating");
  assert.equal(row(machine.address), undefined);
  assert.equal(row(other.address)?.status, "present");
  assert.deepEqual(unfinished, []);
  assert.deepEqual(record?.outputs, {});
  assert.equal(runs[0]?.result, "failed");
  assert.equal(runs[0]?.add, 2);
});

Deno.test("what has the name of another's is not called the stack's after a failure", async () => {
  await using here = place();
  const hosts = fakeHosts({
    fault: (step) => {
      if (step.id === volume.id) throw failure("test.name-taken", step);
    },
  });
  const isForeign = ({ code }: { readonly code: string }) => code === "test.name-taken";
  const alone = { ...volume, needs: [] };
  const plan = planOf([pool, volume]);
  const { row } = await here.apply(plan, hosts, { isForeign });
  assert.equal(row(volume.address), undefined);
  // What an earlier run of the stack may have left there stays known.
  const { row: unsure } = await here.apply(planOf([alone]), hosts);
  const began = unsure(volume.address);
  assert.equal(began?.status, "creating");
  const { row: after } = await here.apply(planOf([alone]), hosts, { isForeign });
  assert.deepEqual(after(volume.address), began);
});

Deno.test("what is transient is tried again, with growing pauses, and so often only", async () => {
  await using here = place();
  const hosts = fakeHosts({
    fault: (step, _context, attempt) => {
      if (step.id === pool.id && attempt < 3) throw failure("test.busy", step);
      if (step.id === "create:lab/network.a") throw failure("test.busy", step);
      if (step.id === "create:lab/network.b") throw failure("test.broken", step);
    },
  });
  const { result, events } = await here.apply(
    planOf([pool, step("create:lab/network.a"), step("create:lab/network.b")]),
    hosts,
    {
      isTransient: (error) => error.code === "test.busy",
      retry: { attempts: 4, delay: 10, maximumDelay: 1000 },
    },
  );
  const begun = (id: string) => hosts.log.filter((line) => line === `begin ${id}`).length;
  assert.deepEqual(
    [pool.id, "create:lab/network.a", "create:lab/network.b"].map(begun),
    [3, 4, 1],
  );
  assert.deepEqual(result.failed.map(({ step }) => step.id).sort(), [
    "create:lab/network.a",
    "create:lab/network.b",
  ]);
  const delays = events.flatMap((event) =>
    event.type === "step_retry" && event.step.address === "lab/network.a" ? [event.delay] : []
  );
  assert.equal(delays.length, 3);
  for (const [i, delay] of delays.entries()) {
    const middle = 10 * 2 ** i;
    assert(delay >= middle * 0.79 && delay <= middle * 1.21, `pause ${i} was ${delay} ms`);
  }
});

Deno.test("a step that hangs is ended by its time-out, whether it listens or not", async () => {
  await using here = place();
  const deaf = gate();
  const hosts = fakeHosts({
    fault: async (step, { signal }) => {
      if (step.id === "create:lab/network.deaf") await deaf.opened;
      if (step.id === pool.id) {
        await new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(new Error("stopped in the middle")))
        );
      }
    },
  });
  const { result, row } = await here.apply(
    planOf([pool, step("create:lab/network.deaf"), step("create:lab/network.quick")]),
    hosts,
    { timeouts: { create: 1 }, grace: 20, isTransient: () => true },
  );
  deaf.open();
  assert.deepEqual(
    Object.fromEntries(result.failed.map(({ step, error }) => [step.id, error.code])),
    { "create:lab/pool.store": "apply.timeout", "create:lab/network.deaf": "apply.timeout" },
  );
  assert.equal(row("lab/network.quick")?.status, "present");
  assert.equal(row("lab/network.deaf")?.status, "creating");
});

Deno.test("a machine waits until its condition is met, and stays so if it is not", async () => {
  for (const met of [true, false]) {
    await using here = place();
    const statuses: unknown[] = [];
    const wait = step("wait:lab/machine.web", [machine.id]);
    const { row } = await here.apply(
      planOf([pool, volume, machine, wait]),
      fakeHosts({
        fault: async (step) => {
          if (step.id !== wait.id) return;
          const record = await here.store.load("shop");
          statuses.push(record?.resources.find((row) => row.address === step.address)?.status);
          if (!met) throw failure("test.no-lease", step);
        },
      }),
      { retry: noPause },
    );
    assert.deepEqual(statuses, ["waiting"]);
    assert.equal(row(machine.address)?.status, met ? "present" : "waiting");
    assert.equal(row(machine.address)?.fingerprint, readBack(machine.resource.spec));
  }
});

Deno.test("rows without a step are brought up to date in the first write, where they differ", async () => {
  await using here = place();
  const same = resource("lab/volume.same");
  const half = resource("lab/volume.half");
  const moved = resource("lab/volume.moved");
  const referred = { ...resource("lab/pool.referred"), tenure: "existing" as const };
  await here.given({
    put: [
      rowOf(same),
      rowOf(half, { status: "updating", target: resource("lab/volume.half", { size: 9 }) }),
      rowOf(moved, { fingerprint: "read:before" }),
      rowOf(resource("lab/volume.gone")),
      rowOf(resource("lab/pool.referred")),
    ],
  });
  const { writes, record } = await here.apply(
    planOf([pool], {
      resources: [
        planned("no-op", { ...same, declaredAt: "stack.ts:9:1" }),
        planned("no-op", half, { fingerprint: readBack(half.spec) }),
        planned("no-op", moved, { fingerprint: "read:after" }),
        planned("no-op", referred),
        planned("no-op", resource("lab/volume.lost"), { fingerprint: "read:lost" }),
        planned("forget", resource("lab/volume.gone")),
      ],
    }),
    fakeHosts(),
  );
  assert.deepEqual(writes[0]?.put?.map(({ address }) => address).sort(), [
    "lab/volume.half",
    "lab/volume.lost",
    "lab/volume.moved",
  ]);
  assert.deepEqual([...writes[0]?.remove ?? []].sort(), ["lab/pool.referred", "lab/volume.gone"]);
  assert.deepEqual(record?.resources, [
    rowOf(pool.resource),
    rowOf(half),
    rowOf(resource("lab/volume.lost"), { fingerprint: "read:lost" }),
    rowOf(moved, { fingerprint: "read:after" }),
    rowOf(same),
  ]);
});

Deno.test("a plan without change writes nothing", async () => {
  await using here = place();
  await here.apply(planOf([pool]), fakeHosts());
  const { result, writes, runs, record } = await here.apply(
    planOf([], {
      hosts: { lab: { name: "lab", uri: "test:///lab" } },
      resources: [planned("no-op", pool.resource, {
        fingerprint: readBack(pool.resource.spec),
      })],
    }),
    fakeHosts(),
  );
  assert.equal(result.result, "done");
  assert.equal(result.run, undefined);
  assert.deepEqual(writes, []);
  assert.equal(runs.length, 1);
  assert.equal(record?.serial, 4); // start, begin, end, end of the run
});

Deno.test("an output that changes is written though there is no step", async () => {
  await using here = place();
  const { record, result } = await here.apply(
    planOf([], { outputs: [{ name: "a", action: "create", after: [1], sensitive: false }] }),
    fakeHosts(),
  );
  assert.equal(result.result, "done");
  assert.deepEqual(record?.outputs, { a: { value: [1], sensitive: false } });
});

Deno.test("progress and notes reach the listener and the result", async () => {
  await using here = place();
  const hosts = fakeHosts({
    fault: (_step, context) => context.progress("uploading", 0.5),
  });
  const { sessions } = hosts;
  const noted: typeof hosts = {
    ...hosts,
    sessions: async (host) => {
      const session = await sessions(host);
      return {
        ...session,
        perform: async (step, context) => ({
          ...await session.perform(step, context),
          notes: ["kept: in use"],
        }),
      };
    },
  };
  const { result, events } = await here.apply(planOf([pool]), noted);
  assert.deepEqual(result.notes, [{ address: pool.address, text: "kept: in use" }]);
  const progress = events.find((event) => event.type === "step_progress");
  assert(progress?.type === "step_progress");
  assert.deepEqual([progress.message, progress.fraction], ["uploading", 0.5]);
  for (const { at } of events) assert.match(at, /^\d{4}-\d\d-\d\dT.*Z$/);
});

Deno.test("a listener that throws does not keep the record from being finished", async () => {
  await using here = place();
  await assert.rejects(
    here.apply(planOf([pool, volume]), fakeHosts(), {
      onEvent: () => {
        throw new Error("broken pipe");
      },
    }),
    /broken pipe/,
  );
  const record = await here.store.load("shop");
  assert.deepEqual(record?.resources.map(({ status }) => status), ["present", "present"]);
  assert.equal((await here.store.runs("shop", 1))[0]?.result, "done");
});

Deno.test("plans that cannot be carried out are refused before anything is written", async () => {
  const a = step("create:lab/pool.a");
  const plans: readonly [string, Parameters<typeof planOf>][] = [
    ["two steps have the id create:lab/pool.a", [[a, a]]],
    [
      "step create:lab/pool.a needs create:lab/pool.b, which is no step of the plan",
      [[{ ...a, needs: ["create:lab/pool.b"] }]],
    ],
    ['step create:lab/pool.a is for host "lab", which the plan does not have', [[a], {
      hosts: {},
    }]],
    [
      "steps wait for one another: create:lab/pool.a, create:lab/pool.b",
      [[{ ...a, needs: ["create:lab/pool.b"] }, step("create:lab/pool.b", [a.id])]],
    ],
  ];
  for (const [why, made] of plans) {
    await using here = place();
    await assert.rejects(here.apply(planOf(...made), fakeHosts()), {
      code: "apply.bad-plan",
      message: `Cannot apply the plan: ${why}`,
    });
    assert.equal(await here.store.load("shop"), undefined);
  }
});

Deno.test("a plan against another record is refused with exit code 4", async () => {
  const { applyPlan } = await import("../../applier/mod.ts");
  await using here = place();
  await using lease = await here.store.lock("shop", "ann");
  await lease.write({ put: [rowOf(pool.resource)] });
  await assert.rejects(
    applyPlan(planOf([volume]), {
      lease,
      record: await here.store.load("shop"),
      sessions: fakeHosts().sessions,
      baseDirectory: ".",
      who: "ann",
    }).catch((error) => {
      assert.equal(
        error.render(),
        [
          'error[apply.stale-plan]: Cannot apply the plan of stack "shop": its record has changed since',
          "  planned against serial 0, the record has serial 1",
          "  help: plan again",
        ].join("\n"),
      );
      throw error;
    }),
    { code: "apply.stale-plan", exitCode: 4 },
  );
});
