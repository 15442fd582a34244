/**
 * A sample of what `deno task crash` does at every point: some points of chance, spread over creating,
 * updating, replacing and destroying a stack with resources of every kind on a real libvirt.
 */

import assert from "node:assert/strict";
import { fleetObstacle } from "../fleet/mod.ts";
import { requirement } from "../support/skip.ts";
import { allOf, choose, OPERATIONS, someOf, sweep } from "./sweep.ts";

const needs = await requirement("fleet", fleetObstacle);

/** Most cycles; on a slow machine the first one alone. */
const CYCLES = 2;
/** Milliseconds after which no further cycle begins. */
const LIMIT = 40_000;

Deno.test({ name: "a process that is killed at points of chance", ...needs }, async () => {
  const given = Deno.env.get("STADDLE_TEST_SEED");
  const seed = given === undefined ? crypto.getRandomValues(new Uint32Array(1))[0]! : Number(given);
  const lines = [`seed ${seed}`];
  const { killed, failures } = await sweep({
    cycles: (points) => someOf(points, CYCLES, seed),
    hosts: 1,
    parallelism: 1,
    limit: LIMIT,
    say: (line) => lines.push(line),
  });
  const log = lines.join("\n");
  assert.deepEqual(failures, [], log);
  // One that had come to its end before it reached its point was not killed.
  assert.ok(OPERATIONS.some((operation) => killed[operation] > 0), log);
});

const SOME = [
  "before writing the run",
  "after writing the run",
  "before virDomainLookupByName",
  "after virDomainLookupByName",
  "before virDomainDefineXMLFlags",
  "after virDomainDefineXMLFlags",
];

Deno.test("which points are worth a kill", () => {
  assert.deepEqual(choose(SOME, "changes"), [1, 2, 6]);
  // Number 3 is the moment of number 2, number 5 that of number 4.
  assert.deepEqual(choose(SOME, "moments"), [1, 2, 6, 4]);
  assert.deepEqual(choose(SOME, "every"), [1, 2, 6, 3, 4, 5]);
});

Deno.test("cycles have every chosen point once", () => {
  const points = { create: SOME, update: SOME.slice(0, 2), replace: SOME, destroy: [] };
  const cycles = allOf(points, "every");
  assert.equal(cycles.length, 6);
  assert.deepEqual(cycles.flatMap(({ create }) => create ?? []).sort(), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(cycles.flatMap(({ update }) => update ?? []), [1, 2]);
  assert.deepEqual(cycles.flatMap(({ destroy }) => destroy ?? []), []);
});

Deno.test("a seed gives the same points of chance again, all within reach", () => {
  const points = { create: SOME, update: SOME, replace: SOME, destroy: SOME };
  const cycles = someOf(points, 50, 7);
  assert.deepEqual(cycles, someOf(points, 50, 7));
  assert.notDeepEqual(cycles, someOf(points, 50, 8));
  const all = new Set(cycles.flatMap((cycle) => Object.values(cycle)));
  assert.deepEqual([...all].sort(), [1, 2, 3, 4, 5, 6]);
});
