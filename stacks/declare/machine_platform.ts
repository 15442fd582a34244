/**
 * What a machine is made of before any device, as an author writes it: guest, firmware, CPU, memory,
 * NUMA, features, clock.
 *
 * @module
 */

import type { Size } from "./volume.ts";

/** CPU that the guest sees. */
export interface CpuOptions {
  /** How it relates to the host's; `host-passthrough` under KVM unless declared. */
  readonly mode?: "host-passthrough" | "host-model" | "maximum" | "custom";
  /** A named model, for example `EPYC`, with mode `custom`. */
  readonly model?: string;
  /** Whether a model that the host cannot give is replaced by the nearest one. */
  readonly fallback?: "allow" | "forbid";
  /** How far the host may be above the model. */
  readonly match?: "minimum" | "exact" | "strict";
  /** What is checked before the guest starts: nothing, what libvirt knows, or what QEMU gives. */
  readonly check?: "none" | "partial" | "full";
  /** Leave out what stands in the way of a live migration; `host-passthrough` and `maximum`. */
  readonly migratable?: boolean;
  /** How vCPUs are laid out; the product is `maxVcpus`. */
  readonly topology?: {
    readonly sockets: number;
    /** Dies in a socket; 1 unless declared. */
    readonly dies?: number;
    /** Cores in a die. */
    readonly cores: number;
    /** Threads in a core. */
    readonly threads: number;
  };
  /** Cache that the guest sees; a level, 3, goes with `emulate`. */
  readonly cache?: {
    readonly mode?: "emulate" | "passthrough" | "disable";
    readonly level?: number;
  };
  /** Bits of physical addresses that the guest sees. */
  readonly physicalAddressBits?: number;
  /** CPU features that are added or taken away; others are left alone. */
  readonly features?: readonly {
    /** libvirt's name, for example `vmx`. */
    readonly name: string;
    readonly policy: "require" | "disable" | "force" | "optional" | "forbid";
  }[];
}

/** How memory is bound to nodes of the host. */
export type NumaMode = "strict" | "preferred" | "interleave" | "restrictive";

/** Cells that the guest sees, and nodes of the host from which its memory comes. */
export interface NumaOptions {
  /** Cells that the guest sees. */
  readonly cells?: readonly {
    /** Number of the cell, from 0. */
    readonly cell: number;
    /** vCPUs in the cell, for example `"0-1"`. */
    readonly cpus?: string;
    /** Memory of the cell; the cells' sum is `maxMemory`. */
    readonly memory: Size;
    /** Whether other processes on the host may map its memory. */
    readonly access?: "shared" | "private";
    /** Memory is given up, not written out, when QEMU ends. */
    readonly discard?: boolean;
    /** Distances to cells: 10 to itself, 20 to a usual neighbour, 255: none. */
    readonly distances?: readonly { readonly cell: number; readonly distance: number }[];
  }[];
  /** Nodes of the host from which memory comes. */
  readonly tune?: {
    readonly mode?: NumaMode;
    /** `auto`: numad advises the nodes. */
    readonly placement?: "static" | "auto";
    /** Nodes of the host, for example `"0-1"`. */
    readonly nodes?: string;
    /** Nodes for the memory of single cells. */
    readonly cells?: readonly {
      readonly cell: number;
      readonly mode: NumaMode;
      readonly nodes: string;
    }[];
  };
}

/** What is behind the guest's memory. */
export interface MemoryBackingOptions {
  /** Huge pages that the host has set aside: `true` for their usual size, or sizes by cell. */
  readonly hugepages?: boolean | readonly { readonly size: Size; readonly cells?: string }[];
  /** Held in the host's memory, never swapped out. */
  readonly locked?: boolean;
  /** Whether the host merges pages with those of other guests (KSM). */
  readonly sharePages?: boolean;
  /** QEMU's own memory, files on the host, or memory that others can map. */
  readonly source?: "anonymous" | "file" | "memfd";
  /** `shared`: other processes on the host may map it, as virtiofs needs. */
  readonly access?: "shared" | "private";
  /** Whether all memory is taken at the start, or when it is touched. */
  readonly allocation?: "immediate" | "ondemand";
  /** Threads that take it at the start. */
  readonly allocationThreads?: number;
  /** Memory is given up, not written out, when QEMU ends. */
  readonly discard?: boolean;
}

