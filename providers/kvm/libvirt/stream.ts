/**
 * Streams: consoles, channels, and volumes piece by piece.
 *
 * A console's or channel's stream waits for libvirt's event and holds no Worker meanwhile, so many can
 * be open. A volume's stream waits on a Worker and counts as a slow call while it moves data.
 *
 * @module
 */

import { FREE } from "./calls/objects.ts";
import type { Received } from "./calls/stream.ts";
import { LibvirtClosedError } from "./error.ts";
import { Handle } from "./handle.ts";
import type { Session } from "./session.ts";

/** Milliseconds to wait before what did not go out is sent again. */
const SEND_AGAIN = 10;

/** An open stream. End it with `finish`, `abort` or `await using` (which aborts). */
export class Stream extends Handle implements AsyncDisposable {
  readonly #label: string;
  readonly #nonblocking: boolean;
  #ended = false;
  #listener: { readonly stop: () => void } | undefined;
  /** Set by libvirt's event, cleared by who reads. */
  #signal = Promise.withResolvers<void>();
  #readable: ReadableStream<Uint8Array> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;
  readonly #wake = () => this.#signal.resolve();

  private constructor(session: Session, pointer: bigint, label: string, nonblocking: boolean) {
    super(session, pointer, FREE.stream);
    this.#label = label;
    this.#nonblocking = nonblocking;
  }

  /** @internal Makes a stream and lets `start` connect it. */
  static async _open(
    session: Session,
    label: string,
    nonblocking: boolean,
    start: (stream: bigint) => Promise<void>,
  ): Promise<Stream> {
    const pointer = await session.lane.call("virStreamNew", session.pointer, nonblocking);
    const stream = new Stream(session, pointer, label, nonblocking);
    try {
      await stream._using(start);
      if (nonblocking) await stream.#listen();
    } catch (error) {
      stream[Symbol.dispose]();
      throw error;
    }
    return stream;
  }

  async #listen(): Promise<void> {
    const { runtime } = this._session;
    const { id, stop } = runtime.listen(this.#wake);
    this.#listener = { stop };
    this._session.lost.add(this.#wake);
    await this._call("virStreamEventAddCallback", 0, runtime.callback("stream"), id, 0n);
  }

  /** What it is, for messages. */
  override toString(): string {
    return this.#label;
  }

  /** The next bytes; null at the end. Holes come as zeroes. One reader at a time. */
  async read(): Promise<Uint8Array | null> {
    if (!this.#nonblocking) {
      const received = await this.#receive(false);
      return received.kind === "data" ? received.bytes : null;
    }
    for (;;) {
      this.#assertOpen("read");
      this.#signal = Promise.withResolvers();
      const { bytes, end } = await this._call("virStreamDrain");
      if (end) return null;
      if (bytes.length > 0) return bytes;
      await this.#signal.promise;
    }
  }

  /** The next bytes, hole or end of a stream that tells of holes. Volumes only. */
  receive(): Promise<Received> {
    return this.#receive(true);
  }

  async #receive(holes: boolean): Promise<Received> {
    this.#assertOpen("read");
    return await this._call("virStreamRecv", RECEIVE, holes);
  }

  /** Writes all of `bytes`. One writer at a time. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#assertOpen("write");
    if (!this.#nonblocking) return await this._call("virStreamSend", bytes);
    for (let at = 0; at < bytes.length;) {
      this.#assertOpen("write");
      const sent = await this._call("virStreamSendNow", bytes.subarray(at));
      if (sent === 0) await new Promise((resolve) => setTimeout(resolve, SEND_AGAIN));
      at += sent;
    }
  }

  /** Leaves a hole of some bytes. Only where the stream was opened for holes. */
  async sendHole(bytes: number): Promise<void> {
    this.#assertOpen("write");
    await this._call("virStreamSendHole", bytes, 0);
  }

  /** Ends the stream and waits for the other end to agree: what went wrong there is thrown here. */
  async finish(): Promise<void> {
    await this.#end("virStreamFinish");
  }

  /** Ends the stream and drops what is under way. */
  async abort(): Promise<void> {
    await this.#end("virStreamAbort");
  }

  async #end(call: "virStreamFinish" | "virStreamAbort"): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal.resolve();
    try {
      if (this.#listener !== undefined) {
        await this._call("virStreamEventRemoveCallback");
        this.#listener.stop();
      }
      await this._call(call);
    } finally {
      this._session.lost.delete(this.#wake);
      this[Symbol.dispose]();
    }
  }

  #assertOpen(action: string): void {
    if (this.#ended) {
      throw new LibvirtClosedError(`Cannot ${action} the ${this.#label}: the stream has ended`);
    }
  }

  /** The stream as a web stream; it is finished at its end and aborted when cancelled. */
  get readable(): ReadableStream<Uint8Array> {
    this.#readable ??= new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const bytes = await this.read();
        if (bytes !== null) return controller.enqueue(bytes);
        await this.finish();
        controller.close();
      },
      cancel: () => this.abort(),
    }, { highWaterMark: 1 });
    return this.#readable;
  }

  /** The stream as a web stream; closing it finishes the stream. */
  get writable(): WritableStream<Uint8Array> {
    this.#writable ??= new WritableStream<Uint8Array>({
      write: (bytes) => this.write(bytes),
      close: () => this.finish(),
      abort: () => this.abort(),
    });
    return this.#writable;
  }

  /** Aborts the stream unless it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this._session.closed) return this[Symbol.dispose]();
    await this.abort();
  }
}

/** Bytes asked for at a time. */
const RECEIVE = 262_120;
