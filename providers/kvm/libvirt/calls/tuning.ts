/**
 * Calls on a domain that carry typed parameters or CPU maps: what the host grants to a guest.
 *
 * @module
 */

import { cString, keepAlive, type Native, type Signature, view } from "../native.ts";
import { pointerArray } from "./objects.ts";
import { composite, slow, slowComposite } from "./shape.ts";
import {
  fetchTyped,
  packTyped,
  takeTyped,
  type TypedEntry,
  type TypedValue,
} from "./typed_params.ts";

/** An I/O thread and the host CPUs that it may run on. */
export interface IoThreadInfo {
  /** The I/O thread's number. */
  readonly id: number;
  /** The host CPUs that it may run on. */
  readonly cpus: readonly number[];
}

/** Statistics of the job that runs on a domain, for example a migration. */
export interface JobStats {
  /** `virDomainJobType`; 0: none. */
  readonly type: number;
  /** The job's numbers, for example `memory_remaining`. */
  readonly stats: Readonly<Record<string, TypedValue>>;
}

const GET: Signature = ["i32", "u64", "buffer", "buffer", "u32"];
const SET: Signature = ["i32", "u64", "buffer", "i32", "u32"];
const GET_OF: Signature = ["i32", "u64", "buffer", "buffer", "buffer", "u32"];
const SET_OF: Signature = ["i32", "u64", "buffer", "buffer", "i32", "u32"];

/** C signatures of the composite calls below. */
export const tuningNatives: Readonly<Record<string, Signature>> = {
  virDomainGetSchedulerType: ["u64", "u64", "buffer"],
  virDomainGetSchedulerParametersFlags: GET,
  virDomainSetSchedulerParametersFlags: SET,
  virDomainGetBlkioParameters: GET,
  virDomainSetBlkioParameters: SET,
  virDomainGetMemoryParameters: GET,
  virDomainSetMemoryParameters: SET,
  virDomainGetNumaParameters: GET,
  virDomainSetNumaParameters: SET,
  virDomainGetBlockIoTune: GET_OF,
  virDomainSetBlockIoTune: SET_OF,
  virDomainGetInterfaceParameters: GET_OF,
  virDomainSetInterfaceParameters: SET_OF,
  virDomainBlockStatsFlags: GET_OF,
  virDomainGetPerfEvents: GET,
  virDomainSetPerfEvents: SET,
  virDomainGetJobStats: ["i32", "u64", "buffer", "buffer", "buffer", "u32"],
  virDomainGetGuestInfo: ["i32", "u64", "u32", "buffer", "buffer", "u32"],
  virDomainGetGuestVcpus: ["i32", "u64", "buffer", "buffer", "u32"],
  virDomainSetIOThreadParams: ["i32", "u64", "u32", "buffer", "i32", "u32"],
  virDomainMigrateToURI3: ["i32", "u64", "buffer", "buffer", "u32", "u32"],
  virDomainBlockCopy: ["i32", "u64", "buffer", "buffer", "buffer", "i32", "u32"],
  virDomainPinVcpuFlags: ["i32", "u64", "u32", "buffer", "i32", "u32"],
  virDomainGetVcpuPinInfo: ["i32", "u64", "i32", "buffer", "i32", "u32"],
  virDomainPinEmulator: ["i32", "u64", "buffer", "i32", "u32"],
  virDomainGetEmulatorPinInfo: ["i32", "u64", "buffer", "i32", "u32"],
  virDomainPinIOThread: ["i32", "u64", "u32", "buffer", "i32", "u32"],
  virDomainGetIOThreadInfo: ["i32", "u64", "buffer", "u32"],
  virDomainIOThreadInfoFree: ["void", "u64"],
};

