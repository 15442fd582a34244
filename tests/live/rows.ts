/**
 * One machine in four declarations that follow each other: between them every row of the machine's
 * table that a running guest can take is changed, and nothing else.
 *
 * @module
 */

import { type HostScope, type MachineOptions, secret } from "../../stacks/mod.ts";
import type { Boot, Declare } from "./bed.ts";

/** Where the guest is reached, on a NIC that stays as it is. */
export const ADDRESS = "10.97.0.10";

/** The machine, as its host and the stack call it. */
export const NAME = "all";

/** Where its display listens, in the folder of the host that is one of this machine too. */
export const VNC_SOCKET = "displays/vnc";

/** Passwords of the display, by the names of their secrets. */
export const PASSWORDS = { "first-vnc": "ahead", "second-vnc": "behind" } as const;

/** The display. */
const vnc = (password: keyof typeof PASSWORDS) => ({
  name: "vnc",
  type: "vnc",
  socket: `/var/lib/libvirt/images/${VNC_SOCKET}`,
  password: secret(password),
} as const);

/** Metadata of a program of one's own. */
const note = (text: string) => ({
  namespace: "http://example.org/note",
  element: `<note>${text}</note>`,
});

/** What all four have in common. */
function around(lab: HostScope, boot: Boot, apartSize = "20MiB") {
  const pool = lab.pool("disks", { path: "/srv/disks" });
  const net = lab.network("net", { isolated: "10.97.0.0/24" });
  const other = lab.network("other", { isolated: "10.98.0.0/24" });
  const ports = lab.existingNetwork("ports");
  const disk = (name: string, size = "8MiB") => lab.volume(name, { pool, size, format: "raw" });
  const [medium1, medium2, floppy1, floppy2, together, apart] = [
    disk("medium1"),
    disk("medium2"),
    disk("floppy1", "1440KiB"),
    disk("floppy2", "1440KiB"),
    disk("together"),
    disk("apart", apartSize),
  ];
  const nbd = (port: number) => ({
    protocol: "nbd" as const,
    name: "disk",
    hosts: [{ name: "127.0.0.1", port }],
  });
  const common = {
    name: NAME,
    accel: "tcg",
    machine: "q35",
    boot,
    vcpus: 1,
    maxVcpus: 3,
    memory: "256MiB",
    maxMemory: "256MiB",
    memoryBacking: { source: "memfd", access: "shared" },
    numa: {
      cells: [{ cell: 0, cpus: "0-2", memory: "256MiB" }],
      tune: { mode: "restrictive", nodes: "0" },
    },
    memoryHotplug: { max: "1GiB", slots: 4 },
    consoleLog: "/var/log/libvirt/qemu/all-console.log",
    pool,
  } as const;
  const bridge = { name: "bridge", type: "pci", model: "pcie-to-pci-bridge" } as const;
  const usb = { name: "usb", type: "usb", model: "qemu-xhci" } as const;
  const nic0 = { name: "nic0", network: net, ip: ADDRESS } as const;
  return {
    fixed: [bridge, usb],
    net,
    other,
    ports,
    disk,
    medium1,
    medium2,
    floppy1,
    floppy2,
    together,
    apart,
    nbd,
    common,
    nic0,
  };
}

