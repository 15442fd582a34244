import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { StaddleError } from "../../providers/error.ts";
import { SqliteStore } from "../../state/mod.ts";
import { row } from "./contract.ts";

/** Uses a file in every way that reads it; the record, or the code of the error. */
async function readAll(file: string): Promise<string> {
  await using store = new SqliteStore(file);
  try {
    const read = [
      await store.load("shop"),
      await store.stacks(),
      await store.runs("shop", 10),
      await store.unfinished("shop"),
      await store.journal("shop", "r1"),
      await store.revision("shop", "r1"),
      await store.export("shop"),
    ];
    await store.holder("shop");
    return JSON.stringify(read);
  } catch (error) {
    if (error instanceof StaddleError) return error.code;
    throw error;
  }
}

/** How many bytes are tried: `STADDLE_FLIPPED_BYTES`, 600 unless it says more. */
Deno.test("a record with a byte changed anywhere reads as it was, or is refused; never otherwise", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-flip-" });
  try {
    const file = join(folder, "state.db");
    const at = "2026-01-02T03:04:05.678Z";
    {
      await using store = new SqliteStore(file);
      await using lease = await store.lock("shop", "ann@desk (pid 7)");
      await lease.write({
        put: Array.from({ length: 12 }, (_, i) => row(`lab/machine.m${i}`)),
        hosts: { lab: { name: "lab", uri: "test:///default" } },
        outputs: { address: { value: "10.0.0.2", sensitive: false } },
        run: {
          id: "r1",
          stack: "shop",
          command: "apply",
          who: "ann",
          startedAt: at,
          add: 1,
          change: 0,
          destroy: 0,
          parameters: { replicas: 2 },
        },
        journal: [
          { run: "r1", step: "create:a", address: "a", operation: "create", phase: "begin", at },
          {
            run: "r1",
            step: "create:b",
            address: "b",
            operation: "create",
            phase: "failed",
            at,
            detail: "no space",
          },
        ],
        revision: { run: "r1", topology: { stack: "shop" } },
      });
    }
    const sound = await Deno.readFile(file);
    const wanted = await readAll(file);
    assert.match(wanted, /^\[\{"version":1,"stack":"shop"/);
    const seen = new Map<string, number>();
    // Bytes that hold something are tried far more often than the empty rest of the pages.
    const used = [...sound.keys()].filter((i) => sound[i] !== 0);
    const place = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...used) },
      { weight: 1, arbitrary: fc.nat({ max: sound.length - 1 }) },
    );
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const changed = sound.slice();
        changed[at]! ^= mask;
        await Deno.writeFile(file, changed);
        const got = await readAll(file);
        const kind = got === wanted ? "as it was" : got;
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
        assert(
          got === wanted || /^state\.(corrupt|foreign-file|newer-version)$/.test(got),
          `byte ${at} of ${sound.length}, xor ${mask}: ${got.slice(0, 300)}`,
        );
      }),
      { numRuns: Number(Deno.env.get("STADDLE_FLIPPED_BYTES") ?? 600) },
    );
    assert((seen.get("state.corrupt") ?? 0) > 100, JSON.stringify([...seen]));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
