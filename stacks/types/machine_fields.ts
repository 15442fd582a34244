/**
 * The fields of a machine as a topology has them.
 *
 * Written by `deno task types` from the machine's table: do not edit.
 *
 * @module
 */

/** Every field of a machine. */
export interface MachineFields {
  /**
   * Name of the libvirt domain. libvirt renames only what is off: a machine that runs is
   * shut down and started for it with `whenRestartNeeded: "now"`, and otherwise refused.
   */
  readonly name: string;
  /** Short description, one line. */
  readonly title?: string;
  /** Description, any text. */
  readonly description?: string;
  /**
   * Metadata of other programs, by namespace: of libosinfo, of a scheduler, of your own.
   * Namespaces that are not declared stay as they are.
   */
  readonly metadata?: readonly MetadataFields[];
  /**
   * What will run in a new machine: linux (unless declared): virtio devices, a clock in UTC;
   * windows: SATA and e1000e, VGA, an empty drive `drivers` for the disc with its drivers, a
   * clock in local time, and under KVM what it finds of Hyper-V.
   */
  readonly os?: "linux" | "windows";
  /**
   * Devices of a new machine that say nothing themselves: paravirtual: virtio; emulated:
   * SATA and e1000, no guest agent, no balloon, for guests without any driver for virtio.
   */
  readonly devices?: "paravirtual" | "emulated";
  /**
   * prefer-kvm (unless declared): KVM where guests really run under it, else TCG;
   * require-kvm: refused where they do not; tcg: full emulation.
   */
  readonly accel?: "prefer-kvm" | "require-kvm" | "tcg";
  /** Architecture of the guest, for example x86_64; the host's unless declared. */
  readonly arch?: string;
  /** Machine type; q35 unless declared. An alias stays at the version that it first meant. */
  readonly machine?: string;
  /** Firmware; the machine type's own unless declared. */
  readonly firmware?: "bios" | "uefi";
  /** Whether UEFI starts only what is signed; on, with the vendors' keys, or off. */
  readonly secureBoot?: boolean;
  /**
   * Absolute path on the host of the file with the UEFI variables; libvirt names one unless
   * declared. It stays through every change.
   */
  readonly nvram?: string;
  /** Absolute path on the host of the variables that a new `nvram` is copied from. */
  readonly nvramTemplate?: string;
  /** Firmware by its path, instead of `firmware`. */
  readonly loader?: LoaderFields;
  /** Absolute path of QEMU on the host; that of the architecture unless declared. */
  readonly emulator?: string;
  /** Absolute path on the host of an ACPI table (SLIC) that the guest finds. */
  readonly acpiTable?: string;
  /** Direct kernel boot. */
  readonly boot?: BootFields;
  /** The firmware's boot menu. */
  readonly bootMenu?: BootMenuFields;
  /** Whether the BIOS shows itself on the serial console. */
  readonly firmwareOnSerial?: boolean;
  /** Milliseconds after which a boot that failed is tried again; -1: never. */
  readonly rebootTimeout?: number;
  /** Virtual CPUs that are on; 1 unless declared. */
  readonly vcpus?: number;
  /** Most virtual CPUs that can be on without a restart; vcpus unless declared. */
  readonly maxVcpus?: number;
  /** Host CPUs on which vCPUs run that have no pin of their own, for example `0-3`. */
  readonly cpuset?: string;
  /** static: on cpuset, or anywhere; auto: on the nodes that numad advises. */
  readonly cpuPlacement?: "static" | "auto";
  /**
   * Single vCPUs: which are on, which can be unplugged, and in what order they come; all of
   * them or none, and as many are on as `vcpus` says.
   */
  readonly vcpuStates?: readonly VcpuStateFields[];
  /** CPU of the guest. */
  readonly cpu?: CpuFields;
  /** Cells and nodes. */
  readonly numa?: NumaFields;
  /** Memory that the guest has. */
  readonly memory: string | number;
  /** Most memory that the guest can have without a restart; memory unless declared. */
  readonly maxMemory?: string | number;
  /** Room for memory modules that are plugged while the guest runs. */
  readonly memoryHotplug?: MemoryHotplugFields;
  /** What is behind the guest's memory. */
  readonly memoryBacking?: MemoryBackingFields;
  /** Memory modules and their likes; the machine needs memoryHotplug and NUMA cells. */
  readonly memoryDevices?: readonly MemoryDeviceFields[];
  /** Features of the hypervisor. */
  readonly features?: FeaturesFields;
  /** Clock of the guest. */
  readonly clock?: ClockFields;
  /** What the firmware tells of the machine. */
  readonly smbios?: SmbiosFields;
  /**
   * Values and files that the guest finds by name (fw_cfg): Ignition takes its configuration
   * from there.
   */
  readonly firmwareConfig?: readonly FirmwareConfigFields[];
  /** Threads that carry out disk I/O apart from the emulator. */
  readonly ioThreads?: number;
  /** Workers of the main loop, which serves what has no I/O thread of its own. */
  readonly defaultIoThread?: DefaultIoThreadFields;
  /** Workers of single I/O threads. */
  readonly ioThreadPools?: readonly IoThreadPoolFields[];
  /** CPU time and pins. */
  readonly cpuTune?: CpuTuneFields;
  /** Block I/O beside others. */
  readonly blkioTune?: BlkioTuneFields;
  /** Limits of memory. */
  readonly memTune?: MemTuneFields;
  /** Disks, in the guest's order. */
  readonly disks: readonly DiskFields[];
  /** CD-ROM drives, beside the one with the cloud-init seed. */
  readonly cdroms?: readonly CdromFields[];
  /** Floppy drives. */
  readonly floppies?: readonly FloppyFields[];
  /** Address of the cloud-init seed, shown as a CD-ROM. */
  readonly seed?: string;
  /** NICs, in the guest's order. */
  readonly nics: readonly NicFields[];
  /** Controllers, where those that libvirt adds by itself do not do. */
  readonly controllers?: readonly ControllerFields[];
  /** Serial console; true unless declared. */
  readonly console?: boolean;
  /** File on the host to which virtlogd appends what the serial console prints. */
  readonly consoleLog?: string;
  /** Channel for the QEMU guest agent; true unless declared. */
  readonly agent?: boolean;
  /** Graphics console, on the host's loopback; none unless declared. */
  readonly graphics?: "none" | "vnc" | "spice";
  /** Displays, for more than the word `graphics` says. */
  readonly displays?: readonly DisplayFields[];
  /** Video devices; the first is the primary one. */
  readonly videos?: readonly VideoFields[];
  /** Sound devices. */
  readonly sounds?: readonly SoundFields[];
  /** Where the guest's sound goes on the host. */
  readonly audios?: readonly AudioFields[];
  /** Input devices. PCs have a PS/2 keyboard and mouse beside them. */
  readonly inputs?: readonly InputFields[];
  /** Serial ports, beside the one of `console`, which is called serial0. */
  readonly serials?: readonly SerialFields[];
  /** Parallel ports. */
  readonly parallels?: readonly ParallelFields[];
  /** Consoles beside the serial one. */
  readonly consoles?: readonly ConsoleFields[];
  /** Channels between host and guest, beside the guest agent's. */
  readonly channels?: readonly ChannelFields[];
  /** The memory balloon. */
  readonly balloon?: BalloonFields;
  /** Random number generators; a new machine has one, rng0. */
  readonly rngs?: readonly RngFields[];
  /** Trusted platform module. */
  readonly tpm?: TpmFields;
  /**
   * Watchdogs. Before libvirt 9.1 a machine has one at most; since then each q35 has the one
   * of its chipset (itco), declared or not. All of a machine's do the same.
   */
  readonly watchdogs?: readonly WatchdogFields[];
  /** Devices by which the guest tells that it crashed. */
  readonly panics?: readonly PanicFields[];
  /** Sockets between host and guest (AF_VSOCK). */
  readonly vsock?: VsockFields;
  /** IOMMU that the guest sees. */
  readonly iommu?: IommuFields;
  /** Directories of the host that the guest mounts. */
  readonly filesystems?: readonly FilesystemFields[];
  /** Memory that guests and host share (ivshmem). */
  readonly shmems?: readonly ShmemFields[];
  /** Devices of the host that the guest has for itself. */
  readonly hostDevices?: readonly HostDeviceFields[];
  /** Smart card readers. */
  readonly smartcards?: readonly SmartcardFields[];
  /** Ports for USB devices of the one who looks at the machine, mostly through spice. */
  readonly redirections?: readonly RedirectionFields[];
  /**
   * Which USB devices may be redirected: the first rule that fits decides; all unless
   * declared.
   */
  readonly redirectionRules?: readonly {
    /** Whether such a device may be plugged in. */
    readonly allow: boolean;
    /** USB class, for example `08` for storage. */
    readonly class?: string;
    /** Vendor, as lsusb prints it. */
    readonly vendor?: string;
    /** Product, as lsusb prints it. */
    readonly product?: string;
    /** Version of the device. */
    readonly version?: string;
  }[];
  /** USB hubs, for more ports. */
  readonly hubs?: readonly HubFields[];
  /**
   * Kinds of device from which the guest boots, first to last; single devices have a
   * `bootOrder` of their own, and only one of both may be declared.
   */
  readonly bootOrder?: readonly ("hd" | "cdrom" | "network" | "fd")[];
  /**
   * What happens when the guest powers off; destroy: it is off, and its resources are free.
   * QEMU has destroy and restart: the others are refused when planned.
   */
  readonly onPoweroff?: "destroy" | "restart" | "preserve" | "rename-restart";
  /**
   * What happens when the guest reboots. QEMU has restart, and destroy where onPoweroff is
   * destroy: the others are refused when planned.
   */
  readonly onReboot?: "destroy" | "restart" | "preserve" | "rename-restart";
  /**
   * What happens when the guest crashes. QEMU has no rename-restart: it is refused when
   * planned.
   */
  readonly onCrash?:
    | "destroy"
    | "restart"
    | "preserve"
    | "rename-restart"
    | "coredump-destroy"
    | "coredump-restart";
  /** What happens when the lock of a disk is lost. */
  readonly onLockFailure?: "poweroff" | "restart" | "pause" | "ignore";
  /** Whether the guest's firmware offers it sleep. */
  readonly pm?: PmFields;
  /**
   * Resource partition of the host (a cgroup) in which the machine runs, for example
   * `/machine`.
   */
  readonly partition?: string;
  /** Name by which a Fibre Channel fabric tells the machine's traffic from others'. */
  readonly fibreChannelAppId?: string;
  /**
   * Lets the guest notice that it was copied or put back: true for an identifier of
   * libvirt's.
   */
  readonly generationId?: string | boolean;
  /** Labels that keep the machine from the rest of its host; libvirt's own unless declared. */
  readonly securityLabels?: readonly SecurityLabelFields[];
  /** Memory that the host cannot read. */
  readonly launchSecurity?: LaunchSecurityFields;
  /** Arguments and environment for QEMU, past libvirt. */
  readonly qemu?: QemuFields;
  /** Start together with the host. */
  readonly autostart?: boolean;
  /**
   * Whether it runs. A new machine is started unless declared `off`; afterwards its power
   * state is left alone unless declared.
   */
  readonly power?: "on" | "off";
  /**
   * What to do with a change that a running guest cannot take: restart it now, save the
   * change for its next start (unless declared), or refuse the plan.
   */
  readonly whenRestartNeeded?: "now" | "next-boot" | "never";
  /**
   * How the guest is shut down when it has to be: by its agent, then by ACPI. Also when the
   * machine is made anew or destroyed and anything that it writes to outlives it; where all
   * of that goes too, the plug is pulled.
   */
  readonly shutdown?: ShutdownFields;
  /** What to wait for after the machine was made. */
  readonly wait?: WaitFields;
  /**
   * What no other field says: places in libvirt's XML and what must stand there. A place
   * that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
}

/** One of a machine's `metadata`. */
export interface MetadataFields {
  /** URI of the namespace; each has one element. */
  readonly namespace: string;
  /** Prefix that it is written with where none stands yet; its name unless declared. */
  readonly prefix?: string;
  /**
   * The element, as XML, whole: `<libosinfo><os
   * id='http://debian.org/debian/12'/></libosinfo>`. Names without a prefix are of the
   * namespace.
   */
  readonly element: string;
}

/** Firmware by its path, instead of `firmware`. */
export interface LoaderFields {
  /** Absolute path of the firmware's code on the host. */
  readonly path: string;
  /** rom: a BIOS; pflash: UEFI in flash memory. */
  readonly type?: "rom" | "pflash";
  /** Whether the guest may write to it. */
  readonly readonly?: boolean;
  /** Whether it needs system management mode. */
  readonly secure?: boolean;
  /** Whether it goes without a file of variables. */
  readonly stateless?: boolean;
}

/** Direct kernel boot. */
export interface BootFields {
  /** Address of the image that holds the kernel, or its path on the host. */
  readonly kernel: string;
  /** Address of the image that holds the initial RAM disk, or its path on the host. */
  readonly initrd?: string;
  /** Kernel command line. */
  readonly cmdline?: string;
  /** Absolute path of a device tree on the host, for ARM and PowerPC. */
  readonly deviceTree?: string;
}

/** The firmware's boot menu. */
export interface BootMenuFields {
  /** Whether the firmware offers its boot menu. */
  readonly enabled?: boolean;
  /** Milliseconds for which it waits. */
  readonly timeout?: number;
}

/** One of a machine's `vcpuStates`. */
export interface VcpuStateFields {
  /** Number of the vCPU, from 0. */
  readonly vcpu: number;
  /** Whether it is on. */
  readonly enabled: boolean;
  /** Whether it can be unplugged; the first cannot. */
  readonly hotpluggable?: boolean;
  /** Place in the order in which they come. */
  readonly order?: number;
}

/** CPU of the guest. */
export interface CpuFields {
  /** How the guest's CPU relates to the host's. */
  readonly mode?: "host-passthrough" | "host-model" | "maximum" | "custom";
  /** A named model, for example `EPYC`, with mode custom. */
  readonly model?: string;
  /** Vendor that the host's CPU must have, with mode custom. */
  readonly vendor?: "Intel" | "AMD" | "Hygon";
  /** Vendor that the guest finds, 12 characters, with mode custom or host-model. */
  readonly vendorId?: string;
  /** Whether a model that the host cannot give is replaced by the nearest one. */
  readonly fallback?: "allow" | "forbid";
  /**
   * How far the host may be above the model: minimum: all that it has is given to the guest;
   * exact: just the model; strict: the host must be just the model.
   */
  readonly match?: "minimum" | "exact" | "strict";
  /**
   * What is checked before the guest starts: nothing, what libvirt knows, or what QEMU
   * gives.
   */
  readonly check?: "none" | "partial" | "full";
  /**
   * Leaves out features that stand in the way of a live migration; with mode
   * host-passthrough or maximum.
   */
  readonly migratable?: boolean;
  /** How vCPUs are laid out; the product is maxVcpus. */
  readonly topology?: {
    readonly sockets: number;
    /** Dies in a socket; 1 unless declared. */
    readonly dies?: number;
    readonly cores: number;
    readonly threads: number;
  };
  /** Cache that the guest sees. */
  readonly cache?: {
    /**
     * emulate: QEMU's own cache; passthrough: the host's, with mode host-passthrough; disable:
     * none.
     */
    readonly mode?: "emulate" | "passthrough" | "disable";
    /** Level of the cache, with mode emulate: 3. */
    readonly level?: number;
  };
  /** Bits of physical addresses that the guest sees. */
  readonly physicalAddressBits?: number;
  /** CPU features that are added or taken away; others are left alone. */
  readonly features?: readonly ({
    /** libvirt's name of the feature, for example `vmx`. */
    readonly name: string;
    /**
     * require: there, or the guest does not start; disable: hidden; force: shown even if the
     * host lacks it; optional: there if the host has it; forbid: refused on a host that has
     * it.
     */
    readonly policy: "require" | "disable" | "force" | "optional" | "forbid";
  })[];
}

/** Cells and nodes. */
export interface NumaFields {
  /** Cells that the guest sees. */
  readonly cells?: readonly ({
    /** Number of the cell, from 0. */
    readonly cell: number;
    /** vCPUs in the cell, for example `0-1`. */
    readonly cpus?: string;
    /** Memory of the cell; the cells' sum is maxMemory. */
    readonly memory: string | number;
    /** Whether other processes on the host may map the cell's memory. */
    readonly access?: "shared" | "private";
    /** Memory is given up, not written out, when QEMU ends. */
    readonly discard?: boolean;
    /** Caches before the cell's memory (ACPI HMAT). */
    readonly caches?: readonly ({
      /** Level, 1 is the nearest to the CPU. */
      readonly level: number;
      /** How addresses find their line. */
      readonly associativity: "none" | "direct" | "full";
      /** When writes go on. */
      readonly policy: "none" | "writeback" | "writethrough";
      /** Size of the cache, for example `32KiB`. */
      readonly size: string | number;
      /** Size of a line, for example `64B`. */
      readonly line: string | number;
    })[];
    /** Distances to cells, this one included. */
    readonly distances?: readonly {
      /** Number of the other cell. */
      readonly cell: number;
      /** 10 to itself, 20 to a usual neighbour, 255: none. */
      readonly distance: number;
    }[];
  })[];
  /** Latency between cells (ACPI HMAT). */
  readonly latencies?: readonly ({
    /** Cell that asks. */
    readonly initiator: number;
    /** Cell whose memory it is. */
    readonly target: number;
    /** Cache that is meant, by its level. */
    readonly cache?: number;
    /** Which accesses. */
    readonly of: "access" | "read" | "write";
    /** Time of one access. */
    readonly nanoseconds: number;
  })[];
  /** Bandwidth between cells (ACPI HMAT). */
  readonly bandwidths?: readonly ({
    /** Cell that asks. */
    readonly initiator: number;
    /** Cell whose memory it is. */
    readonly target: number;
    /** Cache that is meant, by its level. */
    readonly cache?: number;
    /** Which accesses. */
    readonly of: "access" | "read" | "write";
    /** KiB per second. */
    readonly kibPerSecond: number;
  })[];
  /** Nodes of the host from which the guest's memory comes. */
  readonly tune?: {
    /**
     * strict: from these nodes or not at all; preferred: from the one node if it can;
     * interleave: in turn; restrictive: strict, and held by cgroups alone.
     */
    readonly mode?: "strict" | "preferred" | "interleave" | "restrictive";
    /** static: the nodes declared; auto: those that numad advises. */
    readonly placement?: "static" | "auto";
    /** Nodes of the host from which memory comes, such as `0-1`. */
    readonly nodes?: string;
    /** Nodes for the memory of single cells. */
    readonly cells?: readonly ({
      /** Number of the guest's cell. */
      readonly cell: number;
      /** As for the whole guest. */
      readonly mode: "strict" | "preferred" | "interleave" | "restrictive";
      /** Nodes of the host. */
      readonly nodes: string;
    })[];
  };
}

/** Room for memory modules that are plugged while the guest runs. */
export interface MemoryHotplugFields {
  /** Most memory with every slot filled; the guest needs NUMA cells for it. */
  readonly max: string | number;
  /** Slots for memory modules. */
  readonly slots: number;
}

/** What is behind the guest's memory. */
export interface MemoryBackingFields {
  /**
   * Memory in huge pages that the host has set aside: true for its usual size, or their
   * sizes.
   */
  readonly hugepages?:
    | boolean
    | readonly ({
      /** Size of a page, for example `2MiB`. */
      readonly size: string | number;
      /** Cells of the guest; all unless declared. */
      readonly cells?: string;
    })[];
  /** Held in the host's memory, never swapped out. */
  readonly locked?: boolean;
  /** Whether the host merges pages with those of other guests (KSM). */
  readonly sharePages?: boolean;
  /**
   * anonymous: QEMU's own memory; file: files on the host; memfd: memory that others can
   * map.
   */
  readonly source?: "anonymous" | "file" | "memfd";
  /** shared: other processes on the host may map it, as virtiofs and vhost-user need. */
  readonly access?: "shared" | "private";
  /** Whether all memory is taken at the start, or when it is touched. */
  readonly allocation?: "immediate" | "ondemand";
  /** Threads that take it at the start. */
  readonly allocationThreads?: number;
  /** Memory is given up, not written out, when QEMU ends. */
  readonly discard?: boolean;
}

/** One of a machine's `memoryDevices`. */
export interface MemoryDeviceFields {
  /** Name of the memory device in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /**
   * dimm: a module; virtio-mem: as much of it as is requested; nvdimm and virtio-pmem:
   * memory on a file, which lasts; sgx-epc: memory that the host cannot read.
   */
  readonly model: "dimm" | "nvdimm" | "virtio-mem" | "virtio-pmem" | "sgx-epc";
  /** Size, for example `1GiB`; the most of it, with virtio-mem. */
  readonly size: string | number;
  /** How much of it the guest shall have, in blocks; with virtio-mem. */
  readonly requested?: string | number;
  /** Size of a block, a power of two; with virtio-mem. */
  readonly block?: string | number;
  /** NUMA cell of the guest that it belongs to. */
  readonly cell?: number;
  /** Room for labels at its end; with nvdimm. */
  readonly label?: string | number;
  /** The guest cannot write; with nvdimm. */
  readonly readonly?: boolean;
  /** File or device of the host behind it; with nvdimm and virtio-pmem. */
  readonly file?: string;
  /** What it is aligned to on the host; with nvdimm. */
  readonly align?: string | number;
  /** What is behind it lasts in itself; with nvdimm. */
  readonly pmem?: boolean;
  /** Size of the host's pages; with dimm and virtio-mem. */
  readonly pages?: string | number;
  /** Nodes of the host from which it comes. */
  readonly nodes?: string;
  /** Whether other processes on the host may map it. */
  readonly access?: "shared" | "private";
  /** Given up, not written out, when QEMU ends. */
  readonly discard?: boolean;
  /** Identity that the guest sees, on PowerPC; with nvdimm. */
  readonly uuid?: string;
}

/** Features of the hypervisor. */
export interface FeaturesFields {
  /** ACPI; a new PC has it. */
  readonly acpi?: boolean;
  /** APIC; a new PC has it. */
  readonly apic?: boolean;
  /** More than 4 GiB for 32-bit guests. */
  readonly pae?: boolean;
  /** Paging with the CPU's help. */
  readonly hap?: boolean;
  /** The CPU's performance counters. */
  readonly pmu?: boolean;
  /** VMware's I/O port, for its mouse. */
  readonly vmport?: boolean;
  /** Lets crash dumps name the kernel. */
  readonly vmcoreinfo?: boolean;
  /** System management mode; secure boot needs it, and brings it along. */
  readonly smm?: boolean;
  /** Memory for system management mode, for example `48MiB`. */
  readonly smmTseg?: string | number;
  /** Paravirtual end of interrupt. */
  readonly apicEoi?: boolean;
  /** Paravirtual spinlocks, under KVM. */
  readonly pvSpinlock?: boolean;
  /** Who emulates the I/O APIC. */
  readonly ioapic?: "kvm" | "qemu";
  /** Interrupt controller of ARM guests. */
  readonly gic?: "2" | "3" | "host";
  /** What happens when the guest reads a model-specific register that is not there. */
  readonly unknownMsrs?: "ignore" | "fault";
  /** What Windows finds of Hyper-V; KVM only. */
  readonly hyperv?: {
    /** custom: those declared; passthrough: every one that the host has. */
    readonly mode?: "custom" | "passthrough";
    /** Relaxed timer checks. */
    readonly relaxed?: boolean;
    /** Virtual APIC. */
    readonly vapic?: boolean;
    /** Tries before a spinning vCPU tells the hypervisor; at least 4095. */
    readonly spinlocks?: number | false;
    /** Index of virtual processors. */
    readonly vpindex?: boolean;
    /** Time that a vCPU ran. */
    readonly runtime?: boolean;
    /** Synthetic interrupt controller. */
    readonly synic?: boolean;
    /** Synthetic timers; they need synic, and the timer hypervclock. */
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
    /** Enlightened VMCS, on Intel. */
    readonly evmcs?: boolean;
    /** APIC virtualisation by the CPU beside synic. */
    readonly avic?: boolean;
  };
  /** What the guest finds of KVM. */
  readonly kvm?: {
    /** The guest does not find KVM. */
    readonly hidden?: boolean;
    /** Tells the guest that its vCPUs have host CPUs of their own. */
    readonly hintDedicated?: boolean;
    /** The guest decides on polling. */
    readonly pollControl?: boolean;
    /** Paravirtual interrupts between vCPUs. */
    readonly pvIpi?: boolean;
    /** Entries of the ring in which KVM notes written pages for a migration, a power of two. */
    readonly dirtyRing?: number | false;
  };
  /** What is PowerPC's own (pseries). */
  readonly pseries?: {
    /** Whether the guest may resize its hash page table. */
    readonly hptResizing?: "enabled" | "disabled" | "required";
    /** Largest page that the guest may use, for example `16MiB`. */
    readonly hptMaxPageSize?: string | number;
    /** Hardware transactional memory. */
    readonly htm?: boolean;
    /** Guests of the guest, with the hypervisor's help. */
    readonly nestedHv?: boolean;
    /** Count cache flush with the CPU's help. */
    readonly ccfAssist?: boolean;
    /** Cache flush on a privilege change. */
    readonly cacheFlush?: "broken" | "workaround" | "fixed";
    /** Barrier of bounds checks. */
    readonly boundsCheck?: "broken" | "workaround" | "fixed";
    /** Speculation of indirect branches. */
    readonly indirectBranch?: "broken" | "workaround" | "fixed-ibs" | "fixed-ccd" | "fixed-na";
  };
  /** Cache for translated code, under TCG. */
  readonly tcgCache?: string | number;
}

/** Clock of the guest. */
export interface ClockFields {
  /**
   * utc; localtime: the host's zone, as Windows expects it; timezone: the zone declared;
   * variable: so many seconds from basis; absolute: from start.
   */
  readonly offset?: "utc" | "localtime" | "timezone" | "variable" | "absolute";
  /** Zone, for example `Europe/Vienna`. */
  readonly timezone?: string;
  /**
   * Seconds from the basis; the guest may move it on. `reset`: a clock that the guest has
   * set starts anew with it.
   */
  readonly adjustment?: number | "reset";
  /** What a variable offset counts from. */
  readonly basis?: "utc" | "localtime";
  /** Seconds since 1970 at which an absolute clock starts. */
  readonly start?: number;
  /** Timers; others are left alone. */
  readonly timers?: readonly ({
    /** Which timer. */
    readonly name:
      | "platform"
      | "hpet"
      | "kvmclock"
      | "pit"
      | "rtc"
      | "tsc"
      | "hypervclock"
      | "armvtimer";
    /** Whether the guest finds it. */
    readonly present?: boolean;
    /** What becomes of ticks that the guest missed. */
    readonly tickPolicy?: "delay" | "catchup" | "merge" | "discard";
    /** What the timer follows. */
    readonly track?: "boot" | "guest" | "wall" | "realtime";
    /** Hertz, for tsc. */
    readonly frequency?: number;
    /** How tsc is given to the guest. */
    readonly mode?: "auto" | "native" | "emulate" | "paravirt" | "smpsafe";
    /** How missed ticks are caught up on, with tickPolicy catchup. */
    readonly catchup?: {
      /** Lag from which it catches up, ms. */
      readonly threshold?: number;
      /** Most that it runs ahead by, per million. */
      readonly slew?: number;
      /** Lag beyond which it gives up, ms. */
      readonly limit?: number;
    };
  })[];
}

/** What the firmware tells of the machine. */
export interface SmbiosFields {
  /** emulate: QEMU's own; host: as the host has them; sysinfo: what is declared here. */
  readonly mode?: "emulate" | "host" | "sysinfo";
  /** Firmware. */
  readonly bios?: {
    /** SMBIOS: vendor of bios. */
    readonly vendor?: string;
    /** SMBIOS: version of bios. */
    readonly version?: string;
    /** SMBIOS: date of bios. */
    readonly date?: string;
    /** SMBIOS: release of bios. */
    readonly release?: string;
  };
  /** System; its uuid, if declared, is the machine's own. */
  readonly system?: {
    /** SMBIOS: manufacturer of system. */
    readonly manufacturer?: string;
    /** SMBIOS: product of system. */
    readonly product?: string;
    /** SMBIOS: version of system. */
    readonly version?: string;
    /** SMBIOS: serial of system. */
    readonly serial?: string;
    /** SMBIOS: uuid of system. */
    readonly uuid?: string;
    /** SMBIOS: sku of system. */
    readonly sku?: string;
    /** SMBIOS: family of system. */
    readonly family?: string;
  };
  /** Base board. */
  readonly baseBoard?: {
    /** SMBIOS: manufacturer of baseBoard. */
    readonly manufacturer?: string;
    /** SMBIOS: product of baseBoard. */
    readonly product?: string;
    /** SMBIOS: version of baseBoard. */
    readonly version?: string;
    /** SMBIOS: serial of baseBoard. */
    readonly serial?: string;
    /** SMBIOS: asset of baseBoard. */
    readonly asset?: string;
    /** SMBIOS: location of baseBoard. */
    readonly location?: string;
  };
  /** Chassis. */
  readonly chassis?: {
    /** SMBIOS: manufacturer of chassis. */
    readonly manufacturer?: string;
    /** SMBIOS: version of chassis. */
    readonly version?: string;
    /** SMBIOS: serial of chassis. */
    readonly serial?: string;
    /** SMBIOS: asset of chassis. */
    readonly asset?: string;
    /** SMBIOS: sku of chassis. */
    readonly sku?: string;
  };
  /** OEM strings, in order. */
  readonly oemStrings?: readonly string[];
}

/** One of a machine's `firmwareConfig`. */
export interface FirmwareConfigFields {
  /** Name, for example `opt/com.coreos/config`, by which the guest finds it. */
  readonly name: string;
  /** What stands there. */
  readonly value?: string;
  /** File of the host with what stands there, instead of a value. */
  readonly file?: string;
}

/** Workers of the main loop, which serves what has no I/O thread of its own. */
export interface DefaultIoThreadFields {
  /** Workers that are kept, 0 to 4096. */
  readonly min?: number;
  /** Most workers, 1 to 4096. */
  readonly max?: number;
}

/** One of a machine's `ioThreadPools`. */
export interface IoThreadPoolFields {
  /** Number of the I/O thread, from 1. */
  readonly ioThread: number;
  /** Workers that are kept, 0 to 4096. */
  readonly min?: number;
  /** Most workers, 1 to 4096. */
  readonly max?: number;
}

/** CPU time and pins. */
export interface CpuTuneFields {
  /** Share of CPU time beside other machines, where the host is busy; 1024 is the usual one. */
  readonly shares?: number;
  /** Microseconds in which each vCPU may use its quota. */
  readonly period?: number;
  /** Microseconds of CPU time that each vCPU gets in a period; -1: no limit. */
  readonly quota?: number;
  /** Microseconds in which the whole machine may use its quota. */
  readonly globalPeriod?: number;
  /** Microseconds of CPU time that the whole machine gets in a period; -1: no limit. */
  readonly globalQuota?: number;
  /** Microseconds in which the emulator may use its quota. */
  readonly emulatorPeriod?: number;
  /** Microseconds of CPU time that the emulator gets in a period; -1: no limit. */
  readonly emulatorQuota?: number;
  /** Microseconds in which each I/O thread may use its quota. */
  readonly ioThreadPeriod?: number;
  /** Microseconds of CPU time that each I/O thread gets in a period; -1: no limit. */
  readonly ioThreadQuota?: number;
  /** Host CPUs on which single vCPUs run. */
  readonly vcpuPins?: readonly {
    /** Number of the vCPU, from 0. */
    readonly vcpu: number;
    /** CPUs of the host, for example `0-3`. */
    readonly cpus: string;
  }[];
  /** Host CPUs on which the emulator's own threads run, for example `0`. */
  readonly emulatorPin?: string;
  /** Host CPUs on which single I/O threads run. */
  readonly ioThreadPins?: readonly {
    /** Number of the I/O thread, from 1. */
    readonly ioThread: number;
    /** CPUs of the host, for example `0-3`. */
    readonly cpus: string;
  }[];
  /** How the host schedules vCPUs. */
  readonly vcpuSchedulers?: readonly ({
    /** vCPUs, for example `0-1`. */
    readonly vcpus: string;
    /** Scheduler of the host; fifo and rr are real-time ones. */
    readonly scheduler: "batch" | "idle" | "fifo" | "rr";
    /** Priority, for fifo and rr. */
    readonly priority?: number;
  })[];
  /** How the host schedules I/O threads. */
  readonly ioThreadSchedulers?: readonly ({
    /** I/O threads, for example `1-2`. */
    readonly ioThreads: string;
    /** Scheduler of the host; fifo and rr are real-time ones. */
    readonly scheduler: "batch" | "idle" | "fifo" | "rr";
    /** Priority, for fifo and rr. */
    readonly priority?: number;
  })[];
  /** How the host schedules the emulator's own threads. */
  readonly emulatorScheduler?: {
    /** Scheduler of the host; fifo and rr are real-time ones. */
    readonly scheduler: "batch" | "idle" | "fifo" | "rr";
    /** Priority, for fifo and rr. */
    readonly priority?: number;
  };
}

/** Block I/O beside others. */
export interface BlkioTuneFields {
  /** Weight of the machine's block I/O beside others'. */
  readonly weight?: number;
  /** Limits on single block devices of the host. */
  readonly devices?: readonly {
    /** Block device of the host, for example `/dev/sda`. */
    readonly path: string;
    /** Weight on that device, 10 to 1000; 0: none. */
    readonly weight?: number;
    /** Most bytes read in a second; 0: no limit. */
    readonly readBytes?: number;
    /** Most bytes written in a second; 0: no limit. */
    readonly writeBytes?: number;
    /** Most reads in a second; 0: no limit. */
    readonly readIops?: number;
    /** Most writes in a second; 0: no limit. */
    readonly writeIops?: number;
  }[];
}

/** Limits of memory. */
export interface MemTuneFields {
  /** Most memory of the whole QEMU process: beyond it the host kills it. Far above `memory`. */
  readonly hardLimit?: "unlimited" | string | number;
  /** Memory that it may have when the host is short of it. */
  readonly softLimit?: "unlimited" | string | number;
  /** Most memory and swap together. */
  readonly swapHardLimit?: "unlimited" | string | number;
}

/** One of a machine's `disks`. */
export interface DiskFields {
  /** Name of the disk in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** Address of the volume behind the disk. */
  readonly volume?: string;
  /** A file of the host, instead of a volume. */
  readonly file?: string;
  /** A block device of the host, for example /dev/disk/by-id/…, instead of a volume. */
  readonly block?: string;
  /** Storage over the network (rbd, iscsi, nbd, …), instead of a volume. */
  readonly network?: {
    /** Protocol of the storage. */
    readonly protocol:
      | "rbd"
      | "iscsi"
      | "nbd"
      | "gluster"
      | "sheepdog"
      | "http"
      | "https"
      | "ftp"
      | "ftps"
      | "tftp"
      | "ssh"
      | "vxhs"
      | "nfs";
    /**
     * What is opened there: `pool/image` for rbd, `iqn.…/lun` for iscsi, an export's name for
     * nbd, a path for the others.
     */
    readonly name?: string;
    /** Servers; rbd can take them from the host's ceph.conf. */
    readonly hosts?: readonly ({
      /** Name or address of the server. */
      readonly name?: string;
      /** TCP port; the protocol's own. */
      readonly port?: number;
      /** How it is reached; tcp. */
      readonly transport?: "tcp" | "rdma" | "unix";
      /** Unix socket of the server, with transport unix. */
      readonly socket?: string;
    })[];
    /** Query behind the path, for http and https. */
    readonly query?: string;
    /** Encrypt the connection, for nbd. */
    readonly tls?: boolean;
    /** IQN that the host presents, for iscsi. */
    readonly initiator?: string;
    /** Log-in, by a secret that the host keeps. */
    readonly auth?: {
      /** Who logs in. */
      readonly username: string;
      /** Kind of the secret. */
      readonly type: "ceph" | "iscsi";
      /** Usage of the host's libvirt secret. */
      readonly usage?: string;
      /** UUID of the host's libvirt secret. */
      readonly uuid?: string;
    };
  };
  /** A namespace of an NVMe device of the host, instead of a volume. */
  readonly nvme?: {
    /** PCI address of the NVMe device, for example 0000:3b:00.0. */
    readonly pci: string;
    /** Namespace of the device, from 1. */
    readonly namespace: number;
    /** libvirt takes the device from the host's driver and gives it back; true. */
    readonly managed?: boolean;
  };
  /**
   * Socket of a process of the host that serves the disk (vhost-user), instead of a volume;
   * it needs memory that is shared.
   */
  readonly vhostUser?: string;
  /** Encryption of what is behind the disk, by a secret that the host keeps. */
  readonly encryption?: {
    /** Kind of the encryption. */
    readonly format: "luks" | "luks2" | "luks-any" | "qcow";
    /** Who decrypts; qemu unless declared. */
    readonly engine?: "qemu" | "librbd";
    /** Usage of the host's libvirt secret. */
    readonly usage?: string;
    /** UUID of the host's libvirt secret. */
    readonly uuid?: string;
  };
  /** Whether the machine starts without it, with file, block and volume. */
  readonly startup?: "mandatory" | "requisite" | "optional";
  /** lun: SCSI commands reach the device itself, with block and network. */
  readonly device?: "disk" | "lun";
  /** Format of what is behind the disk; a volume's own, else raw. */
  readonly format?: "qcow2" | "raw" | "qed" | "vmdk" | "vdi" | "vpc" | "luks";
  /** Bus that the guest sees; virtio unless declared. */
  readonly bus?: "virtio" | "scsi" | "sata" | "ide" | "usb";
  /** Target, for example vda; the first that is free unless declared. */
  readonly target?: string;
  /** Dialect of virtio, with bus virtio. */
  readonly model?: "virtio" | "virtio-transitional" | "virtio-non-transitional";
  /** How the virtio device works. */
  readonly virtio?: {
    /** Go through the guest's IOMMU. */
    readonly iommu?: boolean;
    /** Cache translations in the device; with iommu. */
    readonly ats?: boolean;
    /** Packed queues. */
    readonly packed?: boolean;
    /** A page of notifications for each queue. */
    readonly pagePerQueue?: boolean;
  };
  /** Cache of the host; QEMU's default unless declared. */
  readonly cache?: "default" | "none" | "writethrough" | "writeback" | "directsync" | "unsafe";
  /** How the host does the I/O. */
  readonly io?: "native" | "threads" | "io_uring";
  /** Whether what the guest trims is given back to the host; a new disk has unmap. */
  readonly discard?: "unmap" | "ignore";
  /** What becomes of blocks of zeroes: written, noted, given back. */
  readonly detectZeroes?: "off" | "on" | "unmap";
  /** What becomes of a failed write. */
  readonly errorPolicy?: "stop" | "report" | "ignore" | "enospace";
  /** What becomes of a failed read. */
  readonly readErrorPolicy?: "stop" | "report" | "ignore";
  /** I/O thread that serves the disk, by number. */
  readonly ioThread?: number;
  /** Queues of a virtio disk. */
  readonly queues?: number;
  /** Requests a queue of a virtio disk. */
  readonly queueSize?: number;
  /** Copy what is read from a backing file into the disk's own. */
  readonly copyOnRead?: boolean;
  /** Fewer interrupts, with bus virtio. */
  readonly eventIndex?: boolean;
  /** Serve the disk apart from the vCPU that asked, with bus virtio. */
  readonly ioEventFd?: boolean;
  /** Most memory for qcow2's own tables, for example `4MiB`. */
  readonly metadataCache?: string | number;
  /** The guest cannot write. */
  readonly readonly?: boolean;
  /** What the guest writes is gone when it is off. */
  readonly transient?: boolean;
  /** Whether other machines may use the disk meanwhile, with transient. */
  readonly transientShared?: boolean;
  /** How snapshots of the machine take the disk. */
  readonly snapshot?: "internal" | "external" | "manual" | "no";
  /** Grant CAP_SYS_RAWIO, with device lun. */
  readonly rawIo?: boolean;
  /** Which SCSI commands pass, with device lun. */
  readonly sgIo?: "filtered" | "unfiltered";
  /** Shown as removable, with bus usb. */
  readonly removable?: boolean;
  /** Other machines may have it at the same time. */
  readonly shareable?: boolean;
  /** Serial number that the guest sees; virtio shows 20 characters of it. */
  readonly serial?: string;
  /** World Wide Name that the guest sees, 16 hexadecimal digits. */
  readonly wwn?: string;
  /** Vendor that the guest sees, on SCSI. */
  readonly vendor?: string;
  /** Product that the guest sees, on SCSI. */
  readonly product?: string;
  /**
   * Rotations a minute that the guest is told, on SCSI, IDE and SATA; 1 says that it is no
   * disk of plates.
   */
  readonly rotationRate?: number;
  /** Smallest unit that the guest can read and write, bytes. */
  readonly logicalBlockSize?: number;
  /** Unit that the guest had better write, bytes. */
  readonly physicalBlockSize?: number;
  /**
   * Place in the order in which the firmware tries devices; 1 comes first, and each stands
   * once.
   */
  readonly bootOrder?: number;
  /** Limits of the disk's I/O. */
  readonly iotune?: {
    /** Reads and writes together, bytes per second; 0: no limit. */
    readonly totalBytes?: number;
    /** Reads, bytes per second; 0: no limit. */
    readonly readBytes?: number;
    /** Writes, bytes per second; 0: no limit. */
    readonly writeBytes?: number;
    /** Reads and writes together, requests per second; 0: no limit. */
    readonly totalIops?: number;
    /** Reads, requests per second; 0: no limit. */
    readonly readIops?: number;
    /** Writes, requests per second; 0: no limit. */
    readonly writeIops?: number;
    /** Reads and writes together in a burst, bytes per second. */
    readonly totalBytesMax?: number;
    /** Reads in a burst, bytes per second. */
    readonly readBytesMax?: number;
    /** Writes in a burst, bytes per second. */
    readonly writeBytesMax?: number;
    /** Reads and writes together in a burst, requests per second. */
    readonly totalIopsMax?: number;
    /** Reads in a burst, requests per second. */
    readonly readIopsMax?: number;
    /** Writes in a burst, requests per second. */
    readonly writeIopsMax?: number;
    /** How long a burst of them may last, seconds. */
    readonly totalBytesMaxLength?: number;
    /** How long a burst of them may last, seconds. */
    readonly readBytesMaxLength?: number;
    /** How long a burst of them may last, seconds. */
    readonly writeBytesMaxLength?: number;
    /** How long a burst of them may last, seconds. */
    readonly totalIopsMaxLength?: number;
    /** How long a burst of them may last, seconds. */
    readonly readIopsMaxLength?: number;
    /** How long a burst of them may last, seconds. */
    readonly writeIopsMaxLength?: number;
    /** Bytes that count as one request. */
    readonly sizeIops?: number;
    /** Disks of one group share these limits. */
    readonly group?: string;
  };
}

/** One of a machine's `cdroms`. */
export interface CdromFields {
  /** Name of the drive in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** Address of the volume or image in the drive. No medium: the drive is empty. */
  readonly volume?: string;
  /** A file of the host, instead of a volume. */
  readonly file?: string;
  /** A block device of the host, for example /dev/disk/by-id/…, instead of a volume. */
  readonly block?: string;
  /** Storage over the network (rbd, iscsi, nbd, …), instead of a volume. */
  readonly network?: {
    /** Protocol of the storage. */
    readonly protocol:
      | "rbd"
      | "iscsi"
      | "nbd"
      | "gluster"
      | "sheepdog"
      | "http"
      | "https"
      | "ftp"
      | "ftps"
      | "tftp"
      | "ssh"
      | "vxhs"
      | "nfs";
    /**
     * What is opened there: `pool/image` for rbd, `iqn.…/lun` for iscsi, an export's name for
     * nbd, a path for the others.
     */
    readonly name?: string;
    /** Servers; rbd can take them from the host's ceph.conf. */
    readonly hosts?: readonly ({
      /** Name or address of the server. */
      readonly name?: string;
      /** TCP port; the protocol's own. */
      readonly port?: number;
      /** How it is reached; tcp. */
      readonly transport?: "tcp" | "rdma" | "unix";
      /** Unix socket of the server, with transport unix. */
      readonly socket?: string;
    })[];
    /** Query behind the path, for http and https. */
    readonly query?: string;
    /** Encrypt the connection, for nbd. */
    readonly tls?: boolean;
    /** IQN that the host presents, for iscsi. */
    readonly initiator?: string;
    /** Log-in, by a secret that the host keeps. */
    readonly auth?: {
      /** Who logs in. */
      readonly username: string;
      /** Kind of the secret. */
      readonly type: "ceph" | "iscsi";
      /** Usage of the host's libvirt secret. */
      readonly usage?: string;
      /** UUID of the host's libvirt secret. */
      readonly uuid?: string;
    };
  };
  /** Format of the medium; raw. */
  readonly format?: "raw" | "qcow2";
  /** Tray at the start; closed. */
  readonly tray?: "open" | "closed";
  /** Bus that the guest sees; sata unless declared. */
  readonly bus?: "sata" | "scsi" | "ide" | "usb";
  /**
   * Place in the order in which the firmware tries devices; 1 comes first, and each stands
   * once.
   */
  readonly bootOrder?: number;
}

/** One of a machine's `floppies`. */
export interface FloppyFields {
  /** Name of the drive in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** Address of the volume or image in the drive. No medium: the drive is empty. */
  readonly volume?: string;
  /** A file of the host, instead of a volume. */
  readonly file?: string;
  /** A block device of the host, for example /dev/disk/by-id/…, instead of a volume. */
  readonly block?: string;
  /** Storage over the network (rbd, iscsi, nbd, …), instead of a volume. */
  readonly network?: {
    /** Protocol of the storage. */
    readonly protocol:
      | "rbd"
      | "iscsi"
      | "nbd"
      | "gluster"
      | "sheepdog"
      | "http"
      | "https"
      | "ftp"
      | "ftps"
      | "tftp"
      | "ssh"
      | "vxhs"
      | "nfs";
    /**
     * What is opened there: `pool/image` for rbd, `iqn.…/lun` for iscsi, an export's name for
     * nbd, a path for the others.
     */
    readonly name?: string;
    /** Servers; rbd can take them from the host's ceph.conf. */
    readonly hosts?: readonly ({
      /** Name or address of the server. */
      readonly name?: string;
      /** TCP port; the protocol's own. */
      readonly port?: number;
      /** How it is reached; tcp. */
      readonly transport?: "tcp" | "rdma" | "unix";
      /** Unix socket of the server, with transport unix. */
      readonly socket?: string;
    })[];
    /** Query behind the path, for http and https. */
    readonly query?: string;
    /** Encrypt the connection, for nbd. */
    readonly tls?: boolean;
    /** IQN that the host presents, for iscsi. */
    readonly initiator?: string;
    /** Log-in, by a secret that the host keeps. */
    readonly auth?: {
      /** Who logs in. */
      readonly username: string;
      /** Kind of the secret. */
      readonly type: "ceph" | "iscsi";
      /** Usage of the host's libvirt secret. */
      readonly usage?: string;
      /** UUID of the host's libvirt secret. */
      readonly uuid?: string;
    };
  };
  /** Format of the medium; raw. */
  readonly format?: "raw" | "qcow2";
  /** Tray at the start; closed. */
  readonly tray?: "open" | "closed";
  /**
   * Place in the order in which the firmware tries devices; 1 comes first, and each stands
   * once.
   */
  readonly bootOrder?: number;
}

/** One of a machine's `nics`. */
export interface NicFields {
  /** Name of the NIC in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** Address of the network that the NIC is on. */
  readonly network?: string;
  /** A bridge of the host, instead of a network. */
  readonly bridge?: string;
  /** A network device of the host (macvtap), instead of a network. */
  readonly direct?: {
    /** Network device of the host, for example eth0. */
    readonly dev: string;
    /** How guests on the device reach each other; vepa unless declared. */
    readonly mode?: "bridge" | "vepa" | "private" | "passthrough";
  };
  /** QEMU's own network behind the host's addresses, instead of a network. */
  readonly user?: true;
  /** PCI address of a virtual function of the host, given to the guest instead of a network. */
  readonly hostdev?: string;
  /**
   * A tap that somebody else connects, by its name (`target`) or a script; instead of a
   * network.
   */
  readonly ethernet?: true;
  /**
   * A process of the host that moves the packets (vhost-user), instead of a network; it
   * needs memory that is shared.
   */
  readonly vhostUser?: {
    /** Unix socket. */
    readonly path: string;
    /** Whether QEMU calls at the socket or listens. */
    readonly mode: "client" | "server";
    /** Seconds after which it calls again, with mode client. */
    readonly reconnect?: number;
  };
  /** A vDPA device of the host, for example /dev/vhost-vdpa-0, instead of a network. */
  readonly vdpa?: string;
  /** Straight to other guests through a socket of the host, instead of a network. */
  readonly socket?: {
    /**
     * mcast: a group that all are in; server and client: two ends of a TCP connection; udp:
     * datagrams.
     */
    readonly mode: "mcast" | "server" | "client" | "udp";
    /** Address of the group or of the other end. */
    readonly address?: string;
    /** Port there. */
    readonly port: number;
    /** Address of this end, with udp. */
    readonly localAddress?: string;
    /** Port of this end, with udp. */
    readonly localPort?: number;
  };
  /** Port group of the network. */
  readonly portGroup?: string;
  /** MAC address, derived from the machine's UUID unless declared. */
  readonly mac: string;
  /** Address reserved for the NIC on its network. */
  readonly ip?: string;
  /** Model that the guest sees; virtio unless declared. */
  readonly model?:
    | "virtio"
    | "virtio-transitional"
    | "virtio-non-transitional"
    | "e1000"
    | "e1000e"
    | "igb"
    | "rtl8139"
    | "vmxnet3"
    | "pcnet"
    | "ne2k_pci"
    | "usb-net"
    | "lan9118"
    | "spapr-vlan";
  /** State of the link; up unless declared. */
  readonly link?: "up" | "down";
  /**
   * Place in the order in which the firmware tries devices; 1 comes first, and each stands
   * once.
   */
  readonly bootOrder?: number;
  /** Largest packet, bytes, that guest and tap are told. */
  readonly mtu?: number;
  /** Name of the tap on the host; libvirt chooses unless declared. */
  readonly target?: string;
  /** Where a virtio NIC's packets are handled: in the host's kernel, or in QEMU. */
  readonly driver?: "vhost" | "qemu";
  /** Queues of a virtio NIC, as many as vCPUs at most. */
  readonly queues?: number;
  /** Places in the receive queue of a virtio NIC. */
  readonly rxQueueSize?: 256 | 512 | 1024;
  /** Places in the send queue of a virtio NIC. */
  readonly txQueueSize?: 256 | 512 | 1024;
  /** VLANs of the NIC, on Open vSwitch and on virtual functions. */
  readonly vlan?: {
    /** VLANs; more than one make a trunk. */
    readonly tags: readonly number[];
    /** Whether the tags reach the guest; true for several. */
    readonly trunk?: boolean;
    /** The tag that untagged frames belong to, one of `tags`. */
    readonly native?: number;
  };
  /** Limits of the NIC's traffic. */
  readonly bandwidth?: {
    /** Traffic to the guest. */
    readonly inbound?: {
      /** Rate over time, KiB per second; 0: no limit. */
      readonly average?: number;
      /** Highest rate, KiB per second. */
      readonly peak?: number;
      /** Amount that may go at the highest rate, KiB. */
      readonly burst?: number;
      /** Rate that is kept for the NIC on its network, KiB per second. */
      readonly floor?: number;
    };
    /** Traffic from the guest. */
    readonly outbound?: {
      /** Rate over time, KiB per second; 0: no limit. */
      readonly average?: number;
      /** Highest rate, KiB per second. */
      readonly peak?: number;
      /** Amount that may go at the highest rate, KiB. */
      readonly burst?: number;
    };
  };
  /** How the virtio device works. */
  readonly virtio?: {
    /** Go through the guest's IOMMU. */
    readonly iommu?: boolean;
    /** Cache translations in the device; with iommu. */
    readonly ats?: boolean;
    /** Packed queues. */
    readonly packed?: boolean;
    /** A page of notifications for each queue. */
    readonly pagePerQueue?: boolean;
  };
  /** Fewer interrupts, with a virtio model. */
  readonly eventIndex?: boolean;
  /** Serve the NIC apart from the vCPU that asked, with a virtio model. */
  readonly ioEventFd?: boolean;
  /** Who sends, with a virtio model. */
  readonly sendMode?: "iothread" | "timer";
  /** Spread packets over queues in QEMU, with a virtio model. */
  readonly rss?: boolean;
  /** Tell the guest the hash, with rss. */
  readonly rssHashReport?: boolean;
  /** Work that one side of a virtio NIC leaves to the other. */
  readonly offload?: {
    /** What the host takes over. */
    readonly host?: {
      /** Check sums are left to the host. */
      readonly checksum?: boolean;
      /** Segments of TCP over IPv4 are left to the host. */
      readonly tso4?: boolean;
      /** Segments of TCP over IPv6 are left to the host. */
      readonly tso6?: boolean;
      /** Congestion notices are left to the host. */
      readonly ecn?: boolean;
      /** Fragments of UDP are left to the host. */
      readonly ufo?: boolean;
      /** Segments of any kind are left to the host. */
      readonly gso?: boolean;
      /** A packet may span several buffers. */
      readonly mergeBuffers?: boolean;
    };
    /** What the guest takes over. */
    readonly guest?: {
      /** Check sums are left to the guest. */
      readonly checksum?: boolean;
      /** Segments of TCP over IPv4 are left to the guest. */
      readonly tso4?: boolean;
      /** Segments of TCP over IPv6 are left to the guest. */
      readonly tso6?: boolean;
      /** Congestion notices are left to the guest. */
      readonly ecn?: boolean;
      /** Fragments of UDP are left to the guest. */
      readonly ufo?: boolean;
    };
  };
  /** Packets that the tap may hold back before the guest is told; 0: none. */
  readonly coalesce?: number;
  /** Send buffer of the tap, bytes; 0: no limit. */
  readonly sendBuffer?: number;
  /** The NIC's port on a switch. */
  readonly virtualPort?: {
    /** Kind of switch, for example openvswitch. */
    readonly type?: "openvswitch" | "midonet" | "802.1Qbg" | "802.1Qbh";
    /** UUID of the port, with openvswitch and midonet. */
    readonly interfaceId?: string;
    /** Profile, with openvswitch and 802.1Qbh. */
    readonly profileId?: string;
    /** VSI manager, with 802.1Qbg. */
    readonly managerId?: number;
    /** VSI type, with 802.1Qbg. */
    readonly typeId?: number;
    /** Version of the type, with 802.1Qbg. */
    readonly typeIdVersion?: number;
    /** UUID of the instance, with 802.1Qbg. */
    readonly instanceId?: string;
  };
  /**
   * persistent: stays through a migration; transient: a host device that is unplugged for
   * it.
   */
  readonly teaming?: "persistent" | "transient";
  /** Name of the persistent NIC, with teaming transient. */
  readonly teamedWith?: string;
  /**
   * The user's own network by passt, which forwards ports; with user, and a libvirt that was
   * built with it.
   */
  readonly passt?: {
    /** File of the host to which passt writes its log. */
    readonly log?: string;
    /** Ports of the host that lead to the guest. */
    readonly forwards?: readonly ({
      /** Protocol. */
      readonly protocol: "tcp" | "udp";
      /** Address of the host; all unless declared. */
      readonly address?: string | string;
      /** Network device of the host. */
      readonly dev?: string;
      /** Ports; all unless declared. */
      readonly ranges?: readonly {
        /** First port of the host. */
        readonly start: number;
        /** Last port; start unless declared. */
        readonly end?: number;
        /** First port of the guest; start. */
        readonly to?: number;
        /** These ports are not forwarded. */
        readonly exclude?: boolean;
      }[];
    })[];
  };
  /** Subnets of the guest's side, one each of IPv4 and IPv6, with user: ["172.17.2.0/24"]. */
  readonly userAddresses?: readonly (string | string)[];
  /** Script that sets the tap up, with ethernet. */
  readonly script?: string;
  /** Script that takes the tap down, with ethernet. */
  readonly downScript?: string;
  /** Whether libvirt makes the tap, with ethernet; true unless declared. */
  readonly targetManaged?: boolean;
  /** Device that taps are made by; /dev/net/tun. */
  readonly tapBackend?: string;
  /** Device that serves vhost; /dev/vhost-net. */
  readonly vhostBackend?: string;
  /** Number by which the guest names it: eno1. */
  readonly acpiIndex?: number;
  /** File of the host with the boot ROM. */
  readonly romFile?: string;
  /** Whether it has a boot ROM at all. */
  readonly romEnabled?: boolean;
  /** Network filter of libvirt's for the NIC. */
  readonly filter?: {
    /** Name of the network filter, for example clean-traffic. */
    readonly name: string;
    /** Values of its variables, each one value or a list: { IP: "10.0.0.4" }. */
    readonly parameters?: { readonly [key: string]: string | readonly string[] };
  };
  /** Keep the NIC from others on the bridge that are isolated too. */
  readonly isolated?: boolean;
  /** Let the guest change its MAC address and receive filters. */
  readonly trustGuestRxFilters?: boolean;
  /** Show the NIC's boot ROM to the guest. */
  readonly romBar?: boolean;
}

/** One of a machine's `controllers`. */
export interface ControllerFields {
  /** Name of the controller in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** What is plugged into it. */
  readonly type: "scsi" | "usb" | "pci" | "virtio-serial" | "sata" | "ide" | "ccid" | "fdc";
  /**
   * Model, for example virtio-scsi, qemu-xhci or pcie-root-port; the platform's own unless
   * declared.
   */
  readonly model?: string;
  /** Number among its type; the next that is free. */
  readonly index?: number;
  /** I/O thread that serves it, on virtio-scsi. */
  readonly ioThread?: number;
  /** Queues, on virtio-scsi. */
  readonly queues?: number;
  /** Commands in flight a disk. */
  readonly commandsPerLun?: number;
  /** Largest request, sectors of 512 bytes. */
  readonly maxSectors?: number;
  /** Ports, on usb and virtio-serial. */
  readonly ports?: number;
  /** NUMA cell of the guest, on expander buses. */
  readonly numaNode?: number;
  /** Bus number, on expander buses. */
  readonly busNumber?: number;
  /** Room for devices above 4 GiB, on the PCI root, for example `64GiB`. */
  readonly pciHole64?: string | number;
  /** Number of the chassis, on root ports. */
  readonly chassis?: number;
  /** Number of the chassis, on PCI bridges. */
  readonly chassisNumber?: number;
  /** Number of the port, 0 to 255, on root ports. */
  readonly port?: number;
  /** Index of the PHB, on PowerPC. */
  readonly targetIndex?: number;
  /** First port of its companion, on UHCI. */
  readonly startPort?: number;
  /** Interrupts, on virtio-serial. */
  readonly vectors?: number;
  /** Serve disks apart from the vCPU that asked, on virtio-scsi. */
  readonly ioEventFd?: boolean;
  /** How the virtio device works. */
  readonly virtio?: {
    /** Go through the guest's IOMMU. */
    readonly iommu?: boolean;
    /** Cache translations in the device; with iommu. */
    readonly ats?: boolean;
    /** Packed queues. */
    readonly packed?: boolean;
    /** A page of notifications for each queue. */
    readonly pagePerQueue?: boolean;
  };
  /** Whether devices are plugged, on root ports. */
  readonly hotplug?: boolean;
}

/** One of a machine's `displays`. */
export interface DisplayFields {
  /** Name of the display in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** Protocol of the display. */
  readonly type: "vnc" | "spice" | "egl-headless" | "sdl" | "rdp" | "dbus";
  /** Address of the host at which it listens; 127.0.0.1 unless declared. */
  readonly listen?: string;
  /** Unix socket at which it listens, instead of an address. */
  readonly socket?: string;
  /** TCP port; libvirt chooses a free one from 5900 up unless declared. */
  readonly port?: number;
  /** TCP port for TLS, with spice. */
  readonly tlsPort?: number;
  /** TCP port for web sockets, with vnc. */
  readonly websocket?: number;
  /**
   * Password that its clients must know: a secret by its name. VNC takes at most 8 bytes,
   * SPICE 60. One that is declared no more stays.
   */
  readonly password?: {
    readonly secret: string;
  };
  /**
   * Until when the password is good, in UTC: 2027-01-31T12:00:00Z. Without an end unless
   * declared.
   */
  readonly passwordValidTo?: string;
  /** What becomes of clients that are connected when the password is changed. VNC keeps them. */
  readonly connected?: "keep" | "disconnect" | "fail";
  /** Layout of the keyboard, for example de. */
  readonly keymap?: string;
  /** Whether a client may have a vnc display for itself. */
  readonly sharePolicy?: "allow-exclusive" | "force-shared" | "ignore";
  /** Whether spice's channels go through TLS. */
  readonly defaultMode?: "secure" | "insecure" | "any";
  /** Compression of images, with spice. */
  readonly imageCompression?: "auto_glz" | "auto_lz" | "quic" | "glz" | "lz" | "off";
  /** Which moving pictures spice streams. */
  readonly streaming?: "filter" | "all" | "off";
  /** Share the clipboard, with spice. */
  readonly clipboard?: boolean;
  /** Take files from the client, with spice. */
  readonly fileTransfer?: boolean;
  /** Who draws the pointer, with spice. */
  readonly mouse?: "client" | "server";
  /** Compression of pictures with loss, with spice. */
  readonly jpegCompression?: "auto" | "never" | "always";
  /** Compression on slow links, with spice. */
  readonly zlibCompression?: "auto" | "never" | "always";
  /** Compress sound, with spice. */
  readonly playbackCompression?: boolean;
  /** Whether single channels of spice go through TLS. */
  readonly channels?: readonly ({
    /** Which channel. */
    readonly channel:
      | "main"
      | "display"
      | "inputs"
      | "cursor"
      | "playback"
      | "record"
      | "smartcard"
      | "usbredir";
    /** Whether it goes through TLS. */
    readonly mode: "secure" | "insecure" | "any";
  })[];
  /** Network of libvirt's at whose address it listens, by its name; instead of an address. */
  readonly listenNetwork?: string;
  /** Let clients power the guest off, with vnc. */
  readonly powerControl?: boolean;
  /** Backend (`audios`) of its sound, with vnc and dbus. */
  readonly audio?: number;
  /** X display of the host, for example :0.0, with sdl. */
  readonly display?: string;
  /** File with the key of that display, with sdl. */
  readonly xauth?: string;
  /** Fill the host's screen, with sdl. */
  readonly fullScreen?: boolean;
  /** Address of the bus, with dbus. */
  readonly address?: string;
  /** Without a bus, with dbus. */
  readonly peerToPeer?: boolean;
  /** Draw with the host's GPU, with spice, sdl or dbus. */
  readonly gl?: boolean;
  /** GPU of the host, for example /dev/dri/renderD128. */
  readonly renderNode?: string;
}

/** One of a machine's `videos`. */
export interface VideoFields {
  /** Name of the video device in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** Model that the guest sees; none: no video device. */
  readonly model: "virtio" | "vga" | "cirrus" | "qxl" | "bochs" | "ramfb" | "vmvga" | "none";
  /** Screens. */
  readonly heads?: number;
  /** Video memory, KiB, with vga, cirrus, qxl and vmvga. A power of two. */
  readonly vram?: number;
  /** Primary memory, KiB, with qxl. A power of two. */
  readonly ram?: number;
  /** Memory of the VGA mode, KiB, with qxl. */
  readonly vgamem?: number;
  /** Secondary memory above 4 GiB, KiB, with qxl. */
  readonly vram64?: number;
  /** Whether it is the primary one; the first is. */
  readonly primary?: boolean;
  /** Draw in two dimensions by GPU. */
  readonly acceleration2d?: boolean;
  /** GPU of the host, for example /dev/dri/renderD128, with driver vhostuser. */
  readonly renderNode?: string;
  /** Who draws, with virtio: QEMU, or a process of its own. */
  readonly driver?: "qemu" | "vhostuser";
  /** How VGA is decoded, with virtio. */
  readonly vgaConfig?: "io" | "on" | "off";
  /** How the virtio device works. */
  readonly virtio?: {
    /** Go through the guest's IOMMU. */
    readonly iommu?: boolean;
    /** Cache translations in the device; with iommu. */
    readonly ats?: boolean;
    /** Packed queues. */
    readonly packed?: boolean;
    /** A page of notifications for each queue. */
    readonly pagePerQueue?: boolean;
  };
  /** Draw with the host's GPU, with virtio and a display with gl. */
  readonly acceleration?: boolean;
  /** Share buffers with the host, with virtio. */
  readonly blob?: boolean;
  /** Width at the start, pixels. */
  readonly width?: number;
  /** Height at the start, pixels. */
  readonly height?: number;
}

/** One of a machine's `sounds`. */
export interface SoundFields {
  /** Name of the sound device in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** Model that the guest sees. */
  readonly model: "ich6" | "ich7" | "ich9" | "ac97" | "es1370" | "sb16" | "pcspk" | "usb";
  /** Number of the backend (`audios`) that its sound goes to. */
  readonly audio?: number;
  /** Codec, with ich6 and ich9. */
  readonly codec?: "duplex" | "micro" | "output";
}

/** One of a machine's `audios`. */
export interface AudioFields {
  /** Name of the audio backend in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** Number by which sound devices and displays name it. */
  readonly id: number;
  /** What of the host takes the sound; none: nothing. */
  readonly type:
    | "none"
    | "alsa"
    | "coreaudio"
    | "dbus"
    | "file"
    | "jack"
    | "oss"
    | "pulseaudio"
    | "sdl"
    | "spice";
  /** Period of the timer, µs. */
  readonly timerPeriod?: number;
  /** File of the host, with file. */
  readonly path?: string;
  /** Server, with pulseaudio. */
  readonly server?: string;
  /** Driver of SDL, with sdl. */
  readonly driver?: "esd" | "alsa" | "arts" | "pulseaudio";
  /** Map the device's memory, with oss. */
  readonly tryMmap?: boolean;
  /** Have the device alone, with oss. */
  readonly exclusive?: boolean;
  /** Timing policy, with oss. */
  readonly dspPolicy?: number;
  /** What the guest records. */
  readonly input?: {
    /** Device of the host, with alsa and oss. */
    readonly device?: string;
    /** Device of the host, with pulseaudio. */
    readonly name?: string;
    /** Name of the stream, with pulseaudio. */
    readonly streamName?: string;
    /** Name of the client, with jack. */
    readonly clientName?: string;
    /** Name of the server, with jack. */
    readonly serverName?: string;
    /** Ports that it connects to, with jack. */
    readonly connectPorts?: string;
    /** Whether the client's name must be free, with jack. */
    readonly exactName?: boolean;
    /** Latency aimed at, µs, with pulseaudio. */
    readonly latency?: number;
    /** Length of the buffer, µs. */
    readonly bufferLength?: number;
    /** Buffers, with coreaudio, oss and sdl. */
    readonly bufferCount?: number;
    /** Wait by polling, with alsa and oss. */
    readonly tryPoll?: boolean;
    /** Whether QEMU mixes and converts. */
    readonly mixingEngine?: boolean;
    /** Whether the settings below are kept to. */
    readonly fixedSettings?: boolean;
    /** Voices at once. */
    readonly voices?: number;
    /** Hertz, with fixedSettings. */
    readonly frequency?: number;
    /** Channels, with fixedSettings. */
    readonly channels?: number;
    /** Format of a sample, with fixedSettings. */
    readonly format?: "s8" | "u8" | "s16" | "u16" | "s32" | "u32" | "f32";
  };
  /** What the guest plays. */
  readonly output?: {
    /** Device of the host, with alsa and oss. */
    readonly device?: string;
    /** Device of the host, with pulseaudio. */
    readonly name?: string;
    /** Name of the stream, with pulseaudio. */
    readonly streamName?: string;
    /** Name of the client, with jack. */
    readonly clientName?: string;
    /** Name of the server, with jack. */
    readonly serverName?: string;
    /** Ports that it connects to, with jack. */
    readonly connectPorts?: string;
    /** Whether the client's name must be free, with jack. */
    readonly exactName?: boolean;
    /** Latency aimed at, µs, with pulseaudio. */
    readonly latency?: number;
    /** Length of the buffer, µs. */
    readonly bufferLength?: number;
    /** Buffers, with coreaudio, oss and sdl. */
    readonly bufferCount?: number;
    /** Wait by polling, with alsa and oss. */
    readonly tryPoll?: boolean;
    /** Whether QEMU mixes and converts. */
    readonly mixingEngine?: boolean;
    /** Whether the settings below are kept to. */
    readonly fixedSettings?: boolean;
    /** Voices at once. */
    readonly voices?: number;
    /** Hertz, with fixedSettings. */
    readonly frequency?: number;
    /** Channels, with fixedSettings. */
    readonly channels?: number;
    /** Format of a sample, with fixedSettings. */
    readonly format?: "s8" | "u8" | "s16" | "u16" | "s32" | "u32" | "f32";
  };
}

/** One of a machine's `inputs`. */
export interface InputFields {
  /** Name of the input device in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** What it is; passthrough and evdev hand a device of the host on. */
  readonly type: "tablet" | "mouse" | "keyboard" | "passthrough" | "evdev";
  /** Bus that the guest sees; usb unless declared. */
  readonly bus?: "usb" | "virtio";
  /** Device of the host, with passthrough and evdev. */
  readonly device?: string;
  /** How the virtio device works. */
  readonly virtio?: {
    /** Go through the guest's IOMMU. */
    readonly iommu?: boolean;
    /** Cache translations in the device; with iommu. */
    readonly ats?: boolean;
    /** Packed queues. */
    readonly packed?: boolean;
    /** A page of notifications for each queue. */
    readonly pagePerQueue?: boolean;
  };
  /** Take every device of its kind, with evdev. */
  readonly grab?: "all";
  /** Keys that give it to the host and back, with evdev. */
  readonly grabToggle?:
    | "ctrl-ctrl"
    | "alt-alt"
    | "shift-shift"
    | "meta-meta"
    | "scrolllock"
    | "ctrl-scrolllock";
  /** Repeat keys that are held, with evdev. */
  readonly repeat?: boolean;
}

/** One of a machine's `serials`. */
export interface SerialFields {
  /** Name of the port in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** What is at the host's end: a pseudo-terminal, a Unix or TCP socket, a file, a device. */
  readonly type:
    | "pty"
    | "unix"
    | "tcp"
    | "file"
    | "dev"
    | "pipe"
    | "null"
    | "spiceport"
    | "stdio"
    | "vc"
    | "nmdm"
    | "udp"
    | "dbus";
  /** Path of the socket, file, device or pipe. */
  readonly path?: string;
  /** Whether a socket is listened at or called. */
  readonly mode?: "bind" | "connect";
  /** Address, with tcp; where datagrams go, with udp. */
  readonly host?: string;
  /** Port, with tcp and udp. */
  readonly port?: number;
  /** Address at which datagrams are taken, with udp. */
  readonly bindHost?: string;
  /** Port at which datagrams are taken, with udp. */
  readonly bindPort?: number;
  /** Seconds after which a socket that was called is called again; false: never. */
  readonly reconnect?: number | false;
  /** Protocol, with tcp. */
  readonly protocol?: "raw" | "telnet" | "telnets" | "tls";
  /** Encrypt, with tcp. */
  readonly tls?: boolean;
  /** Name of the port, with spiceport and dbus. */
  readonly spicePort?: string;
  /** File of the host to which what the guest writes is appended. */
  readonly log?: string;
  /** Keep the log of earlier starts; true. */
  readonly logAppend?: boolean;
  /** Kind of port that the guest sees; the platform's own unless declared. */
  readonly target?:
    | "isa-serial"
    | "pci-serial"
    | "usb-serial"
    | "system-serial"
    | "spapr-vio-serial"
    | "sclp-serial"
    | "isa-debug";
}

/** One of a machine's `parallels`. */
export interface ParallelFields {
  /** Name of the port in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** What is at the host's end: a pseudo-terminal, a Unix or TCP socket, a file, a device. */
  readonly type:
    | "pty"
    | "unix"
    | "tcp"
    | "file"
    | "dev"
    | "pipe"
    | "null"
    | "spiceport"
    | "stdio"
    | "vc"
    | "nmdm"
    | "udp"
    | "dbus";
  /** Path of the socket, file, device or pipe. */
  readonly path?: string;
  /** Whether a socket is listened at or called. */
  readonly mode?: "bind" | "connect";
  /** Address, with tcp; where datagrams go, with udp. */
  readonly host?: string;
  /** Port, with tcp and udp. */
  readonly port?: number;
  /** Address at which datagrams are taken, with udp. */
  readonly bindHost?: string;
  /** Port at which datagrams are taken, with udp. */
  readonly bindPort?: number;
  /** Seconds after which a socket that was called is called again; false: never. */
  readonly reconnect?: number | false;
  /** Protocol, with tcp. */
  readonly protocol?: "raw" | "telnet" | "telnets" | "tls";
  /** Encrypt, with tcp. */
  readonly tls?: boolean;
  /** Name of the port, with spiceport and dbus. */
  readonly spicePort?: string;
  /** File of the host to which what the guest writes is appended. */
  readonly log?: string;
  /** Keep the log of earlier starts; true. */
  readonly logAppend?: boolean;
}

/** One of a machine's `consoles`. */
export interface ConsoleFields {
  /** Name of the console in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** What is at the host's end: a pseudo-terminal, a Unix or TCP socket, a file, a device. */
  readonly type:
    | "pty"
    | "unix"
    | "tcp"
    | "file"
    | "dev"
    | "pipe"
    | "null"
    | "spiceport"
    | "stdio"
    | "vc"
    | "nmdm"
    | "udp"
    | "dbus";
  /** Path of the socket, file, device or pipe. */
  readonly path?: string;
  /** Whether a socket is listened at or called. */
  readonly mode?: "bind" | "connect";
  /** Address, with tcp; where datagrams go, with udp. */
  readonly host?: string;
  /** Port, with tcp and udp. */
  readonly port?: number;
  /** Address at which datagrams are taken, with udp. */
  readonly bindHost?: string;
  /** Port at which datagrams are taken, with udp. */
  readonly bindPort?: number;
  /** Seconds after which a socket that was called is called again; false: never. */
  readonly reconnect?: number | false;
  /** Protocol, with tcp. */
  readonly protocol?: "raw" | "telnet" | "telnets" | "tls";
  /** Encrypt, with tcp. */
  readonly tls?: boolean;
  /** Name of the port, with spiceport and dbus. */
  readonly spicePort?: string;
  /** File of the host to which what the guest writes is appended. */
  readonly log?: string;
  /** Keep the log of earlier starts; true. */
  readonly logAppend?: boolean;
  /** Kind; virtio unless declared. */
  readonly target?: "virtio" | "sclp" | "sclplm";
}

/** One of a machine's `channels`. */
export interface ChannelFields {
  /** Name of the channel in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** What is at the host's end: a pseudo-terminal, a Unix or TCP socket, a file, a device. */
  readonly type:
    | "pty"
    | "unix"
    | "tcp"
    | "file"
    | "dev"
    | "pipe"
    | "null"
    | "spiceport"
    | "stdio"
    | "vc"
    | "nmdm"
    | "udp"
    | "dbus"
    | "spicevmc"
    | "qemu-vdagent";
  /** Path of the socket, file, device or pipe. */
  readonly path?: string;
  /** Whether a socket is listened at or called. */
  readonly mode?: "bind" | "connect";
  /** Address, with tcp; where datagrams go, with udp. */
  readonly host?: string;
  /** Port, with tcp and udp. */
  readonly port?: number;
  /** Address at which datagrams are taken, with udp. */
  readonly bindHost?: string;
  /** Port at which datagrams are taken, with udp. */
  readonly bindPort?: number;
  /** Seconds after which a socket that was called is called again; false: never. */
  readonly reconnect?: number | false;
  /** Protocol, with tcp. */
  readonly protocol?: "raw" | "telnet" | "telnets" | "tls";
  /** Encrypt, with tcp. */
  readonly tls?: boolean;
  /** Name of the port, with spiceport and dbus. */
  readonly spicePort?: string;
  /** File of the host to which what the guest writes is appended. */
  readonly log?: string;
  /** Keep the log of earlier starts; true. */
  readonly logAppend?: boolean;
  /** Name of the port in the guest: /dev/virtio-ports/<target>. */
  readonly target: string;
  /** Share the clipboard, with qemu-vdagent. */
  readonly clipboard?: boolean;
  /** Pointer, with qemu-vdagent. */
  readonly mouse?: "client" | "server";
}

/** The memory balloon. */
export interface BalloonFields {
  /** Model that the guest sees; none: memory cannot change while it runs. */
  readonly model?: "virtio" | "virtio-transitional" | "virtio-non-transitional" | "none";
  /** Seconds between the guest's reports on its memory; 0: none. */
  readonly statsPeriod?: number;
  /** How the virtio device works. */
  readonly virtio?: {
    /** Go through the guest's IOMMU. */
    readonly iommu?: boolean;
    /** Cache translations in the device; with iommu. */
    readonly ats?: boolean;
    /** Packed queues. */
    readonly packed?: boolean;
    /** A page of notifications for each queue. */
    readonly pagePerQueue?: boolean;
  };
  /** Give memory back to a guest that would run out of it. */
  readonly autodeflate?: boolean;
  /** The guest reports pages that it does not use, and the host takes them. */
  readonly freePageReporting?: boolean;
}

/** One of a machine's `rngs`. */
export interface RngFields {
  /** Name of the RNG in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** Model that the guest sees; virtio unless declared. */
  readonly model?: "virtio" | "virtio-transitional" | "virtio-non-transitional";
  /** Device of the host that gives the entropy; /dev/urandom. */
  readonly device?: string;
  /** Entropy by QEMU's own use of getrandom. */
  readonly builtin?: true;
  /** How the virtio device works. */
  readonly virtio?: {
    /** Go through the guest's IOMMU. */
    readonly iommu?: boolean;
    /** Cache translations in the device; with iommu. */
    readonly ats?: boolean;
    /** Packed queues. */
    readonly packed?: boolean;
    /** A page of notifications for each queue. */
    readonly pagePerQueue?: boolean;
  };
  /** Bytes that the guest may take in a period. */
  readonly bytes?: number;
  /** Length of the period, ms; 1000 unless declared. */
  readonly period?: number;
}

/** Trusted platform module. */
export interface TpmFields {
  /** swtpm on the host, the host's own TPM, or one behind a socket. */
  readonly backend: "emulator" | "passthrough" | "external";
  /** Model that the guest sees; the platform's own unless declared. */
  readonly model?: "tpm-tis" | "tpm-crb" | "tpm-spapr" | "spapr-tpm-proxy";
  /** Version of the emulated TPM; 2.0 on new platforms. */
  readonly version?: "1.2" | "2.0";
  /** The host's TPM, for example /dev/tpm0. */
  readonly device?: string;
  /** Unix socket of an external TPM. */
  readonly socket?: string;
  /** UUID of the host's libvirt secret by which the emulated TPM's state is encrypted. */
  readonly encryptionSecret?: string;
  /** Banks of registers that the emulated TPM has on. */
  readonly pcrBanks?: readonly ("sha1" | "sha256" | "sha384" | "sha512")[];
  /** Keep the emulated TPM's state when the machine is undefined. */
  readonly persistentState?: boolean;
}

/** One of a machine's `watchdogs`. */
export interface WatchdogFields {
  /** Name of the watchdog in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** Model that the guest sees. */
  readonly model: "i6300esb" | "itco" | "ib700" | "diag288";
  /** What is done when the guest does not answer; reset unless declared. */
  readonly action?: "reset" | "shutdown" | "poweroff" | "pause" | "none" | "dump" | "inject-nmi";
}

/** One of a machine's `panics`. */
export interface PanicFields {
  /** Name of the panic device in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** How the guest tells that it crashed. */
  readonly model: "isa" | "pseries" | "hyperv" | "s390" | "pvpanic";
}

/** Sockets between host and guest (AF_VSOCK). */
export interface VsockFields {
  /** The guest's context ID, or "auto": libvirt chooses one. */
  readonly cid: "auto" | number;
  /** Model that the guest sees; virtio unless declared. */
  readonly model?: "virtio" | "virtio-transitional" | "virtio-non-transitional";
  /** How the virtio device works. */
  readonly virtio?: {
    /** Go through the guest's IOMMU. */
    readonly iommu?: boolean;
    /** Cache translations in the device; with iommu. */
    readonly ats?: boolean;
    /** Packed queues. */
    readonly packed?: boolean;
    /** A page of notifications for each queue. */
    readonly pagePerQueue?: boolean;
  };
}

/** IOMMU that the guest sees. */
export interface IommuFields {
  /** Model that the guest sees. */
  readonly model: "intel" | "virtio" | "smmuv3";
  /** Remap interrupts, with intel. */
  readonly interruptRemapping?: boolean;
  /** Tell of new mappings, with intel: host devices behind it need that. */
  readonly cachingMode?: boolean;
  /** Extended interrupt mode, with intel. */
  readonly eim?: boolean;
  /** Serve devices' own translation caches. */
  readonly iotlb?: boolean;
  /** Bits of an address, 39, 48 or 57, with intel. */
  readonly addressWidth?: number;
}

/** One of a machine's `filesystems`. */
export interface FilesystemFields {
  /** Name of the file system in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /**
   * virtiofs: fast, and needs memory that is shared (memoryBacking with shared access); 9p:
   * needs nothing of the host.
   */
  readonly driver: "virtiofs" | "9p";
  /** Directory of the host; needed unless there is a socket. */
  readonly source?: string;
  /** Socket of a virtiofsd that runs by itself, instead of a directory; virtiofs. */
  readonly socket?: string;
  /** Tag by which the guest mounts it: mount -t virtiofs <target> /mnt. */
  readonly target: string;
  /** Whose rights the guest's users have on the host; passthrough, the only one of virtiofs. */
  readonly accessMode?: "passthrough" | "mapped" | "squash";
  /** Dialect of virtio. */
  readonly model?: "virtio" | "virtio-transitional" | "virtio-non-transitional";
  /** How the virtio device works. */
  readonly virtio?: {
    /** Go through the guest's IOMMU. */
    readonly iommu?: boolean;
    /** Cache translations in the device; with iommu. */
    readonly ats?: boolean;
    /** Packed queues. */
    readonly packed?: boolean;
    /** A page of notifications for each queue. */
    readonly pagePerQueue?: boolean;
  };
  /**
   * Place in the order in which the firmware tries devices; 1 comes first, and each stands
   * once.
   */
  readonly bootOrder?: number;
  /** Rights of new files, with 9p and accessMode mapped: `0644`. */
  readonly fileMode?: string;
  /** Rights of new directories, with 9p and accessMode mapped: `0755`. */
  readonly directoryMode?: string;
  /** Write through to the host's disk at once, with 9p. */
  readonly writePolicy?: "immediate";
  /** The guest cannot write, with 9p. */
  readonly readonly?: boolean;
  /** What becomes of a directory that spans several devices, with 9p. */
  readonly multidevs?: "default" | "remap" | "forbid" | "warn";
  /** Requests a queue, with virtiofs. */
  readonly queueSize?: number;
  /** The virtiofsd of the host. */
  readonly binary?: string;
  /** Extended attributes, with virtiofs. */
  readonly xattr?: boolean;
  /** Cache of the guest, with virtiofs. */
  readonly cache?: "none" | "always";
  /** Locks by fcntl, with virtiofs. */
  readonly posixLocks?: boolean;
  /** Locks by flock, with virtiofs. */
  readonly fileLocks?: boolean;
  /** How virtiofsd is kept from the rest of the host, with virtiofs. */
  readonly sandbox?: "namespace" | "chroot";
  /** Threads that serve it, with virtiofs. */
  readonly threadPool?: number;
}

/** One of a machine's `shmems`. */
export interface ShmemFields {
  /** Name of the shared memory in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** Name of the memory on the host: /dev/shm/<region>. */
  readonly region: string;
  /** Model that the guest sees; ivshmem-plain unless declared. */
  readonly model?: "ivshmem-plain" | "ivshmem-doorbell" | "ivshmem";
  /** Whether migration takes it along: master does. */
  readonly role?: "master" | "peer";
  /** Size, a power of two, 4 MiB unless declared. */
  readonly size?: string | number;
  /** Socket of the ivshmem server, with ivshmem-doorbell. */
  readonly server?: string;
  /** Interrupts, with ivshmem-doorbell. */
  readonly vectors?: number;
  /** Take interrupts apart from the vCPU, with ivshmem-doorbell. */
  readonly ioEventFd?: boolean;
}

/** One of a machine's `hostDevices`. */
export interface HostDeviceFields {
  /** Name of the host device in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** PCI address of the device, for example 0000:3b:00.1. */
  readonly pci?: string;
  /** USB device, by what it is or by where it is plugged. */
  readonly usb?: {
    /** Vendor, four hexadecimal digits, as lsusb prints it. */
    readonly vendor?: string;
    /** Product, four hexadecimal digits. */
    readonly product?: string;
    /** Bus of the host. */
    readonly bus?: number;
    /** Number on that bus; it changes on plugging. */
    readonly device?: number;
  };
  /** UUID of a mediated device, for example of a vGPU. */
  readonly mdev?: string;
  /** SCSI device of the host, by where it stands there. */
  readonly scsi?: {
    /** Adapter of the host. */
    readonly adapter: string;
    /** Bus of the adapter. */
    readonly bus: number;
    /** Target on the bus. */
    readonly target: number;
    /** Unit (LUN) of the target. */
    readonly unit: number;
  };
  /** Target of the host's kernel (vhost-scsi), by its World Wide Port Name. */
  readonly vhostScsi?: string;
  /** vfio-pci, vfio-ccw or vfio-ap with mdev; a dialect of virtio with vhostScsi. */
  readonly model?: string;
  /** The guest cannot write, with scsi. */
  readonly readonly?: boolean;
  /** Other machines may have it at the same time, with scsi. */
  readonly shareable?: boolean;
  /** Grant CAP_SYS_RAWIO, with scsi. */
  readonly rawIo?: boolean;
  /** Which SCSI commands pass, with scsi. */
  readonly sgIo?: "filtered" | "unfiltered";
  /** Driver of the host, with pci. */
  readonly driver?: "vfio";
  /** Whether writes to its configuration are filtered, with pci. */
  readonly writeFiltering?: boolean;
  /** Whether the guest may reset it, with usb. */
  readonly guestReset?: "off" | "uninitialized" | "on";
  /** Whether it has a boot ROM at all, with pci. */
  readonly romEnabled?: boolean;
  /** libvirt takes the device from the host's driver and gives it back; true for PCI. */
  readonly managed?: boolean;
  /** Whether the machine starts without it, with usb. */
  readonly startup?: "mandatory" | "requisite" | "optional";
  /** Show the device's picture on the display, with mdev. */
  readonly display?: boolean;
  /** A picture before the guest's driver is there, with mdev. */
  readonly ramfb?: boolean;
  /** Show the device's boot ROM to the guest. */
  readonly romBar?: boolean;
  /** File of the host with the boot ROM. */
  readonly romFile?: string;
  /**
   * Place in the order in which the firmware tries devices; 1 comes first, and each stands
   * once.
   */
  readonly bootOrder?: number;
}

/** One of a machine's `smartcards`. */
export interface SmartcardFields {
  /** Name of the smart card in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /**
   * The host's own reader, one at the client of a spice display, or a card made of
   * certificates.
   */
  readonly mode: "host" | "passthrough" | "host-certificates";
  /** Names of three certificates of the host, with host-certificates. */
  readonly certificates?: readonly string[];
  /** Folder of the host with the certificates, with host-certificates. */
  readonly database?: string;
}

/** One of a machine's `redirections`. */
export interface RedirectionFields {
  /** Name of the port in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
  /** What is at the host's end: a pseudo-terminal, a Unix or TCP socket, a file, a device. */
  readonly type: "spicevmc" | "tcp" | "unix" | "pty" | "file" | "dev" | "pipe" | "null";
  /** Path of the socket, file, device or pipe. */
  readonly path?: string;
  /** Whether a socket is listened at or called. */
  readonly mode?: "bind" | "connect";
  /** Address, with tcp; where datagrams go, with udp. */
  readonly host?: string;
  /** Port, with tcp and udp. */
  readonly port?: number;
  /** Address at which datagrams are taken, with udp. */
  readonly bindHost?: string;
  /** Port at which datagrams are taken, with udp. */
  readonly bindPort?: number;
  /** Seconds after which a socket that was called is called again; false: never. */
  readonly reconnect?: number | false;
  /** Protocol, with tcp. */
  readonly protocol?: "raw" | "telnet" | "telnets" | "tls";
  /** Encrypt, with tcp. */
  readonly tls?: boolean;
  /** Name of the port, with spiceport and dbus. */
  readonly spicePort?: string;
  /** File of the host to which what the guest writes is appended. */
  readonly log?: string;
  /** Keep the log of earlier starts; true. */
  readonly logAppend?: boolean;
  /**
   * Place in the order in which the firmware tries devices; 1 comes first, and each stands
   * once.
   */
  readonly bootOrder?: number;
}

/** One of a machine's `hubs`. */
export interface HubFields {
  /** Name of the hub in the machine; its alias is `ua-<name>`. */
  readonly name: string;
  /**
   * What no other field of the device says: places in its XML, from the device on, and what
   * must stand there. A place that another field owns is refused.
   */
  readonly xml?: readonly ({
    /**
     * Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an
     * element `./keywrap/cipher[@name='aes']`.
     */
    readonly path: string;
    /** Text or attribute that must stand there; null: nothing may. */
    readonly value?: string | number | null;
    /** Element that must stand there, as XML; what it does not mention stays. */
    readonly element?: string;
  })[];
}

/** Whether the guest's firmware offers it sleep. */
export interface PmFields {
  /** The guest may sleep (S3). */
  readonly suspendToMemory?: boolean;
  /** The guest may hibernate (S4). */
  readonly suspendToDisk?: boolean;
}

/** One of a machine's `securityLabels`. */
export interface SecurityLabelFields {
  /**
   * Security model of the host: selinux, apparmor or dac (owners of files); none: no label
   * at all, with type none.
   */
  readonly model: string;
  /** dynamic: libvirt chooses the label; static: the label declared; none: no label. */
  readonly type: "dynamic" | "static" | "none";
  /** Whether files that the machine uses get its label. */
  readonly relabel?: boolean;
  /** The label, with type static. */
  readonly label?: string;
  /** What a label is made from, with type dynamic. */
  readonly baseLabel?: string;
}

/** Memory that the host cannot read. */
export interface LaunchSecurityFields {
  /** AMD's SEV, or s390's protected virtualisation. */
  readonly type: "sev" | "s390-pv";
  /** Bits of the guest's policy: 1 no debugging, 2 no shared key, 4 SEV-ES … */
  readonly policy?: number;
  /** Bit that marks encrypted pages; the host's. */
  readonly cBitPosition?: number;
  /** Bits that addresses lose by it; the host's. */
  readonly reducedPhysBits?: number;
  /** Measure a directly booted kernel. */
  readonly kernelHashes?: boolean;
  /** The guest owner's Diffie-Hellman key, Base64. */
  readonly dhCert?: string;
  /** The guest owner's session blob, Base64. */
  readonly session?: string;
}

/** Arguments and environment for QEMU, past libvirt. */
export interface QemuFields {
  /** Arguments, one an entry: ["-device", "pvpanic"]. libvirt does not support them. */
  readonly args?: readonly string[];
  /** Environment of the QEMU process. */
  readonly env?: { readonly [key: string]: string };
}

/**
 * How the guest is shut down when it has to be: by its agent, then by ACPI. Also when the
 * machine is made anew or destroyed and anything that it writes to outlives it; where all
 * of that goes too, the plug is pulled.
 */
export interface ShutdownFields {
  /** Seconds, or a duration such as `5min`, that it gets; 90 seconds unless declared. */
  readonly timeout?: number | string;
  /** Power it off when the time is up; otherwise it goes on running, and the step fails. */
  readonly force?: boolean;
}

/** What to wait for after the machine was made. */
export interface WaitFields {
  /**
   * running: QEMU runs; lease: a DHCP lease is held; agent: the guest agent answers; port: a
   * TCP port of the first NIC's address accepts.
   */
  readonly for: "running" | "lease" | "agent" | "port";
  /** TCP port, for `port`. */
  readonly port?: number;
  /** Seconds; 120 unless declared. */
  readonly timeout?: number;
}