/** Before anything is changed. */
export const first: Declare = (lab, boot) => {
  const { net, medium1, floppy1, together, apart, common, nic0, fixed } = around(
    lab,
    boot,
    "8MiB",
  );
  lab.vm(NAME, {
    ...common,
    controllers: fixed,
    title: "one",
    description: "before",
    metadata: [note("before")],
    ioThreads: 2,
    cpuTune: {
      shares: 1024,
      vcpuPins: [{ vcpu: 0, cpus: "0" }],
      ioThreadPins: [{ ioThread: 1, cpus: "0" }],
    },
    blkioTune: { devices: [{ path: "/dev/fleet-block", readBytes: 1000000 }] },
    disks: [
      { name: "together", volume: together, iotune: { totalBytes: 8000000 } },
      { name: "apart", volume: apart },
    ],
    cdroms: [
      { name: "cd1", volume: medium1 },
      { name: "cd2", file: "/srv/disks/medium1.raw" },
    ],
    floppies: [{ name: "fd1", volume: floppy1 }, { name: "fd2", file: "/srv/disks/floppy3.raw" }],
    nics: [
      nic0,
      { name: "moved", network: net, ip: "10.97.0.11" },
      { name: "bridged", bridge: "br-one" },
      { name: "grouped", bridge: "br-one" },
    ],
    cloudInit: { hostname: "all", userData: "#cloud-config\n{}\n" },
    displays: [vnc("first-vnc")],
    balloon: { statsPeriod: 5 },
    onPoweroff: "destroy",
    onReboot: "restart",
    onCrash: "destroy",
    autostart: false,
  });
};

/** Grown, plugged, granted. */
export const second: Declare = (lab, boot) => {
  const { net, other, ports, disk, medium2, floppy2, together, apart, common, nic0, fixed } =
    around(
      lab,
      boot,
    );
  const plugged = disk("plugged", "12MiB");
  const scsi = disk("scsi", "16MiB");
  lab.vm(NAME, {
    ...common,
    title: "two",
    description: "after",
    metadata: [note("after"), {
      namespace: "http://example.org/other",
      prefix: "other",
      element: "<tags><tag>live</tag></tags>",
    }],
    vcpus: 2,
    memory: "224MiB",
    ioThreads: 3,
    cpuTune: {
      shares: 512,
      period: 100000,
      quota: 90000,
      globalPeriod: 100000,
      globalQuota: 180000,
      emulatorPeriod: 100000,
      emulatorQuota: 95000,
      ioThreadPeriod: 100000,
      ioThreadQuota: 95000,
      vcpuPins: [{ vcpu: 0, cpus: "0-1" }, { vcpu: 1, cpus: "1" }],
      emulatorPin: "0-1",
      ioThreadPins: [{ ioThread: 1, cpus: "1" }, { ioThread: 3, cpus: "0" }],
    },
    blkioTune: {
      devices: [
        {
          path: "/dev/fleet-block",
          readBytes: 2000000,
          writeBytes: 3000000,
          readIops: 400,
          writeIops: 500,
        },
        { path: "/dev/fleet-more", readIops: 600 },
      ],
    },
    memTune: { hardLimit: "2GiB", softLimit: "1GiB", swapHardLimit: "3GiB" },
    disks: [
      {
        name: "together",
        volume: together,
        iotune: {
          totalBytes: 9000000,
          totalBytesMax: 10000000,
          totalBytesMaxLength: 2,
          totalIops: 900,
          totalIopsMax: 1000,
          totalIopsMaxLength: 3,
          sizeIops: 4096,
          group: "both",
        },
      },
      {
        name: "apart",
        volume: apart,
        iotune: {
          readBytes: 1000000,
          readBytesMax: 2000000,
          readBytesMaxLength: 2,
          writeBytes: 1100000,
          writeBytesMax: 2100000,
          writeBytesMaxLength: 3,
          readIops: 100,
          readIopsMax: 200,
          readIopsMaxLength: 4,
          writeIops: 110,
          writeIopsMax: 210,
          writeIopsMaxLength: 5,
        },
      },
      { name: "plugged", volume: plugged },
      { name: "scsi", volume: scsi, bus: "scsi" },
    ],
    cdroms: [
      { name: "cd1", volume: medium2 },
      { name: "cd2", file: "/srv/disks/medium3.qcow2", format: "qcow2" },
    ],
    floppies: [
      { name: "fd1", volume: floppy2 },
      { name: "fd2", file: "/srv/disks/floppy4.qcow2", format: "qcow2" },
    ],
    nics: [
      nic0,
      {
        name: "moved",
        network: other,
        ip: "10.98.0.11",
      },
      { name: "bridged", bridge: "br-two", link: "down", coalesce: 8 },
      { name: "grouped", network: ports, portGroup: "fast", filter: { name: "fleet-filter" } },
      { name: "nic-plugged", network: net, ip: "10.97.0.12" },
    ],
    controllers: [...fixed, { name: "more", type: "scsi", model: "virtio-scsi", index: 3 }],
    serials: [{ name: "serial-plugged", type: "null", target: "pci-serial" }],
    watchdogs: [{ name: "watchdog", model: "i6300esb" }],
    shmems: [{ name: "shmem", region: "fleet-live", size: "1MiB" }],
    inputs: [{ name: "input", type: "tablet", bus: "virtio" }],
    consoles: [{ name: "console", type: "pty" }],
    channels: [{ name: "channel", type: "unix", target: "org.example.0" }],
    rngs: [{ name: "rng", builtin: true }],
    redirections: [{ name: "redir", type: "tcp", mode: "bind", host: "127.0.0.1", port: 14510 }],
    filesystems: [{
      name: "filesystem",
      driver: "virtiofs",
      source: "/srv/disks",
      target: "disks",
    }],
    cloudInit: { hostname: "all", userData: "#cloud-config\n{ fqdn: all }\n" },
    displays: [{
      ...vnc("second-vnc"),
      passwordValidTo: "2099-01-31T12:00:00Z",
      connected: "keep",
    }],
    balloon: { statsPeriod: 7 },
    onReboot: "destroy",
    onCrash: "preserve",
    autostart: true,
  });
};

