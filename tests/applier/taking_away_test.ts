/** What is replaced, taken back or deleted, and the rows of the record meanwhile. */

import assert from "node:assert/strict";
import { leftoverAddress } from "../../planner/leftover.ts";
import type { Step } from "../../providers/provider.ts";
import { failure, fakeHosts, planned, planOf, resource, step } from "./fake_host.ts";
import { place } from "./run.ts";
import { pool, rowOf, volume } from "./samples.ts";

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
