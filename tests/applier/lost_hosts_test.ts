/** Sessions with hosts in a run: when they are opened, and what becomes of the run when one fails. */

import assert from "node:assert/strict";
import { StaddleError } from "../../providers/error.ts";
import { failure, fakeHosts, planOf, step } from "./fake_host.ts";
import { gate, place } from "./run.ts";
import { machine, pool, volume } from "./samples.ts";

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
