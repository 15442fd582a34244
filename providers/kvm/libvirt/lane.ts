/**
 * The calls of one connection: a queue of quick ones and a queue of slow ones, and which are under way.
 *
 * @module
 */

import type { CallArguments, CallName, CallResult } from "./calls/mod.ts";
import { LibvirtClosedError, toError } from "./error.ts";
import type { Failure } from "./failure.ts";
import { SLOW } from "./pace.ts";

/** What starting a Worker costs, in milliseconds. */
export const START_COST = 30;

/** A call that waits for its result. */
export interface Pending {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly notice: ((notice: unknown) => void) | undefined;
  /** How many calls of the library it stands for. */
  readonly weight: number;
}

/** A queue with a cheap front. */
class Queue {
  #items: (Pending | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Calls of the library that wait here. */
  weight = 0;

  push(item: Pending): void {
    this.#items.push(item);
    this.weight += item.weight;
  }

  unshift(items: readonly Pending[]): void {
    this.#items = [...items, ...this.#items.slice(this.#head)];
    this.#head = 0;
    for (const { weight } of items) this.weight += weight;
  }

  take(count: number): Pending[] {
    const taken: Pending[] = [];
    for (; taken.length < count && this.#head < this.#items.length; this.#head++) {
      const item = this.#items[this.#head] as Pending;
      this.weight -= item.weight;
      taken.push(item);
      this.#items[this.#head] = undefined;
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }
}

/** What a lane asks of those that make its calls. */
interface Carrier {
  /** Notes that a lane has calls, and sends them soon. */
  gather(lane: Lane): void;
  /** Sees to it that there are so many Workers soon. */
  prepare(workers: number): void;
}

/** The calls of one connection. */
export class Lane {
  readonly #pool: Carrier;
  /** Quick calls may use so many Workers at once. */
  readonly limit: number;
  /** Slow calls may use so many Workers at once. */
  readonly slowLimit: number;
  /** Named in errors. */
  readonly uri: string | undefined;
  readonly quick: Queue = new Queue();
  readonly slow: Queue = new Queue();
  /** Workers busy with quick calls. */
  quickRunning = 0;
  /** Workers busy with slow calls. */
  slowRunning = 0;
  /** Milliseconds that a quick call takes, as measured. */
  callTime: number;
  #closed: string | undefined;
  readonly #running = new Set<Pending>();
  readonly #idle: (() => void)[] = [];

  constructor(
    pool: Carrier,
    init: { limit: number; slowLimit: number; uri?: string; remote: boolean },
  ) {
    this.#pool = pool;
    this.limit = init.limit;
    this.slowLimit = init.slowLimit;
    this.uri = init.uri;
    this.callTime = init.remote ? 30 : 0.3;
  }

  /** Starts the Workers that so many quick calls will want, before they come. */
  expect(calls: number): void {
    this.#pool.prepare(Math.min(this.limit, Math.floor(calls * this.callTime / START_COST)));
  }

  /** Makes a call on some Worker. */
  call<K extends CallName>(name: K, ...args: CallArguments<K>): Promise<CallResult<K>> {
    return this.callWith(name, undefined, ...args);
  }

  /** Makes a call that stands for so many calls of the library. */
  callMany<K extends CallName>(
    name: K,
    weight: number,
    ...args: CallArguments<K>
  ): Promise<CallResult<K>> {
    return this.#send(name, { weight, notice: undefined }, args);
  }

  /** Makes a call that may send notices while it runs. */
  callWith<K extends CallName>(
    name: K,
    notice: ((notice: unknown) => void) | undefined,
    ...args: CallArguments<K>
  ): Promise<CallResult<K>> {
    return this.#send(name, { weight: 1, notice }, args);
  }

  #send<K extends CallName>(
    name: K,
    how: Pick<Pending, "weight" | "notice">,
    args: CallArguments<K>,
  ): Promise<CallResult<K>> {
    const { promise, resolve, reject } = Promise.withResolvers<CallResult<K>>();
    if (this.#closed !== undefined) {
      reject(new LibvirtClosedError(`Cannot call ${name}: ${this.#closed}`));
      return promise;
    }
    const pending: Pending = {
      name,
      args,
      resolve: resolve as (value: unknown) => void,
      reject,
      ...how,
    };
    (SLOW.has(name) ? this.slow : this.quick).push(pending);
    this.#pool.gather(this);
    return promise;
  }

  /** For the pool: a call has been handed to a Worker. */
  begin(pending: Pending): void {
    this.#running.add(pending);
  }

  /** For the pool: a call was taken back from a Worker before it began. */
  unbegin(pending: Pending): void {
    this.#running.delete(pending);
  }

  /** For the pool: a call has ended. */
  settle(pending: Pending, outcome: { value: unknown } | { failure: Failure } | { error: Error }) {
    this.#running.delete(pending);
    if ("value" in outcome) pending.resolve(outcome.value);
    else if ("error" in outcome) pending.reject(outcome.error);
    else pending.reject(toError(outcome.failure, this.uri));
    if (this.#running.size === 0) { for (const wake of this.#idle.splice(0)) wake(); }
  }

  /** Refuses further calls, and drops those that have not begun; `reason` is said to the callers. */
  close(reason: string): void {
    this.#closed = reason;
    for (const queue of [this.quick, this.slow]) {
      for (const { name, reject } of queue.take(queue.length)) {
        reject(new LibvirtClosedError(`Cannot call ${name}: ${reason}`));
      }
    }
  }

  /** Lets calls through again: for the calls that close a connection. */
  reopen(): void {
    this.#closed = undefined;
  }

  /** Calls that Workers are busy with. */
  get running(): number {
    return this.#running.size;
  }

  /** Resolves when no call is running. */
  async idle(): Promise<void> {
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Rejects what is still running; what comes back later is dropped. */
  abandon(reason: string): void {
    for (const { name, reject } of this.#running) {
      reject(new LibvirtClosedError(`${name} has not come back: ${reason}`));
    }
  }
}
