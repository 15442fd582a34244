/**
 * Calls on streams, and whole transfers between a local file and a volume, which run on one Worker
 * from beginning to end.
 *
 * @module
 */

import { cString, type Native, type Signature } from "../native.ts";
import { Raised } from "../failure.ts";
import { composite, quick, slow, slowComposite } from "./shape.ts";

/**
 * The largest payload of one packet on the wire: 256 KiB less the packet's header. A chunk of a full
 * 256 KiB is cut in two and is slower.
 */
export const CHUNK = 262_120;

const SPARSE = 1;
const NONBLOCK = 1;
const STOP_AT_HOLE = 1;
/** The stream would block. */
const WOULD_BLOCK = -2;
/** The stream stands before a hole. */
const AT_HOLE = -3;
/** `VIR_STREAM_EVENT_READABLE`, `_ERROR` and `_HANGUP`. */
const READ_EVENTS = 1 | 4 | 8;
/** How much a drain takes at most before it lets others run. */
const DRAIN = 1_048_576;

const SEEK_SET = 0;
const SEEK_END = 2;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const O_RDONLY = 0;
const O_WRONLY = 1;
const O_CLOEXEC = 0o2000000;

/** How a file and a volume are copied. */
export interface TransferRequest {
  readonly connection: bigint;
  readonly volume: bigint;
  readonly path: string;
  /** Where in the volume, in bytes. */
  readonly offset: number;
  /** Bytes of the volume; 0: to its end. */
  readonly length: number;
  readonly sparse: boolean;
  /** An int: set to 1 to stop. */
  readonly control: SharedArrayBuffer;
  readonly progress: boolean;
}

/** Sent while a transfer runs. */
export interface ProgressNotice {
  readonly notice: "progress";
  /** Bytes so far, holes included. */
  readonly bytes: number;
}

/** What a nonblocking read found. */
export interface Drained {
  readonly bytes: Uint8Array;
  /** The other end has closed. */
  readonly end: boolean;
}

/** What a blocking read found. */
export type Received =
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "hole"; readonly length: number }
  | { readonly kind: "end" };

/** C signatures of the composite calls below. */
export const streamNatives: Readonly<Record<string, Signature>> = {
  virStreamNew: ["u64", "u64", "u32"],
  virStreamFree: ["i32", "u64"],
  virStreamSend: ["i32", "u64", "buffer", "u64"],
  virStreamRecv: ["i32", "u64", "buffer", "u64"],
  virStreamRecvFlags: ["i32", "u64", "buffer", "u64", "u32"],
  virStreamRecvHole: ["i32", "u64", "buffer", "u32"],
  virStreamSendHole: ["i32", "u64", "i64", "u32"],
  virStreamFinish: ["i32", "u64"],
  virStreamAbort: ["i32", "u64"],
  virStorageVolUpload: ["i32", "u64", "u64", "u64", "u64", "u32"],
  virStorageVolDownload: ["i32", "u64", "u64", "u64", "u64", "u32"],
};

/** Sends all of `bytes` (blocking). */
function sendAll(native: Native, stream: bigint, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.subarray(at, at + CHUNK);
    at += native.int("virStreamSend", stream, piece, piece.length);
  }
}

/** Sends what fits without waiting; gives how many bytes went out. */
function sendNow(native: Native, stream: bigint, bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const piece = bytes.subarray(at, at + CHUNK);
    const sent = native.call("virStreamSend", stream, piece, piece.length) as number;
    if (sent === WOULD_BLOCK) break;
    if (sent < 0) throw native.failure("virStreamSend");
    at += sent;
  }
  return at;
}

/**
 * Takes what has arrived, without waiting. If nothing has, libvirt is asked to say when something
 * does; if something has, it is asked to keep quiet, for it would say so again and again.
 */
function drain(native: Native, stream: bigint): Drained {
  const pieces: Uint8Array[] = [];
  let total = 0;
  let end = false;
  const buffer = new Uint8Array(CHUNK);
  native.int("virStreamEventUpdateCallback", stream, 0);
  while (total < DRAIN) {
    const count = native.call("virStreamRecv", stream, buffer, buffer.length) as number;
    if (count === WOULD_BLOCK) break;
    if (count < 0) {
      // What came before the failure is handed over first; the failure comes back on the next read.
      if (total > 0) break;
      throw native.failure("virStreamRecv");
    }
    if (count === 0) {
      end = true;
      break;
    }
    pieces.push(buffer.slice(0, count));
    total += count;
  }
  if (total === 0 && !end) native.int("virStreamEventUpdateCallback", stream, READ_EVENTS);
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return { bytes, end: end && total === 0 };
}

/** Waits for data, a hole or the end. */
function receive(native: Native, stream: bigint, room: number, holes: boolean): Received {
  const buffer = new Uint8Array(Math.min(room, CHUNK));
  const count = native.call(
    "virStreamRecvFlags",
    stream,
    buffer,
    buffer.length,
    holes ? STOP_AT_HOLE : 0,
  ) as number;
  if (count === AT_HOLE) {
    const length = new BigInt64Array(1);
    native.int("virStreamRecvHole", stream, new Uint8Array(length.buffer), 0);
    return { kind: "hole", length: Number(length[0]) };
  }
  if (count < 0) throw native.failure("virStreamRecv");
  if (count === 0) return { kind: "end" };
  return { kind: "data", bytes: count === buffer.length ? buffer : buffer.slice(0, count) };
}

function seek(native: Native, file: number, to: number, whence: number): number {
  return Number(native.call("lseek", file, to, whence));
}

