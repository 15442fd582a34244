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

Deno.test("SQLite: a write after the file was replaced is refused, and says so", async () => {
  await using place = fixture();
  await using store = place.open();
  await using lease = await store.lock("shop", "ann");
  await lease.write({ put: [row("a")] });
  await Deno.rename(place.path, `${place.path}.gone`);
  await assert.rejects(lease.write({ put: [row("b")] }), { code: "state.file-replaced" });
});
