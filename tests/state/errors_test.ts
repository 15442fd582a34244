/**
 * What a person reads when the record cannot be used: `golden/*.txt`.
 */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StaddleError } from "../../providers/error.ts";
import type { Store } from "../../state/mod.ts";
import { openStore, RECORD_VERSION, SqliteStore } from "../../state/mod.ts";
import { presentRecord } from "../../state/record_version.ts";
import { APPLICATION_ID, migrateSchema, schemaVersion } from "../../state/sqlite_schema.ts";
import { golden } from "../support/golden.ts";
import { row } from "./contract.ts";

/** A folder with a sound record in it. */
async function damaged(
  damage: (file: string) => Promise<void> | void,
): Promise<{ readonly file: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ prefix: "staddle-errors-" });
  const file = join(folder, "state.db");
  {
    await using store = new SqliteStore(file);
    await using lease = await store.lock("shop", "ann@desk (pid 7)");
    await lease.write({ put: [row("lab/machine.web"), row("lab/machine.db")] });
  }
  await damage(file);
  return { file, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

function sql(file: string, text: string): void {
  const db = new DatabaseSync(file);
  db.exec(text);
  db.close();
}

async function errorOf(file: string, use: (store: Store) => Promise<unknown>): Promise<string> {
  await using store = new SqliteStore(file);
  const thrown = await use(store).then(() => undefined, (error: unknown) => error);
  assert(thrown instanceof StaddleError, `expected a StaddleError, got ${thrown}`);
  return thrown.render().replaceAll(file, "<file>").replaceAll(dirname(file), "<folder>");
}

const damages: Readonly<Record<string, (file: string) => Promise<void> | void>> = {
  "overwritten": (file) => Deno.writeTextFile(file, "Dear diary,\n".repeat(1000)),
  "empty": (file) => Deno.truncate(file, 0),
  "truncated": (file) => Deno.truncate(file, 8192),
  "foreign_database": (file) => sql(file, "PRAGMA application_id = 1; PRAGMA user_version = 3"),
  "newer_layout": (file) => sql(file, "PRAGMA user_version = 99"),
  "row_changed": (file) =>
    sql(
      file,
      "UPDATE resources SET body = replace(body, 'vcpus', 'vcpuz') WHERE address LIKE '%web'",
    ),
  "row_missing": (file) => sql(file, "DELETE FROM resources WHERE address LIKE '%web'"),
  "part_missing": (file) => sql(file, "DELETE FROM parts WHERE part = 'outputs'"),
  "stack_renamed": (file) => sql(file, "UPDATE stacks SET stack = 'shoq'"),
  "table_missing": (file) => sql(file, "DROP TABLE resources"),
};

for (const [name, damage] of Object.entries(damages)) {
  Deno.test(`a record that is damaged is refused with the reason: ${name}`, async () => {
    await using place = await damaged(damage);
    const text = await errorOf(place.file, (store) => store.load("shop"));
    golden(import.meta.url, `${name}.txt`, text);
  });
}

Deno.test("damage that reading does not touch is seen before the first write", async () => {
  await using place = await damaged(damages.truncated!);
  assert.match(await errorOf(place.file, (store) => store.lock("shop", "ann")), /state\.corrupt/);
});

Deno.test("a record of a later version is refused", async () => {
  await using place = await damaged(() => {});
  await using store = new SqliteStore(place.file);
  const record = await store.load("shop");
  assert.throws(
    () => presentRecord({ ...record!, version: RECORD_VERSION + 1 }, "<file>"),
    (error: StaddleError) => {
      golden(import.meta.url, "newer_record.txt", error.render());
      return true;
    },
  );
});

Deno.test("a record of an earlier version is brought up step by step", async () => {
  await using place = await damaged(() => {});
  await using store = new SqliteStore(place.file);
  const record = await store.load("shop");
  const seen: number[] = [];
  const migrations = [1, 2].map((version) => (old: NonNullable<typeof record>) => {
    seen.push(old.version);
    return { ...old, outputs: { [`from${version}`]: { value: version, sensitive: false } } };
  });
  const present = presentRecord(record!, "<file>", migrations);
  assert.deepEqual(seen, [1, 2]);
  assert.equal(present.version, 3);
  assert.deepEqual(Object.keys(present.outputs), ["from2"]);
  assert.deepEqual(presentRecord({ ...record!, version: 2 }, "<file>", migrations).version, 3);
  assert.deepEqual(seen, [1, 2, 2]);
});

Deno.test("an earlier layout is migrated whole or not at all", () => {
  using db = new DatabaseSync(":memory:");
  const made = (db: DatabaseSync) => db.exec("CREATE TABLE one (a)");
  const more = (db: DatabaseSync) => db.exec("CREATE TABLE two (a); ALTER TABLE one ADD COLUMN b");
  const tables = () =>
    db.prepare("SELECT name FROM sqlite_schema ORDER BY name").all().map(({ name }) => name);
  migrateSchema(db, "<file>", [made]);
  assert.deepEqual([schemaVersion(db), tables()], [1, ["one"]]);
  assert.equal(db.prepare("PRAGMA application_id").get()?.application_id, APPLICATION_ID);
  assert.throws(() =>
    migrateSchema(db, "<file>", [made, more, () => {
      throw new Error("half way");
    }]), /half way/);
  assert.deepEqual([schemaVersion(db), tables()], [1, ["one"]]);
  migrateSchema(db, "<file>", [made, more]);
  assert.deepEqual([schemaVersion(db), tables()], [2, ["one", "two"]]);
  assert.throws(() => migrateSchema(db, "<file>", [made]), { code: "state.newer-version" });
});

Deno.test("a lock that is held is refused with holder and time", async () => {
  await using place = await damaged(() => {});
  await using store = new SqliteStore(place.file);
  await using _lease = await store.lock("shop", "ann@desk (pid 7)");
  const text = await errorOf(place.file, (other) => other.lock("shop", "bob@desk (pid 8)"));
  golden(import.meta.url, "locked.txt", text.replaceAll(/20\d\d-\S+Z/g, "<time>"));
});

Deno.test("a path that is a folder is refused", async () => {
  await using place = await damaged(async (file) => {
    await Deno.remove(file);
    await Deno.mkdir(file);
  });
  golden(
    import.meta.url,
    "folder.txt",
    await errorOf(place.file, (store) => store.load("shop")),
  );
});

Deno.test("a path through a file is refused", async () => {
  await using place = await damaged(() => {});
  const file = join(place.file, "state.db");
  const text = await errorOf(file, (store) => store.lock("shop", "ann"));
  golden(import.meta.url, "no_folder.txt", text);
});

Deno.test("locations that are no path are refused without showing a password", () => {
  const texts = [
    "postgres://ann:secret@db/staddle",
    "POSTGRESQL://db/staddle",
    "s3://bucket/key",
    "https://ann:secret@git/state",
    "  ",
  ].map((location) => {
    try {
      openStore(location);
      return `${location}: opened`;
    } catch (error) {
      assert(error instanceof StaddleError);
      return error.render();
    }
  });
  assert(!texts.some((text) => text.includes("secret")));
  golden(import.meta.url, "unsupported_store.txt", texts.join("\n\n"));
});

Deno.test("a location is a path, from a base folder, or a file URL", () => {
  assert.equal(openStore("a/b.db", { baseDirectory: "/srv" }).location, "/srv/a/b.db");
  assert.equal(openStore("/x/b.db", { baseDirectory: "/srv" }).location, "/x/b.db");
  assert.equal(openStore("file:///x/b%20c.db").location, "/x/b c.db");
  assert.equal(openStore("b.db").location, join(Deno.cwd(), "b.db"));
});
