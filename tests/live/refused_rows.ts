/**
 * Rows that hosts without certain hardware or kernel modules refuse: each is tried by itself, after all
 * others, and libvirt's reason is shown where it refuses.
 *
 * @module
 */

import type { MachineOptions } from "../../stacks/mod.ts";
import type { Declare } from "./bed.ts";
import { fourthWith, type More } from "./rows.ts";

/** Something that a host may be unable to do. */
export interface Refused {
  readonly rows: readonly string[];
  readonly what: string;
  readonly declare: Declare;
  /** What libvirt or Staddle says where it cannot be done. */
  readonly reason: RegExp;
}

const one = (
  rows: readonly string[],
  what: string,
  more: More,
  reason: RegExp,
): Refused => ({ rows, what, declare: fourthWith(more), reason });

/** The sentence in which libvirt says so. */
const says = (text: string) => new RegExp(`error\\[[^\\n]*(${text})[^\\n]*`);

type HostDevice = NonNullable<MachineOptions["hostDevices"]>[number];

const RATES = ["average", "peak", "burst"];
const nicsWith =
  (tuning: NonNullable<MachineOptions["nics"]>[number]["bandwidth"]) =>
  ({ nics = [] }: MachineOptions): Partial<MachineOptions> => ({
    nics: nics.map((nic) => nic.name === "moved" ? { ...nic, bandwidth: tuning } : nic),
  });

/** A floor needs a network that hands out what it has. */
const RATE = {
  path: "./bandwidth",
  element: "<bandwidth><inbound average='1000' peak='5000' burst='5120'/></bandwidth>",
};
const FLOOR = { bandwidth: { inbound: { average: 1000, floor: 100 } } };

const given = (mebibytes: number) => ({
  name: "given",
  model: "virtio-mem" as const,
  size: "128MiB",
  requested: `${mebibytes}MiB`,
  cell: 0,
});

/** A device of each kind that a host may lack: of its kernel first of all. */
const HOST_DEVICES: readonly (readonly [string, Omit<HostDevice, "name">, string])[] = [
  ["a PCI device behind an IOMMU", { pci: "0000:fe:1f.7" }, "passthrough of host PCI devices"],
  ["a USB device", { usb: { vendor: "1d6b", product: "0104" } }, "/sys/bus/usb/devices|USB device"],
  [
    "a mediated device",
    { mdev: "3f1c1c9e-5d7b-4a38-9f61-2f7a4be5a001" },
    "requires VFIO support|mediated device",
  ],
  [
    "a SCSI device",
    { scsi: { adapter: "scsi_host0", bus: 0, target: 0, unit: 0 } },
    "/sys/bus/scsi/devices|scsi_host0",
  ],
  [
    "a target of the host's kernel",
    { vhostScsi: "naa.5123456789abcde0" },
    "/sys/kernel/config/target/vhost|vhost-scsi",
  ],
];

/** They, in the order in which they are tried. */
export const REFUSED: readonly Refused[] = [
  one(
    ["numa.tune.nodes"],
    "a second NUMA node",
    (declared) => ({ numa: { ...declared.numa, tune: { mode: "restrictive", nodes: "0-1" } } }),
    says("NUMA node|nodeset|cpuset\\.mems"),
  ),
  one(
    ["blkioTune.weight"],
    "a scheduler of block I/O that knows weights",
    () => ({ blkioTune: { weight: 500 } }),
    says("blkio|[Uu]nable to (write|open)|[Ii]nvalid"),
  ),
  one(
    ["blkioTune.devices[].weight"],
    "a scheduler of block I/O that knows weights of devices",
    () => ({ blkioTune: { devices: [{ path: "/dev/fleet-block", weight: 500, readIops: 100 }] } }),
    says("blkio|[Uu]nable to (write|open)|[Ii]nvalid"),
  ),
  one(
    RATES.map((rate) => `nics[].bandwidth.inbound.${rate}`),
    "the kernel's scheduler of packets",
    nicsWith({ inbound: { average: 1000, peak: 2000, burst: 3000 } }),
    says("tc "),
  ),
  one(
    ["nics[].bandwidth.inbound.floor"],
    "a network with a rate of its own, and the kernel's scheduler of packets",
    ({ nics = [] }, lab) => {
      const network = lab.network("rated", { isolated: "10.99.0.0/24", xml: [RATE] });
      const nic = { name: "moved", network, ip: "10.99.0.11" };
      return { nics: nics.map((one) => one.name === "moved" ? { ...nic, ...FLOOR } : one) };
    },
    says("tc |floor"),
  ),
  one(
    RATES.map((rate) => `nics[].bandwidth.outbound.${rate}`),
    "the kernel's policing of packets",
    nicsWith({ outbound: { average: 1000, peak: 2000, burst: 3000 } }),
    says("tc "),
  ),
  ...HOST_DEVICES.map(([what, device, reason]) =>
    one(
      ["hostDevices[]"],
      what,
      () => ({ hostDevices: [{ name: "device", ...device }] }),
      says(reason),
    )
  ),
  // Last: a guest seldom lets go of memory again.
  one(
    ["memoryDevices[]"],
    "memory modules",
    () => ({
      memoryDevices: [{ name: "module", model: "dimm", size: "128MiB", cell: 0 }, given(64)],
    }),
    says("memory device|virtio-mem|dimm"),
  ),
  one(
    ["memoryDevices[].requested"],
    "memory that comes and goes",
    () => ({
      memoryDevices: [{ name: "module", model: "dimm", size: "128MiB", cell: 0 }, given(128)],
    }),
    says("memory device|virtio-mem|requested"),
  ),
];
