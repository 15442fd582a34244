/**
 * What libvirt's domain XML has and the table of a machine has not, each with how it can be had. A test
 * holds it against libvirt's schema.
 *
 * @module
 */

/** Places that belong together. */
export interface Left {
  /** What they are. */
  readonly what: string;
  /** Places as paths; `**` stands for all below, `*` for one step. */
  readonly places: readonly string[];
  /** libvirt 9.0 has none of them: they came with later versions, up to 11.3. */
  readonly later?: true;
}

/** Had by the machine's `xml`. */
export const BY_MACHINE: readonly Left[] = [
  { what: "whether memory is part of core dumps", places: ["./memory/@dumpCore"] },
  {
    what: "cache and memory bandwidth by resctrl",
    places: ["./cputune/cachetune/**", "./cputune/memorytune/**"],
  },
  { what: "performance events", places: ["./perf/**"] },
  { what: "wrapping of keys, on s390", places: ["./keywrap/**"] },
  { what: "leases of a lock manager", places: ["./devices/lease/**"] },
  { what: "the NVRAM device of PowerPC", places: ["./devices/nvram/**"] },
  {
    what: "UEFI variables on anything but a file",
    places: ["./os/nvram/@type", "./os/nvram/source/**"],
  },
  {
    what: "QEMU's capabilities, deprecations and properties of its devices, by hand (`qemu:…`)",
    places: ["./capabilities/**", "./deprecation/**", "./override/**"],
  },
  {
    later: true,
    what: "CPU: clusters, limit of physical addresses, features that are deprecated",
    places: [
      "./cpu/topology/@clusters",
      "./cpu/maxphysaddr/@limit",
      "./cpu/@deprecated_features",
    ],
  },
  {
    later: true,
    what: "features: flushes of Hyper-V, PS/2, errors told to ARM guests, interrupts of RISC-V, " +
      "a QEMU that is taken down in the background",
    places: [
      "./features/hyperv/tlbflush/direct/**",
      "./features/hyperv/tlbflush/extended/**",
      "./features/ps2/**",
      "./features/ras/**",
      "./features/aia/**",
      "./features/async-teardown/**",
    ],
  },
  {
    later: true,
    what: "formats of firmware and its variables; a shim before a kernel",
    places: [
      "./os/loader/@format",
      "./os/nvram/@format",
      "./os/nvram/@templateFormat",
      "./os/shim",
    ],
  },
  { later: true, what: "limits that disks share", places: ["./throttlegroups/**"] },
  {
    later: true,
    what: "launch security by SEV-SNP",
    places: [
      "./launchSecurity/@authorKey",
      "./launchSecurity/@vcek",
      "./launchSecurity/guestVisibleWorkarounds",
      "./launchSecurity/hostData",
      "./launchSecurity/idAuth",
      "./launchSecurity/idBlock",
    ],
  },
  {
    later: true,
    what: "devices for ciphers and for the records of a crash",
    places: ["./devices/crypto/**", "./devices/pstore/**"],
  },
  {
    later: true,
    what: "TPM: log of its emulator, profile; IOMMU: translation of DMA",
    places: [
      "./devices/tpm/backend/@debug",
      "./devices/tpm/backend/profile/**",
      "./devices/iommu/driver/@dma_translation",
    ],
  },
];

