/**
 * Reading from a fresh handle what it knows without asking the host: names, UUIDs, keys.
 *
 * @module
 */

import { type Native, type NativeArgument, type Signature, view } from "../native.ts";

/** The kinds of object that libvirt hands out. */
export type ObjectKind =
  | "domain"
  | "network"
  | "pool"
  | "volume"
  | "secret"
  | "nwfilter"
  | "device"
  | "interface"
  | "snapshot"
  | "checkpoint";

/**
 * A handle and what it knows by itself. The pointer is the receiver's to free. `detail`: a domain's
 * id (-1 when it is not running), a secret's usage type; a volume's key, a secret's usage id, an
 * interface's MAC address stand in `text`.
 */
export interface Described {
  readonly pointer: bigint;
  readonly name: string;
  readonly uuid: string;
  readonly detail: number;
  readonly text: string;
}

/** A long list as it travels between threads: far cheaper than an object for each. */
export interface Columns {
  readonly pointers: BigUint64Array;
  readonly names: readonly string[];
  readonly uuids: readonly string[];
  readonly details: Int32Array;
}

/** Handles without `text`, put into columns. */
export function toColumns(list: readonly Described[]): Columns {
  return {
    pointers: BigUint64Array.from(list, ({ pointer }) => pointer),
    names: list.map(({ name }) => name),
    uuids: list.map(({ uuid }) => uuid),
    details: Int32Array.from(list, ({ detail }) => detail),
  };
}

/** What {@linkcode toColumns} was given. */
export function fromColumns({ pointers, names, uuids, details }: Columns): Described[] {
  return names.map((name, at) => ({
    pointer: pointers[at]!,
    name,
    uuid: uuids[at]!,
    detail: details[at]!,
    text: "",
  }));
}

/** The functions that give back a handle: local, they never ask the host. */
export const FREE: Readonly<Record<ObjectKind | "stream", string>> = {
  domain: "virDomainFree",
  network: "virNetworkFree",
  pool: "virStoragePoolFree",
  volume: "virStorageVolFree",
  secret: "virSecretFree",
  nwfilter: "virNWFilterFree",
  device: "virNodeDeviceFree",
  interface: "virInterfaceFree",
  snapshot: "virDomainSnapshotFree",
  checkpoint: "virDomainCheckpointFree",
  stream: "virStreamFree",
};

/** C signatures used here. */
export const objectNatives: Readonly<Record<string, Signature>> = {
  virDomainGetName: ["u64", "u64"],
  virDomainGetUUID: ["i32", "u64", "buffer"],
  virDomainGetID: ["u32", "u64"],
  virNetworkGetName: ["u64", "u64"],
  virNetworkGetUUID: ["i32", "u64", "buffer"],
  virStoragePoolGetName: ["u64", "u64"],
  virStoragePoolGetUUID: ["i32", "u64", "buffer"],
  virStorageVolGetName: ["u64", "u64"],
  virStorageVolGetKey: ["u64", "u64"],
  virSecretGetUUID: ["i32", "u64", "buffer"],
  virSecretGetUsageType: ["i32", "u64"],
  virSecretGetUsageID: ["u64", "u64"],
  virNWFilterGetName: ["u64", "u64"],
  virNWFilterGetUUID: ["i32", "u64", "buffer"],
  virNodeDeviceGetName: ["u64", "u64"],
  virInterfaceGetName: ["u64", "u64"],
  virInterfaceGetMACString: ["u64", "u64"],
  virDomainSnapshotGetName: ["u64", "u64"],
  virDomainCheckpointGetName: ["u64", "u64"],
  ...Object.fromEntries(
    Object.values(FREE).map((name): [string, Signature] => [name, ["i32", "u64"]]),
  ),
};

const uuidBytes = new Uint8Array(16);

function readUuid(native: Native, symbol: string, pointer: bigint): string {
  native.int(symbol, pointer, uuidBytes);
  const hex = uuidBytes.toHex();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${
    hex.slice(20)
  }`;
}

/** Reads what a fresh handle knows by itself. The handle stays open. */
export function describe(kind: ObjectKind, native: Native, pointer: bigint): Described {
  const nothing = { pointer, name: "", uuid: "", detail: 0, text: "" };
  switch (kind) {
    case "domain":
      return {
        pointer,
        name: native.borrowed("virDomainGetName", pointer),
        uuid: readUuid(native, "virDomainGetUUID", pointer),
        // The id of a domain that does not run is (unsigned int) -1.
        detail: (native.call("virDomainGetID", pointer) as number) | 0,
        text: "",
      };
    case "network":
      return {
        ...nothing,
        name: native.borrowed("virNetworkGetName", pointer),
        uuid: readUuid(native, "virNetworkGetUUID", pointer),
      };
    case "pool":
      return {
        ...nothing,
        name: native.borrowed("virStoragePoolGetName", pointer),
        uuid: readUuid(native, "virStoragePoolGetUUID", pointer),
      };
    case "volume":
      return {
        ...nothing,
        name: native.borrowed("virStorageVolGetName", pointer),
        text: native.borrowed("virStorageVolGetKey", pointer),
      };
    case "secret":
      return {
        ...nothing,
        uuid: readUuid(native, "virSecretGetUUID", pointer),
        detail: native.int("virSecretGetUsageType", pointer),
        text: native.borrowed("virSecretGetUsageID", pointer),
      };
    case "nwfilter":
      return {
        ...nothing,
        name: native.borrowed("virNWFilterGetName", pointer),
        uuid: readUuid(native, "virNWFilterGetUUID", pointer),
      };
    case "device":
      return { ...nothing, name: native.borrowed("virNodeDeviceGetName", pointer) };
    case "interface":
      return {
        ...nothing,
        name: native.borrowed("virInterfaceGetName", pointer),
        text: native.borrowed("virInterfaceGetMACString", pointer),
      };
    case "snapshot":
      return { ...nothing, name: native.borrowed("virDomainSnapshotGetName", pointer) };
    case "checkpoint":
      return { ...nothing, name: native.borrowed("virDomainCheckpointGetName", pointer) };
  }
}

/**
 * Calls a `…ListAll…` function: (owner, out array, flags). The array is freed, its handles are the
 * receiver's.
 */
export function listAll(
  kind: ObjectKind,
  native: Native,
  symbol: string,
  owner: bigint,
  flags: number,
): Described[] {
  return pointerArray(native, (out) => native.int(symbol, owner, out, flags))
    .map((pointer) => describe(kind, native, pointer));
}

/**
 * Runs a call that allocates an array of pointers and returns their count; frees the array and gives
 * the pointers.
 */
export function pointerArray(
  native: Native,
  run: (out: Uint8Array) => NativeArgument,
): bigint[] {
  const out = new BigUint64Array(1);
  const count = Number(run(new Uint8Array(out.buffer)));
  const array = out[0] ?? 0n;
  if (array === 0n) return [];
  const pointers: bigint[] = [];
  if (count > 0) {
    const memory = view(array);
    for (let index = 0; index < count; index++) pointers.push(memory.getBigUint64(index * 8));
  }
  native.call("free", array);
  return pointers;
}