/** A CPU map with `cpus` set, long enough for `hostCpus`. */
function packCpus(cpus: readonly number[], hostCpus: number): Uint8Array {
  const length = Math.max(hostCpus, ...cpus.map((cpu) => cpu + 1), 1);
  const map = new Uint8Array(Math.ceil(length / 8));
  for (const cpu of cpus) map[cpu >> 3] = (map[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  return map;
}

function unpackCpus(map: Uint8Array): number[] {
  const cpus: number[] = [];
  map.forEach((byte, index) => {
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) cpus.push(index * 8 + bit);
  });
  return cpus;
}

function get(symbol: string) {
  return composite((native: Native, domain: bigint, flags: number) =>
    fetchTyped(native, (parameters, count) => {
      native.int(symbol, domain, parameters, count, flags);
    })
  );
}

function set(symbol: string) {
  return slowComposite((
    native: Native,
    domain: bigint,
    entries: readonly TypedEntry[],
    flags: number,
  ): void => {
    const packed = packTyped(entries);
    native.int(symbol, domain, packed.bytes, packed.count, flags);
    keepAlive(packed);
  });
}

function getOf(symbol: string) {
  return composite((native: Native, domain: bigint, device: string, flags: number) =>
    fetchTyped(native, (parameters, count) => {
      native.int(symbol, domain, cString(device), parameters, count, flags);
    })
  );
}

function setOf(symbol: string) {
  return slowComposite((
    native: Native,
    domain: bigint,
    device: string,
    entries: readonly TypedEntry[],
    flags: number,
  ): void => {
    const packed = packTyped(entries);
    native.int(symbol, domain, cString(device), packed.bytes, packed.count, flags);
    keepAlive(packed);
  });
}

function schedulerParameters(native: Native, domain: bigint, flags: number) {
  // The scheduler alone knows how many parameters there are.
  const count = new Int32Array(1);
  native.text("virDomainGetSchedulerType", domain, new Uint8Array(count.buffer));
  return fetchTyped(native, (parameters, room) => {
    native.int("virDomainGetSchedulerParametersFlags", domain, parameters, room, flags);
  }, count[0] ?? 0);
}

function jobStats(native: Native, domain: bigint, flags: number): JobStats {
  const type = new Int32Array(1);
  const stats = takeTyped(native, (out, count) => {
    native.int(
      "virDomainGetJobStats",
      domain,
      new Uint8Array(type.buffer),
      out,
      count,
      flags,
    );
  });
  return { type: type[0] ?? 0, stats };
}

function pinVcpu(
  native: Native,
  domain: bigint,
  vcpu: number,
  cpus: readonly number[],
  hostCpus: number,
  flags: number,
): void {
  const map = packCpus(cpus, hostCpus);
  native.int("virDomainPinVcpuFlags", domain, vcpu, map, map.length, flags);
}

function vcpuPins(
  native: Native,
  domain: bigint,
  vcpus: number,
  hostCpus: number,
  flags: number,
): number[][] {
  const length = Math.ceil(hostCpus / 8);
  const maps = new Uint8Array(vcpus * length);
  const filled = native.int("virDomainGetVcpuPinInfo", domain, vcpus, maps, length, flags);
  return Array.from(
    { length: filled },
    (_, vcpu) => unpackCpus(maps.subarray(vcpu * length, (vcpu + 1) * length)),
  );
}

function emulatorPin(native: Native, domain: bigint, hostCpus: number, flags: number): number[] {
  const map = new Uint8Array(Math.ceil(hostCpus / 8));
  native.int("virDomainGetEmulatorPinInfo", domain, map, map.length, flags);
  return unpackCpus(map);
}

function ioThreads(native: Native, domain: bigint, flags: number): IoThreadInfo[] {
  const pointers = pointerArray(
    native,
    (out) => native.int("virDomainGetIOThreadInfo", domain, out, flags),
  );
  return pointers.map((pointer) => {
    // struct _virDomainIOThreadInfo: iothread_id 0, cpumap 8, cpumaplen 16.
    const memory = view(pointer);
    const address = memory.getBigUint64(8);
    const map = new Uint8Array(address === 0n ? 0 : memory.getInt32(16));
    if (map.length > 0) view(address).copyInto(map);
    const id = memory.getUint32(0);
    native.call("virDomainIOThreadInfoFree", pointer);
    return { id, cpus: unpackCpus(map) };
  });
}

/** Calls on a domain that carry typed parameters or CPU maps. */
export const tuningCalls = {
  virDomainGetSchedulerParametersFlags: composite(schedulerParameters),
  virDomainSetSchedulerParametersFlags: set("virDomainSetSchedulerParametersFlags"),
  virDomainGetBlkioParameters: get("virDomainGetBlkioParameters"),
  virDomainSetBlkioParameters: set("virDomainSetBlkioParameters"),
  virDomainGetMemoryParameters: get("virDomainGetMemoryParameters"),
  virDomainSetMemoryParameters: set("virDomainSetMemoryParameters"),
  virDomainGetNumaParameters: get("virDomainGetNumaParameters"),
  virDomainSetNumaParameters: set("virDomainSetNumaParameters"),
  virDomainGetBlockIoTune: getOf("virDomainGetBlockIoTune"),
  virDomainSetBlockIoTune: setOf("virDomainSetBlockIoTune"),
  virDomainGetInterfaceParameters: getOf("virDomainGetInterfaceParameters"),
  virDomainSetInterfaceParameters: setOf("virDomainSetInterfaceParameters"),
  virDomainBlockStatsFlags: getOf("virDomainBlockStatsFlags"),
  virDomainGetPerfEvents: composite((native: Native, domain: bigint, flags: number) =>
    takeTyped(native, (out, count) => {
      native.int("virDomainGetPerfEvents", domain, out, count, flags);
    })
  ),
  virDomainSetPerfEvents: set("virDomainSetPerfEvents"),
  virDomainGetJobStats: composite(jobStats),
  virDomainGetGuestInfo: slowComposite((
    native: Native,
    domain: bigint,
    types: number,
    flags: number,
  ) =>
    takeTyped(native, (out, count) => {
      native.int("virDomainGetGuestInfo", domain, types, out, count, flags);
    })
  ),
  virDomainGetGuestVcpus: slowComposite((native: Native, domain: bigint, flags: number) =>
    takeTyped(native, (out, count) => {
      native.int("virDomainGetGuestVcpus", domain, out, count, flags);
    })
  ),
  virDomainPinVcpuFlags: slowComposite(pinVcpu),
  virDomainGetVcpuPinInfo: composite(vcpuPins),
  virDomainPinEmulator: slowComposite((
    native: Native,
    domain: bigint,
    cpus: readonly number[],
    hostCpus: number,
    flags: number,
  ): void => {
    const map = packCpus(cpus, hostCpus);
    native.int("virDomainPinEmulator", domain, map, map.length, flags);
  }),
  virDomainGetEmulatorPinInfo: composite(emulatorPin),
  virDomainPinIOThread: slowComposite((
    native: Native,
    domain: bigint,
    thread: number,
    cpus: readonly number[],
    hostCpus: number,
    flags: number,
  ): void => {
    const map = packCpus(cpus, hostCpus);
    native.int("virDomainPinIOThread", domain, thread, map, map.length, flags);
  }),
  virDomainGetIOThreadInfo: composite(ioThreads),
  virDomainAddIOThread: slow("status", "handle", "u32", "u32"),
  virDomainDelIOThread: slow("status", "handle", "u32", "u32"),
  virDomainSetIOThreadParams: slowComposite((
    native: Native,
    domain: bigint,
    thread: number,
    entries: readonly TypedEntry[],
    flags: number,
  ): void => {
    const packed = packTyped(entries);
    native.int(
      "virDomainSetIOThreadParams",
      domain,
      thread,
      packed.bytes,
      packed.count,
      flags,
    );
    keepAlive(packed);
  }),
  virDomainBlockCopy: slowComposite((
    native: Native,
    domain: bigint,
    disk: string,
    destination: string,
    entries: readonly TypedEntry[],
    flags: number,
  ): void => {
    const packed = packTyped(entries);
    native.int(
      "virDomainBlockCopy",
      domain,
      cString(disk),
      cString(destination),
      packed.bytes,
      packed.count,
      flags,
    );
    keepAlive(packed);
  }),
  virDomainMigrateToURI3: slowComposite((
    native: Native,
    domain: bigint,
    uri: string | null,
    entries: readonly TypedEntry[],
    flags: number,
  ): void => {
    const packed = packTyped(entries);
    native.int(
      "virDomainMigrateToURI3",
      domain,
      cString(uri),
      packed.bytes,
      packed.count,
      flags,
    );
    keepAlive(packed);
  }),
};
