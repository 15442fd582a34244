/**
 * The record in one SQLite file.
 *
 * @module
 */

import { fileAside, renameAside } from "../aside.ts";
import { problemsIn, sayings } from "../check_record.ts";
import { environmentKeys } from "../environment_keys.ts";
import { leaseLost, locked } from "../errors.ts";
import { ROWS_KEEP } from "../history_limits.ts";
import { Keyring } from "../keyring.ts";
import type { StoreOptions } from "../store_options.ts";
import type { RowCipher } from "../rows/cipher.ts";
import { fileError } from "./errors.ts";
import { SqliteFile } from "./file.ts";
import * as locks from "./lock.ts";
import * as rows from "./rows.ts";
import * as stacks from "./stacks.ts";
import type {
  HistoryLimits,
  JournalEntry,
  Lease,
  LockHolder,
  RecordDocument,
  RecordWrite,
  Revision,
  RunRecord,
  StackRecord,
  Store,
} from "../store.ts";

/**
 * A store in a file. The file is opened when it is first needed, and made by the first lock.
 *
 * SQLite is called on the calling thread: a step's write takes 0.3 ms, which is less than a message
 * to a Worker and back would take from the steps beside it.
 *
 * @example
 * ```ts
 * import { SqliteStore } from "./store.ts";
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
  /** How much history it keeps. */
  readonly keeps: HistoryLimits = ROWS_KEEP;
  readonly #leaseMs: number;
  readonly #keyring: Keyring;
  readonly #leases = new Set<SqliteLease>();
  /** By stack: what was loaded last. Every write gives the stack's row another sum. */
  readonly #loaded = new Map<string, { readonly sum: string; readonly record?: StackRecord }>();
  #file: SqliteFile | undefined;

  /** Nothing is touched yet. `path` is the file's absolute path. */
  constructor(path: string, options: StoreOptions = {}) {
    this.location = path;
    this.#leaseMs = (options.leaseSeconds ?? 30) * 1000;
    this.#keyring = new Keyring(path, options.keys ?? environmentKeys);
  }

  /** Names of the stacks that have a record, also one that is damaged. */
  stacks(): Promise<readonly string[]> {
    return this.#read([], (file) => stacks.stackNames(file));
  }

  /** A stack's record, each row checked; undefined if there is none. */
  load(stack: string): Promise<StackRecord | undefined> {
    return this.#open(stack, undefined, (file, cipher) => {
      const sum = stacks.headSum(file, stack);
      const known = this.#loaded.get(stack);
      if (sum !== undefined && known?.sum === sum) return known.record;
      const record = rows.loadRecord(file, stack, cipher);
      if (sum === undefined) this.#loaded.delete(stack);
      else this.#loaded.set(stack, { sum, record });
      return record;
    });
  }

  /** Who holds a stack's lock now. */
  holder(stack: string): Promise<LockHolder | undefined> {
    return this.#read(undefined, (file) => locks.holderOf(file, stack, Date.now()));
  }

  /** Steps that began and did not end, newest run last. */
  unfinished(stack: string): Promise<readonly JournalEntry[]> {
    return this.#open(stack, [], (file, cipher) => rows.unfinishedSteps(file, stack, cipher));
  }

  /** The last runs, newest first. */
  runs(stack: string, limit: number): Promise<readonly RunRecord[]> {
    return this.#open(stack, [], (file, cipher) => rows.lastRuns(file, stack, limit, cipher));
  }

  /** The journal of one run, in order. */
  journal(stack: string, run: string): Promise<readonly JournalEntry[]> {
    return this.#open(stack, [], (file, cipher) => rows.journalOf(file, stack, run, cipher));
  }

  /** What a run brought about; undefined if it is not kept. */
  revision(stack: string, run: string): Promise<Revision | undefined> {
    return this.#open(
      stack,
      undefined,
      (file, cipher) => rows.revisionOf(file, stack, run, cipher),
    );
  }

  /** All that is kept of a stack; undefined if there is no record. */
  export(stack: string): Promise<RecordDocument | undefined> {
    return this.#open(stack, undefined, (file, cipher) => rows.exportRecord(file, stack, cipher));
  }

  /** What is wrong with the file, or with one stack in it. */
  async check(stack?: string): Promise<readonly string[]> {
    try {
      const names = await this.stacks();
      const checked = stack === undefined ? names : names.filter((name) => name === stack);
      const problems: string[] = [];
      for (const name of checked) {
        const found = await this.#open(
          name,
          [],
          (file, cipher) => rows.problemsOfRows(file, name, cipher),
        ).catch(sayings);
        problems.push(...problemsIn(name, found));
      }
      return problems;
    } catch (error) {
      return sayings(error);
    }
  }

  /** Breaks a stack's lock, and gives who held it. */
  unlock(stack: string): Promise<LockHolder | undefined> {
    return Promise.try(() => {
      if (!SqliteFile.exists(this.location)) return undefined;
      const file = this.#writable();
      return file.write(() => locks.breakLock(file, stack, Date.now()));
    });
  }

  /**
   * Takes a stack's lock for a time, without a process that renews it.
   *
   * @throws {StaddleError} `state.locked` (exit code 5), naming the holder and since when.
   */
  hold(stack: string, who: string, seconds: number): Promise<LockHolder> {
    return Promise.try(() => {
      const file = this.#writable();
      const { taken, holder } = file.write(() =>
        locks.hold(file, stack, who, Date.now(), seconds * 1000)
      );
      if (!taken) throw locked(stack, this.location, holder);
      return holder;
    });
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
      const lease = new SqliteLease(file, stack, granted, this.#leaseMs, this.#keyring, () => {
        this.#leases.delete(lease);
      });
      this.#leases.add(lease);
      return lease;
    });
  }

  /** Gives the file another name; where others are recorded in it as well, see `#rowsAside`. */
  async setAside(stack: string, who: string, folder: string): Promise<string | undefined> {
    // A file that cannot be read at all is of no use to the others either.
    const names = await this.stacks().catch(() => [stack]);
    if (names.some((name) => name !== stack)) return await this.#rowsAside(stack, who, folder);
    if (!SqliteFile.exists(this.location)) return undefined;
    const held = await this.holder(stack).catch(() => undefined);
    if (held !== undefined) throw locked(stack, this.location, held);
    await this[Symbol.asyncDispose]();
    return await renameAside(this.location);
  }

  /** Gives open leases back and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const lease of [...this.#leases]) await lease[Symbol.asyncDispose]();
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
  }

  /** Writes a stack's rows into a file below `folder`, and forgets them: the others stay where they are. */
  async #rowsAside(stack: string, who: string, folder: string): Promise<string | undefined> {
    await using lease = await this.lock(stack, who);
    const kept = await this.#read(undefined, (file) => stacks.rowsOf(file, stack));
    if (kept === undefined) return undefined;
    const place = await fileAside(folder, stack, kept);
    const file = this.#writable();
    const held = file.write(() => {
      const held = locks.owns(file, stack, lease.token);
      if (held) stacks.forgetRows(file, stack);
      return held;
    });
    if (!held) throw leaseLost(stack, this.location, await this.holder(stack));
    return place;
  }

  #read<T>(nothing: T, body: (file: SqliteFile) => T): Promise<T> {
    return Promise.try(() => {
      this.#dropIfReplaced();
      this.#file ??= SqliteFile.open(this.location);
      const file = this.#file;
      return file === undefined ? nothing : file.read(() => body(file));
    });
  }

  /** Reads what is encrypted. The key is got before the transaction, in which nothing may be awaited. */
  async #open<T>(
    stack: string,
    nothing: T,
    body: (file: SqliteFile, cipher: RowCipher) => T,
  ): Promise<T> {
    for (;;) {
      const kept = await this.#read(undefined, (file) => stacks.keptKey(file, stack));
      const cipher = await this.#keyring.reader(stack, kept);
      const result = await this.#read(
        { value: nothing },
        // Encrypted anew in between: once more.
        (file) =>
          (stacks.keptKey(file, stack) ?? null) === cipher.key
            ? { value: body(file, cipher) }
            : undefined,
      );
      if (result !== undefined) return result.value;
    }
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

