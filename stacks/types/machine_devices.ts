/**
 * How a stack says what a device stands on: by handles, where a topology has addresses. All else of it
 * is the machine's table's own.
 *
 * @module
 */

import type { Image, Volume } from "../handles.ts";
import type { MachineFields } from "./machine_fields.ts";

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
  extends DiskAttachment, Pick<MachineFields["disks"][number], "block" | "network" | "format"> {
  /** A file of the host, by its absolute path; or a volume whose path libvirt is to be told. */
  readonly file?: string | Volume;
}

/** What a NIC is on beside a network or a bridge, and how its packets go. */
export interface NicTuning
  extends Omit<MachineFields["nics"][number], "name" | "network" | "bridge" | "mac" | "ip"> {}

/** A CD-ROM or floppy drive. Without a medium it is empty. */
export interface DriveOptions extends Omit<NonNullable<MachineFields["cdroms"]>[number], "volume"> {
  /** The volume or image in the drive. */
  readonly volume?: Volume | Image;
}
