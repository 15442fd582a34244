/**
 * libvirt's event loop, and the C callbacks through which libvirt tells of events. There is one per
 * process and library, because libvirt has one.
 *
 * The loop runs inside one `nonblocking` call, on a thread of Deno's own, and only while a connection
 * is open: it starts before the first one is opened and ends after the last one is closed, so that the
 * process can end by itself. Keepalive and events need it. Its turns are GLib's own
 * (`g_main_loop_run`), without a way through JavaScript each; before libvirt 6.1.0, which brought
 * GLib's loop, they are single calls of `virEventRunDefaultImpl`.
 *
 * Every libvirt call wakes a loop that waits, twice: it then takes a C program twice the time to read
 * a thousand domains. So while many calls are under way the loop does not wait, but takes a turn now
 * and then; events are late by that much. (Whoever waits for a call reads the socket meanwhile.)
 *
 * @module
 */

import type { LossCounter } from "./calls/connection.ts";
import { Native, type Signature, view } from "./native.ts";
import { SIGNATURES } from "./calls/mod.ts";
import { libraryNotFound, LibvirtLibraryError, symbolNotFound } from "./error.ts";
import { Raised } from "./failure.ts";
import { CALLBACKS, type CallbackShape } from "./event_kinds.ts";

const LOCAL: Readonly<Record<string, Signature>> = {
  virInitialize: ["i32"],
  virGetVersion: ["i32", "buffer", "u64", "u64"],
  virEventRegisterDefaultImpl: ["i32"],
  virEventAddTimeout: ["i32", "i32", "u64", "u64", "u64"],
  virEventUpdateTimeout: ["void", "i32", "i32"],
  virSetErrorFunc: ["void", "u64", "u64"],
  // GLib's, found through libvirt's dependencies.
  g_main_loop_new: ["u64", "u64", "i32"],
  g_main_loop_quit: ["void", "u64"],
  g_main_loop_unref: ["void", "u64"],
};

/** Milliseconds between two looks at whether a connection was lost. */
const LOOK = 50;

type LoopLibrary = Deno.DynamicLibrary<{
  virEventRunDefaultImpl: { parameters: []; result: "i32"; nonblocking: true };
  harmless: { name: "virGetLastErrorCode"; type: "pointer" };
  g_atomic_int_inc: { type: "pointer" };
}>;

type GlibLibrary = Deno.DynamicLibrary<{
  g_main_loop_run: { parameters: ["u64"]; result: "void"; nonblocking: true };
  g_main_context_iteration: { parameters: ["u64", "i32"]; result: "i32"; nonblocking: true };
}>;

/** The version in which libvirt's default event loop became GLib's. */
const GLIB_LOOP = 6_001_000;
/** Milliseconds between two tries to end the loop. */
const QUIT_AGAIN = 2;
/** Milliseconds between two turns of the loop while many calls are under way. */
const BUSY_TURN = 10;

type Listener = (event: unknown) => void;

/** Callbacks that libvirt may still hold. */
const abandoned: Deno.UnsafeCallback[] = [];

/** One library's event loop and callbacks. */
export class Runtime {
  /** libvirt on the main thread: local calls only. */
  readonly native: Native;
  readonly #loopLibrary: LoopLibrary;
  readonly #wakeTimer: number;
  readonly #callbacks = new Map<CallbackShape, Deno.UnsafeCallback>();
  readonly #watched = new Set<{ memory: Deno.UnsafePointerView; lost: () => void }>();
  #look: ReturnType<typeof setInterval> | undefined;
  readonly #listeners = new Map<number, Listener>();
  #nextListener = 1;
  #users = 0;
  #loop: Promise<void> | undefined;
  #running = false;
  readonly #glib: GlibLibrary | undefined;
  #glibLoop = 0n;
  /** How many pools of Workers have many calls under way. */
  #bursts = 0;
  /** Whether the loop is in a call that ends when it is interrupted. */
  #waiting = false;
  #interrupting: ReturnType<typeof setInterval> | undefined;

