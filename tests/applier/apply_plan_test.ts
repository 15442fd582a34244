import assert from "node:assert/strict";
import { leftoverAddress } from "../../planner/leftover.ts";
import type { Step } from "../../providers/provider.ts";
import { StaddleError } from "../../providers/error.ts";
import { digest } from "../../planner/digest.ts";
import type { ResourceRecord } from "../../state/store.ts";
import { failure, fakeHosts, planned, planOf, readBack, resource, step } from "./fake_host.ts";
import { gate, place } from "./run.ts";

const pool = step("create:lab/pool.store");
const volume = step("create:lab/volume.web", [pool.id]);
const machine = step("create:lab/machine.web", [volume.id]);

const noPause = { attempts: 4, delay: 1, maximumDelay: 4 };

function rowOf(wanted: ReturnType<typeof resource>, more: Partial<ResourceRecord> = {}) {
  const row: ResourceRecord = {
    address: wanted.address,
    kind: wanted.kind,
    host: wanted.host,
    key: wanted.name,
    status: "present",
    resource: wanted,
    specDigest: digest(wanted.spec),
    fingerprint: readBack(wanted.spec),
    needs: [],
    ...more,
  };
  return row;
}

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
    Object.fromEntries(result.failed.map(({ step, error }) => [step.id, error.render()])),
    {
      "create:lab/pool.store": [
        "error[apply.timeout]: Cannot create lab/pool.store: it took more than 1 s",
        '  at pool "store" on host "lab"',
        "  Cannot create lab/pool.store",
        "  Error: stopped in the middle",
        "  help: run the same command again: it reads the host and finishes what is half done",
      ].join("\n"),
      "create:lab/network.deaf": [
        "error[apply.timeout]: Cannot create lab/network.deaf: it took more than 1 s",
        '  at network "deaf" on host "lab"',
        "  Cannot create lab/network.deaf",
        "  Error: it did not stop when it was told to",
        "  help: run the same command again: it reads the host and finishes what is half done",
      ].join("\n"),
    },
  );
  assert.equal(row("lab/network.quick")?.status, "present");
  assert.equal(row("lab/network.deaf")?.status, "creating");
});

Deno.test("sessions are opened once a host, when needed, at the same time", async () => {
  await using here = place();
  const both = gate();
  let opening = 0;
  const hosts = fakeHosts({
    connect: async () => {
      opening++;
      if (opening === 2) both.open();
      await both.opened; // would hang if they were opened one after the other
    },
  });
  const { result } = await here.apply(
    planOf(
      [step("create:a/pool.x"), step("create:a/pool.y"), step("create:b/pool.x")],
      { hosts: Object.fromEntries(["a", "b", "idle"].map((name) => [name, { name, uri: "" }])) },
    ),
    hosts,
  );
  assert.equal(result.result, "done");
  assert.deepEqual([...hosts.opened], [["a", 1], ["b", 1]]);
});

Deno.test("a host that cannot be reached fails once; the others go on", async () => {
  await using here = place();
  const hosts = fakeHosts({
    connect: (host) =>
      host.name === "dark"
        ? Promise.reject(new StaddleError({ code: "test.no-route", summary: "no route to dark" }))
        : Promise.resolve(),
  });
  const first = step("create:dark/pool.x");
  const { result, row } = await here.apply(
    planOf([
      first,
      step("create:dark/pool.y"),
      step("create:dark/volume.z", ["create:dark/pool.x"]),
      step("create:lab/volume.needs-dark", ["create:dark/pool.y"]),
      pool,
      volume,
    ]),
    hosts,
  );
  assert.deepEqual(result.failed.map(({ step }) => step.id), [first.id]);
  assert.deepEqual(
    result.skipped.map(({ step, cause }) => [step.id, cause]),
    [
      ["create:dark/pool.y", first.id],
      ["create:dark/volume.z", first.id],
      ["create:lab/volume.needs-dark", first.id],
    ],
  );
  assert.equal(row("dark/pool.x"), undefined); // nothing was begun, and nothing says so
  assert.equal(row(volume.address)?.status, "present");
});

