/**
 * Calls on a connection, its node and its capabilities.
 *
 * @module
 */

import { addressOf, cString, keepAlive, type Native, type Signature, view } from "../native.ts";
import { openWithPrompts } from "./auth.ts";
import { listAll, pointerArray, toColumns } from "./objects.ts";
import { composite, quick, slow, slowComposite } from "./shape.ts";
import { readTyped, type TypedValue } from "./typed_params.ts";

/**
 * How the loss of a connection is made known. libvirt calls back on whichever thread notices, possibly
 * one that this program has given up, so the functions are C, not JavaScript: the callback itself does
 * nothing, and the function that frees its data counts up an int, which the main thread looks at.
 */
export interface LossCounter {
  /** A function that does nothing. */
  readonly callback: bigint;
  /** `g_atomic_int_inc`. */
  readonly free: bigint;
  /** The address of the int. */
  readonly counter: bigint;
}

/** How a connection is opened. */
export interface OpenRequest {
  readonly uri: string;
  readonly readonly: boolean;
  /** The Worker may ask the main thread for credentials. */
  readonly prompts: boolean;
  readonly keepalive: { readonly interval: number; readonly count: number } | null;
  /** What libvirt does when the connection is lost. */
  readonly loss: LossCounter;
}

/** What is known of a connection once it is open. */
export interface Opened {
  readonly pointer: bigint;
  readonly uri: string;
  /** Whether the driver has keepalive (drivers inside the process have none). */
  readonly keepalive: boolean;
  /** Whether the driver says when the connection is lost. */
  readonly closeNotice: boolean;
}

/** `virNodeInfo`. */
export interface NodeInfo {
  /** CPU architecture, for example `x86_64`. */
  readonly model: string;
  /** KiB. */
  readonly memory: number;
  /** CPUs that are on line. */
  readonly cpus: number;
  /** Clock of a CPU in MHz; 0 where it is not known. */
  readonly mhz: number;
  /** NUMA nodes; 1 where there is no NUMA. */
  readonly numaNodes: number;
  /** Sockets in a NUMA node. */
  readonly sockets: number;
  /** Cores in a socket. */
  readonly cores: number;
  /** Threads in a core. */
  readonly threads: number;
}

/** One domain's statistics. */
export interface DomainStats {
  /** The domain's name. */
  readonly name: string;
  /** The domain's UUID, in lower case with dashes. */
  readonly uuid: string;
  /** The statistics by libvirt's names, for example `state.state` or `vcpu.current`. */
  readonly stats: Readonly<Record<string, TypedValue>>;
}

/** C signatures of the composite calls below. */
export const connectionNatives: Readonly<Record<string, Signature>> = {
  virConnectOpen: ["u64", "buffer"],
  virConnectOpenReadOnly: ["u64", "buffer"],
  virConnectOpenAuth: ["u64", "buffer", "buffer", "u32"],
  virConnectClose: ["i32", "u64"],
  virConnectGetURI: ["u64", "u64"],
  virConnectSetKeepAlive: ["i32", "u64", "i32", "u32"],
  virConnectRegisterCloseCallback: ["i32", "u64", "u64", "u64", "u64"],
  virConnectUnregisterCloseCallback: ["i32", "u64", "u64"],
  virConnectGetLibVersion: ["i32", "u64", "buffer"],
  virConnectGetVersion: ["i32", "u64", "buffer"],
  virNodeGetInfo: ["i32", "u64", "buffer"],
  virNodeGetFreeMemory: ["u64", "u64"],
  virNodeGetCPUMap: ["i32", "u64", "buffer", "buffer", "u32"],
  virNodeGetFreePages: ["i32", "u64", "u32", "buffer", "i32", "u32", "buffer", "u32"],
  virConnectGetCPUModelNames: ["i32", "u64", "buffer", "buffer", "u32"],
  virConnectGetAllDomainStats: ["i32", "u64", "u32", "buffer", "u32"],
  virDomainGetUUIDString: ["i32", "u64", "buffer"],
  virDomainListGetStats: ["i32", "buffer", "u32", "buffer", "u32"],
  virDomainStatsRecordListFree: ["void", "u64"],
  virConnectBaselineHypervisorCPU: [
    "u64",
    "u64",
    "buffer",
    "buffer",
    "buffer",
    "buffer",
    "buffer",
    "u32",
    "u32",
  ],
  virConnectListAllDomains: ["i32", "u64", "buffer", "u32"],
  virConnectListAllNetworks: ["i32", "u64", "buffer", "u32"],
  virConnectListAllStoragePools: ["i32", "u64", "buffer", "u32"],
  virConnectListAllSecrets: ["i32", "u64", "buffer", "u32"],
  virConnectListAllNWFilters: ["i32", "u64", "buffer", "u32"],
  virConnectListAllNodeDevices: ["i32", "u64", "buffer", "u32"],
  virConnectListAllInterfaces: ["i32", "u64", "buffer", "u32"],
};