/** Had by the `xml` of a device. */
export const BY_DEVICE: readonly Left[] = [
  {
    what: "address on the guest's bus, which libvirt chooses and every update keeps",
    places: ["./devices/*/address/**", "./devices/*/acpi/@index"],
  },
  { what: "labels of single devices", places: ["./devices/**/seclabel/**"] },
  { what: "parameters of a boot from the device, on s390", places: ["./devices/*/boot/@loadparm"] },
  {
    what:
      "disks: geometry; cookies, TLS, time limits, read-ahead, snapshots, configuration and users " +
      "of storage over the network; parts (slices), persistent reservations, ciphers, calls again, " +
      "descriptors that are handed on",
    places: [
      "./devices/disk/geometry/**",
      "./devices/disk/source/@tlsHostname",
      "./devices/disk/source/@fdgroup",
      "./devices/disk/source/@mode",
      "./devices/disk/source/@dir",
      "./devices/disk/source/config/**",
      "./devices/disk/source/cookies/**",
      "./devices/disk/source/identity/**",
      "./devices/disk/source/readahead/**",
      "./devices/disk/source/reconnect/**",
      "./devices/disk/source/reservations/**",
      "./devices/disk/source/slices/**",
      "./devices/disk/source/snapshot/**",
      "./devices/disk/source/ssl/**",
      "./devices/disk/source/timeout/**",
      "./devices/disk/**/encryption/cipher/**",
      "./devices/disk/**/encryption/ivgen/**",
    ],
  },
  {
    what: "controllers: model of the port that the guest sees",
    places: ["./devices/controller/model/@name"],
  },
  {
    what:
      "NICs: addresses and routes of the host's side, the device's name in the guest, USB and " +
      "missing functions, tables of addresses, class of the bandwidth",
    places: [
      "./devices/interface/source/ip/**",
      "./devices/interface/source/route/**",
      "./devices/interface/source/vendor/**",
      "./devices/interface/source/product/**",
      "./devices/interface/source/@missing",
      "./devices/interface/source/@macTableManager",
      "./devices/interface/ip/@peer",
      "./devices/interface/ip/@family",
      "./devices/interface/route/**",
      "./devices/interface/guest/@dev",
      "./devices/interface/mac/@check",
      "./devices/interface/mac/@type",
      "./devices/interface/bandwidth/@classID",
      "./devices/interface/bandwidth/outbound/@floor",
    ],
  },
  {
    what:
      "serial and parallel ports, consoles, channels: number and model of the port; both ends of a " +
      "null modem; clipboard and pointer elsewhere than on a channel",
    places: [
      "./devices/*/target/@port",
      "./devices/*/target/model/@name",
      "./devices/parallel/target/@type",
      "./devices/*/source/@append",
      "./devices/*/source/@master",
      "./devices/*/source/@slave",
      "./devices/*/source/clipboard/**",
      "./devices/*/source/mouse/**",
    ],
  },
  {
    what: "host devices: teaming; adapters by their place in a fabric",
    places: [
      "./devices/hostdev/teaming/**",
      "./devices/hostdev/source/adapter/@*",
      "./devices/hostdev/source/adapter/parentaddr/**",
    ],
  },
  {
    what: "random number generators fed over a socket (egd)",
    places: [
      "./devices/rng/backend/@type",
      "./devices/rng/backend/source/**",
      "./devices/rng/backend/protocol/**",
      "./devices/rng/backend/log/**",
    ],
  },
  {
    what: "smart cards over a socket",
    places: [
      "./devices/smartcard/source/**",
      "./devices/smartcard/protocol/**",
      "./devices/smartcard/log/**",
      "./devices/smartcard/target/**",
    ],
  },
  { what: "dialect of virtio of input devices", places: ["./devices/input/@model"] },
  {
    later: true,
    what:
      "disks and controllers: I/O threads of single queues, limits that disks share, discarding",
    places: [
      "./devices/disk/driver/iothreads/**",
      "./devices/controller/driver/iothreads/**",
      "./devices/disk/throttlefilters/**",
      "./devices/disk/driver/@discard_no_unref",
      "./devices/disk/blockio/@discard_granularity",
      "./devices/controller/target/@memReserve",
    ],
  },
  {
    later: true,
    what: "filesystems: users of the guest as those of the host, number of open files",
    places: ["./devices/filesystem/idmap/**", "./devices/filesystem/binary/openfiles/**"],
  },
  {
    later: true,
    what: "driver of the host for NICs and host devices",
    places: ["./devices/hostdev/driver/@model", "./devices/interface/driver/@model"],
  },
  {
    later: true,
    what: "memory devices: slots as they are used, place in the guest",
    places: ["./devices/memory/target/@dynamicMemslots", "./devices/memory/target/address/@base"],
  },
  {
    later: true,
    what: "delay of a new try of ports, consoles, channels, redirected devices",
    places: ["./devices/*/source/reconnect/@delay"],
  },
  {
    later: true,
    what: "sound: streams and channels, virtio; where PipeWire listens; users of VNC",
    places: [
      "./devices/sound/@streams",
      "./devices/sound/@multichannel",
      "./devices/sound/driver/**",
      "./devices/audio/@runtimeDir",
      "./devices/graphics/@username",
    ],
  },
];

