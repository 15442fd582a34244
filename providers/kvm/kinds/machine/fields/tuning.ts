/**
 * What the host grants to a machine: CPU time and pins, I/O threads, block I/O, memory limits.
 *
 * Nearly all of it moves under a running guest, through cgroups: it needs the system daemon.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption } from "../../../../provider.ts";
import {
  type ChangeContext,
  depends,
  field,
  group,
  integer,
  kibibytes,
  list,
  shapeOf,
  type Table,
  text,
} from "../../../table/mod.ts";
import {
  append,
  element,
  ensureElement,
  getElements,
  getPath,
  removeElement,
} from "../../../xml/mod.ts";
import { size } from "../../size.ts";
import { cpuSet, sameCpuSet } from "../cpu_set.ts";
import { ioThreadCount } from "../io_threads.ts";
import * as places from "../places.ts";
import { since, whole } from "./bits.ts";
import { always } from "./common.ts";
import { distinctBy, entries } from "./entries.ts";

/** A pin goes live; taking one away does not: libvirt keeps what it was set to last. */
function vcpuPinChange({ live, before, after }: ChangeContext): Disruption {
  if (after === undefined) return "restart";
  const { vcpu } = (after ?? before) as { readonly vcpu: number };
  return live !== undefined && vcpu >= Number(places.maxVcpus.read(live)) ? "restart" : "live";
}

/** An I/O thread that is not there yet is added before. */
function pinChange({ after }: ChangeContext): Disruption {
  return after === undefined ? "restart" : "live";
}

const period = (name: string, who: string) =>
  whole(
    `./cputune/${name}`,
    [1000, 1_000_000],
    `Microseconds in which ${who} may use its quota.`,
    "live",
  );

const quota = (name: string, who: string) =>
  field({
    schema: () =>
      z.int().min(-1).max(18_446_744_073_709_551).refine(
        (value) => value === -1 || value >= 1000,
        { error: "must be at least 1000 microseconds, or -1 for no limit" },
      ).optional().describe(`Microseconds of CPU time that ${who} gets in a period; -1: no limit.`),
    binding: integer(`./cputune/${name}`),
    change: "live",
  });

const pinnedCpus = field({
  schema: () => cpuSet.describe("CPUs of the host, for example `0-3`."),
  binding: text("./@cpuset"),
  change: "live",
  equal: sameCpuSet,
});

const numbered = (attribute: string, doc: string, least = 0) =>
  field({
    schema: () => z.int().min(least).describe(doc),
    binding: integer(`./@${attribute}`),
    change: "restart",
    equal: always,
  });

const vcpuPins = { vcpu: numbered("vcpu", "Number of the vCPU, from 0."), cpus: pinnedCpus };
const ioThreadPins = {
  ioThread: numbered("iothread", "Number of the I/O thread, from 1.", 1),
  cpus: pinnedCpus,
};

const SCHEDULERS = ["batch", "idle", "fifo", "rr"] as const;

/** How a thread is scheduled; the priority is for the real-time ones. */
function scheduling(prefix: string) {
  return {
    scheduler: field({
      schema: () =>
        z.enum(SCHEDULERS).describe("Scheduler of the host; fifo and rr are real-time ones."),
      binding: text(`${prefix}/@scheduler`),
      change: "restart",
    }),
    priority: whole(`${prefix}/@priority`, [1, 99], "Priority, for fifo and rr."),
  } satisfies Table;
}

const needsPriority = (
  { scheduler, priority }: { readonly scheduler: string; readonly priority?: number },
) => (scheduler === "fifo" || scheduler === "rr") === (priority !== undefined);

const PRIORITY = {
  error: "a priority stands with fifo and rr, and only there",
  path: ["priority"],
};

const setOf = (attribute: string, doc: string) =>
  field({
    schema: () => cpuSet.describe(doc),
    binding: text(`./@${attribute}`),
    change: "restart",
    equal: sameCpuSet,
  });

const vcpuSchedulers = { vcpus: setOf("vcpus", "vCPUs, for example `0-1`."), ...scheduling(".") };
const ioThreadSchedulers = {
  ioThreads: setOf("iothreads", "I/O threads, for example `1-2`."),
  ...scheduling("."),
};
const emulatorScheduler = scheduling("./cputune/emulatorsched");

