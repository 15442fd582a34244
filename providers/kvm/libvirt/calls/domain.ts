/**
 * Calls on a domain: definition, life, devices, snapshots.
 *
 * @module
 */

import { type Failure, Raised } from "../failure.ts";
import { cString, type Native, type Signature, textAt, view } from "../native.ts";
import { addressOf, keepAlive } from "../native.ts";
import { listAll, pointerArray } from "./objects.ts";
import { composite, quick, slow, slowComposite } from "./shape.ts";

/** `virDomainInfo`. */
export interface DomainInfo {
  /** `virDomainState`. */
  readonly state: number;
  /** KiB. */
  readonly maxMemory: number;
  /** KiB. */
  readonly memory: number;
  /** vCPUs at present. */
  readonly vcpus: number;
  /** Nanoseconds. */
  readonly cpuTime: bigint;
}

/** `virDomainBlockInfo`, in bytes. */
export interface BlockInfo {
  /** What the guest sees. */
  readonly capacity: number;
  /** What is used on the host. */
  readonly allocation: number;
  /** The size of the file or device on the host. */
  readonly physical: number;
}

/** An address of a guest's interface. */
export interface InterfaceAddress {
  /** Which Internet Protocol. */
  readonly family: "ipv4" | "ipv6";
  /** The address, without its prefix. */
  readonly address: string;
  /** The network's prefix in bits; 0 where it is not known. */
  readonly prefix: number;
}

/** A guest's interface with its addresses. */
export interface DomainInterface {
  /** The interface's name: in the guest from its agent, on the host from leases. */
  readonly name: string;
  /** The MAC address, in lower case with colons. */
  readonly mac: string | null;
  /** Its addresses. */
  readonly addresses: readonly InterfaceAddress[];
}

/** A file system inside a guest, as its agent sees it. */
export interface FileSystemInfo {
  /** Where the guest has mounted it. */
  readonly mountpoint: string;
  /** The device in the guest, for example `vda1`. */
  readonly name: string;
  /** The kind of file system, for example `ext4`. */
  readonly type: string;
  /** Target names of the disks below it, for example `vda`. */
  readonly disks: readonly string[];
}

/** A running block job, or null fields when there is none. */
export interface BlockJobInfo {
  /** `virDomainBlockJobType`. */
  readonly type: number;
  /** MiB/s; 0: no limit. */
  readonly bandwidth: number;
  /** How far it is, in a unit of its own. */
  readonly current: bigint;
  /** How far it has to go, in the same unit. */
  readonly end: bigint;
}

/** C signatures of the composite calls below. */
export const domainNatives: Readonly<Record<string, Signature>> = {
  virDomainGetState: ["i32", "u64", "buffer", "buffer", "u32"],
  virDomainGetInfo: ["i32", "u64", "buffer"],
  virDomainGetAutostart: ["i32", "u64", "buffer"],
  virDomainGetBlockInfo: ["i32", "u64", "buffer", "buffer", "u32"],
  virDomainGetMaxMemory: ["u64", "u64"],
  virDomainGetBlockJobInfo: ["i32", "u64", "buffer", "buffer", "u32"],
  virDomainInterfaceAddresses: ["i32", "u64", "buffer", "u32", "u32"],
  virDomainInterfaceFree: ["void", "u64"],
  virDomainGetFSInfo: ["i32", "u64", "buffer", "u32"],
  virDomainFSInfoFree: ["void", "u64"],
  virDomainFSFreeze: ["i32", "u64", "buffer", "u32", "u32"],
  virDomainFSThaw: ["i32", "u64", "buffer", "u32", "u32"],
  virDomainGetTime: ["i32", "u64", "buffer", "buffer", "u32"],
  virDomainQemuMonitorCommand: ["i32", "u64", "buffer", "buffer", "u32"],
  virDomainListAllSnapshots: ["i32", "u64", "buffer", "u32"],
  virDomainSnapshotListAllChildren: ["i32", "u64", "buffer", "u32"],
  virDomainListAllCheckpoints: ["i32", "u64", "buffer", "u32"],
  virDomainOpenConsole: ["i32", "u64", "buffer", "u64", "u32"],
  virDomainOpenChannel: ["i32", "u64", "buffer", "u64", "u32"],
  virDomainSendKey: ["i32", "u64", "u32", "u32", "buffer", "i32", "u32"],
  virDomainGetMessages: ["i32", "u64", "buffer", "u32"],
  virDomainGetID: ["u32", "u64"],
};

function state(native: Native, domain: bigint): { state: number; reason: number } {
  const out = new Int32Array(2);
  const bytes = new Uint8Array(out.buffer);
  native.int("virDomainGetState", domain, bytes.subarray(0, 4), bytes.subarray(4, 8), 0);
  return { state: out[0] ?? 0, reason: out[1] ?? 0 };
}

