/**
 * How the pages are divided: topics, each with the fields that belong to it.
 *
 * @module
 */

import { HATCH } from "./hatch.ts";

/** A section of a page. */
export interface Topic {
  readonly title: string;
  readonly intro: string;
  /** The kind whose fields are shown; the page's first unless given. */
  readonly kind?: string;
  /** First members of the fields' paths; all of the kind unless given. */
  readonly fields?: readonly string[];
}

/** A page. */
export interface Page {
  readonly title: string;
  readonly intro: string;
  /** What more there is to know before reading. */
  readonly reading?: string;
  readonly topics: readonly Topic[];
  /** A last section that no table says. */
  readonly closing?: { readonly title: string; readonly text: string };
}

/** Machines. */
export const MACHINE: Page = {
  title: "Fields of a machine",
  intro:
    'What a stack can declare of a machine: `lab.vm("web", { … })`. Only what is declared is ' +
    "owned: everything else stays as the host has it, through every update.",
  reading:
    "A `restart` waits for the guest's next start, and shows as `pending restart` until then, " +
    'unless the machine says `whenRestartNeeded: "now"`. In the stack language disks, NICs, `boot`, ' +
    "media and cloud-init take handles (`{ clone: image }`, `{ network }`) where the table has " +
    "addresses, and names that are left out are chosen.",
  topics: [
    {
      title: "Identity and lifecycle",
      intro: "Who the machine is, when it runs, and what a run of apply does about it.",
      fields: [
        "name",
        "title",
        "description",
        "metadata",
        "autostart",
        "power",
        "whenRestartNeeded",
        "shutdown",
        "wait",
        "onPoweroff",
        "onReboot",
        "onCrash",
        "onLockFailure",
        "pm",
        "generationId",
      ],
    },
    {
      title: "Platform and firmware",
      intro: "What the machine is made of before any device.",
      fields: [
        "os",
        "devices",
        "accel",
        "arch",
        "machine",
        "emulator",
        "firmware",
        "secureBoot",
        "nvram",
        "nvramTemplate",
        "loader",
        "acpiTable",
        "smbios",
        "firmwareConfig",
        "launchSecurity",
      ],
    },
    {
      title: "Boot",
      intro: "From what the guest boots.",
      fields: ["boot", "bootOrder", "bootMenu", "firmwareOnSerial", "rebootTimeout"],
    },
    {
      title: "Processors",
      intro: "Virtual CPUs, and the CPU that the guest sees.",
      fields: ["vcpus", "maxVcpus", "vcpuStates", "cpuset", "cpuPlacement", "cpu"],
    },
    {
      title: "Memory and NUMA",
      intro: "How much memory there is, what is behind it, and how it is laid out.",
      fields: ["memory", "maxMemory", "memoryHotplug", "memoryDevices", "memoryBacking", "numa"],
    },
    {
      title: "Features and clock",
      intro: "What firmware and kernel find beside the CPU.",
      fields: ["features", "clock"],
    },
    {
      title: "What the host grants",
      intro: "CPU time, pins, I/O threads, limits. Nearly all of it moves under a running guest.",
      fields: [
        "ioThreads",
        "defaultIoThread",
        "ioThreadPools",
        "cpuTune",
        "blkioTune",
        "memTune",
        "partition",
        "fibreChannelAppId",
        "securityLabels",
      ],
    },
    {
      title: "Disks and drives",
      intro: "What the guest stores on.",
      fields: ["disks", "cdroms", "floppies", "seed"],
    },
    {
      title: "Network",
      intro: "What the guest is connected to.",
      fields: ["nics"],
    },
    {
      title: "Consoles and channels",
      intro: "How people and the host talk to the guest.",
      fields: [
        "console",
        "consoleLog",
        "agent",
        "serials",
        "parallels",
        "consoles",
        "channels",
        "vsock",
      ],
    },
    {
      title: "Pictures, sound, input",
      intro: "What the guest shows, plays and is steered by.",
      fields: ["graphics", "displays", "videos", "sounds", "audios", "inputs"],
    },
    {
      title: "Other devices",
      intro: "Devices by which host and guest help each other, and those of the host itself.",
      fields: [
        "controllers",
        "balloon",
        "rngs",
        "tpm",
        "watchdogs",
        "panics",
        "iommu",
        "filesystems",
        "shmems",
        "hostDevices",
        "smartcards",
        "redirections",
        "redirectionRules",
        "hubs",
      ],
    },
    {
      title: "Past the table",
      intro: "What no field says: places in libvirt's XML, and arguments for QEMU.",
      fields: ["xml", "qemu"],
    },
  ],
  closing: { title: "Through the escape hatch", text: HATCH },
};

/** Networks. */
export const NETWORK: Page = {
  title: "Fields of a network",
  intro: 'What a stack can declare of a network: `lab.network("front", { … })`. In the stack ' +
    'language `nat: "10.30.0.0/24"` stands for mode and subnet together. A change of class `restart` ' +
    "takes the network down and up; guests are plugged in again.",
  topics: [{ title: "Fields", intro: "" }],
};

/** Pools, images, volumes, seeds. */
export const STORAGE: Page = {
  title: "Fields of storage",
  intro: "What a stack can declare of pools, images, volumes and cloud-init seeds. In the stack " +
    'language most of it is said by a disk: `{ clone: image, size: "20GiB" }`.',
  topics: [
    { title: "Pool", kind: "pool", intro: "A folder of the host in which volumes are kept." },
    { title: "Image", kind: "image", intro: "A file that is kept once a host and never changes." },
    { title: "Volume", kind: "volume", intro: "What is behind a disk." },
    { title: "Seed", kind: "seed", intro: "What cloud-init reads at the first boot." },
  ],
};
