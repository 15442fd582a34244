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
  const base = first.file ?? first.block ?? first.network ?? second.file ?? second.network
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
  const bare = ["direct", "user", "hostdev", "bridge"].some((name) => first[name] !== undefined);
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
): Sample {
  return {
    path: `${list}[a].${path}`,
    before: { ...more, [list]: [{ name: "a", ...first }] },
    after: { ...more, [list]: [{ name: "a", ...second }] },
    running: live ? "live" : "next-boot",
  };
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
    ...group("tpm", "model", { backend: "emulator", model: "tpm-tis" }, {
      backend: "emulator",
      model: "tpm-crb",
    }),
    undefinable: "2.0",
  },
  {
    ...group("tpm", "version", { backend: "emulator" }, { backend: "emulator", version: "2.0" }),
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
  group("qemu", "args", { args: ["-name", "a"] }, { args: ["-name", "b"] }),
  group("qemu", "env", { env: { A: "1" } }, { env: { A: "2", B: "3" } }),
];
