/**
 * What the host grants to a machine and does for it, as an author writes it.
 *
 * @module
 */

import type { Size } from "./volume.ts";

/** How the host schedules threads; a priority, 1 to 99, goes with `fifo` and `rr`. */
export interface Scheduling {
  /** Scheduler of the host; `fifo` and `rr` are real-time ones. */
  readonly scheduler: "batch" | "idle" | "fifo" | "rr";
  /** 1 to 99. */
  readonly priority?: number;
}

/** CPU time and pins. Periods and quotas are microseconds; a quota of -1 is no limit. */
export interface CpuTuneOptions {
  /** Share of CPU time beside other machines, where the host is busy; 1024 is the usual one. */
  readonly shares?: number;
  /** Period of each vCPU. */
  readonly period?: number;
  /** Quota of each vCPU. */
  readonly quota?: number;
  /** Period of the whole machine. */
  readonly globalPeriod?: number;
  /** Quota of the whole machine. */
  readonly globalQuota?: number;
  /** Period of the emulator's own threads. */
  readonly emulatorPeriod?: number;
  /** Quota of the emulator's own threads. */
  readonly emulatorQuota?: number;
  /** Period of each I/O thread. */
  readonly ioThreadPeriod?: number;
  /** Quota of each I/O thread. */
  readonly ioThreadQuota?: number;
  /** Host CPUs on which single vCPUs run, for example `{ vcpu: 0, cpus: "2-3" }`. */
  readonly vcpuPins?: readonly { readonly vcpu: number; readonly cpus: string }[];
  /** Host CPUs on which the emulator's own threads run. */
  readonly emulatorPin?: string;
  /** Host CPUs on which single I/O threads run; they are numbered from 1. */
  readonly ioThreadPins?: readonly { readonly ioThread: number; readonly cpus: string }[];
  /** How the host schedules vCPUs. */
  readonly vcpuSchedulers?: readonly ({ readonly vcpus: string } & Scheduling)[];
  /** How the host schedules I/O threads. */
  readonly ioThreadSchedulers?: readonly ({ readonly ioThreads: string } & Scheduling)[];
  /** How the host schedules the emulator's own threads. */
  readonly emulatorScheduler?: Scheduling;
}

/** Block I/O beside other machines'. */
export interface BlkioTuneOptions {
  /** 10 to 1000. */
  readonly weight?: number;
  /** Limits on single block devices of the host; 0: none. */
  readonly devices?: readonly {
    /** For example `/dev/sda`. */
    readonly path: string;
    readonly weight?: number;
    /** Bytes in a second. */
    readonly readBytes?: number;
    /** Bytes in a second. */
    readonly writeBytes?: number;
    /** Reads in a second. */
    readonly readIops?: number;
    /** Writes in a second. */
    readonly writeIops?: number;
  }[];
}

/** What happens when a guest powers off, reboots or crashes. */
export type LifecycleAction = "destroy" | "restart" | "preserve" | "rename-restart";

/** What the host grants to a machine and does for it. */
export interface TuningOptions {
  /** Threads that carry out disk I/O apart from the emulator. */
  readonly ioThreads?: number;
  /** CPU time and pins. */
  readonly cpuTune?: CpuTuneOptions;
  /** Block I/O beside others. */
  readonly blkioTune?: BlkioTuneOptions;
  /** Limits of the whole QEMU process; beyond the hard one the host kills it. */
  readonly memTune?: {
    readonly hardLimit?: Size | "unlimited";
    readonly softLimit?: Size | "unlimited";
    /** Memory and swap together. */
    readonly swapHardLimit?: Size | "unlimited";
  };
  /** `destroy` unless declared. */
  readonly onPoweroff?: LifecycleAction;
  /** `restart` unless declared. */
  readonly onReboot?: LifecycleAction;
  /** `destroy` unless declared. */
  readonly onCrash?: LifecycleAction | "coredump-destroy" | "coredump-restart";
  /** What happens when the lock of a disk is lost. */
  readonly onLockFailure?: "poweroff" | "restart" | "pause" | "ignore";
  /** Whether the firmware offers the guest sleep. */
  readonly pm?: { readonly suspendToMemory?: boolean; readonly suspendToDisk?: boolean };
  /** Resource partition of the host (a cgroup), for example `/machine`. */
  readonly partition?: string;
}
