/**
 * What the main thread and a Worker say to each other.
 *
 * A batch is a list of calls that a Worker makes one after the other. Which of them are still to be
 * made stands in shared memory (`next` in the low 16 bits, `end` in the high ones), so that the main
 * thread can take back the tail of a batch whose Worker hangs in a long call.
 *
 * @module
 */

import type { Failure } from "./failure.ts";

/** A call as it travels: name and arguments. */
export type WireCall = readonly [name: string, args: readonly unknown[]];

/** Main thread to Worker. */
export type ToWorker =
  | {
    readonly kind: "start";
    readonly library: string;
    readonly cursor: SharedArrayBuffer;
  }
  | { readonly kind: "batch"; readonly calls: readonly WireCall[] };

/** Worker to main thread. */
export type FromWorker =
  | {
    readonly kind: "results";
    /** Index in the batch of the first result. */
    readonly first: number;
    readonly values: readonly unknown[];
    /** Those that failed: index in `values`, and how. */
    readonly failures: readonly (readonly [number, Failure])[];
    /** The Worker makes no further call of this batch. */
    readonly done: boolean;
    /** Milliseconds spent in calls since the batch began. */
    readonly elapsed: number;
  }
  | { readonly kind: "notice"; readonly notice: unknown };

/** The greatest number of calls in a batch. */
export const MAX_BATCH = 0x7fff;

/** Sets the cursor for a new batch. */
export function resetCursor(cursor: Int32Array, size: number): void {
  Atomics.store(cursor, 0, size << 16);
}

/** Worker: claims the next call; -1 when there is none left. */
export function claim(cursor: Int32Array): number {
  for (;;) {
    const seen = Atomics.load(cursor, 0);
    const next = seen & 0xffff;
    if (next >= seen >>> 16) return -1;
    if (Atomics.compareExchange(cursor, 0, seen, seen + 1) === seen) return next;
  }
}

/** How many calls have not begun. */
export function remaining(cursor: Int32Array): number {
  const seen = Atomics.load(cursor, 0);
  return (seen >>> 16) - (seen & 0xffff);
}

/** Main thread: takes back half of what has not begun (at least one); gives the new end. */
export function takeBack(cursor: Int32Array): { readonly from: number; readonly to: number } {
  for (;;) {
    const seen = Atomics.load(cursor, 0);
    const next = seen & 0xffff;
    const end = seen >>> 16;
    const from = end - Math.ceil((end - next) / 2);
    if (from >= end) return { from: end, to: end };
    if (Atomics.compareExchange(cursor, 0, seen, next | (from << 16)) === seen) {
      return { from, to: end };
    }
  }
}