Deno.test("a host that is lost in the middle takes its other steps along, not other hosts'", async () => {
  await using here = place();
  const hosts = fakeHosts({
    fault: (step) => {
      if (step.id === "create:dark/pool.x") throw failure("test.link-down", step);
    },
  });
  const { result } = await here.apply(
    planOf([
      step("create:dark/pool.x"),
      step("create:dark/pool.later", [pool.id]),
      pool,
      volume,
      machine,
    ]),
    hosts,
    { isHostLost: (error) => error.code === "test.link-down" },
  );
  assert.deepEqual(result.failed.map(({ step }) => step.id), ["create:dark/pool.x"]);
  assert.deepEqual(result.skipped.map(({ step, reason }) => [step.id, reason]), [
    ["create:dark/pool.later", "host-lost"],
  ]);
  assert.deepEqual(result.counts, { add: 3, change: 0, destroy: 0 });
});

Deno.test("cancelling lets what is in flight finish and begins nothing new", async () => {
  await using here = place();
  const cancel = new AbortController();
  const hosts = fakeHosts({
    fault: async (step) => {
      if (step.id !== pool.id) return;
      cancel.abort();
      await new Promise((resolve) => setTimeout(resolve, 20));
    },
  });
  const { result, row, unfinished, runs, events } = await here.apply(
    planOf([pool, volume, machine, step("create:lab/network.front")], {}),
    hosts,
    { signal: cancel.signal, parallelism: 1 },
  );
  assert.equal(result.result, "cancelled");
  assert.equal(result.stopped, "cancelled");
  assert.deepEqual(result.cancelled.map(({ id }) => id), [
    volume.id,
    machine.id,
    "create:lab/network.front",
  ]);
  assert.deepEqual(result.failed, []);
  assert.equal(row(pool.address)?.status, "present");
  assert.equal(row(volume.address), undefined);
  assert.deepEqual(unfinished, []);
  assert.equal(runs[0]?.result, "cancelled");
  const stopping = events.find((event) => event.type === "run_stopping");
  assert.deepEqual(
    stopping?.type === "run_stopping" && stopping.inFlight.map(({ id }) => id),
    [pool.id],
  );
});

Deno.test("cancelling when the last steps are in flight loses nothing: the run is done", async () => {
  await using here = place();
  const cancel = new AbortController();
  const { result, record } = await here.apply(
    planOf([pool], { outputs: [{ name: "a", action: "create", after: null, sensitive: true }] }),
    fakeHosts({ fault: () => cancel.abort() }),
    { signal: cancel.signal },
  );
  assert.equal(result.result, "done");
  assert.deepEqual(record?.outputs, { a: { value: null, sensitive: true } });
});

Deno.test("cancelling while a host is being connected begins nothing there", async () => {
  await using here = place();
  const cancel = new AbortController();
  const hosts = fakeHosts({ connect: () => Promise.resolve(cancel.abort()) });
  const { result, record, events } = await here.apply(planOf([pool, volume]), hosts, {
    signal: cancel.signal,
  });
  assert.equal(result.result, "cancelled");
  assert.deepEqual(result.cancelled.map(({ id }) => id), [pool.id, volume.id]);
  assert.deepEqual(hosts.log, []);
  assert.deepEqual(record?.resources, []);
  assert.equal(events.some(({ type }) => type === "step_start"), false);
});

Deno.test("cancelling ends the pause before another attempt", async () => {
  await using here = place();
  const cancel = new AbortController();
  const began = performance.now();
  const { result } = await here.apply(
    planOf([pool, volume]),
    fakeHosts({
      fault: (step) => {
        setTimeout(() => cancel.abort(), 20);
        throw failure("test.busy", step);
      },
    }),
    {
      signal: cancel.signal,
      isTransient: () => true,
      retry: { attempts: 9, delay: 60_000, maximumDelay: 60_000 },
    },
  );
  assert(performance.now() - began < 10_000);
  assert.deepEqual(result.failed.map(({ error }) => error.code), ["test.busy"]);
});

