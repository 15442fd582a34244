/**
 * What an author may say of a machine.
 *
 * @module
 */

import type { CloudInit } from "../cloud_config.ts";
import type { Image, Network, Pool, Volume } from "../handles.ts";
import type { AdoptOptions, CommonOptions } from "./common.ts";
import type { DiskAttachment, DriveOptions, HostDisk, NicTuning } from "./machine_devices.ts";
import type { MachineFields } from "./machine_fields.ts";
import type { VolumeContent } from "./volume.ts";
import type { XmlPatch } from "./xml_patch.ts";

/** A disk on a volume that is declared by itself. */
export interface VolumeDisk extends DiskAttachment {
  /** The volume; it outlives the machine. */
  readonly volume: Volume;
}

/** A disk whose volume belongs to the machine: it is made and destroyed with it. */
export interface InlineDisk extends DiskAttachment, VolumeContent {}

/** A disk of a machine: `{ clone: image, size: "20GiB" }`, `{ size: "5GiB" }` or `{ volume }`. */
export type DiskOptions = VolumeDisk | InlineDisk | HostDisk;

/** A NIC of a machine, on a network or on something that the host has. */
export interface NicOptions extends NicTuning {
  /** Name in the machine; `nic0`, `nic1`, … unless declared. */
  readonly name?: string;
  /** The network that it is on. */
  readonly network?: Network;
  /** A bridge of the host, instead of a network. */
  readonly bridge?: string;
  /**
   * IP address. On a network of this stack one is chosen, and reserved, unless declared; `false`: none
   * is, the guest takes what it gets. Elsewhere it is a promise of the author's, by which handles and
   * waits go.
   */
  readonly ip?: string | false;
  /** MAC address; derived from the machine's UUID and the NIC's place unless declared. */
  readonly mac?: string;
  /** State of the link; up unless declared. */
  readonly link?: "up" | "down";
}

/**
 * A virtual machine: the fields of the machine's table, and what is known by handles. What is not
 * declared is left to the host, now and later.
 */
export interface MachineOptions extends
  CommonOptions,
  AdoptOptions,
  Omit<
    MachineFields,
    "name" | "seed" | "boot" | "disks" | "nics" | "cdroms" | "floppies" | "xml"
  > {
  /** Disks in the guest's order. */
  readonly disks?: readonly DiskOptions[];
  /** NICs in the guest's order. */
  readonly nics?: readonly NicOptions[];
  /** CD-ROM drives, beside the one with the cloud-init seed. */
  readonly cdroms?: readonly DriveOptions[];
  /** Floppy drives. */
  readonly floppies?: readonly Omit<DriveOptions, "bus">[];
  /** What cloud-init does at the first boot. */
  readonly cloudInit?: CloudInit;
  /** Pool for inline disks and the seed; the image's pool, else the host's store. */
  readonly pool?: Pool;
  /** Direct kernel boot, instead of a boot loader on a disk. */
  readonly boot?: {
    /** The kernel: an image, or the absolute path of a file that the host has. */
    readonly kernel: Image | string;
    /** The initial RAM disk, likewise. */
    readonly initrd?: Image | string;
    /** Kernel command line. */
    readonly cmdline?: string;
    /** Absolute path of a device tree on the host, for ARM and PowerPC. */
    readonly deviceTree?: string;
  };
  /**
   * What no other field says: places in libvirt's XML. A place that another field owns is refused; one
   * that is declared no more stays as it is.
   */
  readonly xml?: readonly XmlPatch[];
}
