/**
 * The record as one document for each stack, on whatever server keeps documents.
 *
 * Lock, record and history stand in the one document, and each write names the content that it replaces.
 * So no write can pass over another's: a run whose lease was taken over finds other content than it left,
 * and stops. Where the server has a lock of its own it is held as well.
 *
 * @module
 */

import { StaddleError } from "../../providers/error.ts";
import { asideSuffix, fileAside } from "../aside.ts";
import { problemsIn, problemsOf, sayings } from "../check_record.ts";
import { changed } from "./change.ts";
import {
  type DocumentLease,
  documentText,
  holderOf,
  openRecord,
  parseDocument,
  sealRecord,
  serialIn,
  type StoredDocument,
} from "./format.ts";
import type { DocumentSite, FoundDocument, LockRefusal } from "./site.ts";
import { environmentKeys } from "../environment_keys.ts";
import { locked, otherStackThere } from "../errors.ts";
import { holderOfLock, lockedByOther } from "./server_lock.ts";
import { HeldLease } from "../held_lease.ts";
import { DOCUMENTS_KEEP } from "../history_limits.ts";
import { Keyring } from "../keyring.ts";
import { unfinishedOf } from "../record_change.ts";
import { presentRecord } from "../record_version.ts";
import { readable, type RowCipher } from "../rows/cipher.ts";
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

/** What stands before the id of a lease, by which a server's lock is known for ours. */
const OURS = "staddle-";

/** GitLab's serials are signed integers of 32 bits. */
const MOST_SERIAL = 2 ** 31 - 1;

/** Times that a lock is tried when others change the document at the same moment. */
const TRIES = 20;

interface Content {
  readonly document: StoredDocument;
  readonly text: string;
  readonly tag: string;
}

/** A store on a {@linkcode DocumentSite}. Nothing is asked until it is used. */
export class DocumentStore implements Store {
  /** Without a password. */
  readonly location: string;
  /** How much history it keeps. */
  readonly keeps: HistoryLimits = DOCUMENTS_KEEP;
  readonly #site: DocumentSite;
  readonly #leaseMs: number;
  readonly #keyring: Keyring;
  readonly #leases = new Set<Lease>();

  /** A lease takes twice as long to expire as in a database, for every renewal sends the document. */
  constructor(site: DocumentSite, options: StoreOptions = {}) {
    this.location = site.location;
    this.#site = site;
    this.#leaseMs = (options.leaseSeconds ?? 60) * 1000;
    this.#keyring = new Keyring(site.location, options.keys ?? environmentKeys);
  }

  /** Names of the stacks that have a record, also one that is damaged. */
  async stacks(): Promise<readonly string[]> {
    const names = await this.#site.stacks();
    const there = await Promise.all(names.map(async (name) => {
      const { content, damage } = await this.#readWhole(name);
      return damage !== undefined || (content !== undefined && content.document.record !== null);
    }));
    return names.filter((_, i) => there[i]);
  }

  /** A stack's record; undefined if there is none. */
  async load(stack: string): Promise<StackRecord | undefined> {
    const whole = await this.#open(stack);
    if (whole === undefined) return undefined;
    const { runs: _, journal: __, revisions: ___, ...record } = whole;
    return record;
  }

