/**
 * The record in one SQLite file.
 *
 * @module
 */

import { fileError } from "./sqlite_errors.ts";
import { leaseLost, locked } from "./errors.ts";
import { SqliteFile } from "./sqlite_file.ts";
import * as locks from "./sqlite_lock.ts";
import * as rows from "./sqlite_rows.ts";
import type {
  JournalEntry,
  Lease,
  LockHolder,
  RecordWrite,
  RunRecord,
  StackRecord,
  Store,
} from "./store.ts";

/** Options of {@linkcode SqliteStore}. */
export interface SqliteStoreOptions {
  /**
   * Seconds after which a lease that was not renewed may be taken over; 30 by default. Renewed three
   * times as often.
   */
  readonly leaseSeconds?: number;
}

/**
 * A store in a file. The file is opened when it is first needed, and made by the first lock.
 *
 * SQLite is called on the calling thread: a step's write takes 0.3 ms, which is less than a message
 * to a Worker and back would take from the steps beside it.
 *
 * @example
 * ```ts
 * import { SqliteStore } from "./sqlite_store.ts";
 *
 * const folder = Deno.makeTempDirSync();
 * {
 *   await using store = new SqliteStore(`${folder}/state.db`);
 *   await using lease = await store.lock("shop", "ann@desk (pid 7)");
 *   await lease.write({ reservations: { "lab/machine.web#nic0": "10.0.0.2" } });
 *   console.assert((await store.load("shop"))?.serial === 1);
 * }
 * Deno.removeSync(folder, { recursive: true });
 * ```
 */
export class SqliteStore implements Store {
  /** The file's path. */
  readonly location: string;
  readonly #leaseMs: number;
  readonly #leases = new Set<SqliteLease>();
  #file: SqliteFile | undefined;

  /** Nothing is touched yet. `path` is the file's absolute path. */
  constructor(path: string, options: SqliteStoreOptions = {}) {
    this.location = path;
    this.#leaseMs = (options.leaseSeconds ?? 30) * 1000;
  }

  /** Names of the stacks that have a record. */
  stacks(): Promise<readonly string[]> {
    return this.#read([], (file) => rows.stackNames(file));
  }

  /** A stack's record, each row checked; undefined if there is none. */
  load(stack: string): Promise<StackRecord | undefined> {
    return this.#read(undefined, (file) => rows.loadRecord(file, stack));
  }

  /** Who holds a stack's lock now. */
  holder(stack: string): Promise<LockHolder | undefined> {
    return this.#read(undefined, (file) => locks.holderOf(file, stack, Date.now()));
  }

  /** Steps that began and did not end, newest run last. */
  unfinished(stack: string): Promise<readonly JournalEntry[]> {
    return this.#read([], (file) => rows.unfinishedSteps(file, stack));
  }

  /** The last runs, newest first. */
  runs(stack: string, limit: number): Promise<readonly RunRecord[]> {
    return this.#read([], (file) => rows.lastRuns(file, stack, limit));
  }

