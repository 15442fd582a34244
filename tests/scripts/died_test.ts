/** What the runner of tests makes of a process that dies when all its tests have passed. */

import assert from "node:assert/strict";
import { runPortion, type TestRun } from "../../scripts/lib/deno_test.ts";

/**
 * A file with one test whose process aborts at its very end, behind everything that Deno does and prints,
 * as often as `lives` has no more bytes than that.
 */
function dying(lives: string, times: number): string {
  return `
const libc = Deno.dlopen("libc.so.6", {
  on_exit: { parameters: ["pointer", "pointer"], result: "i32" },
  abort: { type: "pointer" },
});
Deno.test("something that passes", () => {
  const path = ${JSON.stringify(lives)};
  Deno.writeTextFileSync(path, "x", { append: true });
  if (Deno.statSync(path).size > ${times}) return;
  if (libc.symbols.on_exit(libc.symbols.abort, null) !== 0) throw new Error("on_exit has failed");
});
`;
}

/** Runs a file's text as a portion of its own. */
async function run(
  text: (folder: string) => string,
): Promise<TestRun & { readonly lines: readonly string[]; readonly folder: string }> {
  const folder = await Deno.makeTempDir({ prefix: "staddle-runner-" });
  try {
    const lines: string[] = [];
    await Deno.writeTextFile(`${folder}/fake_test.ts`, text(folder));
    const listener = { say: (line: string) => void lines.push(line), onSkip: () => {} };
    return { ...await runPortion([`${folder}/fake_test.ts`], [], listener), lines, folder };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a process that died when its tests had passed is run once more, and named", async () => {
  const { counts, cases, broken, died, lines, folder } = await run((folder) =>
    dying(`${folder}/lives`, 1)
  );
  assert.equal(broken, undefined);
  assert.deepEqual(counts, { passed: 1, failed: 0, skipped: 0 });
  assert.deepEqual(cases.map(({ name, outcome }) => [name, outcome]), [
    ["something that passes", "passed"],
  ]);
  const told =
    `${folder}/fake_test.ts: deno test ended with status 134, when all its tests had passed`;
  assert.deepEqual(died, [told]);
  assert.ok(lines.includes(`== once more, for it died: ${told}`), lines.join("\n"));
  // It had passed before it died, and passes again.
  assert.equal(lines.filter((line) => /^ok \| 1 passed/.test(line)).length, 2, lines.join("\n"));
});

Deno.test("one that dies again is a failure", async () => {
  const { counts, broken, died, folder } = await run((folder) => dying(`${folder}/lives`, 2));
  assert.equal(broken, `${folder}/fake_test.ts: deno test ended with status 134`);
  assert.equal(died?.length, 1);
  assert.equal(counts.passed, 1);
});

Deno.test("one that dies before its tests have ended is a failure at once", async () => {
  const { broken, died, lines } = await run(() =>
    'Deno.test("the end of all", () => Deno.kill(Deno.pid, "SIGKILL"));'
  );
  assert.match(broken ?? "", /fake_test\.ts: deno test ended with status 137$/);
  assert.equal(died, undefined);
  assert.ok(!lines.some((line) => line.startsWith("== once more")), lines.join("\n"));
});

Deno.test("tests that fail are not a process that died", async () => {
  const { counts, broken, died } = await run(() =>
    'Deno.test("no", () => { throw new Error("as it should"); }); Deno.test("yes", () => {});'
  );
  assert.deepEqual(counts, { passed: 1, failed: 1, skipped: 0 });
  assert.deepEqual([broken, died], [undefined, undefined]);
});
