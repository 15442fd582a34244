/**
 * The calls by which what the host grants to a running machine is changed: CPU time, pins, I/O
 * threads, block I/O, memory limits, NUMA nodes, lifecycle actions.
 *
 * @module
 */

import type { FieldChange, Json, JsonObject } from "../../../provider.ts";
import type { XmlElement } from "../../xml/mod.ts";
import { parseCpuSet } from "./cpu_set.ts";
import { ioThreadIds, ioThreadSteps } from "./io_threads.ts";

/** Parameters by libvirt's names. */
export type Parameters = Readonly<Record<string, string | number>>;

/** One call that changes what the host grants. */
export type TuningCall =
  | { readonly call: "addIoThread"; readonly id: number }
  | { readonly call: "deleteIoThread"; readonly id: number }
  | { readonly call: "pinVcpu"; readonly vcpu: number; readonly cpus: readonly number[] }
  | { readonly call: "pinEmulator"; readonly cpus: readonly number[] }
  | { readonly call: "pinIoThread"; readonly id: number; readonly cpus: readonly number[] }
  | { readonly call: "setScheduler"; readonly parameters: Parameters }
  | { readonly call: "setBlkio"; readonly parameters: Parameters }
  | { readonly call: "setMemoryLimits"; readonly parameters: Parameters }
  | { readonly call: "setNuma"; readonly parameters: Parameters }
  /** `type` and `action` are libvirt's numbers: `virDomainLifecycle`, `virDomainLifecycleAction`. */
  | { readonly call: "setLifecycleAction"; readonly type: number; readonly action: number };

const SCHEDULER: Readonly<Record<string, string>> = {
  "cpuTune.shares": "cpu_shares",
  "cpuTune.period": "vcpu_period",
  "cpuTune.quota": "vcpu_quota",
  "cpuTune.globalPeriod": "global_period",
  "cpuTune.globalQuota": "global_quota",
  "cpuTune.emulatorPeriod": "emulator_period",
  "cpuTune.emulatorQuota": "emulator_quota",
  "cpuTune.ioThreadPeriod": "iothread_period",
  "cpuTune.ioThreadQuota": "iothread_quota",
};

const MEMORY: Readonly<Record<string, string>> = {
  "memTune.hardLimit": "hard_limit",
  "memTune.softLimit": "soft_limit",
  "memTune.swapHardLimit": "swap_hard_limit",
};

const BLOCK_DEVICE: Readonly<Record<string, string>> = {
  weight: "device_weight",
  readBytes: "device_read_bytes_sec",
  writeBytes: "device_write_bytes_sec",
  readIops: "device_read_iops_sec",
  writeIops: "device_write_iops_sec",
};

const LIFECYCLE = ["onPoweroff", "onReboot", "onCrash"];
const ACTIONS = [
  "destroy",
  "restart",
  "rename-restart",
  "preserve",
  "coredump-destroy",
  "coredump-restart",
];

/** `VIR_DOMAIN_MEMORY_PARAM_UNLIMITED`, in KiB. */
const UNLIMITED = 9_007_199_254_740_991;

/** The calls that make the changes, which are live ones all. */
export function tuningCalls(
  changes: readonly FieldChange[],
  spec: JsonObject,
  live: XmlElement,
): TuningCall[] {
  const threads = ioThreadCalls(changes, live);
  return [
    ...threads.filter(({ call }) => call === "addIoThread"),
    ...pinCalls(changes, spec),
    ...threads.filter(({ call }) => call === "deleteIoThread"),
    ...parameterCall("setScheduler", changes, SCHEDULER, Number),
    ...parameterCall("setMemoryLimits", changes, MEMORY, kibibytes),
    ...blkioCall(changes, spec),
    ...parameterCall("setNuma", changes, { "numa.tune.nodes": "numa_nodeset" }, String),
    ...lifecycleCalls(changes),
  ];
}

function kibibytes(value: Json | undefined): number {
  return value === "unlimited" ? UNLIMITED : Math.ceil(Number(value) / 1024);
}

function parameterCall(
  call: "setScheduler" | "setMemoryLimits" | "setNuma",
  changes: readonly FieldChange[],
  names: Readonly<Record<string, string>>,
  convert: (value: Json | undefined) => string | number,
): TuningCall[] {
  const parameters: Record<string, string | number> = {};
  for (const { path, after } of changes) {
    const name = names[path];
    if (name !== undefined) parameters[name] = convert(after);
  }
  return Object.keys(parameters).length === 0 ? [] : [{ call, parameters }];
}

