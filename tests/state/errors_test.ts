/**
 * What a person reads when the record cannot be used: `golden/*.txt`.
 */

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StaddleError } from "../../providers/error.ts";
import type { RunRecord, Store } from "../../state/mod.ts";
import { openStore, readDocument, RECORD_VERSION, SqliteStore } from "../../state/mod.ts";
import { presentRecord } from "../../state/record_version.ts";
import { APPLICATION_ID, migrateSchema, schemaVersion } from "../../state/sqlite/schema.ts";
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

Deno.test("a record that another program keeps to itself is waited for, then given up", async () => {
  await using place = await damaged(() => {});
  using other = new DatabaseSync(place.file);
  other.exec("BEGIN EXCLUSIVE");
  const text = await errorOf(place.file, (store) => store.lock("shop", "ann"));
  golden(import.meta.url, "busy.txt", text);
});

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

Deno.test("locations that mean nothing are refused without showing a password", () => {
  const texts = [
    "mysql://ann:secret@db/staddle",
    "postgres://ann:secret@db:port/staddle",
    "postgres://ann:secret@db/staddle?sslmod=require",
    "s3://ann:secret@bucket/key",
    "s3://bucket/key?endpoint=nonsense",
    "https://ann:secret@:x/state",
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

Deno.test("a URL leads to its store, which shows it without a password", () => {
  const locations = [
    "postgresql://ann:secret@db/records",
    "s3://bucket/team/a?region=eu-central-1&endpoint=https://s3.example.org",
    "https://ann:secret@git.example.org/api/v4/projects/7/terraform/state/shop",
    "HTTP://state.example.org/shop",
  ].map((location) => openStore(location).location);
  assert.deepEqual(locations, [
    "postgres://ann@db:5432/records",
    "s3://bucket/team/a at https://s3.example.org",
    "https://git.example.org/api/v4/projects/7/terraform/state/shop",
    "http://state.example.org/shop",
  ]);
});

/** The layout of the first version, as it was made, with what it held. */
const FIRST_LAYOUT = `
  CREATE TABLE stacks (stack TEXT PRIMARY KEY, lineage TEXT NOT NULL, serial INTEGER NOT NULL,
    version INTEGER NOT NULL, resources INTEGER NOT NULL, sum TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE resources (stack TEXT NOT NULL, address TEXT NOT NULL, status TEXT NOT NULL,
    body TEXT NOT NULL, sum TEXT NOT NULL, PRIMARY KEY (stack, address)) STRICT;
  CREATE TABLE parts (stack TEXT NOT NULL, part TEXT NOT NULL, body TEXT NOT NULL, sum TEXT NOT NULL,
    PRIMARY KEY (stack, part)) STRICT;
  CREATE TABLE runs (stack TEXT NOT NULL, number INTEGER NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    sum TEXT NOT NULL, PRIMARY KEY (stack, number)) STRICT;
  CREATE TABLE journal (stack TEXT NOT NULL, number INTEGER NOT NULL, run TEXT NOT NULL,
    step TEXT NOT NULL, address TEXT NOT NULL, operation TEXT NOT NULL, phase TEXT NOT NULL,
    at TEXT NOT NULL, detail TEXT, PRIMARY KEY (stack, number)) STRICT, WITHOUT ROWID;
  CREATE TABLE locks (stack TEXT PRIMARY KEY, token INTEGER NOT NULL, held INTEGER NOT NULL,
    who TEXT NOT NULL, since INTEGER NOT NULL, expires INTEGER NOT NULL, life TEXT)
    STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = 1;
  PRAGMA journal_mode = WAL;
`;

/** A file as the first version left it: one resource, a run that was killed, one step that failed. */
function firstVersion(file: string): void {
  using db = new DatabaseSync(file);
  db.exec(FIRST_LAYOUT);
  const add = (table: string, ...columns: readonly (string | number | null)[]) =>
    db.prepare(`INSERT INTO ${table} VALUES (${columns.map(() => "?").join(", ")})`).run(
      ...columns,
    );
  const summed = (table: string, ...columns: readonly (string | number)[]) =>
    add(table, ...columns, hash("sha256", columns.join("\0")));
  const body = JSON.stringify(row("lab/machine.web", "updating"));
  summed("resources", "shop", "lab/machine.web", "updating", body);
  summed("parts", "shop", "hosts", '{"lab":{"name":"lab","uri":"test:///default"}}');
  summed("parts", "shop", "outputs", '{"address":{"value":"10.0.0.2","sensitive":false}}');
  summed("parts", "shop", "reservations", '{"lab/machine.web#nic0":"10.0.0.2"}');
  summed("stacks", "shop", "2a1f0c1e-9f57-4c11-8d22-3a1d6a0f5c33", 7, 1, 1);
  summed("runs", "shop", 1, "r1", JSON.stringify(RUN));
  const at = "2026-01-02T03:04:05.678Z";
  add("journal", "shop", 1, "r1", "create:a", "a", "create", "begin", at, null);
  add("journal", "shop", 2, "r1", "create:a", "a", "create", "failed", at, 'no "space"');
  add("journal", "shop", 3, "r1", "update:w", "lab/machine.web", "update", "begin", at, null);
  add("locks", "shop", 4, 0, "ann@desk (pid 7)", 1, 2, null);
}

const RUN: RunRecord = {
  id: "r1",
  stack: "shop",
  command: "apply",
  who: "ann@desk (pid 7)",
  startedAt: "2026-01-02T03:04:05.678Z",
  add: 1,
  change: 0,
  destroy: 0,
  parameters: { replicas: 2 },
};

Deno.test("a file of the first version is brought up, and nothing in it is lost", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-first-" });
  try {
    const file = join(folder, "state.db");
    firstVersion(file);
    await using store = new SqliteStore(file);
    const record = await store.load("shop");
    assert.deepEqual(record, {
      version: RECORD_VERSION,
      stack: "shop",
      lineage: "2a1f0c1e-9f57-4c11-8d22-3a1d6a0f5c33",
      serial: 7,
      hosts: { lab: { name: "lab", uri: "test:///default" } },
      resources: [row("lab/machine.web", "updating")],
      outputs: { address: { value: "10.0.0.2", sensitive: false } },
      reservations: { "lab/machine.web#nic0": "10.0.0.2" },
    });
    assert.deepEqual(await store.runs("shop", 10), [RUN]);
    assert.deepEqual((await store.unfinished("shop")).map(({ step }) => step), ["update:w"]);
    assert.deepEqual((await store.journal("shop", "r1")).map(({ detail }) => detail), [
      undefined,
      'no "space"',
      undefined,
    ]);
    assert.deepEqual(await store.check(), []);
    await using lease = await store.lock("shop", "bob");
    assert.equal(lease.token, 5, "no earlier run may ever write again");
    assert.equal(await lease.write({ put: [row("b")] }), 8);
    assert.deepEqual((await store.load("shop"))?.resources.map(({ address }) => address), [
      "b",
      "lab/machine.web",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("damage in a file of the first version is found, and the file left as it is", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-first-" });
  try {
    const file = join(folder, "state.db");
    firstVersion(file);
    sql(file, "UPDATE resources SET status = 'present'");
    assert.match(await errorOf(file, (store) => store.load("shop")), /its checksum does not fit/);
    assert.match(await errorOf(file, (store) => store.export("shop")), /its checksum does not fit/);
    await using store = new SqliteStore(file);
    assert.deepEqual(
      (await store.check()).map((one) => one.replace(/^stack "\w+": /, "")),
      ["lab/machine.web: its checksum does not fit"],
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("check says what each kind of damage is, and throws nothing", async () => {
  const found: string[] = [];
  for (const [name, damage] of Object.entries(damages)) {
    await using place = await damaged(damage);
    await using store = new SqliteStore(place.file);
    const problems = await store.check();
    assert.notEqual(problems.length, 0, name);
    found.push(`${name}: ${problems.join("; ")}`.replaceAll(place.file, "<file>"));
  }
  golden(import.meta.url, "check.txt", found.join("\n"));
});

Deno.test("a file that was deleted reads as no record, and a run that is under way says so", async () => {
  await using place = await damaged(() => {});
  {
    await using store = new SqliteStore(place.file);
    await using lease = await store.lock("shop", "ann");
    await Deno.remove(place.file);
    const thrown = await lease.write({ put: [row("x")] }).catch((error: unknown) => error);
    assert(thrown instanceof StaddleError);
    golden(import.meta.url, "deleted.txt", thrown.render().replaceAll(place.file, "<file>"));
  }
  await using store = new SqliteStore(place.file);
  assert.equal(await store.load("shop"), undefined);
  assert.deepEqual(await store.check(), []);
});

Deno.test("a document that someone hands over is refused with each place that does not fit", async () => {
  await using place = await damaged(() => {});
  await using store = new SqliteStore(place.file);
  const document = JSON.parse(JSON.stringify(await store.export("shop")));
  const [first] = document.resources;
  const documents: Readonly<Record<string, unknown>> = {
    "no JSON": '{"version": 1,',
    "a list": [],
    "a state of Terraform": { version: 4, serial: 3, lineage: "x", resources: [] },
    "an unknown status": { ...document, resources: [{ ...first, status: "gone" }] },
    "an address twice": { ...document, resources: [first, first] },
    "many": { ...document, hosts: [], outputs: 3, serial: -1, lineage: "x", runs: {}, journal: 1 },
    "a later version": { ...document, version: RECORD_VERSION + 1, resources: "unheard of" },
  };
  const texts: string[] = [];
  for (const [name, given] of Object.entries(documents)) {
    const text = typeof given === "string" ? given : JSON.stringify(given);
    const thrown = await readDocument(text, "hand.json").catch((error: unknown) => error);
    assert(thrown instanceof StaddleError, name);
    texts.push(`${name}:\n${thrown.render()}`);
  }
  golden(import.meta.url, "documents.txt", texts.join("\n\n"));
  assert.deepEqual(
    await readDocument(JSON.stringify({ ...document, later: { kept: true } }), "hand.json"),
    { ...document, later: { kept: true } },
  );
});

Deno.test("a document that may not take the place of the record is refused with the reason", async () => {
  await using place = await damaged(() => {});
  await using store = new SqliteStore(place.file);
  const document = {
    ...(await store.export("shop"))!,
    lineage: "0".repeat(8) + "-0000-4000-8000-000000000000",
  };
  await using lease = await store.lock("shop", "ann");
  await lease.write({ replace: document, force: true });
  const other = { ...document, lineage: "1".repeat(8) + "-0000-4000-8000-000000000000", serial: 9 };
  const texts: string[] = [];
  for (const replace of [document, other, { ...document, stack: "blog" }]) {
    const thrown = await lease.write({ replace }).catch((error: unknown) => error);
    assert(thrown instanceof StaddleError);
    texts.push(thrown.render().replaceAll(place.file, "<file>"));
  }
  golden(import.meta.url, "replacements.txt", texts.join("\n\n"));
});