Deno.test("cancelling gives waits up at once, lets the rest finish, and fails nothing", async () => {
  await using here = place();
  const cancel = new AbortController();
  const met = gate();
  const wait = step("wait:lab/machine.web", [machine.id]);
  const other = step("create:lab/volume.late", [machine.id]);
  let given = "nothing";
  const hosts = fakeHosts({
    fault: async (step, { signal }) => {
      if (step.id === other.id) {
        cancel.abort();
        await met.opened;
        given += `, then ${other.id}`;
      }
      if (step.id !== wait.id) return;
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      given = wait.id;
      met.open();
      throw signal.reason;
    },
  });
  const { result, row, unfinished, events } = await here.apply(
    planOf([pool, volume, machine, wait, other]),
    hosts,
    { signal: cancel.signal, retry: noPause },
  );
  assert.equal(given, `${wait.id}, then ${other.id}`);
  assert.equal(result.result, "cancelled");
  assert.deepEqual(result.failed, []);
  assert.deepEqual(result.cancelled.map(({ id }) => id), [wait.id]);
  assert.equal(row(machine.address)?.status, "waiting");
  assert.equal(row(other.address)?.status, "present");
  assert.deepEqual(unfinished, []);
  const last = events.filter((event) => "step" in event && event.step.id === wait.id).at(-1);
  assert.equal(last?.type, "step_skipped");
});

Deno.test("aborting gives up what is in flight; the record says that it is half done", async () => {
  await using here = place();
  const abort = new AbortController();
  const hosts = fakeHosts({
    fault: (_step, { signal }) => {
      setTimeout(() => abort.abort(), 5);
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new Error("given up")))
      );
    },
  });
  const { result, row, runs } = await here.apply(planOf([pool, volume]), hosts, {
    signal: abort.signal,
    abort: abort.signal,
  });
  assert.equal(result.result, "cancelled");
  assert.equal(result.stopped, "aborted");
  assert.deepEqual(result.failed.map(({ error }) => error.code), ["apply.aborted"]);
  assert.equal(row(pool.address)?.status, "creating");
  assert.equal(runs[0]?.result, "cancelled");
});

Deno.test("a lease that is lost stops the run, and nothing more is written", async () => {
  await using here = place();
  const lost = new AbortController();
  const reason = new StaddleError({ code: "state.lease-lost", summary: "taken over" });
  const hosts = fakeHosts({
    fault: (_step, { signal }) => {
      setTimeout(() => lost.abort(reason), 5);
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new Error("given up")))
      );
    },
  });
  let refused = 0;
  const { result, row, runs } = await here.apply(planOf([pool, volume]), hosts, {
    wrap: (lease) => ({
      ...lease,
      stack: lease.stack,
      token: lease.token,
      lost: lost.signal,
      write: (change) => {
        if (!lost.signal.aborted) return lease.write(change);
        refused++;
        return Promise.reject(reason);
      },
    }),
  });
  assert.equal(result.result, "failed");
  assert.equal(result.stopped, "lease-lost");
  assert.equal(result.fatal, reason);
  assert.equal(refused, 1); // the journal's line of the step that was given up
  assert.equal(row(pool.address)?.status, "creating");
  assert.equal(runs[0]?.endedAt, undefined);
});

Deno.test("a record that cannot be written stops the run; what was done is called done", async () => {
  await using here = place();
  const full = new StaddleError({ code: "state.disk-full", summary: "no space" });
  const { result, row } = await here.apply(planOf([pool, volume]), fakeHosts(), {
    wrap: (lease) => ({
      ...lease,
      write: (change) =>
        change.journal?.some(({ phase }) => phase === "end")
          ? Promise.reject(full)
          : lease.write(change),
    }),
  });
  assert.equal(result.result, "failed");
  assert.equal(result.stopped, "record-failed");
  assert.equal(result.fatal, full);
  assert.deepEqual(result.failed.map(({ error }) => error.render()), [[
    "error[apply.not-recorded]: create of lab/pool.store was done, but could not be recorded",
    '  at pool "store" on host "lab"',
    "  no space",
    "  help: run the same command again: it reads the host and finds that this is done",
  ].join("\n")]);
  assert.equal(row(pool.address)?.status, "creating");
});

