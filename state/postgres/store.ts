/**
 * The record in PostgreSQL, for teams.
 *
 * @module
 */

import { fileAside } from "../aside.ts";
import { problemsIn, sayings } from "../check_record.ts";
import { environmentKeys } from "../environment_keys.ts";
import { leaseLost, locked } from "../errors.ts";
import { HeldLease } from "../held_lease.ts";
import { ROWS_KEEP } from "../history_limits.ts";
import { Keyring } from "../keyring.ts";
import { isPassing, postgresError } from "./errors.ts";
import { PostgresConnection } from "./connection.ts";
import * as locks from "./lock.ts";
import * as rows from "./rows.ts";
import * as stacks from "./stacks.ts";
import { layoutVersion, makeLayout, POSTGRES_SCHEMA_VERSION } from "./schema.ts";
import { type PostgresAddress, postgresAddress } from "./url.ts";
import type { RowCipher } from "../rows/cipher.ts";
import { readable } from "../rows/cipher.ts";
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
import type { StoreOptions } from "../store_options.ts";

/** Options of {@linkcode PostgresStore}. */
export interface PostgresStoreOptions extends StoreOptions {
  /**
   * Seconds for which a server that has answered before may be away until a transaction is given up; 60
   * by default: long enough for a restart. One that never answered is given up after a sixth of that.
   */
  readonly patienceSeconds?: number;
}

/** ms between tries, doubled each time up to the last. */
const FIRST_PAUSE = 100;
const LAST_PAUSE = 2000;

/**
 * A store in a PostgreSQL database. It connects when it is first needed; the tables are made by the
 * first lock.
 *
 * Every write is one transaction that first takes the row of the lock, with the lease's token: a run that
 * lost its lease finds none and writes nothing. Leases expire by the server's clock. A transaction that is
 * cut off, also by a restart of the server, is tried again under the same token; one that was committed
 * though its answer was lost is recognised by its id.
 */
export class PostgresStore implements Store {
  /** URL without a password. */
  readonly location: string;
  /** How much history it keeps. */
  readonly keeps: HistoryLimits = ROWS_KEEP;
  readonly #address: PostgresAddress;
  readonly #leaseMs: number;
  readonly #patience: number;
  readonly #keyring: Keyring;
  readonly #leases = new Set<Lease>();
  #connection: PostgresConnection | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #ready = false;
  #answered = false;

  /**
   * Nothing is opened yet. For the URL see `postgresAddress`.
   *
   * @throws {StaddleError} `state.bad-location`.
   */
  constructor(url: string, options: PostgresStoreOptions = {}) {
    this.#address = postgresAddress(url);
    this.location = this.#address.location;
    this.#leaseMs = (options.leaseSeconds ?? 30) * 1000;
    this.#patience = (options.patienceSeconds ?? 60) * 1000;
    this.#keyring = new Keyring(this.location, options.keys ?? environmentKeys);
  }

  /** Names of the stacks that have a record, also one that is damaged. */
  stacks(): Promise<readonly string[]> {
    return this.#read([], stacks.stackNames);
  }

  /** A stack's record, each row checked; undefined if there is none. */
  load(stack: string): Promise<StackRecord | undefined> {
    return this.#open(stack, undefined, (place, cipher) => rows.loadRecord(place, stack, cipher));
  }

  /** Who holds a stack's lock now. */
  holder(stack: string): Promise<LockHolder | undefined> {
    return this.#read(undefined, (place) => locks.holderOf(place, stack));
  }

  /** Steps that began and did not end, newest run last. */
  unfinished(stack: string): Promise<readonly JournalEntry[]> {
    return this.#open(stack, [], (place, cipher) => rows.unfinishedSteps(place, stack, cipher));
  }

  /** The last runs, newest first. */
  runs(stack: string, limit: number): Promise<readonly RunRecord[]> {
    return this.#open(stack, [], (place, cipher) => rows.lastRuns(place, stack, limit, cipher));
  }

  /** The journal of one run, in order. */
  journal(stack: string, run: string): Promise<readonly JournalEntry[]> {
    return this.#open(stack, [], (place, cipher) => rows.journalOf(place, stack, run, cipher));
  }

