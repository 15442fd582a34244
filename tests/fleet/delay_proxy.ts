/** Where a proxy listens, or connects to. */
export type ProxyAddress =
  | { readonly transport?: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** How a {@linkcode DelayProxy} is made. */
export interface DelayProxyOptions {
  readonly target: ProxyAddress;
  /** Default: a free port on 127.0.0.1. */
  readonly listen?: ProxyAddress;
  /** Round trip to add, in milliseconds: each direction gets half of it. */
  readonly rttMs: number;
}

/** Bytes that a direction holds back at most before it stops reading: 2 GB/s at 50 ms round trip. */
const WINDOW = 64 * 1024 * 1024;
const CHUNK = 256 * 1024;

/**
 * Forwards connections and adds a delay, as a long line would: each byte leaves a stated time after it
 * came, in order, however many are on the way. Throughput is not limited, unlike with a proxy that sleeps
 * between reading and writing. An end of a stream is forwarded as one, after the bytes before it.
 */
export class DelayProxy implements AsyncDisposable {
  /** Where it listens. */
  readonly address: ProxyAddress;
  readonly #listener: Deno.Listener;
  readonly #target: ProxyAddress;
  readonly #connections = new Set<ProxiedConnection>();
  readonly #serving: Promise<void>;
  #delayMs: number;
  #gate: Gate | undefined;

  private constructor(listener: Deno.Listener, options: DelayProxyOptions) {
    this.#listener = listener;
    this.#target = options.target;
    this.#delayMs = options.rttMs / 2;
    this.address = listener.addr.transport === "unix"
      ? { transport: "unix", path: (listener.addr as Deno.UnixAddr).path }
      : {
        hostname: (listener.addr as Deno.NetAddr).hostname,
        port: (listener.addr as Deno.NetAddr).port,
      };
    this.#serving = this.#serve();
  }

  /** Starts to listen. */
  static start(options: DelayProxyOptions): DelayProxy {
    const at = options.listen ?? { hostname: "127.0.0.1", port: 0 };
    const listener = at.transport === "unix"
      ? Deno.listen({ transport: "unix", path: at.path })
      : Deno.listen({ hostname: at.hostname, port: at.port });
    return new DelayProxy(listener, options);
  }

  /** The TCP port that it listens on. */
  get port(): number {
    if (this.address.transport === "unix") {
      throw new TypeError("this proxy listens on a socket file");
    }
    return this.address.port;
  }

  /** The delay of bytes that come from now on. */
  setRtt(rttMs: number): void {
    this.#delayMs = rttMs / 2;
  }

  /** How many connections are open through it. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Closes every connection on both sides; new ones are taken. */
  cut(): void {
    for (const connection of this.#connections) connection.cut();
  }

  /** Nothing passes any more, and nobody is told: as a cable that was pulled out. */
  stall(): void {
    this.#gate ??= new Gate();
  }

  /** Ends a stall: what waited goes on. */
  resume(): void {
    this.#gate?.open();
    this.#gate = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    this.resume();
    await this.#serving;
    if (this.address.transport === "unix") {
      await Deno.remove(this.address.path).catch(() => {});
    }
  }

  async #serve(): Promise<void> {
    const running = new Set<Promise<void>>();
    try {
      for await (const client of this.#listener) {
        const done = this.#forward(client).finally(() => running.delete(done));
        running.add(done);
      }
    } catch (error) {
      // A listener that was closed with somebody in its queue.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await Promise.all(running);
  }

  async #forward(client: Deno.Conn): Promise<void> {
    const connection = new ProxiedConnection(client);
    this.#connections.add(connection);
    try {
      // The three packets that open a connection would have crossed the line one after the other.
      await sleep(3 * this.#delayMs);
      await this.#gate?.passed;
      await connection.connect(this.#target);
      await connection.pump(() => this.#delayMs, () => this.#gate?.passed);
    } finally {
      connection.cut();
      this.#connections.delete(connection);
    }
  }
}

/** Holds up whoever waits for it until it is opened. */
class Gate {
  readonly #barrier = Promise.withResolvers<void>();
  readonly passed: Promise<void> = this.#barrier.promise;
  open(): void {
    this.#barrier.resolve();
  }
}

class ProxiedConnection {
  readonly #client: Deno.Conn;
  #upstream: Deno.Conn | undefined;
  #cut = false;

  constructor(client: Deno.Conn) {
    this.#client = client;
  }

  async connect(target: ProxyAddress): Promise<void> {
    if (this.#cut) return;
    try {
      this.#upstream = target.transport === "unix"
        ? await Deno.connect({ transport: "unix", path: target.path })
        : await Deno.connect({ hostname: target.hostname, port: target.port });
    } catch {
      // The client sees what it would see through a line: the connection ends.
      this.cut();
      return;
    }
    for (const side of [this.#client, this.#upstream]) {
      // Delay is added here and nowhere else.
      if ("setNoDelay" in side) (side as Deno.TcpConn).setNoDelay(true);
    }
    if (this.#cut) this.#upstream.close();
  }

  async pump(delayMs: () => number, stalled: () => Promise<void> | undefined): Promise<void> {
    const upstream = this.#upstream;
    if (upstream === undefined || this.#cut) return;
    await Promise.all([
      this.#direction(this.#client, upstream, delayMs, stalled),
      this.#direction(upstream, this.#client, delayMs, stalled),
    ]);
  }

  cut(): void {
    if (this.#cut) return;
    this.#cut = true;
    for (const side of [this.#client, this.#upstream]) {
      try {
        side?.close();
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    }
  }

  async #direction(
    from: Deno.Conn,
    to: Deno.Conn,
    delayMs: () => number,
    stalled: () => Promise<void> | undefined,
  ): Promise<void> {
    const line = new DelayLine();
    const writing = this.#drain(line, to, stalled);
    try {
      while (true) {
        const buffer = new Uint8Array(CHUNK);
        const count = await from.read(buffer);
        const due = performance.now() + delayMs();
        if (count === null) {
          line.push({ due, bytes: undefined });
          break;
        }
        // A small message does not keep a large buffer alive.
        line.push({
          due,
          bytes: count < CHUNK / 4 ? buffer.slice(0, count) : buffer.subarray(0, count),
        });
        await line.room();
      }
    } catch {
      // Reset by its peer, or cut: the other side is told the same way.
      this.cut();
      line.push({ due: 0, bytes: undefined });
    }
    await writing;
  }

  async #drain(
    line: DelayLine,
    to: Deno.Conn,
    stalled: () => Promise<void> | undefined,
  ): Promise<void> {
    while (true) {
      const { due, bytes } = await line.next();
      const wait = due - performance.now();
      if (wait > 0) await sleep(wait);
      await stalled();
      if (this.#cut) {
        line.abandon();
        return;
      }
      try {
        if (bytes === undefined) {
          await to.closeWrite();
          return;
        }
        for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
      } catch {
        this.cut();
        line.abandon();
        return;
      }
      line.taken(bytes.length);
    }
  }
}

interface Parcel {
  /** When it leaves, on the clock of `performance.now()`. */
  readonly due: number;
  /** Undefined stands for the end of the stream. */
  readonly bytes: Uint8Array | undefined;
}

/** A queue with one reader and one writer. */
class DelayLine {
  #parcels: Parcel[] = [];
  #size = 0;
  #abandoned = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  push(parcel: Parcel): void {
    this.#parcels.push(parcel);
    this.#size += parcel.bytes?.length ?? 0;
    this.#wakeReader?.();
  }

  async next(): Promise<Parcel> {
    while (this.#parcels.length === 0) {
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    return this.#parcels.shift()!;
  }

  taken(bytes: number): void {
    this.#size -= bytes;
    if (this.#size < WINDOW) this.#wakeWriter?.();
  }

  async room(): Promise<void> {
    while (this.#size >= WINDOW && !this.#abandoned) {
      await new Promise<void>((resolve) => this.#wakeWriter = resolve);
    }
  }

  abandon(): void {
    this.#abandoned = true;
    this.#parcels = [];
    this.#wakeWriter?.();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
