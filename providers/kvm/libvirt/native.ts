/**
 * libvirt's C library as one thread sees it: symbols that are bound at first use, strings and
 * memory, and the thread's own last error.
 *
 * Every thread (the main one and each Worker) has its own {@linkcode Native}. libvirt keeps the last
 * error per thread, so it is read here, straight after the failing call, on the thread that made it.
 * Binding is lazy because Deno compiles a trampoline per symbol (0.1 to 0.25 ms each).
 *
 * Pointers are plain `bigint`s (declared to Deno as `u64`), so that they can travel between threads.
 * 64-bit platforms only.
 *
 * @module
 */

import { type CallFailure, type MissingSymbol, Raised } from "./failure.ts";
import { sinceOf } from "./since.ts";

/** A C signature: result first, then the parameters. */
export type Signature = readonly [result: Deno.NativeResultType, ...Deno.NativeType[]];

/** What can be handed to a C function. */
export type NativeArgument = number | bigint | boolean | Uint8Array | null;

type NativeFunction = (...values: NativeArgument[]) => unknown;

/** From the same C library that libvirt itself allocates with: found through libvirt's dependencies. */
const C_LIBRARY: Readonly<Record<string, Signature>> = {
  free: ["void", "u64"],
  calloc: ["u64", "u64", "u64"],
  strdup: ["u64", "buffer"],
  strlen: ["u64", "u64"],
  open: ["i32", "buffer", "i32", "u32"],
  close: ["i32", "i32"],
  read: ["i64", "i32", "buffer", "u64"],
  write: ["i64", "i32", "buffer", "u64"],
  lseek: ["i64", "i32", "i64", "i32"],
  ftruncate: ["i32", "i32", "i64"],
  __errno_location: ["u64"],
};

const CORE: Readonly<Record<string, Signature>> = {
  virGetLastError: ["u64"],
  virResetLastError: ["void"],
};

const encoder = new TextEncoder();

/** `text` as a zero-terminated C string, or null for null. */
export function cString(text: string | null): Uint8Array | null {
  return text === null ? null : encoder.encode(text + "\0");
}

/** Memory of the C library behind an address, for reading. */
export function view(address: bigint): Deno.UnsafePointerView {
  const pointer = Deno.UnsafePointer.create(address);
  if (pointer === null) throw new TypeError("Cannot read memory: the pointer is null");
  return new Deno.UnsafePointerView(pointer);
}

/** The C string at an address (not freed), or null for the null pointer. */
export function textAt(address: bigint): string | null {
  if (address === 0n) return null;
  return Deno.UnsafePointerView.getCString(
    Deno.UnsafePointer.create(address) as Deno.PointerObject,
  );
}

let kept: unknown;

/** Marks a value as used until here: memory whose bare address C was given must not be collected. */
export function keepAlive(value: unknown): void {
  kept = value;
  if (kept !== undefined) kept = undefined;
}

/** The address of a buffer. Keep the buffer alive for as long as the address is used. */
export function addressOf(buffer: BufferSource): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer));
}

/** One thread's view of libvirt. */
export class Native {
  readonly #library: string;
  readonly #signatures: Readonly<Record<string, Signature>>;
  readonly #functions = new Map<string, NativeFunction>();
  readonly #opened: Deno.DynamicLibrary<Deno.ForeignLibraryInterface>[] = [];
  /** Sends something to the caller while a call is still running (Workers only). */
  notify: (notice: unknown) => void = () => {};

  constructor(library: string, signatures: Readonly<Record<string, Signature>>) {
    this.#library = library;
    this.#signatures = signatures;
  }

  /** The file in which a symbol lives: QEMU's extra calls have a library of their own. */
  #fileOf(symbol: string): string {
    return symbol.startsWith("virDomainQemu")
      ? this.#library.replace(/libvirt(?=\.so|\.dylib|\.\d)/, "libvirt-qemu")
      : this.#library;
  }

  #bind(symbol: string): NativeFunction {
    const signature = this.#signatures[symbol] ?? C_LIBRARY[symbol] ?? CORE[symbol];
    if (signature === undefined) throw new TypeError(`${symbol} has no signature`);
    const [result, ...parameters] = signature;
    const file = this.#fileOf(symbol);
    let library;
    try {
      library = Deno.dlopen(file, { [symbol]: { parameters, result } });
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      const missing: MissingSymbol = {
        kind: "symbol",
        symbol,
        library: file,
        since: sinceOf(symbol),
        detail: error instanceof Error ? error.message : String(error),
      };
      throw new Raised(missing);
    }
    this.#opened.push(library);
    const bound = library.symbols[symbol] as unknown as NativeFunction;
    this.#functions.set(symbol, bound);
    return bound;
  }

  /** Calls a C function and returns what it returned. */
  call(symbol: string, ...values: NativeArgument[]): unknown {
    return (this.#functions.get(symbol) ?? this.#bind(symbol))(...values);
  }

  /** Calls a function that returns a negative number on failure. */
  int(symbol: string, ...values: NativeArgument[]): number {
    const result = this.call(symbol, ...values) as number;
    if (result < 0) throw this.failure(symbol);
    return result;
  }

  /** Calls a function that returns a null pointer on failure. */
  pointer(symbol: string, ...values: NativeArgument[]): bigint {
    const result = this.call(symbol, ...values) as bigint;
    if (result === 0n) throw this.failure(symbol);
    return result;
  }

  /** Calls a function that returns a string which the caller must free, or null on failure. */
  text(symbol: string, ...values: NativeArgument[]): string {
    return this.take(this.pointer(symbol, ...values));
  }

  /** Calls a function that returns a string which belongs to libvirt. */
  borrowed(symbol: string, ...values: NativeArgument[]): string {
    return textAt(this.pointer(symbol, ...values)) ?? "";
  }

  /** Reads a C string that is ours, and frees it. */
  take(address: bigint): string {
    const text = textAt(address) ?? "";
    this.call("free", address);
    return text;
  }

  /** The error that this thread's last failing call left behind. */
  failure(symbol: string): Raised {
    const address = this.call("virGetLastError") as bigint;
    let failure: CallFailure;
    if (address === 0n) {
      failure = { kind: "libvirt", call: symbol, code: 0, domain: 0, level: 2, message: "" };
    } else {
      // struct _virError: code 0, domain 4, message 8, level 16, str1 40, str2 48, str3 56, int1 64.
      const error = view(address);
      failure = {
        kind: "libvirt",
        call: symbol,
        code: error.getInt32(0),
        domain: error.getInt32(4),
        level: error.getInt32(16),
        message: textAt(error.getBigUint64(8)) ?? "",
      };
    }
    return new Raised(failure);
  }

  /** The text of a failing call of the C library, for `what`. */
  systemFailure(what: string): Raised {
    const errno = view(this.call("__errno_location") as bigint).getInt32(0);
    return new Raised({ kind: "file", what, errno });
  }

  /** Closes the library for this thread. */
  close(): void {
    this.#functions.clear();
    for (const library of this.#opened.splice(0)) library.close();
  }
}
