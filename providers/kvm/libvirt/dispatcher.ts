/**
 * Spreads calls over a pool of Workers.
 *
 * Each connection has a {@linkcode Lane}: a queue of quick calls, which are sent in batches, and a
 * queue of slow ones, which are sent alone and of which only a few run at once (a daemon executes five
 * requests of a client at a time by default: slow calls beyond four would hold up the reads behind
 * them). Calls made in one turn of the program are gathered before they are sent. A Worker that runs
 * out of work takes over half of what another has not begun.
 *
 * Workers are started when the work that waits would take longer than starting one.
 *
 * @module
 */

import { LibvirtClosedError, LibvirtLibraryError } from "./error.ts";
import { type Lane, type Pending, START_COST } from "./lane.ts";
import {
  type FromWorker,
  MAX_BATCH,
  remaining,
  resetCursor,
  takeBack,
  type ToWorker,
} from "./messages.ts";

/** How many Workers may serve one connection's quick calls at once. */
export interface WorkerLimits {
  /** For a daemon on this machine, or a driver inside the process. Default 4. */
  readonly local?: number;
  /** For a daemon behind a network, where each Worker mostly waits. Default 12. */
  readonly remote?: number;
  /** Workers in all that are not stuck in a long call (about 9 MiB each). Default 24. */
  readonly total?: number;
}

/** Slow calls that one connection runs at a time. */
export const SLOW_CALLS = 4;

/** A batch should not take longer than this, in milliseconds, so that others get their turn. */
const BATCH_TIME = 100;
/** A Worker that has been in one call for this long no longer counts against the total. */
const STUCK_TIME = 1_000;
/** A Worker at quick calls that has said nothing for this long is not counted on any more. */
const QUIET_TIME = 50;
/** However many are stuck, there are never more Workers than this. */
const HARD_LIMIT = 256;
/** So many quick calls in one go count as a burst. */
const BURST = 16;
/** Microtask turns to wait for further calls before a batch is sent. */
const GATHER_TURNS = 4;

interface Slot {
  readonly worker: Worker;
  readonly cursor: Int32Array<SharedArrayBuffer>;
  lane: Lane | undefined;
  batch: Pending[];
  slow: boolean;
  /** When the running batch began, in milliseconds. */
  began: number;
  /** When it last gave a sign of life. */
  seen: number;
}

/** A pool of Workers that make libvirt calls. */
export class WorkerPool {
  readonly #library: string;
  readonly #total: number;
  readonly #slots = new Set<Slot>();
  readonly #idle: Slot[] = [];
  readonly #lanes = new Set<Lane>();
  #gathering = false;
  #closed = false;
  #rescue: ReturnType<typeof setTimeout> | undefined;
  #starting: ReturnType<typeof setTimeout> | undefined;

  #burst = false;
  readonly #onBurst: (begin: boolean) => void;

  /** `onBurst` is told when many quick calls begin, and when none is under way any more. */
  constructor(library: string, total: number, onBurst: (begin: boolean) => void) {
    this.#library = library;
    this.#total = total;
    this.#onBurst = onBurst;
  }

  /** How many Workers there are. */
  get size(): number {
    return this.#slots.size;
  }