function info(native: Native, domain: bigint): DomainInfo {
  // struct _virDomainInfo: state 0, maxMem 8, memory 16, nrVirtCpu 24, cpuTime 32.
  const data = new DataView(new ArrayBuffer(40));
  native.int("virDomainGetInfo", domain, new Uint8Array(data.buffer));
  return {
    state: data.getUint8(0),
    maxMemory: Number(data.getBigUint64(8, true)),
    memory: Number(data.getBigUint64(16, true)),
    vcpus: data.getUint16(24, true),
    cpuTime: data.getBigUint64(32, true),
  };
}

/** A call that writes 0 or 1 to an int behind its second parameter. */
export function outFlag(symbol: string) {
  return composite((native: Native, object: bigint): boolean => {
    const out = new Int32Array(1);
    native.int(symbol, object, new Uint8Array(out.buffer));
    return out[0] === 1;
  });
}

function maxMemory(native: Native, domain: bigint): number {
  const kib = native.call("virDomainGetMaxMemory", domain) as bigint;
  if (kib === 0n) throw native.failure("virDomainGetMaxMemory");
  return Number(kib);
}

function blockInfo(native: Native, domain: bigint, disk: string): BlockInfo {
  const out = new BigUint64Array(3);
  native.int(
    "virDomainGetBlockInfo",
    domain,
    cString(disk),
    new Uint8Array(out.buffer),
    0,
  );
  return { capacity: Number(out[0]), allocation: Number(out[1]), physical: Number(out[2]) };
}

function blockJobInfo(
  native: Native,
  domain: bigint,
  disk: string,
  flags: number,
): BlockJobInfo | null {
  // struct _virDomainBlockJobInfo: type 0, bandwidth 8, cur 16, end 24.
  const data = new DataView(new ArrayBuffer(32));
  const found = native.int(
    "virDomainGetBlockJobInfo",
    domain,
    cString(disk),
    new Uint8Array(data.buffer),
    flags,
  );
  if (found === 0) return null;
  return {
    type: data.getInt32(0, true),
    bandwidth: Number(data.getBigUint64(8, true)),
    current: data.getBigUint64(16, true),
    end: data.getBigUint64(24, true),
  };
}

function interfaceAddresses(
  native: Native,
  domain: bigint,
  source: number,
): DomainInterface[] {
  const pointers = pointerArray(
    native,
    (out) => native.int("virDomainInterfaceAddresses", domain, out, source, 0),
  );
  return pointers.map((pointer) => {
    // struct _virDomainInterface: name 0, hwaddr 8, naddrs 16, addrs 24.
    const memory = view(pointer);
    const addresses = memory.getBigUint64(24);
    const list = Array.from(
      { length: addresses === 0n ? 0 : memory.getUint32(16) },
      (_, index): InterfaceAddress => {
        // struct _virDomainIPAddress: type 0, addr 8, prefix 16; 24 bytes.
        const address = view(addresses + BigInt(index * 24));
        return {
          family: address.getInt32(0) === 0 ? "ipv4" : "ipv6",
          address: textAt(address.getBigUint64(8)) ?? "",
          prefix: address.getUint32(16),
        };
      },
    );
    const result = {
      name: textAt(memory.getBigUint64(0)) ?? "",
      mac: textAt(memory.getBigUint64(8)),
      addresses: list,
    };
    native.call("virDomainInterfaceFree", pointer);
    return result;
  });
}

function fileSystems(native: Native, domain: bigint): FileSystemInfo[] {
  const pointers = pointerArray(native, (out) => native.int("virDomainGetFSInfo", domain, out, 0));
  return pointers.map((pointer) => {
    // struct _virDomainFSInfo: mountpoint 0, name 8, fstype 16, ndevAlias 24, devAlias 32.
    const memory = view(pointer);
    const aliases = memory.getBigUint64(32);
    const result = {
      mountpoint: textAt(memory.getBigUint64(0)) ?? "",
      name: textAt(memory.getBigUint64(8)) ?? "",
      type: textAt(memory.getBigUint64(16)) ?? "",
      disks: Array.from(
        { length: aliases === 0n ? 0 : Number(memory.getBigUint64(24)) },
        (_, index) => textAt(view(aliases).getBigUint64(index * 8)) ?? "",
      ),
    };
    native.call("virDomainFSInfoFree", pointer);
    return result;
  });
}

function freezeOrThaw(symbol: string) {
  return slowComposite((
    native: Native,
    domain: bigint,
    mountpoints: readonly string[] | null,
  ): number => {
    if (mountpoints === null) return native.int(symbol, domain, null, 0, 0);
    const texts = mountpoints.map((path) => cString(path) as Uint8Array<ArrayBuffer>);
    const pointers = BigUint64Array.from(texts, (text) => addressOf(text));
    const count = native.int(
      symbol,
      domain,
      new Uint8Array(pointers.buffer),
      texts.length,
      0,
    );
    keepAlive(texts);
    return count;
  });
}