const cpuTune = {
  shares: whole(
    "./cputune/shares",
    [2, 262_144],
    "Share of CPU time beside other machines, where the host is busy; 1024 is the usual one.",
    "live",
  ),
  period: period("period", "each vCPU"),
  quota: quota("quota", "each vCPU"),
  globalPeriod: period("global_period", "the whole machine"),
  globalQuota: quota("global_quota", "the whole machine"),
  emulatorPeriod: period("emulator_period", "the emulator"),
  emulatorQuota: quota("emulator_quota", "the emulator"),
  ioThreadPeriod: period("iothread_period", "each I/O thread"),
  ioThreadQuota: quota("iothread_quota", "each I/O thread"),
  vcpuPins: entries({
    schema: () =>
      z.array(z.strictObject(shapeOf(vcpuPins))).superRefine(distinctBy("vcpu")).optional()
        .describe("Host CPUs on which single vCPUs run."),
    parent: "./cputune",
    element: "vcpupin",
    attribute: "vcpu",
    key: "vcpu",
    change: depends(
      "live to add, restart to take away",
      vcpuPinChange,
    ),
    fields: vcpuPins,
  }),
  emulatorPin: field({
    schema: () =>
      cpuSet.optional()
        .describe("Host CPUs on which the emulator's own threads run, for example `0`."),
    binding: text("./cputune/emulatorpin/@cpuset"),
    change: "live",
    equal: sameCpuSet,
  }),
  ioThreadPins: entries({
    schema: () =>
      z.array(z.strictObject(shapeOf(ioThreadPins))).superRefine(distinctBy("ioThread"))
        .optional().describe("Host CPUs on which single I/O threads run."),
    parent: "./cputune",
    element: "iothreadpin",
    attribute: "iothread",
    key: "ioThread",
    change: depends(
      "live to add, restart to take away",
      pinChange,
    ),
    fields: ioThreadPins,
  }),
  vcpuSchedulers: entries({
    schema: () =>
      z.array(z.strictObject(shapeOf(vcpuSchedulers)).refine(needsPriority, PRIORITY))
        .superRefine(distinctBy("vcpus")).optional().describe("How the host schedules vCPUs."),
    parent: "./cputune",
    element: "vcpusched",
    attribute: "vcpus",
    key: "vcpus",
    fields: vcpuSchedulers,
  }),
  ioThreadSchedulers: entries({
    schema: () =>
      z.array(z.strictObject(shapeOf(ioThreadSchedulers)).refine(needsPriority, PRIORITY))
        .superRefine(distinctBy("ioThreads")).optional()
        .describe("How the host schedules I/O threads."),
    parent: "./cputune",
    element: "iothreadsched",
    attribute: "iothreads",
    key: "ioThreads",
    fields: ioThreadSchedulers,
  }),
  emulatorScheduler: group({
    schema: () =>
      z.strictObject(shapeOf(emulatorScheduler)).refine(needsPriority, PRIORITY).optional()
        .describe("How the host schedules the emulator's own threads."),
    fields: emulatorScheduler,
  }),
} satisfies Table;

/** Zero is none: libvirt writes nothing then. */
const limit = (name: string, doc: string, most = Number.MAX_SAFE_INTEGER) =>
  field({
    schema: () => z.int().min(0).max(most).optional().describe(doc),
    binding: integer(`./${name}`),
    change: "live",
    equal: (declared, actual) => declared === (actual ?? 0),
  });

const devices = {
  path: field({
    schema: () =>
      z.string().regex(/^\/[^,]+$/, "must be an absolute path of a block device of the host")
        .describe("Block device of the host, for example `/dev/sda`."),
    binding: text("./path"),
    change: "live",
    equal: always,
  }),
  weight: limit("weight", "Weight on that device, 10 to 1000; 0: none.", 1000),
  readBytes: limit("read_bytes_sec", "Most bytes read in a second; 0: no limit."),
  writeBytes: limit("write_bytes_sec", "Most bytes written in a second; 0: no limit."),
  readIops: limit("read_iops_sec", "Most reads in a second; 0: no limit."),
  writeIops: limit("write_iops_sec", "Most writes in a second; 0: no limit."),
} satisfies Table;

/** libvirt keeps no entry that limits nothing. */
const grantsSomething = (
  { path: _path, ...limits }: { readonly path: string; readonly [limit: string]: unknown },
) => Object.values(limits).some((value) => Number(value ?? 0) > 0);