  /** Notes that a lane has calls, and sends them soon. */
  gather(lane: Lane): void {
    if (this.#closed) return lane.close("libvirt was closed");
    this.#lanes.add(lane);
    if (this.#gathering) return;
    this.#gathering = true;
    let turns = GATHER_TURNS;
    const turn = () => {
      if (--turns > 0) return queueMicrotask(turn);
      this.#gathering = false;
      this.#pump();
    };
    queueMicrotask(turn);
  }

  /** Sees to it that there are so many Workers soon. */
  prepare(workers: number): void {
    if (this.#closed || this.#slots.size >= Math.min(workers, this.#total)) return;
    const slot = this.#start();
    if (slot !== undefined) this.#idle.push(slot);
    setTimeout(() => this.prepare(workers), 0);
  }

  #pump(): void {
    if (this.#closed) return;
    for (const lane of [...this.#lanes]) {
      // To the end of the line, so that the lanes take turns.
      this.#lanes.delete(lane);
      this.#sendSlow(lane);
      this.#sendQuick(lane);
      if (lane.quick.length + lane.slow.length > 0) this.#lanes.add(lane);
    }
    while (this.#idle.length > 0 && this.#steal());
    this.#watchForStuck();
  }

  #sendSlow(lane: Lane): void {
    while (lane.slow.length > 0 && lane.slowRunning < lane.slowLimit) {
      const slot = this.#idle.pop() ?? this.#start();
      if (slot === undefined) return;
      this.#assign(slot, lane, lane.slow.take(1), true);
    }
  }

  #sendQuick(lane: Lane): void {
    const waiting = lane.quick.length;
    const room = Math.min(lane.limit - lane.quickRunning, waiting, this.#share());
    if (room <= 0) return;
    const slots = this.#idle.splice(-Math.min(room, this.#idle.length));
    // More Workers are worth their start if the work lasts longer than that, or if those at work hang.
    const moving = this.#moving(lane);
    const wanted = Math.max(
      moving === 0 && slots.length === 0 ? 1 : 0,
      slots.length,
      Math.min(room, Math.floor(lane.quick.weight * lane.callTime / START_COST) - moving),
    );
    while (slots.length < wanted) {
      const slot = this.#start();
      if (slot === undefined) break;
      slots.push(slot);
    }
    if (slots.length === 0) return;
    if (waiting >= BURST && !this.#burst) this.#onBurst(this.#burst = true);
    const size = Math.min(
      Math.ceil(waiting / wanted),
      Math.max(1, Math.ceil(BATCH_TIME / (lane.callTime * lane.quick.weight / waiting))),
      MAX_BATCH,
    );
    for (const slot of slots) {
      if (lane.quick.length > 0) this.#assign(slot, lane, lane.quick.take(size), false);
      else this.#idle.push(slot);
    }
  }

  #endBurst(): void {
    if (!this.#burst) return;
    for (const { lane, slow } of this.#slots) if (lane !== undefined && !slow) return;
    this.#onBurst(this.#burst = false);
  }

  /** How many of the Workers at a lane's quick calls have given a sign of life lately. */
  #moving(lane: Lane): number {
    const since = performance.now() - Math.max(QUIET_TIME, 2 * lane.callTime);
    let moving = 0;
    for (const slot of this.#slots) {
      if (slot.lane === lane && !slot.slow && slot.seen >= since) moving++;
    }
    return moving;
  }

  /** How many Workers a lane may ask for in one go, when others wait as well. */
  #share(): number {
    return Math.max(1, Math.ceil(this.#total / (this.#lanes.size + 1)));
  }

  /** Gives an idle Worker half of what the busiest one has not begun. */
  #steal(): boolean {
    let richest: Slot | undefined;
    let most = 0;
    for (const slot of this.#slots) {
      if (slot.lane === undefined || slot.lane.quickRunning >= slot.lane.limit) continue;
      const left = remaining(slot.cursor);
      if (left > most) [richest, most] = [slot, left];
    }
    if (richest?.lane === undefined) return false;
    const { from, to } = takeBack(richest.cursor);
    if (from >= to) return false;
    const lane = richest.lane;
    const stolen = richest.batch.slice(from, to);
    for (const pending of stolen) lane.unbegin(pending);
    const slot = this.#idle.pop();
    if (slot === undefined) {
      lane.quick.unshift(stolen);
      this.#lanes.add(lane);
      return false;
    }
    this.#assign(slot, lane, stolen, false);
    return true;
  }

  #assign(slot: Slot, lane: Lane, batch: Pending[], slow: boolean): void {
    slot.lane = lane;
    slot.batch = batch;
    slot.slow = slow;
    slot.began = slot.seen = performance.now();
    if (slow) lane.slowRunning++;
    else lane.quickRunning++;
    for (const pending of batch) lane.begin(pending);
    resetCursor(slot.cursor, batch.length);
    this.#post(slot, { kind: "batch", calls: batch.map(({ name, args }) => [name, args]) });
  }

  #post(slot: Slot, message: ToWorker): void {
    slot.worker.postMessage(message);
  }

  /**
   * Starts a Worker unless there are enough that are not stuck. Starting one holds up the main thread
   * for 10 to 20 ms: only one is started in a turn of the event loop.
   */
  #start(): Slot | undefined {
    if (this.#starting !== undefined) return undefined;
    const now = performance.now();
    let free = 0;
    for (const { lane, seen } of this.#slots) {
      if (lane === undefined || now - seen < STUCK_TIME) free++;
    }
    if (free >= this.#total || this.#slots.size >= HARD_LIMIT) return undefined;
    this.#starting = setTimeout(() => {
      this.#starting = undefined;
      this.#pump();
    }, 0);
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      type: "module",
      name: "libvirt",
    });
    const cursor = new Int32Array(new SharedArrayBuffer(4));
    const slot: Slot = {
      worker,
      cursor,
      lane: undefined,
      batch: [],
      slow: false,
      began: 0,
      seen: 0,
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(slot, data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#lose(slot, event.message);
    };
    this.#slots.add(slot);
    this.#post(slot, { kind: "start", library: this.#library, cursor: cursor.buffer });
    return slot;
  }

  #receive(slot: Slot, message: FromWorker): void {
    const { lane, batch } = slot;
    if (lane === undefined) return;
    slot.seen = performance.now();
    if (message.kind === "notice") {
      batch[0]?.notice?.(message.notice);
      return;
    }
    const failures = new Map(message.failures);
    message.values.forEach((value, index) => {
      const pending = batch[message.first + index];
      if (pending === undefined) return;
      const failure = failures.get(index);
      lane.settle(pending, failure === undefined ? { value } : { failure });
    });
    if (!message.done) return;
    if (slot.slow) {
      lane.slowRunning--;
    } else {
      lane.quickRunning--;
      const done = batch.slice(0, message.first + message.values.length);
      const count = done.reduce((sum, { weight }) => sum + weight, 0);
      if (count > 0) lane.callTime += (message.elapsed / count - lane.callTime) / 2;
    }
    slot.lane = undefined;
    slot.batch = [];
    this.#idle.push(slot);
    this.#pump();
    this.#endBurst();
  }