Deno.test("a step is not begun when its beginning cannot be recorded", async () => {
  await using here = place();
  const hosts = fakeHosts();
  const { result } = await here.apply(planOf([pool, volume]), hosts, {
    wrap: (lease) => ({
      ...lease,
      write: (change) =>
        change.journal === undefined ? lease.write(change) : Promise.reject(new Error("broken")),
    }),
  });
  assert.deepEqual(hosts.log, []);
  assert.equal(result.fatal?.code, "apply.record-failed");
  assert.deepEqual(result.cancelled.map(({ id }) => id), [pool.id, volume.id]);
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

Deno.test("a replacement made first keeps a row for either object until the old one is gone", async () => {
  await using here = place();
  const old = resource("lab/seed.web", { userData: "old" });
  const fresh = resource("lab/seed.web", { userData: "new" });
  const steps: Step[] = [
    step("create:lab/seed.web", [], { resource: fresh, key: "seed-2" }),
    step("delete:lab/seed.web#old", ["create:lab/seed.web"], { resource: old, key: "seed-1" }),
  ];
  const aside = leftoverAddress("lab/seed.web", "seed-1");
  const plan = planOf(steps, {
    resources: [planned("replace", fresh, { key: "seed-2" })],
  });
  await here.given({ put: [rowOf(old, { key: "seed-1" })] });

  const broken = await here.apply(
    plan,
    fakeHosts({
      fault: (step) => {
        if (step.operation === "create") throw failure("test.broken", step);
      },
    }),
  );
  assert.equal(broken.row("lab/seed.web")?.status, "creating");
  assert.equal(broken.row("lab/seed.web")?.key, "seed-2");
  assert.deepEqual(broken.row(aside), rowOf(old, { key: "seed-1", address: aside }));

  // The next plan makes the new one and takes the leftover away.
  const hosts = fakeHosts();
  hosts.objects.set("lab seed seed-1", old.spec);
  const { record, result } = await here.apply(
    planOf([
      steps[0]!,
      step(`delete:${aside}`, [], { address: aside, resource: old, key: "seed-1" }),
    ], {
      resources: [planned("create", fresh, { key: "seed-2" }), {
        ...planned("delete", old, { key: "seed-1" }),
        address: aside,
      }],
    }),
    hosts,
  );
  assert.deepEqual([...hosts.objects], [["lab seed seed-2", fresh.spec]]);
  assert.deepEqual(record?.resources, [rowOf(fresh, { key: "seed-2" })]);
  assert.deepEqual(result.counts, { add: 1, change: 0, destroy: 1 });
});

Deno.test("a replacement done in one run leaves one row", async () => {
  for (const createFirst of [true, false]) {
    await using here = place();
    const old = resource("lab/seed.web", { userData: "old" });
    const fresh = resource("lab/seed.web", { userData: "new" });
    await here.given({ put: [rowOf(old, { key: "seed-1" })] });
    const create = "create:lab/seed.web";
    const remove = "delete:lab/seed.web#old";
    const { record, result } = await here.apply(
      planOf([
        step(create, createFirst ? [] : [remove], { resource: fresh, key: "seed-2" }),
        step(remove, createFirst ? [create] : [], { resource: old, key: "seed-1" }),
      ], { resources: [planned("replace", fresh, { key: "seed-2" })] }),
      fakeHosts(),
    );
    assert.deepEqual(record?.resources, [rowOf(fresh, { key: "seed-2" })]);
    assert.deepEqual(result.counts, { add: 1, change: 0, destroy: 1 });
  }
});

Deno.test("an object that was taken back is not deleted as the leftover that it was", async () => {
  await using here = place();
  const first = resource("lab/seed.web", { userData: "first" });
  const second = resource("lab/seed.web", { userData: "second" });
  const aside = leftoverAddress("lab/seed.web", "seed-1");
  // A stopped replacement of the first by the second; then the stack goes back to the first.
  await here.given({
    put: [
      rowOf(second, { key: "seed-2", status: "creating" }),
      rowOf(first, { key: "seed-1", address: aside }),
    ],
  });
  const hosts = fakeHosts();
  hosts.objects.set("lab seed seed-1", first.spec);
  hosts.objects.set("lab seed seed-2", second.spec);
  const { record } = await here.apply(
    planOf([
      step("create:lab/seed.web", [], { resource: first, key: "seed-1" }),
      step("delete:lab/seed.web#old", ["create:lab/seed.web"], { resource: second, key: "seed-2" }),
    ], { resources: [planned("replace", first, { key: "seed-1" })] }),
    hosts,
  );
  assert.deepEqual([...hosts.objects.keys()], ["lab seed seed-1"]);
  assert.deepEqual(record?.resources, [rowOf(first, { key: "seed-1" })]);
});

Deno.test("deleting an address whose object another one has now keeps the object", async () => {
  await using here = place();
  const old = resource("lab/volume.a");
  const taken = resource("lab/volume.b");
  await here.given({ put: [rowOf(old, { key: "v" }), rowOf(taken, { key: "v" })] });
  const hosts = fakeHosts();
  hosts.objects.set("lab volume v", taken.spec);
  const { record, result } = await here.apply(
    planOf([step("delete:lab/volume.a", [], { resource: old, key: "v" })]),
    hosts,
  );
  assert.deepEqual([...hosts.objects.keys()], ["lab volume v"]);
  assert.deepEqual(record?.resources.map(({ address }) => address), ["lab/volume.b"]);
  assert.deepEqual(result.counts, { add: 0, change: 0, destroy: 0 });
  assert.deepEqual(result.notes, [
    { address: "lab/volume.a", text: "kept v: it belongs to lab/volume.b now" },
  ]);
});

Deno.test("a failed delete is on record; a destroy that is done leaves an empty record", async () => {
  await using here = place();
  await here.given({
    put: [rowOf(pool.resource), rowOf(volume.resource, { needs: [pool.address] })],
    hosts: { lab: { name: "lab", uri: "test:///lab" } },
    outputs: { a: { value: 1, sensitive: false } },
    reservations: { "lab/machine.web#nic0": "10.0.0.2" },
  });
  const steps = [
    step("delete:lab/pool.store", ["delete:lab/volume.web"]),
    step("delete:lab/volume.web"),
  ];
  const plan = planOf(steps, {
    mode: "destroy",
    outputs: [{ name: "a", action: "delete", before: 1, sensitive: false }],
  });
  const broken = await here.apply(
    plan,
    fakeHosts({
      fault: (step) => {
        throw failure("test.in-use", step);
      },
    }),
  );
  assert.equal(broken.row(volume.address)?.status, "deleting");
  assert.equal(broken.row(pool.address)?.status, "present");
  assert.deepEqual(Object.keys(broken.record?.outputs ?? {}), ["a"]);
  assert.deepEqual(Object.keys(broken.record?.hosts ?? {}), ["lab"]);

  const { record, result, runs } = await here.apply(plan, fakeHosts());
  assert.deepEqual(record?.resources, []);
  assert.deepEqual([record?.hosts, record?.outputs, record?.reservations], [{}, {}, {}]);
  assert.deepEqual(result.counts, { add: 0, change: 0, destroy: 2 });
  assert.equal(runs[0]?.command, "destroy");
});

Deno.test("destroying what the record does not know is recorded on the way", async () => {
  await using here = place();
  const { row, record } = await here.apply(
    planOf([step("delete:lab/machine.web")], { mode: "destroy" }),
    fakeHosts({
      fault: (step) => {
        throw failure("test.in-use", step);
      },
    }),
  );
  assert.equal(row("lab/machine.web")?.status, "deleting");
  assert.deepEqual(Object.keys(record?.hosts ?? {}), ["lab"]);
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
