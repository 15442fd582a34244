/**
 * Calls on storage pools, volumes, secrets and node devices.
 *
 * @module
 */

import { type Native, type Signature, view } from "../native.ts";
import { outFlag } from "./domain.ts";
import { describe, type Described, listAll } from "./objects.ts";
import { composite, quick, slow } from "./shape.ts";

/** `virStoragePoolInfo`; sizes in bytes. */
export interface PoolInfo {
  /** `virStoragePoolState`. */
  readonly state: number;
  /** Bytes in all. */
  readonly capacity: number;
  /** Bytes in use. */
  readonly allocation: number;
  /** Bytes that are free. */
  readonly available: number;
}

/** `virStorageVolInfo`; sizes in bytes. */
export interface VolumeInfo {
  /** `virStorageVolType`. */
  readonly type: number;
  /** What a guest sees, in bytes. */
  readonly capacity: number;
  /** What is used on the host, in bytes. */
  readonly allocation: number;
}

/** A volume that was looked up without its pool, and that pool's name. */
export interface FoundVolume {
  readonly volume: Described;
  readonly pool: string;
}

/** C signatures of the composite calls below. */
export const storageNatives: Readonly<Record<string, Signature>> = {
  virStoragePoolGetAutostart: ["i32", "u64", "buffer"],
  virStoragePoolGetInfo: ["i32", "u64", "buffer"],
  virStoragePoolListAllVolumes: ["i32", "u64", "buffer", "u32"],
  virStoragePoolLookupByVolume: ["u64", "u64"],
  virStorageVolGetInfoFlags: ["i32", "u64", "buffer", "u32"],
  virStorageVolLookupByPath: ["u64", "u64", "buffer"],
  virStorageVolLookupByKey: ["u64", "u64", "buffer"],
  virSecretGetValue: ["u64", "u64", "buffer", "u32"],
  virSecretSetValue: ["i32", "u64", "buffer", "u64", "u32"],
  virNodeDeviceListCaps: ["i32", "u64", "buffer", "i32"],
  virNodeDeviceNumOfCaps: ["i32", "u64"],
  virNodeDeviceGetParent: ["u64", "u64"],
  virNodeDeviceGetAutostart: ["i32", "u64", "buffer"],
};

function poolInfo(native: Native, pool: bigint): PoolInfo {
  // struct _virStoragePoolInfo: state 0, capacity 8, allocation 16, available 24.
  const data = new DataView(new ArrayBuffer(32));
  native.int("virStoragePoolGetInfo", pool, new Uint8Array(data.buffer));
  return {
    state: data.getInt32(0, true),
    capacity: Number(data.getBigUint64(8, true)),
    allocation: Number(data.getBigUint64(16, true)),
    available: Number(data.getBigUint64(24, true)),
  };
}

function volumeInfo(native: Native, volume: bigint, flags: number): VolumeInfo {
  // struct _virStorageVolInfo: type 0, capacity 8, allocation 16.
  const data = new DataView(new ArrayBuffer(24));
  native.int("virStorageVolGetInfoFlags", volume, new Uint8Array(data.buffer), flags);
  return {
    type: data.getInt32(0, true),
    capacity: Number(data.getBigUint64(8, true)),
    allocation: Number(data.getBigUint64(16, true)),
  };
}

function findVolume(symbol: string) {
  return composite((native: Native, connection: bigint, text: string): FoundVolume => {
    const pointer = native.pointer(
      symbol,
      connection,
      new TextEncoder().encode(text + "\0"),
    );
    try {
      const pool = native.pointer("virStoragePoolLookupByVolume", pointer);
      try {
        return {
          volume: describe("volume", native, pointer),
          pool: native.borrowed("virStoragePoolGetName", pool),
        };
      } finally {
        native.call("virStoragePoolFree", pool);
      }
    } catch (error) {
      native.call("virStorageVolFree", pointer);
      throw error;
    }
  });
}

function secretValue(native: Native, secret: bigint): Uint8Array {
  const size = new BigUint64Array(1);
  const address = native.pointer("virSecretGetValue", secret, new Uint8Array(size.buffer), 0);
  const bytes = new Uint8Array(Number(size[0]));
  if (bytes.length > 0) view(address).copyInto(bytes);
  native.call("free", address);
  return bytes;
}

