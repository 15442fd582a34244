/** What the record keeps when runs are stopped one after the other, and what it lets go. */

import assert from "node:assert/strict";
import type { Resource } from "../../providers/provider.ts";
import { failure, fakeHosts, planned, planOf, resource, step } from "./fake_host.ts";
import { type Place, place } from "./run.ts";

const ADDRESS = "lab/machine.web";
const versions = [1, 2, 3, 4].map((vcpus) => resource(ADDRESS, { vcpus }));
const [first, second, third, fourth] = versions as [Resource, Resource, Resource, Resource];

const broken = () =>
  fakeHosts({
    fault: (step) => {
      throw failure("test.broken", step);
    },
  });

/** Creates or updates to that version, on hosts that fail or not. */
function run(here: Place, operation: "create" | "update", wanted: Resource, fails: boolean) {
  const one = step(`${operation}:${ADDRESS}`, [], { resource: wanted });
  return here.apply(planOf([one]), fails ? broken() : fakeHosts());
}

Deno.test("stopped updates with one goal after another all stay on record until one is done", async () => {
  await using here = place();
  await run(here, "create", first, false);
  await run(here, "update", second, true);
  await run(here, "update", third, true);
  const { row } = await run(here, "update", fourth, true);
  const stopped = row(ADDRESS);
  assert.equal(stopped?.status, "updating");
  assert.deepEqual(stopped.resource.spec, first.spec);
  assert.deepEqual(stopped.target?.spec, fourth.spec);
  assert.deepEqual(stopped.stopped?.map(({ spec }) => spec), [second.spec, third.spec]);

  const { row: after } = await run(here, "update", fourth, false);
  assert.deepEqual(after(ADDRESS)?.resource.spec, fourth.spec);
  assert.deepEqual([after(ADDRESS)?.target, after(ADDRESS)?.stopped], [undefined, undefined]);
});

Deno.test("a goal that is stopped again, or is what was applied, is kept once or not at all", async () => {
  await using here = place();
  await run(here, "create", first, false);
  for (const wanted of [second, second, third, second, first]) {
    await run(here, "update", wanted, true);
  }
  const { row } = await run(here, "update", third, true);
  assert.deepEqual(row(ADDRESS)?.target?.spec, third.spec);
  assert.deepEqual(row(ADDRESS)?.stopped?.map(({ spec }) => spec), [second.spec]);
});

Deno.test("stopped creations with one goal after another all stay on record", async () => {
  await using here = place();
  await run(here, "create", first, true);
  const { row } = await run(here, "create", second, true);
  assert.deepEqual(row(ADDRESS)?.resource.spec, second.spec);
  assert.deepEqual(row(ADDRESS)?.stopped?.map(({ spec }) => spec), [first.spec]);
  const { row: after } = await run(here, "create", second, false);
  assert.equal(after(ADDRESS)?.stopped, undefined);
});

Deno.test("an object that is made in the place of one that is gone has nothing of it", async () => {
  await using here = place();
  await run(here, "create", first, false);
  await run(here, "update", second, true);
  const { row } = await run(here, "create", third, true);
  assert.equal(row(ADDRESS)?.stopped, undefined);
});

Deno.test("what a stopped run began is closed when nothing of it is left to do", async () => {
  await using here = place();
  await run(here, "create", first, false);
  const stopped = await here.apply(planOf([step(`delete:${ADDRESS}`)]), broken());
  assert.equal(stopped.row(ADDRESS)?.status, "deleting");
  const lines = [planned("forget", first)];
  const { row, writes } = await here.apply(planOf([], { resources: lines }), fakeHosts());
  assert.equal(row(ADDRESS), undefined);
  assert.deepEqual(
    writes.flatMap(({ journal }) => journal ?? []).map(({ step, address, phase }) => [
      step,
      address,
      phase,
    ]),
    [[`settle:${ADDRESS}`, ADDRESS, "end"]],
  );
});

Deno.test("what differs by now in other fields is not taken for what was applied", async () => {
  await using here = place();
  await run(here, "create", first, false);
  const hosts = fakeHosts();
  const one = step(`update:${ADDRESS}`, [], { resource: second });
  const { row } = await here.apply(planOf([one]), {
    sessions: async (host) => {
      const session = await hosts.sessions(host);
      return {
        host: session.host,
        facts: () => session.facts(),
        read: (requests) => session.read(requests),
        perform: async (step, context) => ({
          ...await session.perform(step, context),
          differs: true,
        }),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      };
    },
  });
  assert.equal(row(ADDRESS)?.status, "present");
  assert.equal(row(ADDRESS)?.fingerprint, undefined);
});