/** Reports progress ten times a second, and stops when told. */
class Meter {
  readonly #native: Native;
  readonly #request: TransferRequest;
  readonly #control: Int32Array;
  #last = performance.now();
  bytes = 0;

  constructor(native: Native, request: TransferRequest) {
    this.#native = native;
    this.#request = request;
    this.#control = new Int32Array(request.control);
  }

  add(bytes: number): void {
    this.bytes += bytes;
    if (Atomics.load(this.#control, 0) !== 0) throw new Raised({ kind: "aborted" });
    if (this.#request.progress && performance.now() - this.#last >= 100) this.report();
  }

  report(): void {
    const notice: ProgressNotice = { notice: "progress", bytes: this.bytes };
    this.#native.notify(notice);
    this.#last = performance.now();
  }
}

function sendFile(native: Native, stream: bigint, file: number, request: TransferRequest) {
  const meter = new Meter(native, request);
  const buffer = new Uint8Array(CHUNK);
  const size = seek(native, file, 0, SEEK_END);
  if (size < 0) throw native.systemFailure(`find the size of ${request.path}`);
  const end = request.length === 0 ? size : Math.min(size, request.length);
  let at = 0;
  while (at < end) {
    let until = end;
    if (request.sparse) {
      // A file system without holes answers -1: all of it is data then.
      const hole = seek(native, file, at, SEEK_HOLE);
      if (hole === at) {
        const data = seek(native, file, at, SEEK_DATA);
        const next = data < 0 ? end : Math.min(data, end);
        native.int("virStreamSendHole", stream, next - at, 0);
        meter.add(next - at);
        at = next;
        continue;
      }
      if (hole > at) until = Math.min(hole, end);
    }
    seek(native, file, at, SEEK_SET);
    while (at < until) {
      const room = Math.min(CHUNK, until - at);
      const count = Number(native.call("read", file, buffer, room));
      if (count < 0) throw native.systemFailure(`read ${request.path}`);
      if (count === 0) return meter; // The file has shrunk meanwhile.
      sendAll(native, stream, buffer.subarray(0, count));
      at += count;
      meter.add(count);
    }
  }
  return meter;
}

function receiveFile(native: Native, stream: bigint, file: number, request: TransferRequest) {
  const meter = new Meter(native, request);
  for (;;) {
    const received = receive(native, stream, CHUNK, request.sparse);
    if (received.kind === "end") break;
    if (received.kind === "hole") {
      if (seek(native, file, meter.bytes + received.length, SEEK_SET) < 0) {
        throw native.systemFailure(`leave a hole in ${request.path}`);
      }
      meter.add(received.length);
      continue;
    }
    for (let at = 0; at < received.bytes.length;) {
      const piece = received.bytes.subarray(at);
      const count = Number(native.call("write", file, piece, piece.length));
      if (count < 0) throw native.systemFailure(`write ${request.path}`);
      at += count;
    }
    meter.add(received.bytes.length);
  }
  if ((native.call("ftruncate", file, meter.bytes) as number) < 0) {
    throw native.systemFailure(`set the size of ${request.path}`);
  }
  return meter;
}

function transfer(direction: "upload" | "download") {
  return slowComposite((native: Native, request: TransferRequest): number => {
    native.call("__errno_location"); // Bound now, so that binding cannot disturb errno later.
    const upload = direction === "upload";
    const file = native.call(
      "open",
      cString(request.path),
      (upload ? O_RDONLY : O_WRONLY) | O_CLOEXEC,
      0,
    ) as number;
    if (file < 0) throw native.systemFailure(`open ${request.path}`);
    let stream = 0n;
    try {
      stream = native.pointer("virStreamNew", request.connection, 0);
      native.int(
        upload ? "virStorageVolUpload" : "virStorageVolDownload",
        request.volume,
        stream,
        request.offset,
        request.length,
        request.sparse ? SPARSE : 0,
      );
      try {
        const meter = (upload ? sendFile : receiveFile)(native, stream, file, request);
        if (request.progress) meter.report();
        native.int("virStreamFinish", stream);
        return meter.bytes;
      } catch (error) {
        native.call("virStreamAbort", stream);
        throw error;
      }
    } finally {
      if (stream !== 0n) native.call("virStreamFree", stream);
      native.call("close", file);
    }
  });
}

/** Calls on streams. */
export const streamCalls = {
  virStreamNew: composite((native: Native, connection: bigint, nonblocking: boolean): bigint =>
    native.pointer("virStreamNew", connection, nonblocking ? NONBLOCK : 0)
  ),
  virStreamSend: slowComposite((native: Native, stream: bigint, bytes: Uint8Array): void =>
    sendAll(native, stream, bytes)
  ),
  virStreamSendNow: composite(sendNow),
  virStreamDrain: composite(drain),
  virStreamRecv: slowComposite(receive),
  virStreamSendHole: slow("status", "handle", "i64", "u32"),
  virStreamFinish: slow("status", "handle"),
  virStreamAbort: slow("status", "handle"),
  virStreamEventAddCallback: quick("status", "handle", "i32", "u64", "u64", "u64"),
  virStreamEventUpdateCallback: quick("status", "handle", "i32"),
  virStreamEventRemoveCallback: quick("status", "handle"),
  virStorageVolUpload: slow("status", "handle", "handle", "u64", "u64", "u32"),
  virStorageVolDownload: slow("status", "handle", "handle", "u64", "u64", "u32"),
  uploadFile: transfer("upload"),
  downloadFile: transfer("download"),
};