  /** What a run brought about; undefined if it is not kept. */
  revision(stack: string, run: string): Promise<Revision | undefined> {
    return this.#open(
      stack,
      undefined,
      (place, cipher) => rows.revisionOf(place, stack, run, cipher),
    );
  }

  /** All that is kept of a stack; undefined if there is no record. */
  export(stack: string): Promise<RecordDocument | undefined> {
    return this.#open(stack, undefined, (place, cipher) => rows.exportRecord(place, stack, cipher));
  }

  /** What is wrong with the records, or with one of them. */
  async check(stack?: string): Promise<readonly string[]> {
    try {
      const names = await this.stacks();
      const problems: string[] = [];
      for (const name of names) {
        if (stack !== undefined && name !== stack) continue;
        const found = await this.#open(
          name,
          [],
          (place, cipher) => rows.problemsOfRows(place, name, cipher),
        ).catch(sayings);
        problems.push(...problemsIn(name, found));
      }
      return problems;
    } catch (error) {
      return sayings(error);
    }
  }

  /**
   * Takes a stack's lock; makes the tables if there are none.
   *
   * @throws {StaddleError} `state.locked` (exit code 5), naming the holder and since when.
   */
  async lock(stack: string, who: string): Promise<Lease> {
    // Asked for again after a lost answer, it is known as this one's by its id.
    const id = crypto.randomUUID();
    const begun = Date.now();
    const granted = await this.#write((place) =>
      locks.acquire(place, stack, who, id, this.#leaseMs)
    );
    if (!("token" in granted)) throw locked(stack, this.location, granted);
    const { token } = granted;
    const times = { leaseMs: this.#leaseMs, expires: begun + this.#leaseMs };
    const lease = new HeldLease(stack, token, this.location, times, {
      write: (change) => this.#change(stack, token, change),
      renew: () => this.#write((place) => locks.renew(place, stack, token, this.#leaseMs)),
      release: () => this.#write((place) => locks.release(place, stack, token)),
      holder: () => this.#read(undefined, (place) => locks.lastHolder(place, stack)),
      ended: () => this.#leases.delete(lease),
    });
    this.#leases.add(lease);
    return lease;
  }

  /** Breaks a stack's lock, and gives who held it. */
  async unlock(stack: string): Promise<LockHolder | undefined> {
    if (!await this.#read(false, () => Promise.resolve(true))) return undefined;
    return await this.#write((place) => locks.breakLock(place, stack));
  }

  /**
   * Takes a stack's lock for a time, without a process that renews it.
   *
   * @throws {StaddleError} `state.locked` (exit code 5), naming the holder and since when.
   */
  async hold(stack: string, who: string, seconds: number): Promise<LockHolder> {
    const id = crypto.randomUUID();
    const granted = await this.#write(async (place) => {
      const granted = await locks.acquire(place, stack, who, id, seconds * 1000);
      return "token" in granted ? (await locks.lastHolder(place, stack))! : { refused: granted };
    });
    if ("refused" in granted) throw locked(stack, this.location, granted.refused);
    return granted;
  }

  /** Writes what is kept of a stack into a file below `folder`, and forgets it. */
  async setAside(stack: string, who: string, folder: string): Promise<string | undefined> {
    await using lease = await this.lock(stack, who);
    const kept = await this.#read(undefined, (place) => stacks.rowsOf(place, stack));
    if (kept === undefined) return undefined;
    const place = await fileAside(folder, stack, kept);
    const held = await this.#write(async (place) => {
      const held = await locks.renew(place, stack, lease.token, this.#leaseMs);
      if (held) await stacks.forgetRows(place, stack);
      return held;
    });
    if (!held) throw leaseLost(stack, this.location, await this.holder(stack));
    return place;
  }

  /** Gives open leases back and closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const lease of [...this.#leases]) await lease[Symbol.asyncDispose]();
    await this.#queue;
    await this.#disconnect();
  }

  /** undefined: the lease is another's. */
  async #change(
    stack: string,
    token: number,
    change: RecordWrite,
  ): Promise<number | undefined> {
    const id = crypto.randomUUID();
    const { encryptTo, ...rest } = change;
    const kept = await this.#read(undefined, (place) => stacks.keptKey(place, stack));
    let cipher: RowCipher;
    let next: RowCipher | undefined;
    if (encryptTo === undefined) {
      const fresh = change.forget || (change.replace !== undefined && kept === null);
      cipher = await this.#keyring.writer(stack, fresh ? undefined : kept);
    } else {
      cipher = await this.#keyring.reader(stack, kept);
      next = await this.#keyring.make(encryptTo);
    }
    return await this.#write(async (place) => {
      if (!await locks.renew(place, stack, token, this.#leaseMs)) return undefined;
      const earlier = await locks.serialOfWrite(place, stack, id);
      if (earlier !== undefined) return earlier;
      const serial = next === undefined
        ? await rows.writeRecord(place, stack, rest, cipher)
        : await rows.rewriteAll(place, stack, rest, cipher, next);
      await locks.noteWrite(place, stack, id, serial);
      return serial;
    });
  }

  /** Reads what is encrypted; the key is got before the transaction that reads. */
  async #open<T>(
    stack: string,
    nothing: T,
    body: (place: stacks.Place, cipher: RowCipher) => Promise<T>,
  ): Promise<T> {
    let cipher = readable;
    for (;;) {
      const result = await this.#read<{ value: T } | { kept: string | null }>(
        { value: nothing },
        async (place) => {
          const kept = await stacks.keptKey(place, stack) ?? null;
          return kept === cipher.key ? { value: await body(place, cipher) } : { kept };
        },
      );
      if ("value" in result) return result.value;
      cipher = await this.#keyring.reader(stack, result.kept);
    }
  }

  /** Calls `body` on one unchanging state; gives `nothing` where there are no tables. */
  async #read<T>(nothing: T, body: (place: stacks.Place) => Promise<T>): Promise<T> {
    return await this.#patiently((connection) =>
      this.#transaction(connection, "ISOLATION LEVEL REPEATABLE READ READ ONLY", async (place) => {
        if (!this.#ready) {
          const version = await layoutVersion(place.sql, place.schema, this.location);
          // An older layout is brought up by whoever may write.
          if (version === 0) return nothing;
          if (version < POSTGRES_SCHEMA_VERSION) throw new OlderLayout();
        }
        return await body(place);
      })
    );
  }

  async #write<T>(body: (place: stacks.Place) => Promise<T>): Promise<T> {
    return await this.#patiently(async (connection) => {
      if (!this.#ready) {
        await makeLayout(connection, this.#address.schema, this.location);
        this.#ready = true;
      }
      return await this.#transaction(connection, "", body);
    });
  }

  async #transaction<T>(
    connection: PostgresConnection,
    mode: string,
    body: (place: stacks.Place) => Promise<T>,
  ): Promise<T> {
    return await connection.transaction(
      mode,
      (sql) => body({ sql, schema: this.#address.schema, location: this.location }),
    );
  }

  /**
   * Tries again, as long as the server is away for a reason that passes. One thing at a time: there is one
   * connection, and what is read beside a write is short.
   */
  #patiently<T>(body: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const turn = this.#queue.then(() => this.#try(body));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #try<T>(body: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const begun = Date.now();
    let pause = FIRST_PAUSE;
    for (;;) {
      try {
        this.#connection ??= await PostgresConnection.open(this.#address);
        const result = await body(this.#connection);
        this.#answered = true;
        return result;
      } catch (error) {
        if (error instanceof OlderLayout && this.#connection !== undefined) {
          await makeLayout(this.#connection, this.#address.schema, this.location);
          continue;
        }
        const passing = isPassing(error);
        if (passing) await this.#disconnect();
        const patience = this.#answered ? this.#patience : this.#patience / 6;
        if (!passing || Date.now() - begun + pause > patience) {
          throw postgresError(error, this.location);
        }
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(pause * 2, LAST_PAUSE);
      }
    }
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.[Symbol.asyncDispose]();
  }
}

/** The tables are those of an earlier Staddle. */
class OlderLayout extends Error {}