function ioThreadCalls(changes: readonly FieldChange[], live: XmlElement): TuningCall[] {
  const change = changes.find(({ path }) => path === "ioThreads");
  if (change === undefined) return [];
  const { add, drop } = ioThreadSteps(ioThreadIds(live), Number(change.after));
  return [
    ...add.map((id): TuningCall => ({ call: "addIoThread", id })),
    ...drop.map((id): TuningCall => ({ call: "deleteIoThread", id })),
  ];
}

/** Entries of a list that a plan changes, each once. */
function changedEntries(
  changes: readonly FieldChange[],
  list: string,
): Map<string, FieldChange | undefined> {
  const found = new Map<string, FieldChange | undefined>();
  for (const change of changes) {
    if (!change.path.startsWith(`${list}[`)) continue;
    const rest = change.path.slice(list.length + 1);
    const end = rest.lastIndexOf("]");
    const key = rest.slice(0, end);
    const gone = end === rest.length - 1 && change.after === undefined;
    if (!found.has(key)) found.set(key, gone ? change : undefined);
  }
  return found;
}

function declaredIn(spec: JsonObject, group: string, list: string): readonly JsonObject[] {
  const declared = spec[group] as JsonObject | undefined;
  return (declared?.[list] ?? []) as readonly JsonObject[];
}

function pinCalls(changes: readonly FieldChange[], spec: JsonObject): TuningCall[] {
  const calls: TuningCall[] = [];
  const vcpus = changedEntries(changes, "cpuTune.vcpuPins");
  for (const { vcpu, cpus } of declaredIn(spec, "cpuTune", "vcpuPins")) {
    if (!vcpus.has(String(vcpu))) continue;
    calls.push({ call: "pinVcpu", vcpu: Number(vcpu), cpus: parseCpuSet(String(cpus)) });
  }
  const emulator = changes.find(({ path }) => path === "cpuTune.emulatorPin");
  if (emulator !== undefined) {
    calls.push({ call: "pinEmulator", cpus: parseCpuSet(String(emulator.after)) });
  }
  const threads = changedEntries(changes, "cpuTune.ioThreadPins");
  for (const { ioThread, cpus } of declaredIn(spec, "cpuTune", "ioThreadPins")) {
    if (!threads.has(String(ioThread))) continue;
    calls.push({ call: "pinIoThread", id: Number(ioThread), cpus: parseCpuSet(String(cpus)) });
  }
  return calls;
}

/** `device_weight` and the like: `/dev/sda,500,/dev/sdb,300`. A zero takes a limit away. */
function blkioCall(changes: readonly FieldChange[], spec: JsonObject): TuningCall[] {
  const parameters: Record<string, string | number> = {};
  const weight = changes.find(({ path }) => path === "blkioTune.weight");
  if (weight !== undefined) parameters.weight = Number(weight.after);
  const declared = declaredIn(spec, "blkioTune", "devices");
  for (const [path, gone] of changedEntries(changes, "blkioTune.devices")) {
    const before = gone?.before as JsonObject | undefined;
    const device = declared.find((item) => item.path === path);
    for (const [member, name] of Object.entries(BLOCK_DEVICE)) {
      const value = before?.[member] === undefined ? device?.[member] : 0;
      if (value === undefined) continue;
      const pair = `${path},${value}`;
      parameters[name] = parameters[name] === undefined ? pair : `${parameters[name]},${pair}`;
    }
  }
  return Object.keys(parameters).length === 0 ? [] : [{ call: "setBlkio", parameters }];
}

/**
 * QEMU's driver refuses to destroy at a reboot what it restarts at a power-off, and that between two
 * calls too: a reboot's restart goes before a power-off's, and a power-off's destruction before a
 * reboot's.
 */
function lifecycleCalls(changes: readonly FieldChange[]): TuningCall[] {
  const calls = changes.flatMap(({ path, after }): TuningCall[] => {
    const type = LIFECYCLE.indexOf(path);
    const action = ACTIONS.indexOf(String(after));
    return type < 0 ? [] : [{ call: "setLifecycleAction", type, action }];
  });
  const restarted = changes.some(({ path, after }) => path === "onPoweroff" && after === "restart");
  return restarted ? calls.reverse() : calls;
}
