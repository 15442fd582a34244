/**
 * Layout of the SQLite file, and how an older layout becomes the present one.
 *
 * Every row that a plan or a destroy leans on carries `sum`, a SHA-256 over its columns, because
 * SQLite itself has no checksums: a flipped bit in a text is still a good text to it. `stacks` counts
 * its resource rows and those of the history, so that a row which vanished is noticed as well. Tables of small rows are WITHOUT
 * ROWID, which spares an index; in the others a row of more than 1 KB would take a page of 4 KB for
 * what is above that.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { newerVersion } from "../errors.ts";
import { sumOfRow, sums } from "../rows/sums.ts";

/** `PRAGMA application_id`: "STDL". Tells our file from another program's. */
export const APPLICATION_ID = 0x5354444c;

/** Brings the layout from the version before to the next. */
export type SchemaMigration = (db: DatabaseSync) => void;

/** The place in the list, from 1, is the version that the entry makes. */
export const schemaMigrations: readonly SchemaMigration[] = [
  (db) =>
    db.exec(`
      CREATE TABLE stacks (
        stack TEXT PRIMARY KEY,
        lineage TEXT NOT NULL,
        serial INTEGER NOT NULL,
        version INTEGER NOT NULL,
        resources INTEGER NOT NULL,
        sum TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;

      -- One row a resource; body is the whole ResourceRecord as JSON.
      CREATE TABLE resources (
        stack TEXT NOT NULL,
        address TEXT NOT NULL,
        status TEXT NOT NULL,
        body TEXT NOT NULL,
        sum TEXT NOT NULL,
        PRIMARY KEY (stack, address)
      ) STRICT;

      -- part is hosts, outputs or reservations; all three are always there.
      CREATE TABLE parts (
        stack TEXT NOT NULL,
        part TEXT NOT NULL,
        body TEXT NOT NULL,
        sum TEXT NOT NULL,
        PRIMARY KEY (stack, part)
      ) STRICT;

      -- number gives the order within the stack; body is the RunRecord as JSON.
      CREATE TABLE runs (
        stack TEXT NOT NULL,
        number INTEGER NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        sum TEXT NOT NULL,
        PRIMARY KEY (stack, number)
      ) STRICT;

      CREATE TABLE journal (
        stack TEXT NOT NULL,
        number INTEGER NOT NULL,
        run TEXT NOT NULL,
        step TEXT NOT NULL,
        address TEXT NOT NULL,
        operation TEXT NOT NULL,
        phase TEXT NOT NULL,
        at TEXT NOT NULL,
        detail TEXT,
        PRIMARY KEY (stack, number)
      ) STRICT, WITHOUT ROWID;

      -- A row stays after its release, for the token must rise for ever. Times in ms since 1970.
      CREATE TABLE locks (
        stack TEXT PRIMARY KEY,
        token INTEGER NOT NULL,
        held INTEGER NOT NULL,
        who TEXT NOT NULL,
        since INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        life TEXT
      ) STRICT, WITHOUT ROWID;
    `),
  (db) => {
    db.exec(`
      -- The data key that the stack's rows are encrypted with, itself encrypted with age; NULL: readable.
      ALTER TABLE stacks ADD COLUMN key TEXT;

      -- How many rows of runs, journal and revisions there are, with colons between.
      ALTER TABLE stacks ADD COLUMN kept TEXT;

      ALTER TABLE journal ADD COLUMN sum TEXT NOT NULL DEFAULT '';

      -- What a run brought about; body is the Revision as JSON, deflated and in base64.
      CREATE TABLE revisions (
        stack TEXT NOT NULL,
        run TEXT NOT NULL,
        body TEXT NOT NULL,
        sum TEXT NOT NULL,
        PRIMARY KEY (stack, run)
      ) STRICT;
    `);
    const setKept = db.prepare("UPDATE stacks SET kept = ?, sum = ? WHERE stack = ?");
    for (const row of db.prepare("SELECT * FROM stacks").all()) {
      // What is damaged stays so, for people to be told.
      if (row.sum !== sumOfRow(row, sums.stacks)) continue;
      const [runs, journal] = ["runs", "journal"].map((table) =>
        db.prepare(`SELECT count(*) AS rows FROM ${table} WHERE stack = ?`).get(String(row.stack))
          ?.rows
      );
      const kept = `${runs}:${journal}:0`;
      setKept.run(kept, sumOfRow({ ...row, kept }, sums.stacks), String(row.stack));
    }
    // From here on a detail is a JSON string, for a text that holds a NUL is cut there when it is read.
    const update = db.prepare(
      "UPDATE journal SET detail = ?, sum = ? WHERE stack = ? AND number = ?",
    );
    for (const row of db.prepare("SELECT * FROM journal").all()) {
      const detail = row.detail === null ? null : JSON.stringify(row.detail);
      const sum = sumOfRow({ ...row, detail }, sums.journal);
      update.run(detail, sum, String(row.stack), Number(row.number));
    }
  },
];

/** Version of the present layout. */
export const SCHEMA_VERSION: number = schemaMigrations.length;

/** The file's layout version. */
export function schemaVersion(db: DatabaseSync): number {
  return Number(db.prepare("PRAGMA user_version").get()?.user_version ?? 0);
}

/**
 * Brings the layout up to the last migration, all of it in one transaction or not at all.
 *
 * @throws {StaddleError} `state.newer-version`.
 */
export function migrateSchema(
  db: DatabaseSync,
  location: string,
  migrations: readonly SchemaMigration[] = schemaMigrations,
): void {
  const found = schemaVersion(db);
  if (found > migrations.length) {
    throw newerVersion(location, "record", found, migrations.length);
  }
  if (found === migrations.length) return;
  db.prepare("BEGIN IMMEDIATE").run();
  try {
    // Asked again inside the transaction: another process may have migrated meanwhile.
    for (const migrate of migrations.slice(schemaVersion(db))) migrate(db);
    db.exec(
      `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}`,
    );
    db.prepare("COMMIT").run();
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}
