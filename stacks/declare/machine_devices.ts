/**
 * What a stack says of a machine's devices. The fields of each are the machine's table's own.
 *
 * @module
 */

import type { Image, Volume } from "../handles.ts";

/** The fields of the machine's table, as a topology has them. */
export type MachineFields = import("../../providers/kvm/kinds/machine/schema.ts").MachineInput;

/** How a disk is attached: bus, cache, limits, what the guest sees of it. */
export interface DiskAttachment extends
  Omit<
    MachineFields["disks"][number],
    "name" | "volume" | "file" | "block" | "network" | "format"
  > {
  /** Name in the machine; `root` for the first, then `disk1`, `disk2`, … unless declared. */
  readonly name?: string;
}

/** A disk on something of the host's own: a file, a block device, storage over the network. */
export interface HostDisk
  extends
    DiskAttachment,
    Pick<MachineFields["disks"][number], "file" | "block" | "network" | "format"> {}

/** What a NIC is on beside a network or a bridge, and how its packets go. */
export interface NicTuning
  extends Omit<MachineFields["nics"][number], "name" | "network" | "bridge" | "mac" | "ip"> {}

/** A CD-ROM or floppy drive. Without a medium it is empty. */
export interface DriveOptions extends Omit<NonNullable<MachineFields["cdroms"]>[number], "volume"> {
  /** The volume or image in the drive. */
  readonly volume?: Volume | Image;
}

/** The devices of a machine but its disks and NICs. */
export interface DeviceOptions {
  /** CD-ROM drives, beside the one with the cloud-init seed. */
  readonly cdroms?: readonly DriveOptions[];
  /** Floppy drives. */
  readonly floppies?: readonly Omit<DriveOptions, "bus">[];
  /** Controllers, where those that libvirt adds by itself do not do. */
  readonly controllers?: MachineFields["controllers"];
  /** Displays, for more than the word `graphics` says. Passwords are no part of it. */
  readonly displays?: MachineFields["displays"];
  /** Video devices; the first is the primary one. */
  readonly videos?: MachineFields["videos"];
  /** Sound devices. */
  readonly sounds?: MachineFields["sounds"];
  /** Input devices, beside a PC's PS/2 keyboard and mouse. */
  readonly inputs?: MachineFields["inputs"];
  /** Serial ports, beside the one of `console`, which is called serial0. */
  readonly serials?: MachineFields["serials"];
  /** Parallel ports. */
  readonly parallels?: MachineFields["parallels"];
  /** Consoles beside the serial one. */
  readonly consoles?: MachineFields["consoles"];
  /** Channels between host and guest, beside the guest agent's. */
  readonly channels?: MachineFields["channels"];
  /** Random number generators; a new machine has one, rng0. */
  readonly rngs?: MachineFields["rngs"];
  /** Watchdogs; one at most before libvirt 9.1. */
  readonly watchdogs?: MachineFields["watchdogs"];
  /** Devices by which the guest tells that it crashed. */
  readonly panics?: MachineFields["panics"];
  /** Directories of the host that the guest mounts (virtiofs, 9p). */
  readonly filesystems?: MachineFields["filesystems"];
  /** Memory that guests and host share (ivshmem). */
  readonly shmems?: MachineFields["shmems"];
  /** Devices of the host that the guest has for itself (PCI, USB, mediated). */
  readonly hostDevices?: MachineFields["hostDevices"];
  /** Smart card readers. */
  readonly smartcards?: MachineFields["smartcards"];
  /** The memory balloon: model, seconds between reports on memory. */
  readonly balloon?: MachineFields["balloon"];
  /** Trusted platform module. */
  readonly tpm?: MachineFields["tpm"];
  /** Sockets between host and guest (AF_VSOCK). */
  readonly vsock?: MachineFields["vsock"];
  /** IOMMU that the guest sees. */
  readonly iommu?: MachineFields["iommu"];
  /** Memory that the host cannot read. */
  readonly launchSecurity?: MachineFields["launchSecurity"];
  /** Arguments and environment for QEMU, past libvirt. */
  readonly qemu?: MachineFields["qemu"];
}