function open(native: Native, request: OpenRequest): Opened {
  const uri = cString(request.uri);
  const pointer = request.prompts
    ? openWithPrompts(native, uri, request.readonly)
    : native.pointer(request.readonly ? "virConnectOpenReadOnly" : "virConnectOpen", uri);
  let closeNotice = false;
  try {
    let keepalive = false;
    if (request.keepalive !== null) {
      const { interval, count } = request.keepalive;
      // 1: the other end is too old. A driver inside the process answers "not supported".
      keepalive = native.call("virConnectSetKeepAlive", pointer, interval, count) === 0;
    }
    const { callback, counter, free } = request.loss;
    closeNotice =
      native.call("virConnectRegisterCloseCallback", pointer, callback, counter, free) === 0;
    return { pointer, uri: native.text("virConnectGetURI", pointer), keepalive, closeNotice };
  } catch (error) {
    // The callback holds a reference of its own, and the counter that the caller frees.
    if (closeNotice) {
      native.call("virConnectUnregisterCloseCallback", pointer, request.loss.callback);
    }
    native.call("virConnectClose", pointer);
    throw error;
  }
}

function close(native: Native, pointer: bigint, closeCallback: bigint | null): void {
  if (closeCallback !== null) {
    native.call("virConnectUnregisterCloseCallback", pointer, closeCallback);
  }
  // Above zero: someone still holds a reference (for example an event that is being delivered).
  native.int("virConnectClose", pointer);
}

function outVersion(symbol: string) {
  return composite((native: Native, connection: bigint): number => {
    const out = new BigUint64Array(1);
    native.int(symbol, connection, new Uint8Array(out.buffer));
    return Number(out[0]);
  });
}

function nodeInfo(native: Native, connection: bigint): NodeInfo {
  const info = new Uint8Array(64);
  native.int("virNodeGetInfo", connection, info);
  const data = new DataView(info.buffer);
  const end = info.subarray(0, 32).indexOf(0);
  return {
    model: new TextDecoder().decode(info.subarray(0, end < 0 ? 32 : end)),
    memory: Number(data.getBigUint64(32, true)),
    cpus: data.getUint32(40, true),
    mhz: data.getUint32(44, true),
    numaNodes: data.getUint32(48, true),
    sockets: data.getUint32(52, true),
    cores: data.getUint32(56, true),
    threads: data.getUint32(60, true),
  };
}

function freeMemory(native: Native, connection: bigint): number {
  const bytes = native.call("virNodeGetFreeMemory", connection) as bigint;
  if (bytes === 0n) throw native.failure("virNodeGetFreeMemory");
  return Number(bytes);
}

function freePages(
  native: Native,
  connection: bigint,
  sizes: readonly number[],
  firstCell: number,
  cells: number,
): number[] {
  const counts = new BigUint64Array(sizes.length * cells);
  const filled = native.int(
    "virNodeGetFreePages",
    connection,
    sizes.length,
    new Uint8Array(Uint32Array.from(sizes).buffer),
    firstCell,
    cells,
    new Uint8Array(counts.buffer),
    0,
  );
  return Array.from(counts.subarray(0, filled), Number);
}

function cpuMap(native: Native, connection: bigint): boolean[] {
  const map = new BigUint64Array(1);
  const online = new Uint32Array(1);
  const count = native.int(
    "virNodeGetCPUMap",
    connection,
    new Uint8Array(map.buffer),
    new Uint8Array(online.buffer),
    0,
  );
  const address = map[0] ?? 0n;
  const bytes = new Uint8Array(Math.ceil(count / 8));
  if (address !== 0n) {
    if (bytes.length > 0) view(address).copyInto(bytes);
    native.call("free", address);
  }
  return Array.from(
    { length: count },
    (_, cpu) => ((bytes[cpu >> 3] ?? 0) & (1 << (cpu & 7))) !== 0,
  );
}

function cpuModelNames(native: Native, connection: bigint, arch: string): string[] {
  return pointerArray(
    native,
    (out) => native.int("virConnectGetCPUModelNames", connection, cString(arch), out, 0),
  )
    .map((pointer) => native.take(pointer));
}