  /** Who holds a stack's lock now. Whether a server's own lock is taken shows by asking for it. */
  async holder(stack: string): Promise<LockHolder | undefined> {
    const { content, damage } = await this.#readWhole(stack);
    const lease = content?.document.lease;
    if (lease !== undefined && this.#isHeld(lease)) return holderOf(lease);
    const id = `${OURS}${crypto.randomUUID()}`;
    const refusal = await this.#site.lock?.take(stack, { id, who: "a command that asks" });
    if (refusal !== undefined) return holderOfLock(refusal);
    await this.#site.lock?.give(stack, id);
    if (damage !== undefined) throw damage;
    return undefined;
  }

  /** Steps that began and did not end, newest run last. */
  async unfinished(stack: string): Promise<readonly JournalEntry[]> {
    return unfinishedOf((await this.#open(stack))?.journal ?? []);
  }

  /** The last runs, newest first. */
  async runs(stack: string, limit: number): Promise<readonly RunRecord[]> {
    return ((await this.#open(stack))?.runs ?? []).toReversed().slice(0, limit);
  }

  /** The journal of one run, in order. */
  async journal(stack: string, run: string): Promise<readonly JournalEntry[]> {
    return ((await this.#open(stack))?.journal ?? []).filter((entry) => entry.run === run);
  }

  /** What a run brought about; undefined if it is not kept. */
  async revision(stack: string, run: string): Promise<Revision | undefined> {
    return (await this.#open(stack))?.revisions.find((revision) => revision.run === run);
  }

  /** All that is kept of a stack; undefined if there is no record. */
  export(stack: string): Promise<RecordDocument | undefined> {
    return this.#open(stack);
  }

  /** What is wrong with the records, or with one of them. */
  async check(stack?: string): Promise<readonly string[]> {
    try {
      const problems: string[] = [];
      for (const name of await this.#site.stacks()) {
        if (stack !== undefined && name !== stack) continue;
        const found = await this.load(name)
          .then((record) => record === undefined ? [] : problemsOf(record))
          .catch(sayings);
        problems.push(...problemsIn(name, found));
      }
      return problems;
    } catch (error) {
      return sayings(error);
    }
  }

  /**
   * Takes a stack's lock.
   *
   * @throws {StaddleError} `state.locked` (exit code 5), naming the holder and since when.
   */
  async lock(stack: string, who: string): Promise<Lease> {
    const begun = Date.now();
    let content = await this.#takeProbed(stack, who, this.#leaseMs);
    const { id, token } = content.document.lease;
    const keep = async (next: StoredDocument): Promise<boolean> => {
      const written = await this.#put(stack, content, next, id);
      if (written !== undefined) content = written;
      return written !== undefined;
    };
    const renewed = (): DocumentLease => ({
      ...content.document.lease,
      expires: this.#site.now() + this.#leaseMs,
    });
    const times = { leaseMs: this.#leaseMs, expires: begun + this.#leaseMs };
    const lease = new HeldLease(stack, token, this.location, times, {
      write: async (change) => {
        const next = await this.#change(content.document, change);
        const done = await keep({ ...content.document, ...next.document, lease: renewed() });
        return done ? next.serial : undefined;
      },
      renew: () => keep({ ...content.document, lease: renewed() }),
      release: () => this.#release(stack, content),
      holder: async () => {
        const now = (await this.#read(stack))?.document.lease;
        return now === undefined || !now.held ? undefined : holderOf(now);
      },
      ended: () => this.#leases.delete(lease),
    });
    this.#leases.add(lease);
    return lease;
  }

  /** Breaks a stack's lock, and gives who held it. */
  async unlock(stack: string): Promise<LockHolder | undefined> {
    const lock = this.#site.lock;
    const id = `${OURS}${crypto.randomUUID()}`;
    for (let i = 0; i < TRIES; i++) {
      const { content, damage } = await this.#readWhole(stack);
      if (damage !== undefined && lock === undefined) throw damage;
      const lease = content?.document.lease;
      const refusal = await lock?.take(stack, { id, who: "unlock" });
      if (refusal !== undefined) {
        await lock?.give(stack, refusal.id ?? lease?.id ?? id);
        if (await lock?.take(stack, { id, who: "unlock" }) !== undefined) continue;
      }
      try {
        if (content !== undefined && lease?.held) {
          const released = { ...content.document, lease: { ...lease, held: false } };
          if (await this.#put(stack, content, released, id) === undefined) continue;
        }
        if (lease !== undefined && this.#isHeld(lease)) return holderOf(lease);
        return refusal === undefined ? undefined : holderOfLock(refusal);
      } finally {
        await lock?.give(stack, id);
      }
    }
    throw locked(stack, this.location, (await this.holder(stack)) ?? unknownHolder);
  }

  /**
   * Takes a stack's lock for a time, without a process that renews it.
   *
   * @throws {StaddleError} `state.locked` (exit code 5), naming the holder and since when.
   */
  async hold(stack: string, who: string, seconds: number): Promise<LockHolder> {
    return holderOf((await this.#takeProbed(stack, who, seconds * 1000)).document.lease);
  }

  /**
   * Puts a document without a record in the place of the one that is there, and gives where that one is kept:
   * by the server, or in a file.
   *
   * @throws {StaddleError} `state.locked` (exit code 5).
   */
  async setAside(stack: string, who: string, folder: string): Promise<string | undefined> {
    const id = `${OURS}${crypto.randomUUID()}`;
    for (let i = 0; i < TRIES; i++) {
      const found = await this.#site.read(stack);
      if (found === undefined) return undefined;
      const document = parsedUnlessDamaged(found.text, this.location);
      if (document !== undefined && document.stack !== stack) {
        throw otherStackThere(stack, this.location, document.stack);
      }
      const lease = document?.lease;
      if (lease !== undefined && this.#isHeld(lease)) {
        throw locked(stack, this.location, holderOf(lease));
      }
      const refusal = await this.#site.lock?.take(stack, { id, who });
      if (refusal !== undefined) {
        await this.#freeLock(stack, lease, refusal);
        continue;
      }
      try {
        const place = await this.#site.copy?.(stack, asideSuffix()) ??
          await fileAside(folder, stack, found.bytes);
        const now = this.#site.now();
        const token = (lease?.token ?? 0) + 1;
        const released = { token, held: false, id, who, since: now, expires: now };
        if (await this.#putAnew(stack, found, released)) return place;
      } finally {
        await this.#site.lock?.give(stack, id);
      }
    }
    throw locked(stack, this.location, unknownHolder);
  }

  /** Gives open leases back. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const lease of [...this.#leases]) await lease[Symbol.asyncDispose]();
  }

  #isHeld(lease: DocumentLease): boolean {
    return lease.held && lease.expires > this.#site.now();
  }

  async #read(stack: string): Promise<Content | undefined> {
    const found = await this.#site.read(stack);
    if (found === undefined) return undefined;
    const document = parseDocument(found.text, this.location);
    if (document.stack === stack) return { ...found, document };
    // A place that holds one record is free for another stack once that was forgotten.
    const free = document.record === null && !this.#isHeld(document.lease);
    if (!free) throw otherStackThere(stack, this.location, document.stack);
    return { ...found, document: { ...document, stack } };
  }

  /** The document, or in what way it is damaged: a server's lock is beside it, and can be seen and broken. */
  async #readWhole(stack: string): Promise<{ content?: Content; damage?: StaddleError }> {
    try {
      return { content: await this.#read(stack) };
    } catch (error) {
      if (isDamage(error)) return { damage: error };
      throw error;
    }
  }

  async #open(stack: string): Promise<RecordDocument | undefined> {
    const document = (await this.#read(stack))?.document;
    if (document === undefined || document.record === null) return undefined;
    const cipher = await this.#keyring.reader(stack, document.key);
    const record = openRecord(document, cipher);
    return record === undefined
      ? undefined
      : { ...record, ...presentRecord(record, this.location) };
  }

  /** The parts of the document that a change concerns, and the record's serial after it. */
  async #change(
    document: StoredDocument,
    change: RecordWrite,
  ): Promise<{ readonly document: Partial<StoredDocument>; readonly serial: number }> {
    const { stack } = document;
    const kept = document.record === null ? undefined : document.key;
    const there = change.forget
      ? undefined
      : openRecord(document, await this.#keyring.reader(stack, kept));
    const record = changed(there, stack, this.location, change);
    let cipher: RowCipher = readable;
    if (change.encryptTo !== undefined) cipher = await this.#keyring.make(change.encryptTo);
    else if (record !== undefined) {
      const fresh = change.forget || (change.replace !== undefined && kept === null);
      cipher = await this.#keyring.writer(stack, fresh ? undefined : kept);
    }
    return {
      document: {
        record: sealRecord(record, cipher),
        key: cipher.key,
        ...(record === undefined ? {} : { lineage: record.lineage }),
      },
      serial: record?.serial ?? 0,
    };
  }

  /** Writes what is to follow `content`; undefined if the document is another by now. */
  async #put(
    stack: string,
    content: Content | undefined,
    next: StoredDocument,
    lease: string,
  ): Promise<Content | undefined> {
    const document = { ...next, serial: (content?.document.serial ?? 0) + 1 };
    const text = documentText(document);
    const tag = await this.#site.write(stack, text, content?.tag, lease);
    if (tag !== undefined) return { document, text, tag };
    // An answer that was lost and a second try look like another's write: ours is known by its text,
    // in which the lease's id and the serial stand.
    const found = await this.#site.read(stack);
    return found?.text === text ? { document, text, tag: found.tag } : undefined;
  }

  /** Writes a document without a record over whatever is there; false if it is another by now. */
  async #putAnew(stack: string, found: FoundDocument, lease: DocumentLease): Promise<boolean> {
    const fresh = { stack, lineage: crypto.randomUUID(), lease, key: null, record: null };
    // A damaged serial may be lower than it was, and forges take none twice: higher, then, until it does.
    for (let serial = serialIn(found.text);; serial = serial * 2 + 1) {
      const document = { ...fresh, serial };
      try {
        const written = await this.#put(stack, { ...found, document }, document, lease.id);
        return written !== undefined;
      } catch (error) {
        const taken = error instanceof StaddleError && error.code === "state.serial-taken";
        if (!taken || serial > MOST_SERIAL / 4) throw error;
      }
    }
  }

  /** Takes the lock for a time, on a server that keeps what it promises. */
  async #takeProbed(stack: string, who: string, milliseconds: number): Promise<Content> {
    const content = await this.#take(stack, who, milliseconds);
    try {
      await this.#site.probe?.(stack, content);
      return content;
    } catch (error) {
      await this.#release(stack, content);
      throw error;
    }
  }

  /** Takes the lock for a time. */
  async #take(stack: string, who: string, milliseconds: number): Promise<Content> {
    const id = `${OURS}${crypto.randomUUID()}`;
    for (let i = 0; i < TRIES; i++) {
      const refusal = await this.#site.lock?.take(stack, { id, who });
      if (refusal !== undefined) {
        await this.#takeOver(stack, refusal);
        continue;
      }
      try {
        const content = await this.#read(stack);
        const before = content?.document.lease;
        if (before !== undefined && this.#isHeld(before)) {
          throw locked(stack, this.location, holderOf(before));
        }
        const now = this.#site.now();
        const token = (before?.token ?? 0) + 1;
        const lease = { token, held: true, id, who, since: now, expires: now + milliseconds };
        const fresh = { stack, serial: 0, lineage: crypto.randomUUID(), key: null, record: null };
        const taken = await this.#put(
          stack,
          content,
          { ...fresh, ...content?.document, lease },
          id,
        );
        if (taken !== undefined) return taken;
      } catch (error) {
        await this.#site.lock?.give(stack, id);
        throw error;
      }
      await this.#site.lock?.give(stack, id);
    }
    throw locked(stack, this.location, (await this.holder(stack)) ?? unknownHolder);
  }

  /**
   * The server's lock is another's: frees it if that lease has ended, or says who has it.
   *
   * @throws {StaddleError} `state.locked`.
   */
  async #takeOver(stack: string, refusal: LockRefusal): Promise<void> {
    const lease = (await this.#read(stack))?.document.lease;
    if (lease !== undefined && this.#isHeld(lease)) {
      throw locked(stack, this.location, holderOf(lease));
    }
    await this.#freeLock(stack, lease, refusal);
  }

  /** Gives the server's lock back for a lease that has ended, or says who has it. */
  async #freeLock(
    stack: string,
    lease: DocumentLease | undefined,
    refusal: LockRefusal,
  ): Promise<void> {
    const { id, since } = refusal;
    // A lease writes its name into the document as soon as it has the lock. One that did not, long since,
    // is that of a process that was killed just then.
    const age = since === undefined ? 0 : this.#site.now() - since;
    const dead = id !== undefined &&
      (lease?.id === id || (id.startsWith(OURS) && age > 2 * this.#leaseMs));
    if (!dead) throw lockedByOther(stack, this.location, refusal);
    await this.#site.lock?.give(stack, id);
  }

  async #release(stack: string, content: Content): Promise<void> {
    const { lease } = content.document;
    const released = { ...content.document, lease: { ...lease, held: false } };
    await this.#put(stack, content, released, lease.id);
    await this.#site.lock?.give(stack, lease.id);
  }
}

function parsedUnlessDamaged(text: string, location: string): StoredDocument | undefined {
  try {
    return parseDocument(text, location);
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

function isDamage(error: unknown): error is StaddleError {
  return error instanceof StaddleError && error.code === "state.corrupt";
}

const unknownHolder: LockHolder = {
  who: "another run",
  since: "just now",
  expires: "an unknown time",
};