/** What Windows finds of Hyper-V; KVM only. */
export interface HypervOptions {
  /** Those declared, or every one that the host has. */
  readonly mode?: "custom" | "passthrough";
  /** Relaxed timer checks. */
  readonly relaxed?: boolean;
  /** Virtual APIC. */
  readonly vapic?: boolean;
  /** Tries before a spinning vCPU tells the hypervisor, at least 4095; `false`: never. */
  readonly spinlocks?: number | false;
  /** Index of virtual processors. */
  readonly vpindex?: boolean;
  /** Time that a vCPU ran. */
  readonly runtime?: boolean;
  /** Synthetic interrupt controller. */
  readonly synic?: boolean;
  /** Synthetic timers; they need `synic` and the timer `hypervclock`. */
  readonly stimer?: boolean;
  /** Synthetic timers in direct mode. */
  readonly stimerDirect?: boolean;
  /** Reset by the hypervisor. */
  readonly reset?: boolean;
  /** Vendor that the guest finds, at most 12 characters. */
  readonly vendorId?: string;
  /** Frequencies of TSC and APIC. */
  readonly frequencies?: boolean;
  /** Notice of a migration to another frequency. */
  readonly reenlightenment?: boolean;
  /** TLB flushes by the hypervisor. */
  readonly tlbflush?: boolean;
  /** Interrupts between vCPUs by the hypervisor. */
  readonly ipi?: boolean;
  /** On Intel. */
  readonly evmcs?: boolean;
  /** APIC virtualisation by the CPU, beside synic. */
  readonly avic?: boolean;
}

/** Features of the hypervisor. */
export interface FeatureOptions {
  /** A new PC has it. */
  readonly acpi?: boolean;
  /** A new PC has it. */
  readonly apic?: boolean;
  /** More than 4 GiB for 32-bit guests. */
  readonly pae?: boolean;
  /** Paging with the CPU's help. */
  readonly hap?: boolean;
  /** The CPU's performance counters. */
  readonly pmu?: boolean;
  /** VMware's I/O port. */
  readonly vmport?: boolean;
  /** Lets crash dumps name the kernel. */
  readonly vmcoreinfo?: boolean;
  /** System management mode; secure boot brings it along. */
  readonly smm?: boolean;
  /** Memory for system management mode. */
  readonly smmTseg?: Size;
  /** Who emulates the I/O APIC. */
  readonly ioapic?: "kvm" | "qemu";
  /** Interrupt controller of ARM guests. */
  readonly gic?: "2" | "3" | "host";
  /** What happens when the guest reads a model-specific register that is not there. */
  readonly unknownMsrs?: "ignore" | "fault";
  /** What Windows finds of Hyper-V. */
  readonly hyperv?: HypervOptions;
  /** What the guest finds of KVM. */
  readonly kvm?: {
    /** The guest does not find KVM. */
    readonly hidden?: boolean;
    /** Tells the guest that its vCPUs have host CPUs of their own. */
    readonly hintDedicated?: boolean;
    readonly pollControl?: boolean;
    readonly pvIpi?: boolean;
  };
  /** Cache for translated code, under TCG. */
  readonly tcgCache?: Size;
}

/** Clock of the guest. */
export interface ClockOptions {
  /** `localtime`: the host's zone, as Windows expects it; `variable`: so many seconds from `basis`. */
  readonly offset?: "utc" | "localtime" | "timezone" | "variable" | "absolute";
  /** With offset `timezone`, for example `Europe/Vienna`. */
  readonly timezone?: string;
  /** Seconds from the basis, or `reset`. */
  readonly adjustment?: number | "reset";
  /** What a variable offset counts from. */
  readonly basis?: "utc" | "localtime";
  /** Seconds since 1970, with offset `absolute`. */
  readonly start?: number;
  /** Timers; others are left alone. */
  readonly timers?: readonly {
    readonly name:
      | "platform"
      | "hpet"
      | "kvmclock"
      | "pit"
      | "rtc"
      | "tsc"
      | "hypervclock"
      | "armvtimer";
    readonly present?: boolean;
    /** What becomes of ticks that the guest missed. */
    readonly tickPolicy?: "delay" | "catchup" | "merge" | "discard";
    readonly track?: "boot" | "guest" | "wall" | "realtime";
    /** Hertz, for `tsc`. */
    readonly frequency?: number;
    /** How `tsc` is given to the guest. */
    readonly mode?: "auto" | "native" | "emulate" | "paravirt" | "smpsafe";
  }[];
}

