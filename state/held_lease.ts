/**
 * A lease on a store that is reached over a network: renewed by a heartbeat, its writes one after the
 * other.
 *
 * @module
 */

import { leaseLost } from "./errors.ts";
import type { Lease, LockHolder, RecordWrite } from "./store.ts";

/** What a store does for its lease. */
export interface LeaseKeeper {
  /** Writes, and renews the lease with it; undefined when the lease is another's by now. */
  write(change: RecordWrite): Promise<number | undefined>;
  /** Renews the lease; false when it is another's by now. */
  renew(): Promise<boolean>;
  /** Gives it back, if it is still this one's. */
  release(): Promise<void>;
  /** Who has it now, for the message to a run that lost it. */
  holder(): Promise<LockHolder | undefined>;
  /** Told once, when the lease has ended in whatever way. */
  ended(): void;
}

/** See {@linkcode Lease}. */
export class HeldLease implements Lease {
  readonly stack: string;
  readonly token: number;
  readonly #location: string;
  readonly #leaseMs: number;
  readonly #keeper: LeaseKeeper;
  readonly #lost = new AbortController();
  readonly #heartbeat: ReturnType<typeof setInterval>;
  /** ms since 1970 by this machine's clock, and never later than what the store has. */
  #expires: number;
  #open = true;
  #queue: Promise<unknown> = Promise.resolve();

  /** `expires`: as `Date.now()` tells time, counted from before the lease was asked for. */
  constructor(
    stack: string,
    token: number,
    location: string,
    { leaseMs, expires }: { readonly leaseMs: number; readonly expires: number },
    keeper: LeaseKeeper,
  ) {
    this.stack = stack;
    this.token = token;
    this.#location = location;
    this.#leaseMs = leaseMs;
    this.#expires = expires;
    this.#keeper = keeper;
    this.#heartbeat = setInterval(() => void this.#beat(), leaseMs / 3);
    // The lease must not keep a process alive that has nothing left to do.
    Deno.unrefTimer(Number(this.#heartbeat));
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async write(change: RecordWrite): Promise<number> {
    return await this.#inTurn(async () => {
      if (!this.#open) throw leaseLost(this.stack, this.#location, undefined);
      this.#lost.signal.throwIfAborted();
      const begun = Date.now();
      const serial = await this.#keeper.write(change);
      if (serial === undefined) throw await this.#lose();
      this.#expires = begun + this.#leaseMs;
      return serial;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#heartbeat);
    await this.#inTurn(async () => {
      try {
        if (!this.#lost.signal.aborted) await this.#keeper.release();
      } catch {
        // The run's own outcome is what matters by now and must not be hidden by this: it expires.
      }
    });
    this.#keeper.ended();
  }

  #inTurn<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(body);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #beat(): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#open || this.#lost.signal.aborted) return;
      const begun = Date.now();
      const left = this.#expires - begun;
      // A write has just renewed it. More than a whole lease is left only where the clock was set back.
      if (left > this.#leaseMs * 2 / 3 && left <= this.#leaseMs) return;
      try {
        if (await this.#keeper.renew()) this.#expires = begun + this.#leaseMs;
        else await this.#lose();
      } catch {
        // The network may be better at the next beat. Once the lease has expired another run may take
        // it, so this one must stop.
        if (Date.now() >= this.#expires) await this.#lose();
      }
    });
  }

  async #lose(): Promise<Error> {
    const holder = await this.#keeper.holder().catch(() => undefined);
    const error = leaseLost(this.stack, this.#location, holder);
    clearInterval(this.#heartbeat);
    this.#lost.abort(error);
    return error;
  }
}
