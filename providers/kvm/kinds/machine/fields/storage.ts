/**
 * Disks, and the drive with the cloud-init seed.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption } from "../../../../provider.ts";
import {
  aliasName,
  type ChangeContext,
  field,
  list,
  shapeOf,
  type Table,
  text,
} from "../../../table/mod.ts";
import {
  append,
  child,
  children,
  element,
  ensureElement,
  getPath,
  remove,
} from "../../../xml/mod.ts";
import { reference } from "../../reference.ts";
import * as places from "../places.ts";
import { always, deviceName, distinct } from "./common.ts";

/** Virtio and SCSI disks are plugged while the guest runs; SATA has no hot-plug here. */
function diskChange({ before, after }: ChangeContext): Disruption {
  const disk = (after ?? before) as { readonly bus?: string };
  return disk.bus === "sata" ? "restart" : "live";
}

/** A medium is changed live; a drive can be neither plugged nor unplugged. */
function seedChange({ live, config, after }: ChangeContext): Disruption {
  if (after === undefined) return "restart";
  return places.seedDrive(live ?? config) === undefined ? "restart" : "live";
}

const disks = {
  name: field({
    schema: deviceName.describe("Name of the disk in the machine; its alias is `ua-<name>`."),
    binding: text("./alias/@name"),
    change: "restart",
    equal: always,
  }),
  volume: field({
    schema: reference("volume").describe("Address of the volume behind the disk."),
    binding: places.sourceVolume,
    change: "restart",
  }),
  format: field({
    schema: z.enum(["qcow2", "raw"]).optional().describe("Format of the volume; the volume's own."),
    binding: text("./driver/@type"),
    change: "restart",
  }),
  bus: field({
    schema: z.enum(["virtio", "scsi", "sata"]).optional()
      .describe("Bus that the guest sees; virtio unless declared."),
    binding: text("./target/@bus"),
    change: "restart",
  }),
} satisfies Table;

/** Disks and seed. */
export const storage = {
  disks: list({
    schema: z.array(z.strictObject(shapeOf(disks))).superRefine(distinct)
      .describe("Disks, in the guest's order."),
    path: "./devices/disk",
    select: (domain) => {
      const devices = child(domain, "devices");
      return devices === undefined
        ? []
        : children(devices, "disk").filter((disk) =>
          (disk.attributes.get("device") ?? "disk") === "disk"
        );
    },
    nameOf: (disk) => aliasName(disk) ?? getPath(disk, "./target/@dev") ?? "",
    matches: (disk, declared) =>
      aliasName(disk) === undefined && places.sourceVolume.read(disk) === declared.volume,
    insert: (domain, declared) => {
      const bus = String(declared.bus ?? "virtio");
      if (bus === "scsi") places.ensureScsi(domain);
      const disk = element(
        "disk",
        { type: "volume", device: "disk" },
        element("driver", { name: "qemu", type: String(declared.format), discard: "unmap" }),
        element("target", { dev: places.freeTarget(domain, bus === "virtio" ? "vd" : "sd"), bus }),
        element("alias", { name: `ua-${declared.name}` }),
      );
      append(ensureElement(domain, "./devices"), disk, "disk");
      return disk;
    },
    remove: (domain, disk) => remove(ensureElement(domain, "./devices"), disk),
    change: diskChange,
    fields: disks,
  }),
  seed: field({
    schema: reference("seed").optional().describe(
      "Address of the cloud-init seed, shown as a CD-ROM.",
    ),
    binding: places.seed,
    change: seedChange,
    withdrawn: true,
  }),
} satisfies Table;