function deviceCapabilities(native: Native, device: bigint): string[] {
  const room = native.int("virNodeDeviceNumOfCaps", device);
  if (room === 0) return [];
  const names = new BigUint64Array(room);
  const count = native.int(
    "virNodeDeviceListCaps",
    device,
    new Uint8Array(names.buffer),
    room,
  );
  return Array.from(names.subarray(0, count), (address) => native.take(address));
}

function deviceParent(native: Native, device: bigint): string | null {
  const address = native.call("virNodeDeviceGetParent", device) as bigint;
  // Null for the root device as well as on failure: the error tells them apart.
  if (address !== 0n) {
    return Deno.UnsafePointerView.getCString(
      Deno.UnsafePointer.create(address) as Deno.PointerObject,
    );
  }
  const failure = native.failure("virNodeDeviceGetParent");
  if (failure.failure.kind === "libvirt" && failure.failure.code !== 0) throw failure;
  return null;
}

/** Calls on storage pools, volumes, secrets and node devices. */
export const storageCalls = {
  virStoragePoolGetXMLDesc: quick("text", "handle", "u32"),
  virStoragePoolGetInfo: composite(poolInfo),
  virStoragePoolIsActive: quick("flag", "handle"),
  virStoragePoolIsPersistent: quick("flag", "handle"),
  virStoragePoolGetAutostart: outFlag("virStoragePoolGetAutostart"),
  virStoragePoolSetAutostart: slow("status", "handle", "i32"),
  virStoragePoolBuild: slow("status", "handle", "u32"),
  virStoragePoolCreate: slow("status", "handle", "u32"),
  virStoragePoolRefresh: slow("status", "handle", "u32"),
  virStoragePoolDestroy: slow("status", "handle"),
  virStoragePoolDelete: slow("status", "handle", "u32"),
  virStoragePoolUndefine: slow("status", "handle"),
  virStoragePoolListAllVolumes: composite((native: Native, pool: bigint, flags: number) =>
    listAll("volume", native, "virStoragePoolListAllVolumes", pool, flags)
  ),
  virStorageVolLookupByName: quick("volume", "handle", "text"),
  virStorageVolLookupByPath: findVolume("virStorageVolLookupByPath"),
  virStorageVolLookupByKey: findVolume("virStorageVolLookupByKey"),
  virStorageVolCreateXML: slow("volume", "handle", "text", "u32"),
  virStorageVolCreateXMLFrom: slow("volume", "handle", "text", "handle", "u32"),
  virStorageVolGetXMLDesc: quick("text", "handle", "u32"),
  virStorageVolGetPath: quick("text", "handle"),
  virStorageVolGetInfoFlags: composite(volumeInfo),
  virStorageVolResize: slow("status", "handle", "u64", "u32"),
  virStorageVolWipePattern: slow("status", "handle", "u32", "u32"),
  virStorageVolDelete: slow("status", "handle", "u32"),

  virSecretGetXMLDesc: quick("text", "handle", "u32"),
  virSecretGetValue: composite(secretValue),
  virSecretSetValue: slow("status", "handle", "bytes", "u64", "u32"),
  virSecretUndefine: slow("status", "handle"),

  virNodeDeviceGetXMLDesc: quick("text", "handle", "u32"),
  virNodeDeviceGetParent: composite(deviceParent),
  virNodeDeviceListCaps: composite(deviceCapabilities),
  virNodeDeviceDetachFlags: slow("status", "handle", "text?", "u32"),
  virNodeDeviceReAttach: slow("status", "handle"),
  virNodeDeviceReset: slow("status", "handle"),
  virNodeDeviceDestroy: slow("status", "handle"),
  virNodeDeviceUndefine: slow("status", "handle", "u32"),
  virNodeDeviceCreate: slow("status", "handle", "u32"),
  virNodeDeviceIsActive: quick("flag", "handle"),
  virNodeDeviceIsPersistent: quick("flag", "handle"),
  virNodeDeviceGetAutostart: outFlag("virNodeDeviceGetAutostart"),
  virNodeDeviceSetAutostart: slow("status", "handle", "i32"),
};
