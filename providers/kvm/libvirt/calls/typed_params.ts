/**
 * libvirt's typed parameters (`virTypedParameter`) to and from plain records.
 *
 * @module
 */

import { addressOf, cString, type Native, type Signature, textAt, view } from "../native.ts";

/** The C type of a typed parameter. */
export type TypedKind = "int" | "uint" | "llong" | "ullong" | "double" | "boolean" | "string";

/** The value of a typed parameter; an integer is a bigint only beyond 2^53. */
export type TypedValue = number | bigint | boolean | string;

/** Typed parameters by libvirt's field names, for example `cpu_shares`. */
export type TypedParameters = Readonly<Record<string, TypedValue>>;

/** A parameter to send, with its C type. */
export interface TypedEntry {
  readonly name: string;
  readonly kind: TypedKind;
  readonly value: TypedValue;
}

// In the order of virTypedParameterType, which starts at 1.
const KINDS: readonly TypedKind[] = [
  "int",
  "uint",
  "llong",
  "ullong",
  "double",
  "boolean",
  "string",
];

/** struct _virTypedParameter: char field[80], int type, union of 8 bytes at 88. */
const SIZE = 96;
const FIELD = 80;
const VALUE = 88;

/** C signatures used here. */
export const typedNatives: Readonly<Record<string, Signature>> = {
  virTypedParamsFree: ["void", "u64", "i32"],
  virTypedParamsClear: ["void", "buffer", "i32"],
};

function integer(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value;
}

/** Reads `count` parameters that start at `address` (not freed). */
export function readTyped(address: bigint, count: number): Record<string, TypedValue> {
  const record: Record<string, TypedValue> = {};
  if (address === 0n || count <= 0) return record;
  const memory = view(address);
  for (let index = 0; index < count; index++) {
    const base = index * SIZE;
    const name = memory.getCString(base);
    const at = base + VALUE;
    switch (KINDS[memory.getInt32(base + FIELD) - 1]) {
      case "int":
        record[name] = memory.getInt32(at);
        break;
      case "uint":
        record[name] = memory.getUint32(at);
        break;
      case "llong":
        record[name] = integer(memory.getBigInt64(at));
        break;
      case "ullong":
        record[name] = integer(memory.getBigUint64(at));
        break;
      case "double":
        record[name] = memory.getFloat64(at);
        break;
      case "boolean":
        record[name] = memory.getInt8(at) !== 0;
        break;
      case "string":
        record[name] = textAt(memory.getBigUint64(at)) ?? "";
        break;
      default:
        // A type of a later libvirt: its size is known, its meaning is not.
        break;
    }
  }
  return record;
}

/**
 * Runs a call that fills parameters which the caller has room for, in the usual two steps: asked with
 * no room for how many there are, then with room.
 */
export function fetchTyped(
  native: Native,
  run: (parameters: Uint8Array | null, count: Uint8Array) => void,
  known?: number,
): Record<string, TypedValue> {
  const count = new Int32Array([known ?? 0]);
  const countBytes = new Uint8Array(count.buffer);
  if (known === undefined) run(null, countBytes);
  const room = count[0] ?? 0;
  if (room === 0) return {};
  const parameters = new Uint8Array(room * SIZE);
  run(parameters, countBytes);
  const filled = Math.min(count[0] ?? 0, room);
  const record = readTyped(
    addressOf(parameters),
    filled,
  );
  // Strings inside belong to the caller.
  native.call("virTypedParamsClear", parameters, filled);
  return record;
}

/** Runs a call that allocates its parameters: (out pointer, out count). */
export function takeTyped(
  native: Native,
  run: (out: Uint8Array, count: Uint8Array) => void,
): Record<string, TypedValue> {
  const out = new BigUint64Array(1);
  const count = new Int32Array(1);
  run(new Uint8Array(out.buffer), new Uint8Array(count.buffer));
  const record = readTyped(out[0] ?? 0n, count[0] ?? 0);
  if (out[0] !== 0n) native.call("virTypedParamsFree", out[0] ?? 0n, count[0] ?? 0);
  return record;
}

/** Parameters in libvirt's layout. `keep` must stay reachable until the call has returned. */
export interface Packed {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly keep: readonly Uint8Array[];
}

/** Lays out parameters for a call. */
export function packTyped(entries: readonly TypedEntry[]): Packed {
  const bytes = new Uint8Array(Math.max(1, entries.length) * SIZE);
  const data = new DataView(bytes.buffer);
  const keep: Uint8Array[] = [];
  entries.forEach(({ name, kind, value }, index) => {
    const base = index * SIZE;
    const field = new TextEncoder().encode(name);
    if (field.length >= FIELD) throw new RangeError(`Cannot send parameter "${name}": too long`);
    bytes.set(field, base);
    data.setInt32(base + FIELD, KINDS.indexOf(kind) + 1, true);
    const at = base + VALUE;
    switch (kind) {
      case "int":
        data.setInt32(at, Number(value), true);
        break;
      case "uint":
        data.setUint32(at, Number(value), true);
        break;
      case "llong":
        data.setBigInt64(at, BigInt(value), true);
        break;
      case "ullong":
        data.setBigUint64(at, BigInt(value), true);
        break;
      case "double":
        data.setFloat64(at, Number(value), true);
        break;
      case "boolean":
        data.setInt8(at, value ? 1 : 0);
        break;
      case "string": {
        const text = cString(String(value)) as Uint8Array<ArrayBuffer>;
        keep.push(text);
        data.setBigUint64(
          at,
          addressOf(text),
          true,
        );
        break;
      }
    }
  });
  return { bytes, count: entries.length, keep };
}
