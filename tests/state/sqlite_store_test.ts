import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { SqliteStore } from "../../state/mod.ts";
import { row, storeContract } from "./contract.ts";

function fixture() {
  const folder = Deno.makeTempDirSync({ prefix: "staddle-state-" });
  const path = join(folder, ".staddle", "state.db");
  return {
    path,
    open: (options = {}) => new SqliteStore(path, options),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

storeContract("SQLite", () => Promise.resolve(fixture()));

Deno.test("SQLite: reading a record that is not there makes no file and no folder", async () => {
  await using place = fixture();
  await using store = place.open();
  await store.load("shop");
  await store.unfinished("shop");
  await store.holder("shop");
  assert.deepEqual(await Array.fromAsync(Deno.readDir(dirname(dirname(place.path)))), []);
});

Deno.test("SQLite: one file, for its owner only, is left when the store is closed", async () => {
  await using place = fixture();
  {
    await using store = place.open();
    await using lease = await store.lock("shop", "ann");
    await lease.write({ put: [row("a")] });
  }
  const left = await Array.fromAsync(Deno.readDir(dirname(place.path)));
  assert.deepEqual(left.map(({ name }) => name), ["state.db"]);
  assert.equal(((await Deno.stat(place.path)).mode ?? 0) & 0o777, 0o600);
});

Deno.test("SQLite: the journal of all but the last hundred runs is dropped", async () => {
  await using place = fixture();
  await using store = place.open();
  await using lease = await store.lock("shop", "ann");
  for (let i = 1; i <= 105; i++) {
    const id = `r${i}`;
    const at = "2026-01-02T03:04:05.678Z";
    await lease.write({
      run: {
        id,
        stack: "shop",
        command: "apply",
        who: "ann",
        startedAt: at,
        add: 0,
        change: 0,
        destroy: 0,
        parameters: {},
      },
      journal: [{
        run: id,
        step: "create:a",
        address: "a",
        operation: "create",
        phase: "begin",
        at,
      }],
    });
  }
  const runs = (await store.unfinished("shop")).map((entry) => entry.run);
  assert.deepEqual([runs.length, runs[0], runs.at(-1)], [100, "r6", "r105"]);
  assert.equal((await store.runs("shop", 1000)).length, 105);
});

Deno.test("SQLite: a write after the file was replaced is refused, and says so", async () => {
  await using place = fixture();
  await using store = place.open();
  await using lease = await store.lock("shop", "ann");
  await lease.write({ put: [row("a")] });
  await Deno.rename(place.path, `${place.path}.gone`);
  await assert.rejects(lease.write({ put: [row("b")] }), { code: "state.file-replaced" });
});