/** Other kinds of media; less, and taken away. */
export const third: Declare = (lab, boot) => less(lab, boot, true);

/** The drives emptied. */
export const fourth: Declare = (lab, boot) => less(lab, boot, false);

/** As the fourth, with what is given in place of what it has. */
export function fourthWith(more: More): Declare {
  return (lab, boot) => less(lab, boot, false, more);
}

/** What is declared otherwise. */
export type More = (declared: MachineOptions, lab: HostScope) => Partial<MachineOptions>;

function less(lab: HostScope, boot: Boot, media: boolean, more: More = () => ({})): void {
  const { net, other, ports, together, apart, nbd, common, nic0, fixed } = around(lab, boot);
  const declared: MachineOptions = {
    ...common,
    controllers: fixed,
    title: "three",
    vcpus: 2,
    memory: "240MiB",
    ioThreads: 3,
    cpuTune: {
      ioThreadPins: [{ ioThread: 1, cpus: "0-1" }, { ioThread: 3, cpus: "0" }],
      vcpuPins: [{ vcpu: 0, cpus: "0-1" }, { vcpu: 1, cpus: "1" }],
    },
    blkioTune: { devices: [{ path: "/dev/fleet-block", readBytes: 0, readIops: 100 }] },
    memTune: { hardLimit: "unlimited", softLimit: "unlimited", swapHardLimit: "unlimited" },
    disks: [
      { name: "together", volume: together, iotune: { totalBytes: 0, totalBytesMax: 0 } },
      { name: "apart", volume: apart },
    ],
    cdroms: [{ name: "cd1", ...(media ? { block: "/dev/fleet-block" } : {}) }, {
      name: "cd2",
      ...(media ? { network: nbd(10809) } : {}),
    }],
    floppies: [{ name: "fd1", ...(media ? { block: "/dev/fleet-more" } : {}) }, {
      name: "fd2",
      ...(media ? { network: nbd(10810) } : {}),
    }],
    nics: [
      nic0,
      { name: "moved", network: other, ip: "10.98.0.11" },
      { name: "bridged", network: net, ip: "10.97.0.13", link: "up" },
      { name: "grouped", network: ports },
    ],
    cloudInit: { hostname: "all", userData: "#cloud-config\n{ fqdn: all }\n" },
    displays: [vnc("second-vnc")],
    balloon: { statsPeriod: 0 },
    onPoweroff: "restart",
    onReboot: "restart",
    autostart: false,
  };
  lab.vm(NAME, { ...declared, ...more(declared, lab) });
}
