/**
 * The way in: finds the library, opens connections, owns the Workers.
 *
 * @module
 */

import { type AuthNotice, type AuthRequest, reply } from "./calls/auth.ts";
import { Connection } from "./connection.ts";
import { SLOW_CALLS, type WorkerLimits, WorkerPool } from "./dispatcher.ts";
import { LibvirtClosedError, LibvirtTimeoutError } from "./error.ts";
import { Events } from "./events.ts";
import { Lane } from "./lane.ts";
import { acquireRuntime, releaseRuntime, type Runtime } from "./runtime.ts";
import { Session } from "./session.ts";

/** How libvirt is found and used. */
export interface LibvirtOptions {
  /** The library's file. Default: `STADDLE_LIBVIRT` in the environment, else `libvirt.so.0`. */
  readonly library?: string;
  /** How many Workers may run. */
  readonly workers?: WorkerLimits;
}

/** How a connection is opened. */
export interface ConnectOptions {
  /** Opens for reading only. */
  readonly readonly?: boolean;
  /**
   * Answers what libvirt asks (user name, password …): one answer per request, null for libvirt's own
   * default. It may be asynchronous; only the Worker that opens waits for it. Throw to refuse.
   */
  readonly auth?: (
    requests: readonly AuthRequest[],
  ) => readonly (string | null)[] | Promise<readonly (string | null)[]>;
  /**
   * Seconds of silence after which the other end is asked whether it is there, and how many such
   * questions may stay without answer before the connection counts as lost. Default 5 and 5. An
   * interval of 0: never asked.
   */
  readonly keepalive?: { readonly interval: number; readonly count: number };
  /** Gives up waiting. libvirt cannot be interrupted: it goes on for itself and is then closed. */
  readonly signal?: AbortSignal;
  /** Milliseconds after which waiting is given up in the same way. */
  readonly timeout?: number;
  /**
   * Whether calls take a while to travel, so that more of them are kept under way. Default: by the
   * URI; say true where a local socket leads to another host.
   */
  readonly remote?: boolean;
  /** About how many calls will come at once as soon as it is open: Workers for them start meanwhile. */
  readonly expectedCalls?: number;
}

/** libvirt's own default. */
const KEEPALIVE = { interval: 5, count: 5 };
/** Milliseconds without a connection after which the Workers end. */
const LINGER = 250;

