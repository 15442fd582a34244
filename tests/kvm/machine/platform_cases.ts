/** Declarations of everything that a machine has beside devices, as pairs: before and after. */

import type { JsonObject } from "../../../providers/provider.ts";

/** A change: what differs, and how a running and a stopped machine take it. */
export interface Case {
  /** Paths that differ. */
  readonly paths: readonly string[];
  readonly before: JsonObject;
  readonly after: JsonObject;
  /** How a running machine takes it. */
  readonly running: "live" | "next-boot";
  /** False where this platform's libvirt refuses it, with the reason. */
  readonly refused?: string;
}

const boot = (paths: string[], before: JsonObject, after: JsonObject, refused?: string): Case => ({
  paths,
  before,
  after,
  running: "next-boot",
  ...(refused === undefined ? {} : { refused }),
});

const live = (paths: string[], before: JsonObject, after: JsonObject): Case => ({
  paths,
  before,
  after,
  running: "live",
});

const CELLS = [
  { cell: 0, cpus: "0-1", memory: "128MiB" },
  { cell: 1, cpus: "2,3", memory: "128MiB", access: "shared" },
];
const NUMA = { maxVcpus: 4, numa: { cells: CELLS } };

export const CASES: readonly Case[] = [
  boot(["firmware", "secureBoot"], {}, { firmware: "uefi", secureBoot: true }),
  boot(["secureBoot"], { firmware: "uefi", secureBoot: true }, {
    firmware: "uefi",
    secureBoot: false,
  }),
  boot(["nvram"], { firmware: "uefi", nvram: "/var/lib/a_VARS.fd" }, {
    firmware: "uefi",
    nvram: "/var/lib/b_VARS.fd",
  }),
  boot(["loader.path", "loader.type", "loader.readonly"], {}, {
    loader: { path: "/usr/share/OVMF/OVMF_CODE_4M.fd", type: "pflash", readonly: true },
  }),
  boot(["bootOrder"], { bootOrder: ["hd"] }, { bootOrder: ["network", "cdrom", "hd"] }),
  boot(["bootMenu.enabled", "bootMenu.timeout"], {}, {
    bootMenu: { enabled: true, timeout: 3000 },
  }),
  boot(["firmwareOnSerial", "rebootTimeout"], {}, { firmwareOnSerial: true, rebootTimeout: 5000 }),
  boot(["cpuset"], { vcpus: 1 }, { cpuset: "0-1" }),
  boot(["cpu.model"], { cpu: { mode: "custom", model: "qemu64" } }, {
    cpu: { mode: "custom", model: "Westmere" },
  }),
  boot(
    ["cpu.fallback", "cpu.match", "cpu.check"],
    { cpu: { mode: "custom", model: "qemu64" } },
    {
      cpu: { mode: "custom", model: "qemu64", fallback: "forbid", match: "strict", check: "full" },
    },
  ),
  boot(["cpu.migratable"], { cpu: { mode: "maximum" } }, {
    cpu: { mode: "maximum", migratable: false },
  }),
  boot(
    ["cpu.topology.sockets", "cpu.topology.dies", "cpu.topology.cores", "cpu.topology.threads"],
    { vcpus: 1, maxVcpus: 8 },
    { vcpus: 1, maxVcpus: 8, cpu: { topology: { sockets: 1, dies: 2, cores: 2, threads: 2 } } },
  ),
  boot(["cpu.cache.mode", "cpu.cache.level"], { cpu: { mode: "maximum" } }, {
    cpu: { mode: "maximum", cache: { mode: "emulate", level: 3 } },
  }),
  boot(["cpu.physicalAddressBits"], { cpu: { mode: "maximum" } }, {
    cpu: { mode: "maximum", physicalAddressBits: 42 },
  }),
  boot(["cpu.features[svm]"], { cpu: { mode: "custom", model: "qemu64" } }, {
    cpu: { mode: "custom", model: "qemu64", features: [{ name: "svm", policy: "disable" }] },
  }),
  boot(["cpu.features[svm].policy"], {
    cpu: { mode: "custom", model: "qemu64", features: [{ name: "svm", policy: "require" }] },
  }, { cpu: { mode: "custom", model: "qemu64", features: [{ name: "svm", policy: "disable" }] } }),
  boot(["cpu.features[svm]"], {
    cpu: { mode: "custom", model: "qemu64", features: [{ name: "svm", policy: "require" }] },
  }, { cpu: { mode: "custom", model: "qemu64" } }),
  boot(["numa.cells[0]", "numa.cells[1]"], { maxVcpus: 4 }, NUMA),
  boot(["numa.cells[0].cpus", "numa.cells[1].cpus"], NUMA, {
    maxVcpus: 4,
    numa: {
      cells: [{ cell: 0, cpus: "0", memory: "128MiB" }, {
        cell: 1,
        cpus: "1-3",
        memory: "128MiB",
      }],
    },
  }),
  boot(["numa.cells[0].memory", "numa.cells[1].memory"], NUMA, {
    maxVcpus: 4,
    numa: {
      cells: [{ cell: 0, memory: "64MiB" }, { cell: 1, memory: "192MiB", access: "shared" }],
    },
  }),
  boot(["numa.cells[0].distances[0]", "numa.cells[0].distances[1]"], NUMA, {
    maxVcpus: 4,
    numa: {
      cells: [
        { ...CELLS[0]!, distances: [{ cell: 0, distance: 10 }, { cell: 1, distance: 21 }] },
        CELLS[1]!,
      ],
    },
  }),
  boot(["numa.tune.mode", "numa.tune.nodes"], {}, {
    numa: { tune: { mode: "interleave", nodes: "0" } },
  }),
  boot(["numa.tune.cells[1]"], { ...NUMA, numa: { cells: CELLS } }, {
    ...NUMA,
    numa: { cells: CELLS, tune: { cells: [{ cell: 1, mode: "strict", nodes: "0" }] } },
  }),
  live(["numa.tune.nodes"], { numa: { tune: { mode: "restrictive", nodes: "0" } } }, {
    numa: { tune: { mode: "restrictive", nodes: "0-1" } },
  }),
  boot(["numa.tune.nodes"], { numa: { tune: { mode: "interleave", nodes: "0" } } }, {
    numa: { tune: { mode: "interleave", nodes: "0-1" } },
  }),
  boot(["memoryHotplug.max", "memoryHotplug.slots"], NUMA, {
    ...NUMA,
    memoryHotplug: { max: "1GiB", slots: 4 },
  }),
  boot(["memoryBacking.hugepages"], {}, { memoryBacking: { hugepages: true } }),
  boot(["memoryBacking.hugepages"], { memoryBacking: { hugepages: true } }, {
    memoryBacking: { hugepages: [{ size: "2MiB" }] },
  }),
  boot(["memoryBacking.hugepages"], { memoryBacking: { hugepages: true } }, {
    memoryBacking: { hugepages: false },
  }),
  boot(["memoryBacking.locked", "memoryBacking.sharePages"], {}, {
    memoryBacking: { locked: true, sharePages: false },
  }),
  boot(["memoryBacking.source", "memoryBacking.access"], {}, {
    memoryBacking: { source: "memfd", access: "shared" },
  }),
  boot(
    ["memoryBacking.allocation", "memoryBacking.allocationThreads", "memoryBacking.discard"],
    {},
    { memoryBacking: { allocation: "immediate", allocationThreads: 2, discard: true } },
  ),
  boot(["features.acpi"], {}, { features: { acpi: false } }),
  boot(["features.pae", "features.pmu", "features.vmport"], {}, {
    features: { pae: true, pmu: false, vmport: false },
  }),
  boot(["features.smm", "features.smmTseg"], {}, { features: { smm: true, smmTseg: "48MiB" } }),
  boot(["features.vmcoreinfo", "features.ioapic", "features.unknownMsrs"], {}, {
    features: { vmcoreinfo: true, ioapic: "qemu", unknownMsrs: "ignore" },
  }),
  boot(["features.hyperv.relaxed", "features.hyperv.spinlocks", "features.hyperv.vendorId"], {}, {
    features: { hyperv: { relaxed: true, spinlocks: 8191, vendorId: "none" } },
  }),
  boot(["features.hyperv.spinlocks"], { features: { hyperv: { spinlocks: 8191 } } }, {
    features: { hyperv: { spinlocks: false } },
  }),
  boot(["features.kvm.hidden"], { features: { kvm: { hidden: false } } }, {
    features: { kvm: { hidden: true } },
  }),
  boot(["features.tcgCache"], {}, { features: { tcgCache: "128MiB" } }),
  boot(["clock.offset"], {}, { clock: { offset: "localtime" } }),
  boot(["clock.offset", "clock.timezone"], {}, {
    clock: { offset: "timezone", timezone: "Europe/Vienna" },
  }),
  boot(["clock.offset", "clock.adjustment", "clock.basis"], {}, {
    clock: { offset: "variable", adjustment: 3600, basis: "localtime" },
  }),
  boot(["clock.timers[hpet]", "clock.timers[rtc]"], {}, {
    clock: { timers: [{ name: "hpet", present: false }, { name: "rtc", tickPolicy: "catchup" }] },
  }),
  boot(["clock.timers[rtc].track"], { clock: { timers: [{ name: "rtc", track: "guest" }] } }, {
    clock: { timers: [{ name: "rtc", track: "wall" }] },
  }),
  boot(["pm.suspendToMemory", "pm.suspendToDisk"], {}, {
    pm: { suspendToMemory: false, suspendToDisk: true },
  }),
  live(["onReboot", "onCrash"], {}, {
    onReboot: "destroy",
    onCrash: "preserve",
  }),
  boot(["onLockFailure"], {}, { onLockFailure: "pause" }),
  boot(["partition"], {}, { partition: "/machine" }),
  boot(["generationId"], {}, { generationId: "43dc0cf8-809b-4adb-9bea-a9abb5f3d90e" }),
  boot(["smbios.system.manufacturer", "smbios.system.serial", "smbios.oemStrings"], {}, {
    smbios: { system: { manufacturer: "Acme", serial: "X-1" }, oemStrings: ["a=b", "c"] },
  }),
  boot(["smbios.bios.vendor", "smbios.baseBoard.product", "smbios.chassis.asset"], {}, {
    smbios: { bios: { vendor: "V" }, baseBoard: { product: "P" }, chassis: { asset: "A" } },
  }),
  boot(["cpuPlacement"], { cpuset: "0-1", cpuPlacement: "static" }, {
    cpuset: "0-1",
    cpuPlacement: "auto",
  }, "numad is not there"),
  boot(["vcpuStates[0]", "vcpuStates[1]", "vcpuStates[2]"], { vcpus: 2, maxVcpus: 3 }, {
    vcpus: 2,
    maxVcpus: 3,
    vcpuStates: [
      { vcpu: 0, enabled: true, hotpluggable: false, order: 1 },
      { vcpu: 1, enabled: false, hotpluggable: true },
      { vcpu: 2, enabled: true, hotpluggable: true, order: 2 },
    ],
  }),
  boot(["cpu.vendor", "cpu.vendorId"], { cpu: { mode: "custom", model: "qemu64" } }, {
    cpu: { mode: "custom", model: "qemu64", vendor: "AMD", vendorId: "AuthenticAMD" },
  }),
  boot(["numa.cells[0].caches[1]", "numa.latencies", "numa.bandwidths"], NUMA, {
    maxVcpus: 4,
    numa: {
      cells: [{
        ...CELLS[0]!,
        caches: [{
          level: 1,
          associativity: "direct",
          policy: "writeback",
          size: "8KiB",
          line: "8B",
        }],
      }, CELLS[1]!],
      latencies: [{ initiator: 0, target: 0, of: "access", nanoseconds: 5 }, {
        initiator: 0,
        target: 0,
        cache: 1,
        of: "access",
        nanoseconds: 10,
      }],
      bandwidths: [{ initiator: 0, target: 0, of: "access", kibPerSecond: 204_800 }],
    },
  }),
  boot(["features.apicEoi", "features.pvSpinlock"], {}, {
    features: { apicEoi: true, pvSpinlock: false },
  }),
  boot(["features.kvm.dirtyRing"], {}, { features: { kvm: { dirtyRing: 4096 } } }),
  boot(
    [
      "features.hyperv.tlbflush",
      "features.hyperv.ipi",
      "features.hyperv.evmcs",
      "features.hyperv.avic",
    ],
    {},
    { features: { hyperv: { tlbflush: true, ipi: true, evmcs: false, avic: true } } },
  ),
  boot(["clock.timers[rtc].catchup.threshold", "clock.timers[rtc].catchup.limit"], {
    clock: { timers: [{ name: "rtc", tickPolicy: "catchup" }] },
  }, {
    clock: {
      timers: [{ name: "rtc", tickPolicy: "catchup", catchup: { threshold: 123, limit: 10_000 } }],
    },
  }),
  boot(["firmwareConfig[opt/com.example/name]"], {}, {
    firmwareConfig: [{ name: "opt/com.example/name", value: "a value" }],
  }),
  boot(["firmwareConfig[opt/a].file"], { firmwareConfig: [{ name: "opt/a", file: "/srv/a" }] }, {
    firmwareConfig: [{ name: "opt/a", file: "/srv/b" }],
  }),
  // Not the one that later libvirt finds by itself.
  boot(["nvramTemplate"], {
    loader: { path: "/usr/share/OVMF/OVMF_CODE_4M.fd", type: "pflash", readonly: true },
  }, {
    loader: { path: "/usr/share/OVMF/OVMF_CODE_4M.fd", type: "pflash", readonly: true },
    nvramTemplate: "/usr/share/OVMF/OVMF_VARS_4M.ms.fd",
  }),
  boot(["firmware"], { firmware: "uefi" }, { firmware: "bios" }),
  boot(["loader.stateless"], {
    loader: { path: "/usr/share/OVMF/OVMF.fd", type: "rom" },
  }, { loader: { path: "/usr/share/OVMF/OVMF.fd", type: "rom", stateless: true } }),
  boot(["acpiTable"], {}, { acpiTable: "/srv/slic.dat" }),
  boot(["fibreChannelAppId"], {}, { fibreChannelAppId: "userProvidedID" }),
  boot(["securityLabels[dac]"], {}, {
    securityLabels: [{ model: "dac", type: "static", label: "+0:+0", relabel: false }],
  }),
  boot(["securityLabels[dac].label"], {
    securityLabels: [{ model: "dac", type: "static", label: "+0:+0", relabel: false }],
  }, {
    securityLabels: [{ model: "dac", type: "static", label: "+107:+107", relabel: false }],
  }),
  boot(["defaultIoThread.min", "defaultIoThread.max"], {}, {
    defaultIoThread: { min: 8, max: 16 },
  }),
  boot(["ioThreadPools[1]"], { ioThreads: 2 }, {
    ioThreads: 2,
    ioThreadPools: [{ ioThread: 1, min: 8, max: 32 }],
  }),
  live(["ioThreads"], { ioThreads: 1 }, { ioThreads: 3 }),
  live(["ioThreads"], { ioThreads: 2 }, { ioThreads: 0 }),
  live(["cpuTune.shares", "cpuTune.period", "cpuTune.quota"], {}, {
    cpuTune: { shares: 2048, period: 100_000, quota: 50_000 },
  }),
  live(
    ["cpuTune.globalPeriod", "cpuTune.globalQuota", "cpuTune.emulatorPeriod"],
    {},
    { cpuTune: { globalPeriod: 100_000, globalQuota: -1, emulatorPeriod: 50_000 } },
  ),
  live(["cpuTune.vcpuPins[0]", "cpuTune.emulatorPin"], {}, {
    cpuTune: { vcpuPins: [{ vcpu: 0, cpus: "0-1" }], emulatorPin: "0" },
  }),
  live(["cpuTune.vcpuPins[0].cpus"], { cpuTune: { vcpuPins: [{ vcpu: 0, cpus: "0-1" }] } }, {
    cpuTune: { vcpuPins: [{ vcpu: 0, cpus: "1" }] },
  }),
  boot(["cpuTune.vcpuPins[0]"], { cpuTune: { vcpuPins: [{ vcpu: 0, cpus: "0" }] } }, {}),
  live(["cpuTune.ioThreadPins[1]"], { ioThreads: 1 }, {
    ioThreads: 1,
    cpuTune: { ioThreadPins: [{ ioThread: 1, cpus: "1" }] },
  }),
  boot(["cpuTune.vcpuSchedulers[0]", "cpuTune.emulatorScheduler.scheduler"], {}, {
    cpuTune: {
      vcpuSchedulers: [{ vcpus: "0", scheduler: "fifo", priority: 1 }],
      emulatorScheduler: { scheduler: "idle" },
    },
  }),
  live(["blkioTune.weight"], {}, { blkioTune: { weight: 500 } }),
  live(["blkioTune.devices[/dev/null]"], {}, {
    blkioTune: { devices: [{ path: "/dev/null", readBytes: 1_000_000, writeIops: 100 }] },
  }),
  live(["memTune.hardLimit", "memTune.softLimit"], {}, {
    memTune: { hardLimit: "2GiB", softLimit: "1GiB" },
  }),
  live(["memTune.hardLimit"], { memTune: { hardLimit: "2GiB" } }, {
    memTune: { hardLimit: "unlimited" },
  }),
];
