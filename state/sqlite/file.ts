/**
 * One open SQLite file: made whole or not at all, checked when opened, written in transactions.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import { basename, dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { StaddleError } from "../../providers/error.ts";
import { corrupt } from "../errors.ts";
import { fileError, isUnwritable } from "./errors.ts";
import { APPLICATION_ID, migrateSchema, SCHEMA_VERSION, schemaVersion } from "./schema.ts";

/**
 * How long a statement waits for another process's transaction, in ms. Ours take well under one;
 * the wait blocks the event loop, so it is not longer than a slow disk may need.
 */
const BUSY_TIMEOUT = 5000;

/** A value that SQLite takes. */
export type SqlValue = string | number | null;

/** A row as SQLite gives it. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** An open file. Every failure comes out as a {@linkcode StaddleError} that names the path. */
export class SqliteFile implements Disposable {
  /** Absolute path. */
  readonly path: string;
  /** True when the folder cannot be written, and the file was opened as it lies. */
  readonly readOnly: boolean;
  readonly #db: DatabaseSync;
  readonly #identity: string | undefined;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(path: string, db: DatabaseSync, readOnly: boolean) {
    this.path = path;
    this.#db = db;
    this.readOnly = readOnly;
    this.#identity = identityOf(path);
  }

  /** Is there anything at the path? */
  static exists(path: string): boolean {
    try {
      return statOrUndefined(path) !== undefined;
    } catch (error) {
      throw fileError(error, path, "read");
    }
  }

  /** Opens the file, or returns undefined if there is none. Makes nothing. */
  static open(path: string): SqliteFile | undefined {
    try {
      const info = statOrUndefined(path);
      if (info === undefined) return undefined;
      if (info.isDirectory) {
        throw new StaddleError({
          code: "state.not-a-file",
          summary: "Cannot open the record: its path is a folder",
          where: [path],
          help: "STADDLE_STATE takes the path of a file, for example .staddle/state.db",
        });
      }
      if (info.size === 0) {
        throw corrupt(path, ["it is empty; a record is never made empty, so it was truncated"]);
      }
      try {
        return SqliteFile.#openWritable(path);
      } catch (error) {
        // In WAL mode even a reader writes helper files. Where it cannot, and no write-ahead log
        // waits to be merged, the file is read as it lies: nobody here can be writing it.
        if (!isUnwritable(error) || (statOrUndefined(`${path}-wal`)?.size ?? 0) > 0) throw error;
        return SqliteFile.#openAsItLies(path);
      }
    } catch (error) {
      throw fileError(error, path, "read");
    }
  }

  /** Opens the file for writing, and makes it first if there is none. */
  static openOrCreate(path: string): SqliteFile {
    const there = SqliteFile.open(path);
    if (there !== undefined) return there;
    try {
      create(path);
    } catch (error) {
      throw fileError(error, path, "write");
    }
    const made = SqliteFile.open(path);
    if (made !== undefined) return made;
    throw fileError(new Error("the file went away as soon as it was made"), path, "write");
  }

  static #openWritable(path: string): SqliteFile {
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT });
    try {
      // FULL: a step's beginning must be on the disk before the host is touched, also when the
      // power fails. Costs 0.2 ms a transaction; without it 0.02 ms.
      db.prepare("PRAGMA synchronous = FULL").run();
      // What was readable must not stay in free pages when a record is encrypted or forgotten.
      db.prepare("PRAGMA secure_delete = ON").get();
      check(db, path);
      migrateSchema(db, path);
      return new SqliteFile(path, db, false);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  static #openAsItLies(path: string): SqliteFile {
    const db = new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
    try {
      check(db, path);
      if (schemaVersion(db) !== SCHEMA_VERSION) migrateSchema(db, path);
      return new SqliteFile(path, db, true);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** False when the path now leads to another file, or to none. */
  get isCurrent(): boolean {
    return this.#identity === undefined || identityOf(this.path) === this.#identity;
  }

  /** Rows of a query. To be called inside {@linkcode read} or {@linkcode write}. */
  all(sql: string, ...values: SqlValue[]): readonly SqlRow[] {
    return this.#statement(sql).all(...values) as readonly SqlRow[];
  }

  /** First row of a query. To be called inside {@linkcode read} or {@linkcode write}. */
  get(sql: string, ...values: SqlValue[]): SqlRow | undefined {
    return this.#statement(sql).get(...values) as SqlRow | undefined;
  }

  /** Runs a statement and gives the number of rows changed. Inside {@linkcode write} only. */
  run(sql: string, ...values: SqlValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  /** Calls `body` on one unchanging state of the file. */
  read<T>(body: () => T): T {
    return this.#transaction("BEGIN", "read", body);
  }

  /** Calls `body` in a transaction that no other writer shares: all of it is kept, or nothing. */
  write<T>(body: () => T): T {
    if (!this.isCurrent) {
      throw new StaddleError({
        code: "state.file-replaced",
        summary: "Cannot write the record: its file was moved, removed or replaced during this run",
        where: [this.path],
        help: "put it back where it was, then plan again: what this run did is read from the hosts",
      });
    }
    return this.#transaction("BEGIN IMMEDIATE", "write", body);
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    this.#db.close();
  }

  #transaction<T>(begin: string, intent: "read" | "write", body: () => T): T {
    try {
      this.#statement(begin).run();
      const result = body();
      this.#statement("COMMIT").run();
      return result;
    } catch (error) {
      // After some errors (a full disk) SQLite has rolled back by itself.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      // What neither SQLite nor the system threw is a mistake of the caller's, and stays as it is.
      const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
      throw typeof code === "string" ? fileError(error, this.path, intent) : error;
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/**
 * Is it ours, and sound in structure? `integrity_check` takes 0.4 ms for 1,000 resources; that no text
 * was changed is seen by each row's own sum.
 */
function check(db: DatabaseSync, path: string): void {
  const application = db.prepare("PRAGMA application_id").get()?.application_id;
  if (application !== APPLICATION_ID) {
    throw new StaddleError({
      code: "state.foreign-file",
      summary: "Cannot use the file as a record: it is a SQLite database, but not one of Staddle's",
      where: [path],
      details: [`application id ${application}, expected ${APPLICATION_ID}`],
      help: "name another place in STADDLE_STATE; if it was a record, put a backup in its place",
    });
  }
  if (schemaVersion(db) > SCHEMA_VERSION) migrateSchema(db, path); // refuses: nothing else fits
  const problems = db.prepare("PRAGMA integrity_check(3)").all()
    .map((row) => String(row.integrity_check)).filter((line) => line !== "ok");
  if (problems.length > 0) throw corrupt(path, problems);
}

/**
 * Makes the file under another name and links it into place, so that it is there whole or not at
 * all, and one of several processes that make it at once wins while the rest use what it made.
 */
function create(path: string): void {
  Deno.mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${crypto.randomUUID().slice(0, 8)}.new`;
  try {
    // 0600: parameters and outputs may be confidential. SQLite gives its helper files the same mode.
    Deno.openSync(draft, { createNew: true, write: true, mode: 0o600 }).close();
    const db = new DatabaseSync(draft);
    try {
      migrateSchema(db, path);
      // Kept in the file's head from now on. After the tables, so that one file holds everything.
      db.prepare("PRAGMA journal_mode = WAL").get();
    } finally {
      db.close();
    }
    putInPlace(draft, path);
  } finally {
    const folder = dirname(draft);
    for (const suffix of ["", "-journal", "-wal", "-shm"]) {
      removeIfThere(`${folder}/${basename(draft)}${suffix}`);
    }
  }
}

/** Leaves a file alone that has come there meanwhile. */
function putInPlace(draft: string, path: string): void {
  try {
    Deno.linkSync(draft, path);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    // File systems without hard links (FAT, some shared folders) say one of these. A rename may
    // replace the file of a process that was faster by a moment: its next write says so.
    const system = (error as { code?: unknown }).code;
    if (system !== "EPERM" && system !== "ENOTSUP" && system !== "EOPNOTSUPP") throw error;
    if (statOrUndefined(path) === undefined) Deno.renameSync(draft, path);
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function statOrUndefined(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function identityOf(path: string): string | undefined {
  const info = statOrUndefined(path);
  return info === undefined ? undefined : `${info.dev}:${info.ino}`;
}