/** Not had: devices that no list knows. They stay through every update, and cannot be declared. */
export const NOT_HAD: readonly Left[] = [
  {
    what: "host devices on iSCSI",
    places: [
      "./devices/hostdev/source/@name",
      "./devices/hostdev/source/@protocol",
      "./devices/hostdev/source/auth/**",
      "./devices/hostdev/source/host/**",
      "./devices/hostdev/source/initiator/**",
    ],
  },
  {
    what: "channels that are no virtio port (guestfwd)",
    places: ["./devices/channel/target/@address", "./devices/channel/target/@type"],
  },
  {
    later: true,
    what: "polling of single I/O threads",
    places: ["./iothreadids/iothread/poll/**"],
  },
];

/** Of other hypervisors: QEMU has nothing of the kind. */
export const OTHERS: readonly Left[] = [
  {
    what: "Xen and bhyve",
    places: [
      "./bootloader",
      "./bootloader_args",
      "./features/xen/**",
      "./devices/*/backenddomain/**",
      "./devices/controller/@maxEventChannels",
      "./devices/controller/@maxGrantFrames",
    ],
  },
  {
    what: "containers (LXC)",
    places: [
      "./features/capabilities/**",
      "./idmap/**",
      "./namespace/**",
      "./os/init",
      "./os/initarg",
      "./os/initdir",
      "./os/initenv/**",
      "./os/initgroup",
      "./os/inituser",
      "./os/root",
      "./devices/filesystem/@type",
      "./devices/filesystem/driver/@format",
      "./devices/filesystem/source/@*",
      "./devices/filesystem/space_hard_limit/**",
      "./devices/filesystem/space_soft_limit/**",
      "./devices/hostdev/ip/**",
      "./devices/hostdev/route/**",
      "./devices/hostdev/source/block",
      "./devices/hostdev/source/char",
      "./devices/hostdev/source/interface",
      "./devices/interface/guest/@actual",
    ],
  },
  {
    what: "VMware, VirtualBox, Virtuozzo",
    places: [
      "./datacenterpath",
      "./memtune/min_guarantee/**",
      "./devices/graphics/@multiUser",
      "./devices/graphics/@replaceUser",
      "./devices/interface/source/@connectionid",
      "./devices/interface/source/@portgroupid",
      "./devices/interface/source/@portid",
      "./devices/interface/source/@switchid",
      "./devices/interface/source/@name",
    ],
  },
];

/** State of a running machine, which nobody declares. */
export const STATE: readonly Left[] = [
  {
    what: "what libvirt writes of a running machine",
    places: [
      "./@id",
      "./seclabel/imagelabel",
      "./devices/*/alias/@name",
      "./launchSecurity/handle",
      "./devices/*/@tty",
      "./devices/channel/target/@state",
      "./devices/disk/backingStore/**",
      "./devices/disk/mirror/**",
      "./devices/disk/source/@index",
      "./devices/memory/target/current/**",
    ],
  },
  {
    later: true,
    what: "the MAC address that a guest gave its NIC",
    places: ["./devices/interface/mac/@currentAddress"],
  },
];

function listOf(all: readonly Left[]): string {
  return all.map(({ what, places, later }) => {
    const shown = places.slice(0, 4).map((place) => `\`${place}\``).join(", ");
    const since = later === true ? " (libvirt later than 9.0)" : "";
    return `- ${what}${since}: ${shown}${places.length > 4 ? " and more" : ""}`;
  }).join("\n");
}

/** The last section of the machine's page. */
export const HATCH =
  `What the tables above lack of the domain XML of libvirt 9.0 to 11.3, place by place.

Said by the machine's \`xml\`, where it is compared, shown and applied (at the next start) like any
other field: \`xml: [{ path: "./memory/@dumpCore", value: "off" }]\`,
\`xml: [{ path: "./perf/event[@name='cmt']", element: "<event name='cmt' enabled='yes'/>" }]\`.

${listOf(BY_MACHINE)}

Said by the \`xml\` of the device, from its element on:
\`disks: [{ …, xml: [{ path: "./geometry/@cyls", value: 16383 }] }]\`.

${listOf(BY_DEVICE)}

Not to be declared; what a host has of it stays:

${listOf(NOT_HAD)}

Of other hypervisors, and never of a machine here:

${listOf(OTHERS)}
`;
