/** How test files are divided among processes. */

import assert from "node:assert/strict";
import { inLanes, LONG, type Portion, portionsOf } from "../../scripts/lib/portions.ts";

const root = new URL("../../", import.meta.url);
const [longest, long] = Object.entries(LONG).sort(([, a], [, b]) => b - a).map(([file]) => file);
const short = Array.from({ length: 40 }, (_, at) => `tests/short_${at}_test.ts`);
const files = [...short.slice(0, 20), long!, longest!, ...short.slice(20)];

const sorted = (portions: readonly Portion[]) =>
  portions.flatMap(({ files }) => files).toSorted().join("\n");

Deno.test("every file is in one portion, however they are divided", () => {
  for (const division of ["together", "shared", "each"] as const) {
    for (const some of [[], files.slice(0, 1), files.slice(0, 13), files]) {
      assert.equal(sorted(portionsOf(some, division)), some.toSorted().join("\n"), division);
    }
  }
});

Deno.test("long files have a process each, short ones share some", () => {
  const portions = portionsOf(files, "shared");
  for (const file of [long!, longest!]) {
    assert.deepEqual(portions.find((one) => one.files.includes(file))?.files, [file]);
  }
  assert.ok(portions.length <= 2 + 12, `${portions.length} portions`);
  assert.equal(portionsOf(files, "together").length, 1);
  assert.equal(portionsOf(files, "each").length, files.length);
});

Deno.test("the heaviest begins first, and so many run at a time", async () => {
  const begun: Portion[] = [];
  let running = 0;
  let most = 0;
  const results = await inLanes(portionsOf(files, "each"), 3, async (portion) => {
    begun.push(portion);
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    return portion;
  });
  assert.equal(sorted(results), files.toSorted().join("\n"));
  assert.deepEqual(begun.slice(0, 2).map(({ files }) => files), [[longest], [long]]);
  assert.equal(most, 3);
});

Deno.test("files that are said to be long are there", async () => {
  for (const file of Object.keys(LONG)) await Deno.stat(new URL(file, root));
});