/** A lease on a stack of a file: see `lock.ts` for why it is safe. */
class SqliteLease implements Lease {
  readonly stack: string;
  readonly #file: SqliteFile;
  readonly #grant: locks.Grant;
  readonly #leaseMs: number;
  readonly #keyring: Keyring;
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
    keyring: Keyring,
    ended: () => void,
  ) {
    this.stack = stack;
    this.#file = file;
    this.#grant = grant;
    this.#leaseMs = leaseMs;
    this.#keyring = keyring;
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

  async write(change: RecordWrite): Promise<number> {
    if (!this.#open) throw leaseLost(this.stack, this.#file.path, undefined);
    this.#lost.signal.throwIfAborted();
    const [cipher, next] = await this.#ciphers(change);
    const now = Date.now();
    const serial = this.#file.write(() => {
      if (!locks.owns(this.#file, this.stack, this.token)) return undefined;
      // A write is a sign of life as well; renewed with it when a third of the time has gone.
      if (this.#expires - now < this.#leaseMs * 2 / 3) {
        locks.renew(this.#file, this.stack, this.token, now + this.#leaseMs);
      }
      const { encryptTo: _, ...rest } = change;
      return next === undefined
        ? rows.writeRecord(this.#file, this.stack, rest, cipher)
        : rows.rewriteAll(this.#file, this.stack, rest, cipher, next);
    });
    if (serial === undefined) throw this.#lose();
    if (this.#expires - now < this.#leaseMs * 2 / 3) this.#expires = now + this.#leaseMs;
    return serial;
  }

  /** What is there is written with the first; the second takes its place. */
  async #ciphers(change: RecordWrite): Promise<readonly [RowCipher, RowCipher | undefined]> {
    // Only this lease can change it, unless it is lost: then the write is refused.
    const kept = this.#file.read(() => stacks.keptKey(this.#file, this.stack));
    if (change.encryptTo === undefined) {
      const fresh = change.forget || (change.replace !== undefined && kept === null);
      return [await this.#keyring.writer(this.stack, fresh ? undefined : kept), undefined];
    }
    const cipher = await this.#keyring.reader(this.stack, kept);
    return [cipher, await this.#keyring.make(change.encryptTo)];
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