function readStats(native: Native, records: bigint, count: number): DomainStats[] {
  const result: DomainStats[] = [];
  if (records === 0n) return result;
  const list = view(records);
  for (let index = 0; index < count; index++) {
    // struct _virDomainStatsRecord: dom 0, params 8, nparams 16.
    const record = view(list.getBigUint64(index * 8));
    const domain = record.getBigUint64(0);
    const uuid = new Uint8Array(37);
    native.int("virDomainGetUUIDString", domain, uuid);
    result.push({
      name: native.borrowed("virDomainGetName", domain),
      uuid: new TextDecoder().decode(uuid.subarray(0, 36)),
      stats: readTyped(record.getBigUint64(8), record.getInt32(16)),
    });
  }
  native.call("virDomainStatsRecordListFree", records);
  return result;
}

function allDomainStats(
  native: Native,
  connection: bigint,
  stats: number,
  flags: number,
): DomainStats[] {
  const out = new BigUint64Array(1);
  const count = native.int(
    "virConnectGetAllDomainStats",
    connection,
    stats,
    new Uint8Array(out.buffer),
    flags,
  );
  return readStats(native, out[0] ?? 0n, count);
}

function domainListStats(
  native: Native,
  domains: readonly bigint[],
  stats: number,
  flags: number,
): DomainStats[] {
  if (domains.length === 0) return [];
  const out = new BigUint64Array(1);
  const list = BigUint64Array.from([...domains, 0n]);
  const count = native.int(
    "virDomainListGetStats",
    new Uint8Array(list.buffer),
    stats,
    new Uint8Array(out.buffer),
    flags,
  );
  return readStats(native, out[0] ?? 0n, count);
}

function baselineCpu(
  native: Native,
  connection: bigint,
  machine: {
    readonly emulator: string | null;
    readonly arch: string | null;
    readonly machine: string | null;
    readonly virttype: string | null;
  },
  cpus: readonly string[],
  flags: number,
): string {
  const texts = cpus.map((cpu) => cString(cpu) as Uint8Array<ArrayBuffer>);
  const pointers = BigUint64Array.from(
    texts,
    (text) => addressOf(text),
  );
  const result = native.text(
    "virConnectBaselineHypervisorCPU",
    connection,
    cString(machine.emulator),
    cString(machine.arch),
    cString(machine.machine),
    cString(machine.virttype),
    new Uint8Array(pointers.buffer),
    texts.length,
    flags,
  );
  keepAlive(texts);
  return result;
}