/** libvirt's client library and the Workers that call it. */
export class Libvirt implements AsyncDisposable {
  readonly #library: string;
  readonly #limits: Required<WorkerLimits>;
  readonly #runtime: Runtime;
  readonly #pool: WorkerPool;
  readonly #connections = new Set<Connection>();
  /** Connections, and opens that nobody waits for any more. */
  #users = 0;
  #drained = Promise.withResolvers<void>();
  #linger: ReturnType<typeof setTimeout> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(library: string, workers: WorkerLimits) {
    this.#library = library;
    this.#limits = {
      local: workers.local ?? 4,
      remote: workers.remote ?? 12,
      total: workers.total ?? 24,
    };
    this.#runtime = acquireRuntime(library);
    this.#pool = new WorkerPool(
      library,
      this.#limits.total,
      (begin) => this.#runtime.busy(begin),
    );
  }

  /**
   * Loads the library.
   *
   * @throws {LibvirtLibraryError} when it, or a symbol that everything needs, is missing.
   */
  // deno-lint-ignore require-await -- a failure is a rejection, and loading may become asynchronous
  static async open(options: LibvirtOptions = {}): Promise<Libvirt> {
    return new Libvirt(
      options.library ?? fromEnvironment() ?? "libvirt.so.0",
      options.workers ?? {},
    );
  }

  /** The library's version: 1,000,000 × major + 1,000 × minor + release. */
  version(): number {
    return this.#runtime.version();
  }

  /** How many Workers there are at the moment. */
  get workers(): number {
    return this.#pool.size;
  }

  /**
   * Opens a connection, for example to `qemu:///system`, `qemu+ssh://root@host/system` or
   * `test:///default`.
   *
   * @throws {LibvirtError} with libvirt's reason.
   * @throws {LibvirtTimeoutError} when `timeout` has passed.
   */
  async connect(uri: string, options: ConnectOptions = {}): Promise<Connection> {
    const { signal, timeout } = options;
    if (this.#closing !== undefined) {
      throw new LibvirtClosedError(`Cannot connect to ${uri}: libvirt was closed`);
    }
    signal?.throwIfAborted();
    clearTimeout(this.#linger);
    this.#users++;
    await this.#runtime.acquire();
    const opening = this.#open(uri, options);
    if (signal === undefined && timeout === undefined) return await opening;

    const gaveUp = Promise.withResolvers<never>();
    const abort = () => gaveUp.reject(signal?.reason);
    const timer = timeout === undefined
      ? undefined
      : setTimeout(() => gaveUp.reject(new LibvirtTimeoutError(uri, timeout)), timeout);
    signal?.addEventListener("abort", abort);
    try {
      return await Promise.race([opening, gaveUp.promise]);
    } catch (error) {
      // If it is opened after all, nobody wants it.
      opening.then((connection) => connection.close(), () => {});
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  async #open(uri: string, options: ConnectOptions): Promise<Connection> {
    const runtime = this.#runtime;
    const remote = options.remote ?? isRemote(uri);
    const lane = new Lane(this.#pool, {
      limit: remote ? this.#limits.remote : this.#limits.local,
      slowLimit: SLOW_CALLS,
      uri,
      remote,
    });
    const keepalive = options.keepalive ?? KEEPALIVE;
    const events = new Events();
    const loss = runtime.watchLoss(() => events.lost());
    try {
      const opening = lane.callWith(
        "virConnectOpen",
        (notice) => answer(notice as AuthNotice, options.auth),
        {
          uri,
          readonly: options.readonly ?? false,
          prompts: options.auth !== undefined,
          keepalive: keepalive.interval > 0 ? keepalive : null,
          loss: loss.counter,
        },
      );
      if (options.expectedCalls !== undefined) lane.expect(options.expectedCalls);
      const opened = await opening;
      const session = new Session({
        pointer: opened.pointer,
        uri: opened.uri,
        lane,
        local: runtime.native,
        runtime,
      });
      events.attach(session);
      const connection: Connection = new Connection(session, {
        keepalive: opened.keepalive,
        events,
        closeCallback: opened.closeNotice ? loss.counter.callback : null,
        onClosed: async (closed) => {
          loss.stop();
          if (closed) loss.free(opened.closeNotice);
          this.#connections.delete(connection);
          await this.#release();
        },
      });
      this.#connections.add(connection);
      return connection;
    } catch (error) {
      loss.stop();
      // An open that was cut off may still be using it.
      if (!(error instanceof LibvirtClosedError)) loss.free(false);
      await this.#release();
      throw error;
    }
  }

  async #release(): Promise<void> {
    await this.#runtime.release();
    if (--this.#users > 0) return;
    this.#drained.resolve();
    if (this.#closing !== undefined) return;
    this.#drained = Promise.withResolvers();
    // Workers would keep the process from ending by itself.
    clearTimeout(this.#linger);
    this.#linger = setTimeout(() => this.#pool.trim(), LINGER);
    Deno.unrefTimer(this.#linger as unknown as number);
  }

  /**
   * Closes all connections, ends the Workers and unloads the library. A call that never comes back
   * keeps its Worker's thread, and with it the process until `Deno.exit()`.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#linger);
    if (this.#users === 0) this.#drained.resolve();
    await Promise.all([...this.#connections].map((connection) => connection.close()));
    this.#pool.close();
    await this.#drained.promise;
    releaseRuntime(this.#library);
  }

  /** Closes everything. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function answer(notice: AuthNotice, auth: ConnectOptions["auth"]): Promise<void> {
  try {
    reply(notice.reply, await auth?.(notice.requests) ?? null);
  } catch {
    // A refusal: libvirt answers with an error of its own.
    reply(notice.reply, null);
  }
}

function fromEnvironment(): string | undefined {
  const permission = Deno.permissions.querySync({ name: "env", variable: "STADDLE_LIBVIRT" });
  return permission.state === "granted" ? Deno.env.get("STADDLE_LIBVIRT") || undefined : undefined;
}

/** Whether a daemon on another machine is meant: a transport other than `unix`, or a host. */
function isRemote(uri: string): boolean {
  const match = /^[^:+]*(?:\+([^:]*))?:\/\/([^/]*)/.exec(uri);
  if (match === null) return false;
  const [, transport, host] = match;
  return (transport !== undefined && transport !== "unix") || (host !== undefined && host !== "");
}
