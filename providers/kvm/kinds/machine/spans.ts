/**
 * What spans several fields of a machine, known from the declaration alone.
 *
 * @module
 */

import { formatBytes } from "../size.ts";
import { parseCpuSet } from "./cpu_set.ts";

/** The fields that are looked at, normalised. */
export interface Spanning {
  readonly vcpus?: number;
  readonly maxVcpus?: number;
  readonly memory: number;
  readonly maxMemory?: number;
  readonly memoryHotplug?: { readonly max: number };
  readonly firmware?: string;
  readonly secureBoot?: boolean;
  readonly nvram?: string;
  readonly nvramTemplate?: string;
  readonly loader?: {
    readonly type?: string;
    readonly secure?: boolean;
    readonly stateless?: boolean;
  };
  readonly onPoweroff?: string;
  readonly onReboot?: string;
  readonly bootOrder?: readonly string[];
  readonly ioThreads?: number;
  readonly ioThreadPools?: readonly { readonly ioThread: number }[];
  readonly vcpuStates?: readonly {
    readonly vcpu: number;
    readonly enabled: boolean;
    readonly hotpluggable?: boolean;
    readonly order?: number;
  }[];
  readonly cpu?: {
    readonly topology?: {
      readonly sockets: number;
      readonly dies?: number;
      readonly cores: number;
      readonly threads: number;
    };
  };
  readonly numa?: {
    readonly cells?: readonly {
      readonly cell: number;
      readonly cpus?: string;
      readonly memory: number;
      readonly distances?: readonly { readonly cell: number; readonly distance: number }[];
    }[];
    readonly tune?: {
      readonly placement?: string;
      readonly nodes?: string;
      readonly cells?: readonly { readonly cell: number }[];
    };
  };
  readonly cpuTune?: {
    readonly vcpuPins?: readonly { readonly vcpu: number }[];
    readonly ioThreadPins?: readonly { readonly ioThread: number }[];
  };
}