/** What the firmware tells of the machine. */
export interface SmbiosOptions {
  /** QEMU's own, as the host has them, or what is declared here. */
  readonly mode?: "emulate" | "host" | "sysinfo";
  /** Firmware. */
  readonly bios?: Partial<Record<"vendor" | "version" | "date" | "release", string>>;
  /** System; its uuid, if declared, is the machine's own. */
  readonly system?: Partial<
    Record<"manufacturer" | "product" | "version" | "serial" | "uuid" | "sku" | "family", string>
  >;
  /** Base board. */
  readonly baseBoard?: Partial<
    Record<"manufacturer" | "product" | "version" | "serial" | "asset" | "location", string>
  >;
  /** Chassis. */
  readonly chassis?: Partial<
    Record<"manufacturer" | "version" | "serial" | "asset" | "sku", string>
  >;
  /** OEM strings, in order. */
  readonly oemStrings?: readonly string[];
}

/** What a machine is made of before any device. */
export interface PlatformOptions {
  /** What will run in a new machine: `windows` has SATA, local time and what it finds of Hyper-V. */
  readonly os?: "linux" | "windows";
  /** Devices of a new machine that say nothing themselves: virtio, or SATA and e1000. */
  readonly devices?: "paravirtual" | "emulated";
  /** `bios` or `uefi`; what the machine type has unless declared. */
  readonly firmware?: "bios" | "uefi";
  /** Whether UEFI starts only what is signed. */
  readonly secureBoot?: boolean;
  /** File on the host with the UEFI variables; libvirt names one unless declared. */
  readonly nvram?: string;
  /** Firmware by its path on the host, instead of `firmware`. */
  readonly loader?: {
    readonly path: string;
    /** `rom`: a BIOS; `pflash`: UEFI in flash memory. */
    readonly type?: "rom" | "pflash";
    readonly readonly?: boolean;
    /** Whether it needs system management mode. */
    readonly secure?: boolean;
  };
  /** Kinds of device from which the guest boots, first to last. */
  readonly bootOrder?: readonly ("hd" | "cdrom" | "network" | "fd")[];
  /** The firmware's boot menu; the timeout is in milliseconds. */
  readonly bootMenu?: { readonly enabled?: boolean; readonly timeout?: number };
  /** Whether the BIOS shows itself on the serial console. */
  readonly firmwareOnSerial?: boolean;
  /** Milliseconds after which a boot that failed is tried again; -1: never. */
  readonly rebootTimeout?: number;
  /** Virtual CPUs that are on; 1 unless declared. */
  readonly vcpus?: number;
  /** Most virtual CPUs that it can be given without a restart; `vcpus` unless declared. */
  readonly maxVcpus?: number;
  /** Host CPUs on which vCPUs run that have no pin of their own, for example `"0-3"`. */
  readonly cpuset?: string;
  /** CPU that the guest sees. */
  readonly cpu?: CpuOptions;
  /** Cells that the guest sees, and nodes of the host. */
  readonly numa?: NumaOptions;
  /** Memory that the guest has, for example `"2GiB"`. */
  readonly memory: Size;
  /** Most memory that it can be given without a restart; `memory` unless declared. */
  readonly maxMemory?: Size;
  /** Room for memory modules that are plugged while the guest runs; it needs NUMA cells. */
  readonly memoryHotplug?: { readonly max: Size; readonly slots: number };
  /** What is behind the guest's memory. */
  readonly memoryBacking?: MemoryBackingOptions;
  /** Features of the hypervisor. */
  readonly features?: FeatureOptions;
  /** Clock of the guest. */
  readonly clock?: ClockOptions;
  /** What the firmware tells of the machine. */
  readonly smbios?: SmbiosOptions;
  /** Lets the guest notice that it was copied: `true`, or an identifier. */
  readonly generationId?: boolean | string;
}