  constructor(library: string) {
    this.#loopLibrary = openLoopLibrary(library);
    this.native = new Native(library, { ...SIGNATURES, ...LOCAL });
    try {
      const harmless = Deno.UnsafePointer.value(this.#loopLibrary.symbols.harmless);
      // Before anything else: it starts the library's own threads and locks.
      this.native.int("virInitialize");
      // libvirt prints errors on standard error unless a function takes them. This one ignores its
      // arguments and reads a thread-local number, so it is safe on any thread.
      this.native.call("virSetErrorFunc", 0n, harmless);
      // A second registration in one process is ignored by libvirt.
      this.native.int("virEventRegisterDefaultImpl");
      // Never due until it is wanted: it makes a waiting loop return.
      this.#wakeTimer = this.native.int("virEventAddTimeout", -1, harmless, 0n, 0n);
      if (this.version() >= GLIB_LOOP) {
        this.#glib = Deno.dlopen(library, {
          g_main_loop_run: { parameters: ["u64"], result: "void", nonblocking: true },
          g_main_context_iteration: {
            parameters: ["u64", "i32"],
            result: "i32",
            nonblocking: true,
          },
        });
        this.#glibLoop = this.native.call("g_main_loop_new", 0n, 0) as bigint;
      }
    } catch (error) {
      this.native.close();
      this.#loopLibrary.close();
      if (error instanceof Raised && error.failure.kind === "symbol") {
        throw symbolNotFound(error.failure);
      }
      throw error;
    }
  }

  /** The library's version: 1,000,000 × major + 1,000 × minor + release. */
  version(): number {
    const out = new BigUint64Array(1);
    this.native.int("virGetVersion", new Uint8Array(out.buffer), 0n, 0n);
    return Number(out[0]);
  }

  /** Starts the event loop for one more connection. */
  async acquire(): Promise<void> {
    this.#users++;
    // One that is about to end has to end first.
    while (this.#loop !== undefined && !this.#running) await this.#loop;
    if (this.#loop === undefined && this.#users > 0) {
      this.#running = true;
      this.#loop = this.#turn();
    }
  }

  /** Ends the event loop with the last connection. */
  async release(): Promise<void> {
    if (--this.#users > 0) return;
    this.#running = false;
    const loop = this.#loop;
    this.#interrupt();
    await loop;
  }

  /** Many calls begin (or no longer are under way): the loop is not to wait meanwhile. */
  busy(begin: boolean): void {
    this.#bursts += begin ? 1 : -1;
    if (begin && this.#bursts === 1 && this.#glib !== undefined) this.#interrupt();
  }

  /** Makes a loop that waits return. */
  #interrupt(): void {
    if (this.#glib === undefined) {
      this.native.call("virEventUpdateTimeout", this.#wakeTimer, 0);
      return;
    }
    if (!this.#waiting || this.#interrupting !== undefined) return;
    // Said before the loop has begun it would not be heard: it is said again until it was.
    const quit = () => this.native.call("g_main_loop_quit", this.#glibLoop);
    quit();
    this.#interrupting = setInterval(quit, QUIT_AGAIN);
  }

  async #turn(): Promise<void> {
    const glib = this.#glib?.symbols;
    while (this.#running) {
      if (glib === undefined) {
        await this.#loopLibrary.symbols.virEventRunDefaultImpl();
      } else if (this.#bursts > 0) {
        await glib.g_main_context_iteration(0n, 0);
        await new Promise((resolve) => setTimeout(resolve, BUSY_TURN));
      } else {
        this.#waiting = true;
        await glib.g_main_loop_run(this.#glibLoop);
        this.#waiting = false;
        clearInterval(this.#interrupting);
        this.#interrupting = undefined;
      }
    }
    if (glib === undefined) this.native.call("virEventUpdateTimeout", this.#wakeTimer, -1);
    // No thread is inside libvirt's loop any more, so no callback can be on its way.
    for (const callback of this.#callbacks.values()) callback.close();
    this.#callbacks.clear();
    this.#loop = undefined;
  }

  /**
   * Counters of lost connections: see {@linkcode LossCounter}. `lost` is called once; `stop` ends that,
   * and `free` gives the memory back: if libvirt has taken it, only if it has been counted up, which libvirt
   * does when it lets go. When a connection is lost at the very moment of its close, libvirt may do that after
   * the close has returned (seen once in ten thousand tries with 9.0.0): the memory is left to it then.
   */
  watchLoss(lost: () => void): {
    readonly counter: LossCounter;
    readonly stop: () => void;
    readonly free: (taken: boolean) => void;
  } {
    const { harmless, g_atomic_int_inc } = this.#loopLibrary.symbols;
    const address = this.native.call("calloc", 1, 8) as bigint;
    const watched = { memory: view(address), lost };
    this.#watched.add(watched);
    this.#look ??= setInterval(() => {
      for (const it of [...this.#watched]) {
        if (it.memory.getInt32() === 0) continue;
        this.#watched.delete(it);
        it.lost();
      }
    }, LOOK);
    return {
      counter: {
        callback: Deno.UnsafePointer.value(harmless),
        free: Deno.UnsafePointer.value(g_atomic_int_inc),
        counter: address,
      },
      stop: () => {
        this.#watched.delete(watched);
        if (this.#watched.size > 0) return;
        clearInterval(this.#look);
        this.#look = undefined;
      },
      free: (taken) => {
        if (!taken || watched.memory.getInt32() > 0) this.native.call("free", address);
      },
    };
  }

  /**
   * Says that a connection could not be closed: libvirt may still hold callbacks, so they are kept for
   * the rest of the process.
   */
  keepCallbacks(): void {
    for (const callback of this.#callbacks.values()) {
      callback.unref();
      abandoned.push(callback);
    }
    this.#callbacks.clear();
  }

  /** Registers a listener for events; `id` is what libvirt is given as the callback's data. */
  listen(listener: Listener): { readonly id: bigint; readonly stop: () => void } {
    const id = this.#nextListener++;
    this.#listeners.set(id, listener);
    return { id: BigInt(id), stop: () => this.#listeners.delete(id) };
  }

  /**
   * The C function for callbacks of a shape. It may be called by any thread, which then waits for the
   * main thread; it exists until the last connection is closed.
   */
  callback(shape: CallbackShape): bigint {
    let callback = this.#callbacks.get(shape);
    if (callback === undefined) {
      const { parameters, decode } = CALLBACKS[shape];
      const local = this.native;
      callback = Deno.UnsafeCallback.threadSafe(
        { parameters: [...parameters], result: "void" },
        (...values: unknown[]) => {
          const words = values as (number | bigint)[];
          // The callback's data is always its last parameter.
          const listener = this.#listeners.get(Number(words[words.length - 1]));
          if (listener === undefined) return;
          const event = decode(local, words);
          // Libvirt's thread goes on before the program's listeners run.
          queueMicrotask(() => listener(event));
        },
      ) as Deno.UnsafeCallback;
      this.#callbacks.set(shape, callback);
    }
    return Deno.UnsafePointer.value(callback.pointer);
  }

  /** Closes the library on this thread. No connection may be open. */
  close(): void {
    if (this.#glib !== undefined) {
      this.native.call("g_main_loop_unref", this.#glibLoop);
      this.#glib.close();
    }
    this.native.close();
    this.#loopLibrary.close();
  }
}

function openLoopLibrary(library: string): LoopLibrary {
  try {
    return Deno.dlopen(library, {
      virEventRunDefaultImpl: { parameters: [], result: "i32", nonblocking: true },
      harmless: { name: "virGetLastErrorCode", type: "pointer" },
      g_atomic_int_inc: { type: "pointer" },
    });
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      throw new LibvirtLibraryError(
        `Cannot load libvirt from "${library}": ${error.message}. Run with --allow-ffi ` +
          `(it cannot be narrowed to a bare library name)`,
        { library, cause: error },
      );
    }
    if (
      error instanceof Error && /virEventRunDefaultImpl|virGetLastErrorCode/.test(error.message)
    ) {
      throw symbolNotFound({
        kind: "symbol",
        symbol: "virEventRunDefaultImpl",
        library,
        since: undefined,
        detail: error.message,
      });
    }
    throw libraryNotFound(library, error);
  }
}

const runtimes = new Map<string, { runtime: Runtime; users: number }>();

/** The runtime of a library, shared by all who use it. Give it back with {@linkcode releaseRuntime}. */
export function acquireRuntime(library: string): Runtime {
  const entry = runtimes.get(library) ?? { runtime: new Runtime(library), users: 0 };
  entry.users++;
  runtimes.set(library, entry);
  return entry.runtime;
}

/** Gives a runtime back; the last one closes it. */
export function releaseRuntime(library: string): void {
  const entry = runtimes.get(library);
  if (entry === undefined || --entry.users > 0) return;
  runtimes.delete(library);
  entry.runtime.close();
}