/** Calls on a connection. */
export const connectionCalls = {
  virConnectOpen: slowComposite(open),
  virConnectClose: slowComposite(close),
  virConnectGetLibVersion: outVersion("virConnectGetLibVersion"),
  virConnectGetVersion: outVersion("virConnectGetVersion"),
  virConnectGetType: quick("borrowed", "handle"),
  virConnectGetHostname: quick("text", "handle"),
  virConnectGetCapabilities: quick("text", "handle"),
  virConnectGetSysinfo: quick("text", "handle", "u32"),
  virConnectGetMaxVcpus: quick("count", "handle", "text?"),
  virConnectIsAlive: quick("flag", "handle"),
  virConnectIsEncrypted: quick("flag", "handle"),
  virConnectIsSecure: quick("flag", "handle"),
  virConnectGetDomainCapabilities: slow(
    "text",
    "handle",
    "text?",
    "text?",
    "text?",
    "text?",
    "u32",
  ),
  virConnectGetStoragePoolCapabilities: quick("text", "handle", "u32"),
  virConnectFindStoragePoolSources: slow("text", "handle", "text", "text?", "u32"),
  virConnectCompareHypervisorCPU: slow(
    "count",
    "handle",
    "text?",
    "text?",
    "text?",
    "text?",
    "text",
    "u32",
  ),
  virConnectBaselineHypervisorCPU: slowComposite(baselineCpu),
  virConnectDomainXMLFromNative: slow("text", "handle", "text", "text", "u32"),
  virConnectDomainXMLToNative: slow("text", "handle", "text", "text", "u32"),
  virConnectGetCPUModelNames: composite(cpuModelNames),
  virNodeGetInfo: composite(nodeInfo),
  virNodeGetFreeMemory: composite(freeMemory),
  virNodeGetFreePages: composite(freePages),
  virNodeGetCPUMap: composite(cpuMap),
  virConnectGetAllDomainStats: composite(allDomainStats),
  virDomainListGetStats: composite(domainListStats),

  virConnectListAllDomains: composite((native: Native, connection: bigint, flags: number) =>
    toColumns(listAll("domain", native, "virConnectListAllDomains", connection, flags))
  ),
  virConnectListAllNetworks: composite((native: Native, connection: bigint, flags: number) =>
    listAll("network", native, "virConnectListAllNetworks", connection, flags)
  ),
  virConnectListAllStoragePools: composite((native: Native, connection: bigint, flags: number) =>
    listAll("pool", native, "virConnectListAllStoragePools", connection, flags)
  ),
  virConnectListAllSecrets: composite((native: Native, connection: bigint, flags: number) =>
    listAll("secret", native, "virConnectListAllSecrets", connection, flags)
  ),
  virConnectListAllNWFilters: composite((native: Native, connection: bigint, flags: number) =>
    listAll("nwfilter", native, "virConnectListAllNWFilters", connection, flags)
  ),
  virConnectListAllNodeDevices: composite((native: Native, connection: bigint, flags: number) =>
    listAll("device", native, "virConnectListAllNodeDevices", connection, flags)
  ),
  virConnectListAllInterfaces: composite((native: Native, connection: bigint, flags: number) =>
    listAll("interface", native, "virConnectListAllInterfaces", connection, flags)
  ),

  virDomainLookupByName: quick("domain", "handle", "text"),
  virDomainLookupByUUIDString: quick("domain", "handle", "text"),
  virDomainLookupByID: quick("domain", "handle", "i32"),
  virDomainDefineXMLFlags: slow("domain", "handle", "text", "u32"),
  virDomainCreateXML: slow("domain", "handle", "text", "u32"),
  virDomainRestoreFlags: slow("status", "handle", "text", "text?", "u32"),
  virDomainSaveImageGetXMLDesc: slow("text", "handle", "text", "u32"),
  virNetworkLookupByName: quick("network", "handle", "text"),
  virNetworkLookupByUUIDString: quick("network", "handle", "text"),
  virNetworkDefineXML: slow("network", "handle", "text"),
  virNetworkDefineXMLFlags: slow("network", "handle", "text", "u32"),
  virNetworkCreateXML: slow("network", "handle", "text"),
  virStoragePoolLookupByName: quick("pool", "handle", "text"),
  virStoragePoolLookupByUUIDString: quick("pool", "handle", "text"),
  virStoragePoolLookupByTargetPath: quick("pool", "handle", "text"),
  virStoragePoolDefineXML: slow("pool", "handle", "text", "u32"),
  virStoragePoolCreateXML: slow("pool", "handle", "text", "u32"),
  virSecretLookupByUUIDString: quick("secret", "handle", "text"),
  virSecretLookupByUsage: quick("secret", "handle", "i32", "text"),
  virSecretDefineXML: slow("secret", "handle", "text", "u32"),
  virNWFilterLookupByName: quick("nwfilter", "handle", "text"),
  virNWFilterLookupByUUIDString: quick("nwfilter", "handle", "text"),
  virNWFilterDefineXML: slow("nwfilter", "handle", "text"),
  virNodeDeviceLookupByName: quick("device", "handle", "text"),
  virNodeDeviceCreateXML: slow("device", "handle", "text", "u32"),
  virNodeDeviceDefineXML: slow("device", "handle", "text", "u32"),
  virInterfaceLookupByName: quick("interface", "handle", "text"),
  virConnectDomainEventRegisterAny: quick(
    "count",
    "handle",
    "u64",
    "i32",
    "u64",
    "u64",
    "u64",
  ),
  virConnectDomainEventDeregisterAny: quick("status", "handle", "i32"),
  virConnectNetworkEventRegisterAny: quick("count", "handle", "u64", "i32", "u64", "u64", "u64"),
  virConnectNetworkEventDeregisterAny: quick("status", "handle", "i32"),
  virConnectStoragePoolEventRegisterAny: quick(
    "count",
    "handle",
    "u64",
    "i32",
    "u64",
    "u64",
    "u64",
  ),
  virConnectStoragePoolEventDeregisterAny: quick("status", "handle", "i32"),
  virConnectNodeDeviceEventRegisterAny: quick(
    "count",
    "handle",
    "u64",
    "i32",
    "u64",
    "u64",
    "u64",
  ),
  virConnectNodeDeviceEventDeregisterAny: quick("status", "handle", "i32"),
  virConnectSecretEventRegisterAny: quick("count", "handle", "u64", "i32", "u64", "u64", "u64"),
  virConnectSecretEventDeregisterAny: quick("status", "handle", "i32"),
};
