/**
 * What an author may say of a machine.
 *
 * @module
 */

import type { CloudInit } from "../cloud_config.ts";
import type { Image, Network, Pool, Volume } from "../handles.ts";
import type { AdoptOptions, CommonOptions } from "./context.ts";
import type { DeviceOptions, DiskAttachment, HostDisk, NicTuning } from "./machine_devices.ts";
import type { PlatformOptions } from "./machine_platform.ts";
import type { TuningOptions } from "./machine_tuning.ts";
import type { VolumeContent } from "./volume.ts";

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
   * IP address. On a network of this stack one is chosen, and reserved, unless declared. Elsewhere
   * it is a promise of the author's, by which handles and waits go.
   */
  readonly ip?: string;
  /** MAC address; derived from the machine's UUID and the NIC's place unless declared. */
  readonly mac?: string;
  /** State of the link; up unless declared. */
  readonly link?: "up" | "down";
}

/** What must stand at a place in the domain's XML. */
export type XmlPatch =
  & {
    /**
     * The place: an attribute, `./memory/@dumpCore`; a text, `./bootloader`; or an element,
     * `./devices/redirdev[@bus='usb']`. The first match counts.
     */
    readonly path: string;
  }
  & (
    | {
      /** Text or attribute that must stand there; `null`: nothing may. */
      readonly value: string | number | null;
    }
    | {
      /** Element that must stand there, as XML; what it does not mention stays as it is. */
      readonly element: string;
    }
  );

/** A virtual machine. What is not declared is left to the host, now and later. */
export interface MachineOptions
  extends CommonOptions, AdoptOptions, PlatformOptions, TuningOptions, DeviceOptions {
  /** Disks in the guest's order. */
  readonly disks?: readonly DiskOptions[];
  /** NICs in the guest's order. */
  readonly nics?: readonly NicOptions[];
  /** What cloud-init does at the first boot. */
  readonly cloudInit?: CloudInit;
  /** Pool for inline disks and the seed; the image's pool, else the host's store. */
  readonly pool?: Pool;
  /** Direct kernel boot, instead of a boot loader on a disk. */
  readonly boot?: {
    readonly kernel: Image;
    readonly initrd?: Image;
    /** Kernel command line. */
    readonly cmdline?: string;
    /** Absolute path of a device tree on the host, for ARM and PowerPC. */
    readonly deviceTree?: string;
  };
  /**
   * `prefer-kvm` (unless declared): KVM where guests really run under it, else full emulation (TCG);
   * `require-kvm`: refuse a host where they do not; `tcg`: full emulation.
   */
  readonly accel?: "prefer-kvm" | "require-kvm" | "tcg";
  /** Architecture of the guest, for example `x86_64`; the host's unless declared. */
  readonly arch?: string;
  /** Machine type of QEMU; q35 unless declared. */
  readonly machine?: string;
  /** Short description, one line. */
  readonly title?: string;
  /** Description, any text. */
  readonly description?: string;
  /** Serial console; true unless declared. */
  readonly console?: boolean;
  /** File on the host to which the serial console's output is appended. */
  readonly consoleLog?: string;
  /** Channel for the QEMU guest agent; true unless declared. */
  readonly agent?: boolean;
  /** Graphics console on the host's loopback; none unless declared. */
  readonly graphics?: "none" | "vnc" | "spice";
  /** Start together with the host. */
  readonly autostart?: boolean;
  /** Whether it runs. A new machine is started unless `off`; later it is left alone unless declared. */
  readonly power?: "on" | "off";
  /** What to do with a change that a running guest cannot take; `next-boot` unless declared. */
  readonly whenRestartNeeded?: "now" | "next-boot" | "never";
  /** What to wait for after the machine was made. */
  readonly wait?: {
    /**
     * `running`: QEMU runs; `lease`: a DHCP lease is held; `agent`: the guest agent answers; `port`:
     * a TCP port of the first address accepts.
     */
    readonly for: "running" | "lease" | "agent" | "port";
    /** TCP port, with `for: "port"`. */
    readonly port?: number;
    /** Seconds; 120 unless declared. */
    readonly timeout?: number;
  };
  /**
   * What no other field says: places in libvirt's XML. A place that another field owns is refused; one
   * that is declared no more stays as it is.
   */
  readonly xml?: readonly XmlPatch[];
}