function guestTime(native: Native, domain: bigint): { seconds: bigint; nanoseconds: number } {
  const seconds = new BigInt64Array(1);
  const nanoseconds = new Uint32Array(1);
  native.int(
    "virDomainGetTime",
    domain,
    new Uint8Array(seconds.buffer),
    new Uint8Array(nanoseconds.buffer),
    0,
  );
  return { seconds: seconds[0] ?? 0n, nanoseconds: nanoseconds[0] ?? 0 };
}

function monitorCommand(native: Native, domain: bigint, command: string, flags: number): string {
  const out = new BigUint64Array(1);
  native.int(
    "virDomainQemuMonitorCommand",
    domain,
    cString(command),
    new Uint8Array(out.buffer),
    flags,
  );
  return native.take(out[0] ?? 0n);
}

function openStream(symbol: string) {
  return composite((
    native: Native,
    domain: bigint,
    device: string | null,
    stream: bigint,
    flags: number,
  ): void => {
    native.int(symbol, domain, cString(device), stream, flags);
  });
}

function sendKey(
  native: Native,
  domain: bigint,
  codeset: number,
  holdMilliseconds: number,
  keys: readonly number[],
): void {
  native.int(
    "virDomainSendKey",
    domain,
    codeset,
    holdMilliseconds,
    new Uint8Array(Uint32Array.from(keys).buffer),
    keys.length,
    0,
  );
}

function messages(native: Native, domain: bigint, flags: number): string[] {
  return pointerArray(native, (out) => native.int("virDomainGetMessages", domain, out, flags))
    .map((pointer) => native.take(pointer));
}

/** XML of several domains, in their order; what failed stands in the place of its XML. */
function xmlOfMany(
  native: Native,
  domains: readonly bigint[],
  flags: number,
): (string | Failure)[] {
  return domains.map((domain) => {
    try {
      return native.text("virDomainGetXMLDesc", domain, flags);
    } catch (error) {
      if (error instanceof Raised) return error.failure;
      throw error;
    }
  });
}

