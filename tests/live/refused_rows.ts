/**
 * Rows that hosts without certain hardware or kernel modules refuse: each is tried by itself, after all
 * others, and libvirt's reason is shown where it refuses.
 *
 * @module
 */

import type { MachineOptions } from "../../stacks/mod.ts";
import type { Declare } from "./bed.ts";
import { fourthWith } from "./rows.ts";

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
  more: (declared: MachineOptions) => Partial<MachineOptions>,
  reason: RegExp,
): Refused => ({ rows, what, declare: fourthWith(more), reason });

/** The sentence in which libvirt says so. */
const says = (text: string) => new RegExp(`error\\[[^\\n]*(${text})[^\\n]*`);

const RATES = ["average", "peak", "burst"];
const nicsWith =
  (tuning: NonNullable<MachineOptions["nics"]>[number]["bandwidth"]) =>
  ({ nics = [] }: MachineOptions): Partial<MachineOptions> => ({
    nics: nics.map((nic) => nic.name === "moved" ? { ...nic, bandwidth: tuning } : nic),
  });

const given = (mebibytes: number) => ({
  name: "given",
  model: "virtio-mem" as const,
  size: "128MiB",
  requested: `${mebibytes}MiB`,
  cell: 0,
});

/** They, in the order in which they are tried. */
export const REFUSED: readonly Refused[] = [
  one(
    ["numa.tune.nodes"],
    "a second NUMA node",
    (declared) => ({ numa: { ...declared.numa, tune: { mode: "strict", nodes: "0-1" } } }),
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
    nicsWith({ inbound: { average: 1000, floor: 100 } }),
    says("tc |floor"),
  ),
  one(
    RATES.map((rate) => `nics[].bandwidth.outbound.${rate}`),
    "the kernel's policing of packets",
    nicsWith({ outbound: { average: 1000, peak: 2000, burst: 3000 } }),
    says("tc "),
  ),
  one(
    ["hostDevices[]"],
    "a PCI device behind an IOMMU",
    () => ({ hostDevices: [{ name: "device", pci: "0000:00:1f.7" }] }),
    says("PCI|vfio|VFIO|passthrough|not found"),
  ),
  one(
    ["redirections[]"],
    "redirection of USB",
    () => ({ redirections: [{ name: "usb", type: "spicevmc" }] }),
    says("spice|USB|redir"),
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
