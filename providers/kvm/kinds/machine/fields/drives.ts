/**
 * Drives with media that are changed while the guest runs: CD-ROM and floppy. The drive with the
 * cloud-init seed is the machine's own `seed`.
 *
 * @module
 */

import { z } from "zod";
import {
  type ChangeRule,
  custom,
  depends,
  field,
  shapeOf,
  type Table,
} from "../../../table/mod.ts";
import { child, element, getPath, setPath, type XmlElement } from "../../../xml/mod.ts";
import { reference } from "../../reference.ts";
import { freeTarget, SEED_ALIAS } from "../places.ts";
import { unsaid, word } from "./bits.ts";
import { devices, nameField } from "./device.ts";
import { deviceXml } from "./escape.ts";
import * as sources from "./disk_source.ts";
import {
  bootOrder,
  busBinding,
  ensureBus,
  sourceFields,
  sourceType,
  standsOn,
  TARGETS,
} from "./disks.ts";

/** A medium is put in and taken out live; what is declared no more is ejected. */
const medium = { change: "live", withdrawn: true } as const;

/** A medium of another format is put in as that. */
const formatChange: ChangeRule = depends(
  "live together with another medium, else restart",
  ({ config, live, declared = {} }) => {
    const drive = live ?? config;
    const stays = sources.SOURCES.some((name) => declared[name] !== undefined)
      ? standsOn(drive, declared)
      : child(drive, "source") === undefined;
    return stays ? "restart" : "live";
  },
);

const FORMAT = "./driver/@type";

const media = {
  volume: field({
    schema: () =>
      reference("volume", "image").optional()
        .describe("Address of the volume or image in the drive. No medium: the drive is empty."),
    binding: sources.volumeSource,
    ...medium,
  }),
  file: { ...sourceFields.file, ...medium },
  block: { ...sourceFields.block, ...medium },
  network: { ...sourceFields.network, ...medium },
  format: field({
    schema: () => z.enum(["raw", "qcow2"]).optional().describe("Format of the medium; raw."),
    // What is raw goes without saying: the next medium is raw too, unless that is declared otherwise.
    binding: custom(FORMAT, (drive) => {
      const format = getPath(drive, FORMAT);
      return format === "raw" ? undefined : format;
    }, (drive, value) => setPath(drive, FORMAT, value === undefined ? "raw" : String(value))),
    equal: (declared, actual) => declared === (actual ?? "raw"),
    change: formatChange,
    withdrawn: true,
  }),
  tray: unsaid(
    "closed",
    word("./target/@tray", ["open", "closed"], "Tray at the start; closed."),
  ),
} satisfies Table;

const cdromFields = {
  name: nameField("drive"),
  ...deviceXml,
  ...media,
  bus: field({
    schema: () =>
      z.enum(["sata", "scsi", "ide", "usb"]).optional()
        .describe("Bus that the guest sees; sata unless declared."),
    binding: busBinding,
    change: "restart",
  }),
  bootOrder,
} satisfies Table;

const floppyFields = {
  name: nameField("drive"),
  ...deviceXml,
  ...media,
  bootOrder,
} satisfies Table;

function atMostOne(
  drive: { readonly [Name in typeof sources.SOURCES[number]]?: unknown },
  context: z.RefinementCtx,
): void {
  const [first, second] = sources.SOURCES.filter((name) => drive[name] !== undefined);
  if (second === undefined) return;
  context.addIssue({
    code: "custom",
    path: [second],
    message: `does not go with ${first}: a drive holds one of volume, file, block, network`,
  });
}

function drive(device: "cdrom" | "floppy", fields: Table) {
  return {
    tag: "disk",
    prefix: device,
    fields,
    select: (disk: XmlElement) =>
      disk.attributes.get("device") === device && getPath(disk, "./alias/@name") !== SEED_ALIAS,
    nameOf: (disk: XmlElement) => getPath(disk, "./target/@dev"),
    matches: standsOn,
    // Drives can be neither plugged nor unplugged.
    change: "restart",
  } as const;
}

const cdromEntry = () => z.strictObject(shapeOf(cdromFields)).superRefine(atMostOne);
const floppyEntry = () => z.strictObject(shapeOf(floppyFields)).superRefine(atMostOne);

/** CD-ROM and floppy drives. */
export const drives = {
  cdroms: devices({
    ...drive("cdrom", cdromFields),
    entry: cdromEntry,
    doc: "CD-ROM drives, beside the one with the cloud-init seed.",
    make: (declared, domain) => {
      const bus = String(declared.bus ?? "sata");
      ensureBus(domain, bus);
      return element(
        "disk",
        { type: sourceType(declared), device: "cdrom" },
        element("driver", { name: "qemu", type: String(declared.format ?? "raw") }),
        element("target", { dev: freeTarget(domain, TARGETS[bus] ?? "sd"), bus }),
        element("readonly"),
      );
    },
  }),
  floppies: devices({
    ...drive("floppy", floppyFields),
    entry: floppyEntry,
    doc: "Floppy drives.",
    most: 2,
    make: (declared, domain) =>
      element(
        "disk",
        { type: sourceType(declared), device: "floppy" },
        element("driver", { name: "qemu", type: String(declared.format ?? "raw") }),
        element("target", { dev: freeTarget(domain, "fd"), bus: "fdc" }),
      ),
  }),
} satisfies Table;