  /**
   * Takes a stack's lock; makes the file and its folder if there is none.
   *
   * @throws {StaddleError} `state.locked` (exit code 5), naming the holder and since when.
   */
  lock(stack: string, who: string): Promise<Lease> {
    return Promise.try(() => {
      const file = this.#writable();
      const granted = file.write(() => locks.acquire(file, stack, who, Date.now(), this.#leaseMs));
      if (!("token" in granted)) throw locked(stack, this.location, granted);
      const lease = new SqliteLease(file, stack, granted, this.#leaseMs, () => {
        this.#leases.delete(lease);
      });
      this.#leases.add(lease);
      return lease;
    });
  }

  /** Gives open leases back and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const lease of [...this.#leases]) await lease[Symbol.asyncDispose]();
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
  }

  #read<T>(nothing: T, body: (file: SqliteFile) => T): Promise<T> {
    return Promise.try(() => {
      this.#dropIfReplaced();
      this.#file ??= SqliteFile.open(this.location);
      const file = this.#file;
      return file === undefined ? nothing : file.read(() => body(file));
    });
  }

  #writable(): SqliteFile {
    this.#dropIfReplaced();
    this.#file ??= SqliteFile.openOrCreate(this.location);
    if (this.#file.readOnly) {
      throw fileError(
        new Error("attempt to write a readonly database"),
        this.location,
        "write",
      );
    }
    return this.#file;
  }

  /** A file that was put in the place of the open one is the record now; a lease keeps its own. */
  #dropIfReplaced(): void {
    if (this.#file === undefined || this.#file.isCurrent || this.#leases.size > 0) return;
    this.#file[Symbol.dispose]();
    this.#file = undefined;
  }
}

/** A lease on a stack of a file: see `sqlite_lock.ts` for why it is safe. */
class SqliteLease implements Lease {
  readonly stack: string;
  readonly #file: SqliteFile;
  readonly #grant: locks.Grant;
  readonly #leaseMs: number;
  readonly #ended: () => void;
  readonly #lost = new AbortController();
  readonly #heartbeat: ReturnType<typeof setInterval>;
  /** ms since 1970. */
  #expires: number;
  #open = true;

  constructor(
    file: SqliteFile,
    stack: string,
    grant: locks.Grant,
    leaseMs: number,
    ended: () => void,
  ) {
    this.stack = stack;
    this.#file = file;
    this.#grant = grant;
    this.#leaseMs = leaseMs;
    this.#ended = ended;
    this.#expires = Date.now() + leaseMs;
    this.#heartbeat = setInterval(() => this.#beat(), leaseMs / 3);
    // The lease must not keep a process alive that has nothing left to do.
    Deno.unrefTimer(Number(this.#heartbeat));
  }

  get token(): number {
    return this.#grant.token;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  write(change: RecordWrite): Promise<number> {
    return Promise.try(() => {
      if (!this.#open) throw leaseLost(this.stack, this.#file.path, undefined);
      this.#lost.signal.throwIfAborted();
      const now = Date.now();
      const serial = this.#file.write(() => {
        if (!locks.owns(this.#file, this.stack, this.token)) return undefined;
        // A write is a sign of life as well; renewed with it when a third of the time has gone.
        if (this.#expires - now < this.#leaseMs * 2 / 3) {
          locks.renew(this.#file, this.stack, this.token, now + this.#leaseMs);
        }
        return rows.writeRecord(this.#file, this.stack, change);
      });
      if (serial === undefined) throw this.#lose();
      if (this.#expires - now < this.#leaseMs * 2 / 3) this.#expires = now + this.#leaseMs;
      return serial;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.try(() => {
      if (!this.#open) return;
      this.#open = false;
      clearInterval(this.#heartbeat);
      this.#ended();
      try {
        this.#file.write(() => locks.release(this.#file, this.stack, this.token));
        locks.discard(this.#file, this.stack, this.#grant);
      } catch {
        // The run's own outcome is what matters by now and must not be hidden by this. The file that
        // is the sign of life stays, with nobody's flock on it: the next run takes over at once.
        this.#grant.life?.close();
      }
    });
  }

  #beat(): void {
    const now = Date.now();
    try {
      const renewed = this.#file.write(() =>
        locks.renew(this.#file, this.stack, this.token, now + this.#leaseMs)
      );
      if (renewed) this.#expires = now + this.#leaseMs;
      else this.#lose();
    } catch {
      // A busy or full disk may be better at the next beat. Once the lease has expired another run
      // may take it, so this one must stop.
      if (now >= this.#expires) this.#lose();
    }
  }

  #lose(): Error {
    let holder: LockHolder | undefined;
    try {
      holder = this.#file.read(() => locks.lastHolder(this.#file, this.stack));
    } catch {
      // The message does without the name.
    }
    const error = leaseLost(this.stack, this.#file.path, holder);
    clearInterval(this.#heartbeat);
    this.#lost.abort(error);
    return error;
  }
}
