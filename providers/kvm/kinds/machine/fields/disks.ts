/**
 * Disks.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption, JsonObject } from "../../../../provider.ts";
import {
  aliasName,
  type Binding,
  type ChangeContext,
  custom,
  depends,
  field,
  list,
  shapeOf,
  type Table,
  text,
} from "../../../table/mod.ts";
import {
  append,
  element,
  ensureElement,
  getPath,
  remove,
  setPath,
  type XmlElement,
} from "../../../xml/mod.ts";
import { reference } from "../../reference.ts";
import { size } from "../../size.ts";
import * as places from "../places.ts";
import { byteCount, flag, ON_OFF, subset, toggle, unsaid, whole, word, YES_NO } from "./bits.ts";
import { distinct } from "./common.ts";
import { elementsOf, ensureUsb, nameField, usbChange } from "./device.ts";
import { deviceXml, refuseOwned } from "./escape.ts";
import * as sources from "./disk_source.ts";
import { iotune } from "./iotune.ts";
import { VIRTIO_MODELS, virtioOptions } from "./virtio.ts";

/** Virtio and SCSI disks are plugged while the guest runs; SATA and IDE have no hot-plug here. */
function diskChange({ config, live, before, after }: ChangeContext): Disruption {
  const bus = String(((after ?? before) as JsonObject).bus ?? "virtio");
  if (bus === "usb") return usbChange(live ?? config);
  return bus === "virtio" || bus === "scsi" ? "live" : "restart";
}

/** Prefix of a disk's target by its bus: `vda` on virtio. */
export const TARGETS: Readonly<Record<string, string>> = { virtio: "vd", ide: "hd", fdc: "fd" };

