/**
 * A Worker that makes libvirt calls. It knows no connection and holds no state: any Worker serves any
 * connection, for pointers travel as bigints. It blocks while it calls; the main thread never does.
 *
 * @module
 */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { CALLS, SIGNATURES } from "./calls/mod.ts";
import type { Call } from "./calls/shape.ts";
import { type Failure, Raised } from "./failure.ts";
import { claim, type FromWorker, type ToWorker, type WireCall } from "./messages.ts";
import { Native } from "./native.ts";

/** Results wait at most this many milliseconds for the rest of their batch. */
const FLUSH = 25;

const calls = CALLS as unknown as Readonly<Record<string, Call<readonly unknown[], unknown>>>;

let native: Native | undefined;
let cursor: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(4));

function send(message: FromWorker): void {
  self.postMessage(message);
}

function toFailure(name: string, error: unknown): Failure {
  if (error instanceof Raised) return error.failure;
  return {
    kind: "unexpected",
    call: name,
    name: error instanceof Error ? error.name : "Error",
    message: error instanceof Error ? error.message : String(error),
  };
}

function runBatch(library: Native, batch: readonly WireCall[]): void {
  const began = performance.now();
  let flushed = began;
  let first = 0;
  let values: unknown[] = [];
  let failures: (readonly [number, Failure])[] = [];
  const flush = (done: boolean, now: number) => {
    send({ kind: "results", first, values, failures, done, elapsed: now - began });
    first += values.length;
    values = [];
    failures = [];
    flushed = now;
  };
  for (let index = claim(cursor); index >= 0; index = claim(cursor)) {
    const [name, args] = batch[index] as WireCall;
    try {
      const call = calls[name];
      if (call === undefined) throw new TypeError(`${name} is not a call`);
      values.push(call.run(library, name, args));
    } catch (error) {
      failures.push([values.length, toFailure(name, error)]);
      values.push(undefined);
    }
    const now = performance.now();
    if (now - flushed > FLUSH) flush(false, now);
  }
  flush(true, performance.now());
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "start") {
    native = new Native(data.library, SIGNATURES);
    native.notify = (notice) => send({ kind: "notice", notice });
    cursor = new Int32Array(data.cursor);
  } else if (native !== undefined) {
    runBatch(native, data.calls);
  }
};
