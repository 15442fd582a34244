/** Devices for tests: each as a stack would declare it, and a second declaration that differs. */

import type { JsonObject } from "../../../providers/provider.ts";
import { DISK, NIC } from "./fixtures.ts";

/** One device or setting in two declarations. */
export interface Sample {
  /** Path of the changed field. */
  readonly path: string;
  readonly before: JsonObject;
  readonly after: JsonObject;
  /** How the change is applied while the guest runs. */
  readonly running: "live" | "next-boot";
  /** Why the libvirt at hand cannot define it. */
  readonly undefinable?: string;
}

function disk(path: string, first: JsonObject, second: JsonObject, live = false): Sample {
  const others = ["file", "block", "network", "nvme", "vhostUser"];
  const base = others.some((name) => (first[name] ?? second[name]) !== undefined)
    ? { name: "root" }
    : DISK;
  return {
    path: `disks[root].${path}`,
    before: { disks: [{ ...base, ...first }] },
    after: { disks: [{ ...base, ...second }] },
    running: live ? "live" : "next-boot",
  };
}

function nic(path: string, first: JsonObject, second: JsonObject, live = false): Sample {
  const sources = [
    "direct",
    "user",
    "hostdev",
    "bridge",
    "ethernet",
    "vhostUser",
    "vdpa",
    "socket",
  ];
  const bare = sources.some((name) => first[name] !== undefined);
  const { network: _network, ...rest } = NIC;
  const base = bare ? rest : NIC;
  return {
    path: `nics[nic0].${path}`,
    before: { nics: [{ ...base, ...first }] },
    after: { nics: [{ ...base, ...second }] },
    running: live ? "live" : "next-boot",
  };
}

function entry(
  list: string,
  path: string,
  first: JsonObject,
  second: JsonObject,
  more: JsonObject = {},
  live = false,
  undefinable?: string,
): Sample {
  return {
    path: `${list}[a].${path}`,
    before: { ...more, [list]: [{ name: "a", ...first }] },
    after: { ...more, [list]: [{ name: "a", ...second }] },
    running: live ? "live" : "next-boot",
    ...(undefinable === undefined ? {} : { undefinable }),
  };
}

/** On memory that another process of the host maps. */
function shared({ before, after, ...sample }: Sample): Sample {
  const memoryBacking = { source: "memfd", access: "shared" };
  return { ...sample, before: { memoryBacking, ...before }, after: { memoryBacking, ...after } };
}

function memory(path: string, first: JsonObject, second: JsonObject, live = false): Sample {
  const room = {
    maxVcpus: 2,
    memory: "256MiB",
    memoryHotplug: { max: "4GiB", slots: 4 },
    numa: { cells: [{ cell: 0, cpus: "0-1", memory: "256MiB" }] },
  };
  return entry("memoryDevices", path, first, second, room, live);
}

function group(name: string, path: string, first: JsonObject, second: JsonObject): Sample {
  return {
    path: `${name}.${path}`,
    before: { [name]: first },
    after: { [name]: second },
    running: "next-boot",
  };
}

const RBD = { protocol: "rbd", name: "pool/image", hosts: [{ name: "mon1", port: 6789 }] };
const ISCSI = {
  protocol: "iscsi",
  name: "iqn.2020-01.org.example:store/1",
  hosts: [{ name: "store" }],
};
const NBD = { protocol: "nbd", name: "disk", hosts: [{ name: "store" }] };