const blkioTune = {
  weight: whole(
    "./blkiotune/weight",
    [10, 1000],
    "Weight of the machine's block I/O beside others'.",
    "live",
  ),
  devices: list({
    schema: () =>
      z.array(
        z.strictObject(shapeOf(devices)).refine(grantsSomething, {
          error: "limits nothing: leave the device out, or give it a limit or a weight above 0",
        }),
      ).superRefine(distinctBy("path")).optional()
        .describe("Limits on single block devices of the host."),
    path: "./blkiotune/device",
    select: (domain) => getElements(domain, "./blkiotune/device"),
    nameOf: (device) => getPath(device, "./path") ?? "",
    keyOf: (declared) => String(declared.path),
    insert: (domain, declared) => {
      const device = element("device", {}, element("path", {}, String(declared.path)));
      append(ensureElement(domain, "./blkiotune"), device, "device");
      return device;
    },
    remove: (domain, device) => {
      removeElement(domain, "./blkiotune", device);
    },
    change: "live",
    fields: devices,
  }),
} satisfies Table;

/** A limit of memory; libvirt writes nothing where there is none. */
const memoryLimit = (name: string, doc: string) =>
  field({
    schema: () =>
      z.union([z.literal("unlimited"), size({ min: 1024 * 1024 })], {
        error: 'must be a size of at least 1 MiB, for example "2GiB", or "unlimited"',
      }).optional().describe(doc),
    binding: {
      ...kibibytes(`./memtune/${name}`),
      write: (domain, value) =>
        kibibytes(`./memtune/${name}`).write(domain, value === "unlimited" ? undefined : value),
    },
    change: "live",
    format: "bytes",
    equal: (declared, actual) =>
      declared === "unlimited"
        ? actual === undefined
        : Math.ceil(Number(declared) / 1024) === Number(actual) / 1024,
  });

const memTune = {
  hardLimit: memoryLimit(
    "hard_limit",
    "Most memory of the whole QEMU process: beyond it the host kills it. Far above `memory`.",
  ),
  softLimit: memoryLimit("soft_limit", "Memory that it may have when the host is short of it."),
  swapHardLimit: memoryLimit("swap_hard_limit", "Most memory and swap together."),
} satisfies Table;

const pool = (place: string) =>
  ({
    min: since(
      "8.5.0",
      whole(`${place}/@thread_pool_min`, [0, 4096], "Workers that are kept, 0 to 4096."),
    ),
    max: since(
      "8.5.0",
      whole(`${place}/@thread_pool_max`, [1, 4096], "Most workers, 1 to 4096."),
    ),
  }) satisfies Table;

const defaultPool = pool("./defaultiothread");
const threadPools = {
  ioThread: numbered("id", "Number of the I/O thread, from 1.", 1),
  ...pool("."),
} satisfies Table;

/** CPU time, pins, I/O threads, block I/O, memory limits. */
export const tuning = {
  ioThreads: field({
    schema: () =>
      z.int().min(0).max(1024).optional()
        .describe("Threads that carry out disk I/O apart from the emulator."),
    binding: ioThreadCount,
    change: "live",
    equal: (declared, actual) => declared === (actual ?? 0),
  }),
  defaultIoThread: group({
    schema: () =>
      z.strictObject(shapeOf(defaultPool)).optional()
        .describe("Workers of the main loop, which serves what has no I/O thread of its own."),
    fields: defaultPool,
  }),
  ioThreadPools: entries({
    grows: true,
    schema: () =>
      z.array(z.strictObject(shapeOf(threadPools))).superRefine(distinctBy("ioThread")).optional()
        .describe("Workers of single I/O threads."),
    parent: "./iothreadids",
    element: "iothread",
    attribute: "id",
    key: "ioThread",
    fields: threadPools,
  }),
  cpuTune: group({
    schema: () => z.strictObject(shapeOf(cpuTune)).optional().describe("CPU time and pins."),
    fields: cpuTune,
  }),
  blkioTune: group({
    schema: () =>
      z.strictObject(shapeOf(blkioTune)).optional().describe("Block I/O beside others."),
    fields: blkioTune,
  }),
  memTune: group({
    schema: () =>
      z.strictObject(shapeOf(memTune)).refine(
        ({ hardLimit, swapHardLimit }) =>
          typeof hardLimit !== "number" || typeof swapHardLimit !== "number" ||
          hardLimit <= swapHardLimit,
        {
          error: "is below hardLimit: it counts memory and swap together",
          path: ["swapHardLimit"],
        },
      ).optional().describe("Limits of memory."),
    fields: memTune,
  }),
} satisfies Table;
