/**
 * Handles on libvirt's objects: they free what they hold exactly once, never while a call is using
 * it, and cannot be used afterwards.
 *
 * @module
 */

import type { CallArguments, CallName, CallResult } from "./calls/mod.ts";
import type { Described } from "./calls/objects.ts";
import { LibvirtClosedError } from "./error.ts";
import type { Held, Session } from "./session.ts";

/** What a handle holds, apart from the handle so that it outlives one that was forgotten. */
export class Holding implements Held {
  readonly pointer: bigint;
  readonly #session: Session;
  readonly #free: string;
  #uses = 0;
  #released = false;
  #freed = false;

  constructor(session: Session, pointer: bigint, free: string) {
    this.#session = session;
    this.pointer = pointer;
    this.#free = free;
    session.holdings.add(this);
  }

  /** Whether the handle was given up. */
  get released(): boolean {
    return this.#released;
  }

  use(): void {
    this.#uses++;
  }

  unuse(): void {
    this.#uses--;
    if (this.#released) this.#drop();
  }

  release(): void {
    this.#released = true;
    this.#drop();
  }

  #drop(): void {
    if (this.#uses > 0 || this.#freed) return;
    this.#freed = true;
    this.#session.holdings.delete(this);
    // Local: it gives up a reference. The connection, which holds its own, is closed later.
    this.#session.local.call(this.#free, this.pointer);
  }
}

/** Gives back what was forgotten. A backstop: dispose of handles instead. */
const forgotten = new FinalizationRegistry<Holding>((holding) => holding.release());

/** The arguments of a call behind the object that it is made on. */
export type Rest<K extends CallName> = CallArguments<K> extends readonly [bigint, ...infer R] ? R
  : never;

/** The base of every object's class. */
export abstract class Handle implements Disposable {
  /** @internal */
  readonly _session: Session;
  readonly #holding: Holding;

  /** @internal */
  constructor(session: Session, pointer: bigint, free: string) {
    this._session = session;
    this.#holding = new Holding(session, pointer, free);
    forgotten.register(this, this.#holding, this.#holding);
  }

  /** What it is, for messages: kind and name. */
  abstract toString(): string;

  /** @internal The pointer, for use as an argument while `use` runs. */
  _holding(): Holding {
    if (this.#holding.released) {
      throw new LibvirtClosedError(`Cannot use ${this}: it was disposed of`);
    }
    return this.#holding;
  }

  /** @internal Makes a call whose first argument is this object. */
  _call<K extends CallName>(name: K, ...rest: Rest<K>): Promise<CallResult<K>> {
    return this._using((pointer) =>
      this._session.lane.call(name, ...([pointer, ...rest] as unknown as CallArguments<K>))
    );
  }

  /** @internal Keeps the object open while `run` works with its pointer. */
  _using<T>(run: (pointer: bigint) => Promise<T>): Promise<T> {
    let holding: Holding;
    try {
      holding = this._holding();
      this._session.assertOpen();
    } catch (error) {
      return Promise.reject(error);
    }
    holding.use();
    const promise = run(holding.pointer);
    const done = () => holding.unuse();
    promise.then(done, done);
    return promise;
  }

  /** Gives the handle back. The object that it stands for stays. Calls that are under way end first. */
  [Symbol.dispose](): void {
    forgotten.unregister(this.#holding);
    this.#holding.release();
  }
}

/** Keeps objects of one connection open while `run` works with their pointers. */
export async function usingAll<T>(
  handles: readonly Handle[],
  run: (pointers: readonly bigint[]) => Promise<T>,
): Promise<T> {
  const holdings = handles.map((handle) => handle._holding());
  handles[0]?._session.assertOpen();
  for (const holding of holdings) holding.use();
  try {
    return await run(holdings.map(({ pointer }) => pointer));
  } finally {
    for (const holding of holdings) holding.unuse();
  }
}

/** A handle with a name. */
export abstract class NamedHandle extends Handle {
  /** The object's name. */
  readonly name: string;

  /** @internal */
  constructor(session: Session, described: Described, free: string) {
    super(session, described.pointer, free);
    this.name = described.name;
  }
}
