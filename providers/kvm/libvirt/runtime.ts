/**
 * libvirt's event loop, and the C callbacks through which libvirt tells of events. There is one per
 * process and library, because libvirt has one.
 *
 * The loop is turned by `nonblocking` calls, which run on a thread of Deno's own, and only while a
 * connection is open: it starts before the first one is opened and ends after the last one is closed,
 * so that the process can end by itself. Keepalive and events need it.
 *
 * @module
 */

import { Native, type Signature } from "./native.ts";
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
};

type LoopLibrary = Deno.DynamicLibrary<{
  virEventRunDefaultImpl: { parameters: []; result: "i32"; nonblocking: true };
  harmless: { name: "virGetLastErrorCode"; type: "pointer" };
}>;

type Listener = (event: unknown) => void;

/** One library's event loop and callbacks. */
export class Runtime {
  /** libvirt on the main thread: local calls only. */
  readonly native: Native;
  readonly #loopLibrary: LoopLibrary;
  readonly #wakeTimer: number;
  readonly #callbacks = new Map<CallbackShape, Deno.UnsafeCallback>();
  readonly #listeners = new Map<number, Listener>();
  #nextListener = 1;
  #users = 0;
  #loop: Promise<void> | undefined;
  #running = false;

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
    this.native.call("virEventUpdateTimeout", this.#wakeTimer, 0);
    await this.#loop;
  }

  async #turn(): Promise<void> {
    while (this.#running) await this.#loopLibrary.symbols.virEventRunDefaultImpl();
    this.native.call("virEventUpdateTimeout", this.#wakeTimer, -1);
    // No thread is inside libvirt's loop any more, so no callback can be on its way.
    for (const callback of this.#callbacks.values()) callback.close();
    this.#callbacks.clear();
    this.#loop = undefined;
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
    this.native.close();
    this.#loopLibrary.close();
  }
}

function openLoopLibrary(library: string): LoopLibrary {
  try {
    return Deno.dlopen(library, {
      virEventRunDefaultImpl: { parameters: [], result: "i32", nonblocking: true },
      harmless: { name: "virGetLastErrorCode", type: "pointer" },
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