  /** A Worker has failed as a whole, most often because it may not be loaded. */
  #lose(slot: Slot, message: string): void {
    const { lane, batch, slow } = slot;
    slot.worker.terminate();
    this.#slots.delete(slot);
    const idle = this.#idle.indexOf(slot);
    if (idle >= 0) this.#idle.splice(idle, 1);
    const error = new LibvirtLibraryError(
      `Cannot run a Worker for libvirt: ${message}. Its program needs --allow-ffi, and ` +
        `--allow-read for the folder ${new URL(".", import.meta.url).pathname}`,
      { library: this.#library },
    );
    if (lane !== undefined) {
      if (slow) lane.slowRunning--;
      else lane.quickRunning--;
      for (const pending of batch) lane.settle(pending, { error });
    }
    this.#pump();
    this.#endBurst();
  }

  /** While calls wait, looks now and then whether those at work hang. */
  #watchForStuck(): void {
    const waiting = this.#lanes.size > 0;
    if (waiting && this.#rescue === undefined) {
      this.#rescue = setTimeout(() => {
        this.#rescue = undefined;
        this.#pump();
      }, QUIET_TIME);
    } else if (!waiting && this.#rescue !== undefined) {
      clearTimeout(this.#rescue);
      this.#rescue = undefined;
    }
  }

  /** Ends the Workers that have nothing to do. */
  trim(): void {
    for (const slot of this.#idle.splice(0)) {
      slot.worker.terminate();
      this.#slots.delete(slot);
    }
  }

  /** Ends all Workers. One that is in a call ends when the call returns. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#rescue);
    clearTimeout(this.#starting);
    this.#rescue = this.#starting = undefined;
    this.#idle.length = 0;
    for (const lane of this.#lanes) lane.close("libvirt was closed");
    this.#lanes.clear();
    const error = new LibvirtClosedError("The call has not come back: libvirt was closed");
    for (const { worker, lane, batch } of this.#slots) {
      worker.terminate();
      for (const pending of batch) lane?.settle(pending, { error });
    }
    this.#slots.clear();
    this.#endBurst();
  }
}