/** Calls on a domain. */
export const domainCalls = {
  virDomainGetXMLDesc: quick("text", "handle", "u32"),
  "virDomainGetXMLDesc, many": composite(xmlOfMany),
  virDomainGetState: composite(state),
  virDomainGetInfo: composite(info),
  virDomainGetID: composite((native: Native, domain: bigint): number =>
    (native.call("virDomainGetID", domain) as number) | 0
  ),
  virDomainGetMaxMemory: composite(maxMemory),
  virDomainIsActive: quick("flag", "handle"),
  virDomainIsPersistent: quick("flag", "handle"),
  virDomainIsUpdated: quick("flag", "handle"),
  virDomainGetOSType: quick("text", "handle"),
  virDomainGetAutostart: outFlag("virDomainGetAutostart"),
  virDomainSetAutostart: slow("status", "handle", "i32"),
  virDomainCreateWithFlags: slow("status", "handle", "u32"),
  virDomainShutdownFlags: slow("status", "handle", "u32"),
  virDomainReboot: slow("status", "handle", "u32"),
  virDomainReset: slow("status", "handle", "u32"),
  virDomainDestroyFlags: slow("status", "handle", "u32"),
  virDomainSuspend: slow("status", "handle"),
  virDomainResume: slow("status", "handle"),
  virDomainPMSuspendForDuration: slow("status", "handle", "u32", "u64", "u32"),
  virDomainPMWakeup: slow("status", "handle", "u32"),
  virDomainUndefineFlags: slow("status", "handle", "u32"),
  virDomainRename: slow("status", "handle", "text", "u32"),
  virDomainInjectNMI: slow("status", "handle", "u32"),
  virDomainSendKey: slowComposite(sendKey),
  virDomainGetMessages: composite(messages),

  virDomainManagedSave: slow("status", "handle", "u32"),
  virDomainHasManagedSaveImage: quick("flag", "handle", "u32"),
  virDomainManagedSaveRemove: slow("status", "handle", "u32"),
  virDomainManagedSaveGetXMLDesc: quick("text", "handle", "u32"),
  virDomainManagedSaveDefineXML: slow("status", "handle", "text", "u32"),
  virDomainSaveFlags: slow("status", "handle", "text", "text?", "u32"),
  virDomainCoreDumpWithFormat: slow("status", "handle", "text", "u32", "u32"),

  virDomainSetVcpusFlags: slow("status", "handle", "u32", "u32"),
  virDomainGetVcpusFlags: quick("count", "handle", "u32"),
  virDomainSetMemoryFlags: slow("status", "handle", "u64", "u32"),
  virDomainSetMemoryStatsPeriod: slow("status", "handle", "i32", "u32"),
  virDomainAttachDeviceFlags: slow("status", "handle", "text", "u32"),
  virDomainDetachDeviceFlags: slow("status", "handle", "text", "u32"),
  virDomainDetachDeviceAlias: slow("status", "handle", "text", "u32"),
  virDomainUpdateDeviceFlags: slow("status", "handle", "text", "u32"),
  virDomainSetLifecycleAction: slow("status", "handle", "u32", "u32", "u32"),
  virDomainGraphicsReload: slow("status", "handle", "u32", "u32"),

  virDomainBlockResize: slow("status", "handle", "text", "u64", "u32"),
  virDomainGetBlockInfo: composite(blockInfo),
  virDomainGetBlockJobInfo: composite(blockJobInfo),
  virDomainBlockJobAbort: slow("status", "handle", "text", "u32"),
  virDomainBlockJobSetSpeed: slow("status", "handle", "text", "u64", "u32"),
  virDomainBlockPull: slow("status", "handle", "text", "u64", "u32"),
  virDomainBlockCommit: slow("status", "handle", "text", "text?", "text?", "u64", "u32"),
  virDomainSetBlockThreshold: slow("status", "handle", "text", "u64", "u32"),
  virDomainSetMetadata: slow("status", "handle", "i32", "text?", "text?", "text?", "u32"),
  virDomainGetMetadata: quick("text", "handle", "i32", "text?", "u32"),

  virDomainInterfaceAddresses: slowComposite(interfaceAddresses),
  virDomainGetHostname: slow("text", "handle", "u32"),
  virDomainGetTime: slowComposite(guestTime),
  virDomainSetTime: slow("status", "handle", "i64", "u32", "u32"),
  virDomainGetFSInfo: slowComposite(fileSystems),
  virDomainFSFreeze: freezeOrThaw("virDomainFSFreeze"),
  virDomainFSThaw: freezeOrThaw("virDomainFSThaw"),
  virDomainFSTrim: slow("status", "handle", "text?", "u64", "u32"),
  virDomainSetUserPassword: slow("status", "handle", "text", "text", "u32"),
  virDomainSetGuestVcpus: slow("status", "handle", "text", "i32", "u32"),
  virDomainAgentSetResponseTimeout: slow("status", "handle", "i32", "u32"),
  virDomainQemuAgentCommand: slow("text", "handle", "text", "i32", "u32"),
  virDomainQemuMonitorCommand: slowComposite(monitorCommand),

  virDomainOpenConsole: openStream("virDomainOpenConsole"),
  virDomainOpenChannel: openStream("virDomainOpenChannel"),
  virDomainScreenshot: slow("text", "handle", "handle", "u32", "u32"),

  virDomainAbortJob: slow("status", "handle"),
  virDomainMigrateSetMaxDowntime: slow("status", "handle", "u64", "u32"),
  virDomainMigrateSetMaxSpeed: slow("status", "handle", "u64", "u32"),

  virDomainListAllSnapshots: composite((native: Native, domain: bigint, flags: number) =>
    listAll("snapshot", native, "virDomainListAllSnapshots", domain, flags)
  ),
  virDomainSnapshotLookupByName: quick("snapshot", "handle", "text", "u32"),
  virDomainSnapshotCreateXML: slow("snapshot", "handle", "text", "u32"),
  virDomainHasCurrentSnapshot: quick("flag", "handle", "u32"),
  virDomainSnapshotCurrent: quick("snapshot", "handle", "u32"),
  virDomainSnapshotGetXMLDesc: quick("text", "handle", "u32"),
  virDomainSnapshotGetParent: quick("snapshot", "handle", "u32"),
  virDomainSnapshotListAllChildren: composite((native: Native, parent: bigint, flags: number) =>
    listAll("snapshot", native, "virDomainSnapshotListAllChildren", parent, flags)
  ),
  virDomainSnapshotIsCurrent: quick("flag", "handle", "u32"),
  virDomainSnapshotHasMetadata: quick("flag", "handle", "u32"),
  virDomainRevertToSnapshot: slow("status", "handle", "u32"),
  virDomainSnapshotDelete: slow("status", "handle", "u32"),

  virDomainListAllCheckpoints: composite((native: Native, domain: bigint, flags: number) =>
    listAll("checkpoint", native, "virDomainListAllCheckpoints", domain, flags)
  ),
  virDomainCheckpointLookupByName: quick("checkpoint", "handle", "text", "u32"),
  virDomainCheckpointCreateXML: slow("checkpoint", "handle", "text", "u32"),
  virDomainCheckpointGetXMLDesc: quick("text", "handle", "u32"),
  virDomainCheckpointDelete: slow("status", "handle", "u32"),
};