const absolute = z.string().regex(/^\//, "must be an absolute path on the host");

/** What a disk or a drive can stand on. */
export const sourceFields = {
  file: field({
    schema: () => absolute.optional().describe("A file of the host, instead of a volume."),
    binding: sources.fileSource,
    change: "restart",
  }),
  block: field({
    schema: () =>
      absolute.optional()
        .describe(
          "A block device of the host, for example /dev/disk/by-id/…, instead of a volume.",
        ),
    binding: sources.blockSource,
    change: "restart",
  }),
  network: field({
    schema: () =>
      sources.remoteSchema.optional()
        .describe("Storage over the network (rbd, iscsi, nbd, …), instead of a volume."),
    binding: sources.remoteSource,
    change: "restart",
    equal: sources.remoteEqual,
  }),
} satisfies Table;

/** A World Wide Name stands in XML without `0x`, in either case. */
const wwn = field({
  schema: () =>
    z.string().toLowerCase().regex(
      /^[0-9a-f]{16}$/,
      "must be 16 hexadecimal digits, for example 5000c50015ea71ad",
    ).optional().describe("World Wide Name that the guest sees, 16 hexadecimal digits."),
  binding: text("./wwn"),
  change: "restart",
  equal: (declared, actual) => declared === String(actual ?? "").toLowerCase(),
});

/** On another bus a device has another address: the old one would be refused. */
export const busBinding: Binding = custom(
  "./target/@bus",
  (disk) => getPath(disk, "./target/@bus"),
  (disk, value) => {
    if (value === undefined) return;
    if (getPath(disk, "./target/@bus") !== value) setPath(disk, "./address", undefined);
    setPath(disk, "./target/@bus", String(value));
  },
);

/** Order of boot, on any device that can be booted from. */
export const bootOrder = whole(
  "./boot/@order",
  [1, 1000],
  "Place in the order in which the firmware tries devices; 1 comes first, and each stands once.",
);

const disks = {
  name: nameField("disk"),
  ...deviceXml,
  volume: field({
    schema: () => reference("volume").optional().describe("Address of the volume behind the disk."),
    binding: sources.volumeSource,
    change: "restart",
  }),
  ...sourceFields,
  nvme: field({
    schema: () =>
      sources.nvmeSchema.optional()
        .describe("A namespace of an NVMe device of the host, instead of a volume."),
    binding: sources.nvmeSource,
    change: "restart",
    equal: subset,
  }),
  vhostUser: field({
    schema: () =>
      absolute.optional().describe(
        "Socket of a process of the host that serves the disk (vhost-user), instead of a volume; " +
          "it needs memory that is shared.",
      ),
    binding: sources.vhostUserSource,
    change: "restart",
  }),
  encryption: field({
    schema: () =>
      sources.encryptionSchema.optional()
        .describe("Encryption of what is behind the disk, by a secret that the host keeps."),
    binding: sources.encryption,
    change: "restart",
    equal: subset,
  }),
  startup: word(
    "./source/@startupPolicy",
    ["mandatory", "requisite", "optional"],
    "Whether the machine starts without it, with file, block and volume.",
  ),
  device: word(
    "./@device",
    ["disk", "lun"],
    "lun: SCSI commands reach the device itself, with block and network.",
  ),
  format: field({
    schema: () =>
      z.enum(["qcow2", "raw", "qed", "vmdk", "vdi", "vpc", "luks"]).optional()
        .describe("Format of what is behind the disk; a volume's own, else raw."),
    binding: text("./driver/@type"),
    change: "restart",
  }),
  bus: field({
    schema: () =>
      z.enum(["virtio", "scsi", "sata", "ide", "usb"]).optional()
        .describe("Bus that the guest sees; virtio unless declared."),
    binding: busBinding,
    change: "restart",
  }),
  target: field({
    schema: () =>
      z.string().regex(/^[a-z]+[0-9]*$/, "must be a target, for example vda").optional()
        .describe("Target, for example vda; the first that is free unless declared."),
    binding: text("./target/@dev"),
    change: "restart",
  }),
  model: word("./@model", VIRTIO_MODELS, "Dialect of virtio, with bus virtio."),
  virtio: virtioOptions(),
  cache: unsaid(
    "default",
    word(
      "./driver/@cache",
      ["default", "none", "writethrough", "writeback", "directsync", "unsafe"],
      "Cache of the host; QEMU's default unless declared.",
    ),
  ),
  io: word("./driver/@io", ["native", "threads", "io_uring"], "How the host does the I/O."),
  discard: word(
    "./driver/@discard",
    ["unmap", "ignore"],
    "Whether what the guest trims is given back to the host; a new disk has unmap.",
  ),
  detectZeroes: word(
    "./driver/@detect_zeroes",
    ["off", "on", "unmap"],
    "What becomes of blocks of zeroes: written, noted, given back.",
  ),
  errorPolicy: word(
    "./driver/@error_policy",
    ["stop", "report", "ignore", "enospace"],
    "What becomes of a failed write.",
  ),
  readErrorPolicy: word(
    "./driver/@rerror_policy",
    ["stop", "report", "ignore"],
    "What becomes of a failed read.",
  ),
  ioThread: whole("./driver/@iothread", [1, 4096], "I/O thread that serves the disk, by number."),
  queues: whole("./driver/@queues", [1, 1024], "Queues of a virtio disk."),
  queueSize: whole("./driver/@queue_size", [2, 1024], "Requests a queue of a virtio disk."),
  copyOnRead: toggle(
    "./driver/@copy_on_read",
    ON_OFF,
    "Copy what is read from a backing file into the disk's own.",
  ),
  eventIndex: toggle("./driver/@event_idx", ON_OFF, "Fewer interrupts, with bus virtio."),
  ioEventFd: toggle(
    "./driver/@ioeventfd",
    ON_OFF,
    "Serve the disk apart from the vCPU that asked, with bus virtio.",
  ),
  metadataCache: field({
    schema: () =>
      size({ min: 512 }).optional()
        .describe("Most memory for qcow2's own tables, for example `4MiB`."),
    binding: byteCount("./driver/metadata_cache/max_size"),
    change: "restart",
    format: "bytes",
  }),
  readonly: flag("./readonly", "The guest cannot write."),
  transient: flag("./transient", "What the guest writes is gone when it is off."),
  transientShared: toggle(
    "./transient/@shareBacking",
    YES_NO,
    "Whether other machines may use the disk meanwhile, with transient.",
  ),
  snapshot: word(
    "./@snapshot",
    ["internal", "external", "manual", "no"],
    "How snapshots of the machine take the disk.",
  ),
  rawIo: toggle("./@rawio", YES_NO, "Grant CAP_SYS_RAWIO, with device lun."),
  sgIo: word("./@sgio", ["filtered", "unfiltered"], "Which SCSI commands pass, with device lun."),
  removable: toggle("./target/@removable", ON_OFF, "Shown as removable, with bus usb."),
  shareable: flag("./shareable", "Other machines may have it at the same time."),
  serial: field({
    schema: () =>
      z.string().regex(
        /^[A-Za-z0-9_.+ -]{1,247}$/,
        "must be letters, digits, spaces and _ . + -",
      ).optional().describe("Serial number that the guest sees; virtio shows 20 characters of it."),
    binding: text("./serial"),
    change: "restart",
  }),
  wwn,
  vendor: field({
    schema: () =>
      z.string().regex(/^[\x20-\x7e]{1,8}$/, "must be 1 to 8 printable characters").optional()
        .describe("Vendor that the guest sees, on SCSI."),
    binding: text("./vendor"),
    change: "restart",
  }),
  product: field({
    schema: () =>
      z.string().regex(/^[\x20-\x7e]{1,16}$/, "must be 1 to 16 printable characters")
        .optional().describe("Product that the guest sees, on SCSI."),
    binding: text("./product"),
    change: "restart",
  }),
  rotationRate: whole(
    "./target/@rotation_rate",
    [1, 65534],
    "Rotations a minute that the guest is told, on SCSI, IDE and SATA; 1 says that it is no disk " +
      "of plates.",
  ),
  logicalBlockSize: whole(
    "./blockio/@logical_block_size",
    [512, 32768],
    "Smallest unit that the guest can read and write, bytes.",
  ),
  physicalBlockSize: whole(
    "./blockio/@physical_block_size",
    [512, 32768],
    "Unit that the guest had better write, bytes.",
  ),
  bootOrder,
  iotune,
} satisfies Table;

const entry = () =>
  z.strictObject(shapeOf(disks)).superRefine((disk, context) => {
    const refuse = (path: string | undefined, message: string) =>
      context.addIssue({ code: "custom", path: path === undefined ? [] : [path], message });
    const declared = sources.SOURCES.filter((name) => disk[name] !== undefined);
    if (declared.length !== 1) {
      refuse(
        declared[1],
        declared.length === 0
          ? "needs one of volume, file, block, network, nvme, vhostUser"
          : `does not go with ${declared[0]}: a disk stands on one of ${
            sources.SOURCES.join(", ")
          }`,
      );
    }
    const bus = disk.bus ?? "virtio";
    const only = (
      field: keyof typeof disk,
      of: string[],
    ) => {
      if (disk[field] === undefined || of.includes(bus)) return;
      refuse(field, `goes with bus ${of.join(" or ")}, and this disk is on ${bus}`);
    };
    only("queues", ["virtio"]);
    only("queueSize", ["virtio"]);
    only("ioThread", ["virtio"]);
    only("vendor", ["scsi"]);
    only("product", ["scsi"]);
    only("model", ["virtio"]);
    only("virtio", ["virtio"]);
    only("eventIndex", ["virtio"]);
    only("ioEventFd", ["virtio"]);
    only("removable", ["usb"]);
    if (disk.vhostUser !== undefined) only("vhostUser", ["virtio"]);
    if (disk.device === "lun") {
      only("device", ["virtio", "scsi"]);
      if (disk.block === undefined && disk.network === undefined) {
        refuse("device", "lun goes with block or network");
      }
    }
    for (const name of ["rawIo", "sgIo"] as const) {
      if (disk[name] !== undefined && disk.device !== "lun") refuse(name, 'goes with device "lun"');
    }
    if (disk.transient === true && disk.file === undefined) {
      refuse("transient", "goes with file: libvirt keeps what was written in a file beside it");
    }
    if (disk.transientShared !== undefined && disk.transient !== true) {
      refuse("transientShared", "goes with transient: true");
    }
    if (disk.metadataCache !== undefined && (disk.format ?? "qcow2") !== "qcow2") {
      refuse("metadataCache", `goes with format qcow2, and this disk is ${disk.format}`);
    }
    if (disk.startup !== undefined && (disk.network ?? disk.nvme ?? disk.vhostUser) !== undefined) {
      refuse("startup", "goes with file, block or volume");
    }
    if (disk.wwn !== undefined && bus === "virtio") {
      refuse("wwn", "goes with bus scsi, sata or ide: virtio has none");
    }
    if (disk.readonly === true && (bus === "ide" || bus === "sata")) {
      refuse("readonly", `goes with bus virtio, scsi or usb: ${bus} disks are always writable`);
    }
    if (disk.io === "native" && !["none", "directsync"].includes(disk.cache ?? "")) {
      refuse("io", 'native goes with cache "none" or "directsync"');
    }
    if (disk.rotationRate !== undefined && (bus === "virtio" || bus === "usb")) {
      refuse("rotationRate", `goes with bus scsi, sata or ide, and this disk is on ${bus}`);
    }
  });

/** Whether a disk stands on what is declared. */
export function standsOn(disk: XmlElement, declared: JsonObject): boolean {
  if (declared.target !== undefined) return getPath(disk, "./target/@dev") === declared.target;
  if (declared.volume !== undefined) return sources.volumeSource.read(disk) === declared.volume;
  if (declared.file !== undefined) return sources.fileSource.read(disk) === declared.file;
  if (declared.block !== undefined) return sources.blockSource.read(disk) === declared.block;
  if (declared.vhostUser !== undefined) {
    return sources.vhostUserSource.read(disk) === declared.vhostUser;
  }
  if (declared.nvme !== undefined) return subset(declared.nvme, sources.nvmeSource.read(disk));
  const found = sources.remoteSource.read(disk);
  return declared.network !== undefined && sources.remoteEqual(declared.network, found);
}

/** What a bus needs that the machine may lack. */
export function ensureBus(domain: XmlElement, bus: string): void {
  if (bus === "scsi") places.ensureScsi(domain);
  if (bus === "usb") ensureUsb(domain);
}

/** The type of a disk's element by the source that is declared. */
export function sourceType(declared: JsonObject): string {
  return (sources.SOURCES.find((name) => declared[name] !== undefined) ?? "file").toLowerCase();
}

/** Disks. */
export const diskList = list({
  schema: () =>
    z.array(entry()).superRefine((entries, context) => {
      distinct(entries, context);
      refuseOwned(disks, entries, context);
    }).describe("Disks, in the guest's order."),
  path: "./devices/disk",
  select: (domain) =>
    elementsOf(domain, "disk").filter((disk) =>
      ["disk", "lun"].includes(disk.attributes.get("device") ?? "disk")
    ),
  nameOf: (disk) => aliasName(disk) ?? getPath(disk, "./target/@dev") ?? "",
  matches: (disk, declared) => aliasName(disk) === undefined && standsOn(disk, declared),
  insert: (domain, declared) => {
    const bus = String(declared.bus ?? "virtio");
    ensureBus(domain, bus);
    const dev = String(declared.target ?? places.freeTarget(domain, TARGETS[bus] ?? "sd"));
    const disk = element(
      "disk",
      { type: sourceType(declared), device: "disk" },
      // One that another process serves has its own ways.
      declared.vhostUser === undefined && element("driver", {
        name: "qemu",
        type: String(declared.format ?? "raw"),
        discard: "unmap",
      }),
      element("target", { dev, bus }),
      element("alias", { name: `ua-${declared.name}` }),
    );
    append(ensureElement(domain, "./devices"), disk, "disk");
    return disk;
  },
  remove: (domain, disk) => remove(ensureElement(domain, "./devices"), disk),
  change: depends(
    "live on virtio and scsi, and on usb where the guest has USB; else restart",
    diskChange,
  ),
  fields: disks,
});