/** Every field of every device. */
export const SAMPLES: readonly Sample[] = [
  disk("file", { file: "/srv/a.img" }, { file: "/srv/b.img" }),
  disk("block", { block: "/dev/sdx" }, { block: "/dev/sdy" }),
  disk("network", { network: NBD }, { network: { ...NBD, name: "other" } }),
  disk("network", { network: RBD }, {
    network: { ...RBD, auth: { username: "admin", type: "ceph", usage: "ceph admin" } },
  }),
  disk("network", { network: ISCSI }, { network: { ...ISCSI, initiator: "iqn.2020-01.x:me" } }),
  disk("bus", {}, { bus: "sata" }),
  disk("target", { target: "vda" }, { target: "vdc" }),
  disk("cache", { cache: "none" }, { cache: "writeback" }),
  disk("io", { cache: "none", io: "threads" }, { cache: "none", io: "native" }),
  disk("discard", {}, { discard: "ignore" }),
  disk("detectZeroes", {}, { detectZeroes: "unmap" }),
  disk("errorPolicy", {}, { errorPolicy: "stop" }),
  disk("readErrorPolicy", { errorPolicy: "stop" }, {
    errorPolicy: "stop",
    readErrorPolicy: "report",
  }),
  disk("queues", { queues: 1 }, { queues: 2 }),
  disk("queueSize", {}, { queueSize: 256 }),
  disk("copyOnRead", {}, { copyOnRead: true }),
  disk("readonly", {}, { readonly: true }),
  disk("shareable", { volume: "lab/volume.data" }, {
    volume: "lab/volume.data",
    shareable: true,
  }),
  disk("serial", { serial: "A-1" }, { serial: "A-2" }),
  disk("wwn", { bus: "scsi" }, { bus: "scsi", wwn: "5000c50015ea71ad" }),
  disk("vendor", { bus: "scsi" }, { bus: "scsi", vendor: "Acme" }),
  disk("product", { bus: "scsi" }, { bus: "scsi", product: "Disk" }),
  disk("rotationRate", { bus: "scsi" }, { bus: "scsi", rotationRate: 1 }),
  disk("logicalBlockSize", {}, { logicalBlockSize: 4096 }),
  disk("physicalBlockSize", {}, { physicalBlockSize: 4096 }),
  disk("bootOrder", { bootOrder: 1 }, { bootOrder: 2 }),
  disk("iotune.totalBytes", { iotune: { totalBytes: 1_000_000 } }, {
    iotune: { totalBytes: 2_000_000 },
  }, true),
  disk("iotune.readIops", {}, { iotune: { readIops: 100 } }, true),
  entry(
    "cdroms",
    "volume",
    { volume: "lab/volume.data" },
    { volume: "lab/volume.web-root" },
    {},
    true,
  ),
  entry("cdroms", "file", { file: "/srv/a.iso" }, {}, {}, true),
  entry("cdroms", "bus", {}, { bus: "scsi" }),
  entry("cdroms", "bootOrder", { bootOrder: 1 }, { bootOrder: 2 }),
  entry("floppies", "file", {}, { file: "/srv/a.img" }, {}, true),
  nic("direct", { direct: { dev: "eth0" } }, { direct: { dev: "eth0", mode: "bridge" } }),
  nic("user", { bridge: "br0" }, { user: true }),
  nic("hostdev", { hostdev: "3b:00.1" }, { hostdev: "3b:00.2" }),
  nic("portGroup", {}, { portGroup: "red" }),
  nic("bootOrder", {}, { bootOrder: 1 }),
  nic("mtu", {}, { mtu: 9000 }),
  nic("target", {}, { target: "tap-web" }),
  nic("driver", {}, { driver: "vhost" }),
  nic("queues", {}, { queues: 2 }),
  nic("rxQueueSize", {}, { rxQueueSize: 512 }),
  nic("txQueueSize", {}, { txQueueSize: 512 }),
  nic("vlan", { vlan: { tags: [10] } }, { vlan: { tags: [10, 20], native: 10 } }),
  nic("bandwidth.inbound.average", { bandwidth: { inbound: { average: 1000 } } }, {
    bandwidth: { inbound: { average: 2000 } },
  }, true),
  nic("bandwidth.outbound.average", {}, { bandwidth: { outbound: { average: 2000 } } }, true),
  nic("filter", { filter: { name: "clean-traffic" } }, {
    filter: { name: "clean-traffic", parameters: { IP: "10.0.0.4" } },
  }, true),
  nic("isolated", {}, { isolated: true }),
  nic("trustGuestRxFilters", {}, { trustGuestRxFilters: true }),
  nic("romBar", {}, { romBar: false }),
  entry("controllers", "queues", { type: "scsi", model: "virtio-scsi" }, {
    type: "scsi",
    model: "virtio-scsi",
    queues: 2,
  }),
  entry("controllers", "model", { type: "usb", model: "qemu-xhci" }, {
    type: "usb",
    model: "nec-xhci",
  }),
  entry("displays", "port", { type: "vnc" }, { type: "vnc", port: 5990 }),
  entry("displays", "listen", { type: "vnc" }, { type: "vnc", listen: "0.0.0.0" }),
  entry("displays", "socket", { type: "vnc" }, { type: "vnc", socket: "/run/a.vnc" }),
  entry("displays", "keymap", { type: "vnc" }, { type: "vnc", keymap: "de" }),
  entry("displays", "sharePolicy", { type: "vnc" }, { type: "vnc", sharePolicy: "ignore" }),
  entry("displays", "websocket", { type: "vnc" }, { type: "vnc", websocket: 5790 }),
  {
    ...entry("displays", "clipboard", { type: "spice" }, { type: "spice", clipboard: false }),
    undefinable: "spice",
  },
  entry("videos", "model", { model: "virtio" }, { model: "vga" }),
  entry("videos", "vram", { model: "vga" }, { model: "vga", vram: 32768 }),
  entry("videos", "heads", { model: "virtio" }, { model: "virtio", heads: 2 }),
  entry("sounds", "model", { model: "ich6" }, { model: "ich9" }),
  entry("sounds", "codec", { model: "ich9" }, { model: "ich9", codec: "output" }),
  entry("inputs", "bus", { type: "tablet" }, { type: "tablet", bus: "virtio" }),
  entry("serials", "log", { type: "pty" }, { type: "pty", log: "/var/log/a.log" }),
  entry("serials", "port", { type: "tcp", host: "127.0.0.1", port: 4555, mode: "bind" }, {
    type: "tcp",
    host: "127.0.0.1",
    port: 4556,
    mode: "bind",
  }),
  entry("parallels", "path", { type: "file", path: "/srv/a" }, { type: "file", path: "/srv/b" }),
  entry("consoles", "path", { type: "file", path: "/srv/a" }, { type: "file", path: "/srv/b" }),
  entry("channels", "path", { type: "unix", path: "/run/a", target: "org.example.0" }, {
    type: "unix",
    path: "/run/b",
    target: "org.example.0",
  }),
  entry("rngs", "bytes", { device: "/dev/random" }, { device: "/dev/random", bytes: 1024 }),
  entry("rngs", "builtin", {}, { builtin: true }),
  entry("watchdogs", "action", { model: "i6300esb" }, { model: "i6300esb", action: "pause" }),
  entry("panics", "model", { model: "isa" }, { model: "hyperv" }),
  group("balloon", "model", { model: "virtio" }, { model: "none" }),
  { ...group("balloon", "statsPeriod", {}, { statsPeriod: 5 }), running: "live" },
  group("balloon", "autodeflate", {}, { autodeflate: true }),
  group("balloon", "freePageReporting", {}, { freePageReporting: true }),
  {
    ...group("tpm", "model", { backend: "emulator", version: "2.0", model: "tpm-tis" }, {
      backend: "emulator",
      version: "2.0",
      model: "tpm-crb",
    }),
    undefinable: "2.0",
  },
  {
    ...group("tpm", "version", { backend: "emulator" }, { backend: "emulator", version: "2.0" }),
    undefinable: "2.0",
  },
  {
    ...group("tpm", "persistentState", { backend: "emulator", persistentState: true }, {
      backend: "emulator",
      persistentState: false,
    }),
    undefinable: "2.0",
  },
  group("vsock", "cid", { cid: "auto" }, { cid: 42 }),
  group("iommu", "model", { model: "intel" }, { model: "virtio" }),
  entry("filesystems", "source", { driver: "9p", source: "/srv", target: "srv" }, {
    driver: "9p",
    source: "/opt",
    target: "srv",
  }),
  entry("filesystems", "accessMode", { driver: "9p", source: "/srv", target: "srv" }, {
    driver: "9p",
    source: "/srv",
    target: "srv",
    accessMode: "mapped",
  }),
  entry("filesystems", "readonly", { driver: "9p", source: "/srv", target: "srv" }, {
    driver: "9p",
    source: "/srv",
    target: "srv",
    readonly: true,
  }),
  entry("shmems", "size", { region: "shared" }, { region: "shared", size: "8MiB" }),
  entry("hostDevices", "pci", { pci: "0000:3b:00.1" }, { pci: "0000:3b:00.2" }),
  entry("hostDevices", "usb", { usb: { vendor: "046d", product: "c077" } }, {
    usb: { vendor: "046d", product: "c078" },
  }),
  entry("hostDevices", "mdev", { mdev: "4b20d080-1b54-4048-85b3-a6a62d165c01" }, {
    mdev: "4b20d080-1b54-4048-85b3-a6a62d165c02",
  }),
  {
    ...entry("smartcards", "mode", { mode: "host" }, { mode: "passthrough" }, {
      displays: [{ name: "d", type: "spice" }],
    }),
    undefinable: "spice",
  },
  {
    ...group("launchSecurity", "policy", { type: "sev", policy: 1 }, { type: "sev", policy: 3 }),
    undefinable: "SEV",
  },
  disk("nvme", { nvme: { pci: "3b:00.0", namespace: 1 } }, {
    nvme: { pci: "3b:00.0", namespace: 2 },
  }),
  disk("encryption", {}, {
    encryption: { format: "luks", uuid: "0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f" },
  }),
  disk("startup", { file: "/srv/a.img" }, { file: "/srv/a.img", startup: "optional" }),
  disk("device", { block: "/dev/sdx", bus: "scsi" }, {
    block: "/dev/sdx",
    bus: "scsi",
    device: "lun",
  }),
  disk("rawIo", { block: "/dev/sdx", bus: "scsi", device: "lun" }, {
    block: "/dev/sdx",
    bus: "scsi",
    device: "lun",
    rawIo: true,
  }),
  disk("sgIo", { block: "/dev/sdx", bus: "scsi", device: "lun" }, {
    block: "/dev/sdx",
    bus: "scsi",
    device: "lun",
    sgIo: "filtered",
  }),
  disk("model", { model: "virtio-transitional" }, { model: "virtio-non-transitional" }),
  disk("virtio.iommu", {}, { virtio: { iommu: true, ats: true } }),
  disk("virtio.packed", {}, { virtio: { packed: true, pagePerQueue: true } }),
  disk("eventIndex", {}, { eventIndex: false }),
  disk("ioEventFd", {}, { ioEventFd: true }),
  disk("metadataCache", {}, { metadataCache: "4MiB" }),
  disk("transient", { file: "/srv/a.img" }, { file: "/srv/a.img", transient: true }),
  disk("transientShared", { file: "/srv/a.img", transient: true }, {
    file: "/srv/a.img",
    transient: true,
    transientShared: true,
  }),
  disk("snapshot", {}, { snapshot: "no" }),
  disk("removable", { bus: "usb" }, { bus: "usb", removable: true }),
  disk("xml[./geometry/@cyls]", {}, {
    xml: [
      { path: "./geometry/@cyls", value: 16383 },
      { path: "./geometry/@heads", value: 16 },
      { path: "./geometry/@secs", value: 63 },
    ],
  }),
  nic("ethernet", { bridge: "br0" }, { ethernet: true, target: "tap-a" }),
  shared(nic("vhostUser", { vhostUser: { path: "/run/a.sock", mode: "client" } }, {
    vhostUser: { path: "/run/b.sock", mode: "client", reconnect: 5 },
  })),
  nic("vdpa", { vdpa: "/dev/vhost-vdpa-0" }, { vdpa: "/dev/vhost-vdpa-1" }),
  nic("socket", { socket: { mode: "mcast", address: "230.0.0.1", port: 5558 } }, {
    socket: { mode: "mcast", address: "230.0.0.1", port: 5559 },
  }),
  nic("socket", { socket: { mode: "server", port: 5558 } }, {
    socket: {
      mode: "udp",
      address: "127.0.0.1",
      port: 5558,
      localAddress: "127.0.0.1",
      localPort: 5559,
    },
  }),
  nic("virtio.packed", {}, { virtio: { packed: true } }),
  nic("eventIndex", {}, { eventIndex: false }),
  nic("ioEventFd", {}, { ioEventFd: false }),
  nic("sendMode", {}, { sendMode: "timer" }),
  nic("rss", {}, { rss: true, rssHashReport: true }),
  nic("offload.host.checksum", {}, {
    offload: { host: { checksum: false, gso: false }, guest: { tso4: false } },
  }),
  nic("coalesce", { coalesce: 10 }, { coalesce: 20 }, true),
  nic("sendBuffer", {}, { sendBuffer: 1600 }),
  nic("virtualPort.type", { bridge: "br0" }, {
    bridge: "br0",
    virtualPort: {
      type: "openvswitch",
      interfaceId: "09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f",
    },
  }),
  nic("teaming", {}, { teaming: "persistent" }),
  {
    ...nic("passt", { user: true }, {
      user: true,
      passt: {
        log: "/var/log/passt.log",
        forwards: [{ protocol: "tcp", address: "127.0.0.1", ranges: [{ start: 2022, to: 22 }] }],
      },
    }),
    undefinable: "passt",
  },
  nic("userAddresses", { user: true }, { user: true, userAddresses: ["172.17.2.0/24"] }),
  nic("script", { ethernet: true }, { ethernet: true, script: "/etc/qemu-ifup" }),
  nic("tapBackend", {}, { tapBackend: "/dev/net/tun", vhostBackend: "/dev/vhost-net" }),
  nic("acpiIndex", {}, { acpiIndex: 3 }),
  nic("romFile", {}, { romFile: "/srv/boot.rom" }),
  nic("romEnabled", {}, { romEnabled: false }),
  entry("controllers", "virtio.iommu", { type: "scsi", model: "virtio-scsi" }, {
    type: "scsi",
    model: "virtio-scsi",
    virtio: { iommu: true },
    ioEventFd: true,
  }),
  entry("controllers", "vectors", { type: "virtio-serial", ports: 16 }, {
    type: "virtio-serial",
    ports: 16,
    vectors: 4,
  }),
  entry(
    "displays",
    "channels[main]",
    { type: "spice" },
    {
      type: "spice",
      channels: [{ channel: "main", mode: "secure" }],
      jpegCompression: "never",
      zlibCompression: "auto",
      playbackCompression: false,
    },
    {},
    false,
    "spice",
  ),
  entry("displays", "powerControl", { type: "vnc" }, { type: "vnc", powerControl: true }),
  entry("displays", "listenNetwork", { type: "vnc" }, { type: "vnc", listenNetwork: "default" }),
  entry(
    "displays",
    "fullScreen",
    { type: "sdl", display: ":0.0" },
    {
      type: "sdl",
      display: ":0.0",
      fullScreen: true,
    },
    {},
    false,
    "sdl",
  ),
  entry("videos", "vram64", { model: "qxl" }, { model: "qxl", vram64: 65536 }, {}, false, "qxl"),
  entry("videos", "vgaConfig", { model: "virtio" }, { model: "virtio", vgaConfig: "on" }),
  entry("videos", "virtio.packed", { model: "virtio" }, {
    model: "virtio",
    virtio: { packed: true },
  }),
  entry("audios", "output.mixingEngine", { id: 1, type: "none" }, {
    id: 1,
    type: "none",
    output: { mixingEngine: true, fixedSettings: true, frequency: 44100, channels: 2 },
  }),
  entry("audios", "path", { id: 1, type: "file", path: "/srv/a.wav" }, {
    id: 1,
    type: "file",
    path: "/srv/b.wav",
  }, { sounds: [{ name: "s", model: "ich9", audio: 1 }] }),
  entry("inputs", "virtio.iommu", { type: "tablet", bus: "virtio" }, {
    type: "tablet",
    bus: "virtio",
    virtio: { iommu: true },
  }),
  entry("inputs", "grab", { type: "evdev", device: "/dev/input/event1" }, {
    type: "evdev",
    device: "/dev/input/event1",
    grab: "all",
    grabToggle: "shift-shift",
    repeat: true,
  }),
  entry("serials", "bindPort", { type: "udp", host: "127.0.0.1", port: 2445 }, {
    type: "udp",
    host: "127.0.0.1",
    port: 2445,
    bindHost: "127.0.0.1",
    bindPort: 2446,
  }),
  entry("serials", "reconnect", { type: "tcp", host: "127.0.0.1", port: 1, mode: "connect" }, {
    type: "tcp",
    host: "127.0.0.1",
    port: 1,
    mode: "connect",
    reconnect: 10,
  }),
  entry("rngs", "virtio.iommu", {}, { virtio: { iommu: true } }),
  group("balloon", "virtio.packed", { model: "virtio" }, {
    model: "virtio",
    virtio: { packed: true },
  }),
  group("vsock", "virtio.iommu", { cid: "auto" }, { cid: "auto", virtio: { iommu: true } }),
  {
    ...group("tpm", "pcrBanks", { backend: "emulator", version: "2.0" }, {
      backend: "emulator",
      version: "2.0",
      pcrBanks: ["sha256", "sha384"],
    }),
    undefinable: "2.0",
  },
  group("tpm", "socket", { backend: "external", socket: "/run/a.sock", model: "tpm-tis" }, {
    backend: "external",
    socket: "/run/b.sock",
    model: "tpm-tis",
  }),
  entry("filesystems", "fileMode", {
    driver: "9p",
    source: "/srv",
    target: "srv",
    accessMode: "mapped",
  }, {
    driver: "9p",
    source: "/srv",
    target: "srv",
    accessMode: "mapped",
    fileMode: "0640",
    directoryMode: "0750",
  }),
  entry("filesystems", "sandbox", { driver: "virtiofs", source: "/srv", target: "srv" }, {
    driver: "virtiofs",
    source: "/srv",
    target: "srv",
    sandbox: "chroot",
    posixLocks: false,
  }, { memoryBacking: { source: "memfd", access: "shared" } }),
  entry("filesystems", "socket", { driver: "virtiofs", source: "/srv", target: "srv" }, {
    driver: "virtiofs",
    socket: "/run/fs.sock",
    target: "srv",
  }, { memoryBacking: { source: "memfd", access: "shared" } }),
  entry("hostDevices", "scsi", {
    scsi: { adapter: "scsi_host0", bus: 0, target: 1, unit: 0 },
  }, { scsi: { adapter: "scsi_host0", bus: 0, target: 2, unit: 0 } }),
  entry("hostDevices", "readonly", {
    scsi: { adapter: "scsi_host0", bus: 0, target: 1, unit: 0 },
  }, {
    scsi: { adapter: "scsi_host0", bus: 0, target: 1, unit: 0 },
    readonly: true,
    sgIo: "filtered",
  }),
  entry("hostDevices", "vhostScsi", { vhostScsi: "naa.5123456789abcde0" }, {
    vhostScsi: "naa.5123456789abcde1",
  }),
  entry("hostDevices", "driver", { pci: "0000:3b:00.1" }, {
    pci: "0000:3b:00.1",
    driver: "vfio",
    romEnabled: false,
  }),
  entry("redirections", "port", { type: "tcp", host: "127.0.0.1", port: 4000, mode: "connect" }, {
    type: "tcp",
    host: "127.0.0.1",
    port: 4001,
    mode: "connect",
  }),
  {
    path: "redirectionRules",
    before: { redirections: [{ name: "a", type: "null" }] },
    after: {
      redirections: [{ name: "a", type: "null" }],
      redirectionRules: [{ allow: true, class: "08", vendor: "046d", version: "2.0" }, {
        allow: false,
      }],
    },
    running: "next-boot",
  },
  entry("smartcards", "certificates", { mode: "host" }, {
    mode: "host-certificates",
    certificates: ["cert1", "cert2", "cert3"],
    database: "/etc/pki/nssdb",
  }),
  memory("nodes", { model: "dimm", size: "128MiB" }, {
    model: "dimm",
    size: "128MiB",
    nodes: "0",
  }),
  memory("requested", { model: "virtio-mem", size: "128MiB", requested: "64MiB" }, {
    model: "virtio-mem",
    size: "128MiB",
    requested: "128MiB",
  }, true),
  memory("file", { model: "nvdimm", size: "128MiB", file: "/srv/a.nv", cell: 0 }, {
    model: "nvdimm",
    size: "128MiB",
    file: "/srv/b.nv",
    cell: 0,
  }),
  {
    path: "emulator",
    before: {},
    after: { emulator: "/usr/bin/qemu-system-x86_64" },
    running: "next-boot",
  },
  group("qemu", "args", { args: ["-name", "a"] }, { args: ["-name", "b"] }),
  group("qemu", "env", { env: { A: "1" } }, { env: { A: "2", B: "3" } }),
];
