/**
 * How the calls of libvirt are declared: a plain one by the kinds of its parameters and its result,
 * a composite one (lists, structures, typed parameters) by a function that runs on a Worker.
 *
 * @module
 */

import type { Native, NativeArgument, Signature } from "../native.ts";
import { cString } from "../native.ts";
import type { Described, ObjectKind } from "./objects.ts";
import { describe } from "./objects.ts";

interface Parameters {
  readonly handle: bigint;
  readonly text: string;
  readonly "text?": string | null;
  readonly u32: number;
  readonly i32: number;
  readonly u64: number | bigint;
  readonly i64: number | bigint;
  readonly bytes: Uint8Array;
}

interface Results extends Record<ObjectKind, Described> {
  /** A string that the caller frees. */
  readonly text: string;
  /** A string that belongs to libvirt. */
  readonly borrowed: string;
  /** Zero or more on success; the number is dropped. */
  readonly status: void;
  /** Zero or more on success. */
  readonly count: number;
  /** 0 or 1 on success. */
  readonly flag: boolean;
}

/** The kind of a parameter. */
export type ParameterKind = keyof Parameters;
/** The kind of a result. */
export type ResultKind = keyof Results;

type ArgumentsOf<P extends readonly ParameterKind[]> = {
  -readonly [I in keyof P]: Parameters[P[I]];
};

/**
 * Whether a call may take long. Slow ones (they change something, wait for a guest or move data) are
 * sent alone and bounded per connection; quick ones are sent in batches.
 */
export type Pace = "quick" | "slow";

/** A declared call: what runs on a Worker, and how it is queued. */
export interface Call<A extends readonly unknown[], R> {
  readonly pace: Pace;
  readonly run: (native: Native, name: string, args: A) => R;
  /** For a plain call: the C signature of the function it is named after. */
  readonly signature?: Signature;
}

const NATIVE_PARAMETER: Readonly<Record<ParameterKind, Deno.NativeType>> = {
  handle: "u64",
  text: "buffer",
  "text?": "buffer",
  u32: "u32",
  i32: "i32",
  u64: "u64",
  i64: "i64",
  bytes: "buffer",
};

function toNative(kind: ParameterKind, value: unknown): NativeArgument {
  if (kind === "text" || kind === "text?") return cString(value as string | null);
  return value as NativeArgument;
}

function fromNative(kind: ResultKind, native: Native, name: string, values: NativeArgument[]) {
  switch (kind) {
    case "text":
      return native.text(name, ...values);
    case "borrowed":
      return native.borrowed(name, ...values);
    case "status":
      native.int(name, ...values);
      return undefined;
    case "count":
      return native.int(name, ...values);
    case "flag":
      return native.int(name, ...values) === 1;
    default:
      return describe(kind, native, native.pointer(name, ...values));
  }
}

function plain<R extends ResultKind, const P extends readonly ParameterKind[]>(
  pace: Pace,
  result: R,
  parameters: P,
): Call<ArgumentsOf<P>, Results[R]> {
  const isNumber = result === "status" || result === "count" || result === "flag";
  return {
    pace,
    signature: [isNumber ? "i32" : "u64", ...parameters.map((kind) => NATIVE_PARAMETER[kind])],
    run: (native, name, args) => {
      const values = parameters.map((kind, index) => toNative(kind, args[index]));
      return fromNative(result, native, name, values) as Results[R];
    },
  };
}

/** A plain call that only reads and answers soon. */
export function quick<R extends ResultKind, const P extends readonly ParameterKind[]>(
  result: R,
  ...parameters: P
): Call<ArgumentsOf<P>, Results[R]> {
  return plain("quick", result, parameters);
}

/** A plain call that changes something, or may wait for a guest or a disk. */
export function slow<R extends ResultKind, const P extends readonly ParameterKind[]>(
  result: R,
  ...parameters: P
): Call<ArgumentsOf<P>, Results[R]> {
  return plain("slow", result, parameters);
}

/** A call made of several C functions, quick. */
export function composite<A extends readonly unknown[], R>(
  run: (native: Native, ...args: A) => R,
): Call<A, R> {
  return { pace: "quick", run: (native, _name, args) => run(native, ...args) };
}

/** A call made of several C functions that may take long. */
export function slowComposite<A extends readonly unknown[], R>(
  run: (native: Native, ...args: A) => R,
): Call<A, R> {
  return { pace: "slow", run: (native, _name, args) => run(native, ...args) };
}
