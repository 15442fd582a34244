/** Runs that are cancelled, aborted, or cannot keep their record any more. */

import assert from "node:assert/strict";
import { StaddleError } from "../../providers/error.ts";
import { failure, fakeHosts, planOf, step } from "./fake_host.ts";
import { gate, place } from "./run.ts";
import { machine, noPause, pool, volume } from "./samples.ts";

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