/** A field that cannot stand beside the others, and why. */
export interface Clash {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What libvirt takes as the distance of a cell from itself, and from no other. */
const LOCAL = 10;

/** What does not fit together. */
export function* clashes(machine: Spanning): Iterable<Clash> {
  yield* counts(machine);
  yield* states(machine);
  yield* amounts(machine);
  yield* distances(machine);
  yield* firmware(machine);
  yield* order(machine);
  if (machine.onPoweroff === "restart" && machine.onReboot === "destroy") {
    const message =
      "QEMU cannot end at a reboot and start anew at a power-off: declare one of both";
    yield { path: ["onReboot"], message };
  }
}

function* counts(
  { vcpus, maxVcpus, cpu, cpuTune, ioThreads, ioThreadPools = [] }: Spanning,
): Iterable<Clash> {
  const most = maxVcpus ?? vcpus;
  if (vcpus !== undefined && maxVcpus !== undefined && vcpus > maxVcpus) {
    yield { path: ["vcpus"], message: `${vcpus} is above maxVcpus, ${maxVcpus}` };
  }
  if (cpu?.topology !== undefined) {
    const { sockets, dies = 1, cores, threads } = cpu.topology;
    const product = sockets * dies * cores * threads;
    if (product !== (most ?? 1)) {
      const name = maxVcpus === undefined ? "vcpus" : "maxVcpus";
      const message =
        `${sockets} × ${dies} × ${cores} × ${threads} is ${product}, and ${name} is ` +
        `${most ?? 1}: they must be equal`;
      yield { path: ["cpu", "topology"], message };
    }
  }
  for (const [index, { vcpu }] of (cpuTune?.vcpuPins ?? []).entries()) {
    if (most === undefined || vcpu < most) continue;
    const message = `there is no vCPU ${vcpu}: they are numbered 0 to ${most - 1}`;
    yield { path: ["cpuTune", "vcpuPins", index, "vcpu"], message };
  }
  for (const [index, { ioThread }] of (cpuTune?.ioThreadPins ?? []).entries()) {
    if (ioThreads === undefined || ioThread <= ioThreads) continue;
    const message = ioThreads === 0
      ? "there are no I/O threads: ioThreads is 0"
      : `there is no I/O thread ${ioThread}: they are numbered 1 to ${ioThreads}`;
    yield { path: ["cpuTune", "ioThreadPins", index, "ioThread"], message };
  }
  for (const [index, { ioThread }] of ioThreadPools.entries()) {
    if (ioThread <= (ioThreads ?? 0)) continue;
    const message = `there is no I/O thread ${ioThread}: ioThreads is ${
      ioThreads ?? "not declared"
    }`;
    yield { path: ["ioThreadPools", index, "ioThread"], message };
  }
}

/** Single vCPUs are declared all or none, and the first is always there. */
function* states({ vcpus, maxVcpus, vcpuStates = [] }: Spanning): Iterable<Clash> {
  if (vcpuStates.length === 0) return;
  const most = maxVcpus ?? vcpus ?? 1;
  const numbers = new Set(vcpuStates.map(({ vcpu }) => vcpu));
  const missing = Array.from({ length: most }, (_, vcpu) => vcpu).find((vcpu) =>
    !numbers.has(vcpu)
  );
  if (numbers.size !== most || missing !== undefined) {
    const message = `must name every vCPU from 0 to ${most - 1}` +
      (missing === undefined ? "" : `: ${missing} is missing`);
    yield { path: ["vcpuStates"], message };
  }
  const on = vcpuStates.filter(({ enabled }) => enabled).length;
  if (on !== (vcpus ?? 1)) {
    yield {
      path: ["vcpus"],
      message: `is ${vcpus ?? 1}, and vcpuStates has ${on} on: they must be equal`,
    };
  }
  for (const [index, { vcpu, enabled, hotpluggable, order }] of vcpuStates.entries()) {
    const at = ["vcpuStates", index];
    if (vcpu === 0 && (!enabled || hotpluggable === true)) {
      yield { path: at, message: "the first vCPU is on and stays: enabled, not hotpluggable" };
    }
    if (!enabled && hotpluggable === false) {
      yield { path: [...at, "hotpluggable"], message: "one that is off can only come by hot-plug" };
    }
    if (!enabled && order !== undefined) {
      yield { path: [...at, "order"], message: "one that is off has no place in the order" };
    }
  }
}

function* amounts(machine: Spanning): Iterable<Clash> {
  const { memory, maxMemory, memoryHotplug, numa, vcpus, maxVcpus } = machine;
  const most = maxMemory ?? memory;
  if (maxMemory !== undefined && memory > maxMemory) {
    const message = `${formatBytes(memory)} is above maxMemory, ${formatBytes(maxMemory)}`;
    yield { path: ["memory"], message };
  }
  if (memoryHotplug !== undefined && memoryHotplug.max < most) {
    const message = `${formatBytes(memoryHotplug.max)} leaves no room above ${formatBytes(most)}`;
    yield { path: ["memoryHotplug", "max"], message };
  }
  const cells = numa?.cells;
  if (cells !== undefined && cells.length > 0) {
    const sum = cells.reduce((all, cell) => all + cell.memory, 0);
    // With modules plugged the machine has more than its cells.
    if (sum !== most && memoryHotplug === undefined) {
      const message = `the cells have ${formatBytes(sum)}, and the machine ${formatBytes(most)}: ` +
        "they must be equal";
      yield { path: ["numa", "cells"], message };
    }
    const seen = new Map<number, number>();
    for (const [index, { cell, cpus }] of cells.entries()) {
      for (const cpu of cpus === undefined ? [] : parseCpuSet(cpus)) {
        const path = ["numa", "cells", index, "cpus"];
        const count = maxVcpus ?? vcpus;
        if (seen.has(cpu)) {
          yield { path, message: `vCPU ${cpu} is in cell ${seen.get(cpu)} too` };
        } else if (count !== undefined && cpu >= count) {
          yield { path, message: `there is no vCPU ${cpu}: they are numbered 0 to ${count - 1}` };
        }
        seen.set(cpu, cell);
      }
    }
    for (const [index, { cell }] of (numa?.tune?.cells ?? []).entries()) {
      if (cells.some((other) => other.cell === cell)) continue;
      yield { path: ["numa", "tune", "cells", index, "cell"], message: `there is no cell ${cell}` };
    }
  }
  if (numa?.tune?.placement === "auto" && numa.tune.nodes !== undefined) {
    const message = 'numad chooses the nodes: leave them out, or write placement: "static"';
    yield { path: ["numa", "tune", "nodes"], message };
  }
}

/** libvirt 9.0 refuses a distance to a cell that is not there, and loses its memory over it. */
function* distances({ numa }: Spanning): Iterable<Clash> {
  const cells = numa?.cells ?? [];
  for (const [index, { cell, distances = [] }] of cells.entries()) {
    for (const [at, { cell: other, distance }] of distances.entries()) {
      const path = ["numa", "cells", index, "distances", at];
      if (!cells.some((one) => one.cell === other)) {
        yield { path: [...path, "cell"], message: `there is no cell ${other}` };
      } else if ((cell === other) !== (distance === LOCAL)) {
        const message = cell === other
          ? `a cell is at ${LOCAL} from itself`
          : `${LOCAL} is the distance from a cell to itself: another one is farther`;
        yield { path: [...path, "distance"], message };
      }
    }
  }
}

function* firmware(machine: Spanning): Iterable<Clash> {
  const { loader, secureBoot, nvram, nvramTemplate } = machine;
  if (loader !== undefined && secureBoot !== undefined && secureBoot !== (loader.secure ?? false)) {
    const message = "is a matter of the firmware that `loader` names: say it as loader.secure";
    yield { path: ["secureBoot"], message };
  }
  if (secureBoot !== undefined && machine.firmware !== "uefi") {
    yield { path: ["secureBoot"], message: 'goes with firmware: "uefi"' };
  }
  for (const [name, value] of Object.entries({ nvram, nvramTemplate })) {
    if (value === undefined) continue;
    if (machine.firmware === "bios") {
      yield { path: [name], message: 'holds UEFI variables: write firmware: "uefi"' };
    } else if (name === "nvramTemplate" && loader === undefined) {
      const message = "goes with loader: with firmware, libvirt chooses the template too";
      yield { path: [name], message };
    } else if (loader?.stateless === true) {
      yield { path: [name], message: "does not go with a loader that is stateless" };
    }
  }
  if (loader === undefined || machine.firmware === undefined) return;
  const named = loader.type === "pflash" ? "uefi" : "bios";
  if (machine.firmware !== named) {
    const message = `is "${machine.firmware}", and \`loader\` names one of type ` +
      `"${loader.type ?? "rom"}": leave firmware out, or write loader.type: ` +
      `"${named === "uefi" ? "rom" : "pflash"}"`;
    yield { path: ["firmware"], message };
  }
}

/** Kinds of device or devices: libvirt takes one order only. */
function* order(machine: Spanning): Iterable<Clash> {
  const places = new Map<unknown, string>();
  for (const [list, value] of Object.entries(machine)) {
    for (const [index, entry] of Array.isArray(value) ? value.entries() : []) {
      const place = entry?.bootOrder;
      if (place === undefined) continue;
      const name = `${list}[${index}]`;
      const path = [list, index, "bootOrder"];
      if (machine.bootOrder !== undefined) {
        yield { path, message: "is a second boot order beside the machine's: declare one of both" };
      } else if (places.has(place)) {
        yield { path, message: `${place} is the place of ${places.get(place)} too` };
      }
      places.set(place, name);
    }
  }
}
