/**
 * How the guest boots: the kernel that the host hands to it, else the devices in their order.
 *
 * @module
 */

import { z } from "zod";
import type { Json } from "../../../../provider.ts";
import { aliasName, field, group, shapeOf, type Table, text } from "../../../table/mod.ts";
import {
  child,
  children,
  element,
  ensureElement,
  getElements,
  getPath,
  removeElement,
  setPath,
  type XmlElement,
} from "../../../xml/mod.ts";
import { reference } from "../../reference.ts";
import { toggle, whole, words, YES_NO } from "./bits.ts";

const kernel = {
  kernel: field({
    schema: reference("image").describe("Address of the image that holds the kernel."),
    binding: text("./os/kernel"),
    change: "restart",
    withdrawn: true,
  }),
  initrd: field({
    schema: reference("image").optional()
      .describe("Address of the image that holds the initial RAM disk."),
    binding: text("./os/initrd"),
    change: "restart",
    withdrawn: true,
  }),
  cmdline: field({
    schema: z.string().optional().describe("Kernel command line."),
    binding: text("./os/cmdline"),
    change: "restart",
    withdrawn: true,
  }),
  deviceTree: {
    ...words("./os/dtb", "Absolute path of a device tree on the host, for ARM and PowerPC."),
    withdrawn: true,
  },
} satisfies Table;

const menu = {
  enabled: toggle("./os/bootmenu/@enable", YES_NO, "Whether the firmware offers its boot menu."),
  timeout: whole("./os/bootmenu/@timeout", [0, 65_535], "Milliseconds for which it waits."),
} satisfies Table;

/** Boot by kind of device, as old firmware does. */
const CLASSES = ["hd", "cdrom", "network", "fd"] as const;
const ofClass = (name: unknown) => (CLASSES as readonly unknown[]).includes(name);

/** Devices that can stand in the boot order. */
function bootable(domain: XmlElement): XmlElement[] {
  const devices = child(domain, "devices");
  return devices === undefined ? [] : ["disk", "interface", "hostdev", "redirdev"].flatMap(
    (name) => children(devices, name),
  );
}

function nameOf(device: XmlElement): string {
  return aliasName(device) ?? getPath(device, "./target/@dev") ??
    getPath(device, "./mac/@address") ?? getPath(device, "./alias/@name") ?? "";
}

const orderOf = (device: XmlElement) => Number(getPath(device, "./boot/@order"));

function readOrder(domain: XmlElement): Json | undefined {
  const ordered = bootable(domain).filter((device) => child(device, "boot") !== undefined);
  if (ordered.length > 0) return ordered.sort((a, b) => orderOf(a) - orderOf(b)).map(nameOf);
  const classes = getElements(domain, "./os/boot").map((item) => getPath(item, "./@dev") ?? "");
  return classes.length === 0 ? undefined : classes;
}

function writeOrder(domain: XmlElement, value: Json | undefined): void {
  const names = (value ?? []) as readonly string[];
  for (const item of getElements(domain, "./os/boot")) removeElement(domain, "./os", item);
  for (const device of bootable(domain)) {
    const place = names.indexOf(nameOf(device));
    setPath(device, "./boot/@order", place < 0 ? undefined : `${place + 1}`);
  }
  for (const name of names.filter(ofClass)) {
    ensureElement(domain, "./os").children.push(element("boot", { dev: name }));
  }
}

/** Direct kernel boot, the firmware's menu. */
export const boot = {
  boot: group({
    schema: z.strictObject(shapeOf(kernel)).optional().describe("Direct kernel boot."),
    fields: kernel,
  }),
  bootMenu: group({
    schema: z.strictObject(shapeOf(menu)).optional().describe("The firmware's boot menu."),
    fields: menu,
  }),
  firmwareOnSerial: toggle(
    "./os/bios/@useserial",
    YES_NO,
    "Whether the BIOS shows itself on the serial console.",
  ),
  rebootTimeout: whole(
    "./os/bios/@rebootTimeout",
    [-1, 65_535],
    "Milliseconds after which a boot that failed is tried again; -1: never.",
  ),
} satisfies Table;

/** The boot order: written after the devices that it names. */
export const bootOrder = {
  bootOrder: field({
    schema: z.array(z.string().min(1)).min(1).superRefine((names, context) => {
      const refuse = (index: number, message: string) =>
        context.addIssue({ code: "custom", path: [index], message });
      for (const [index, name] of names.entries()) {
        if (names.indexOf(name) !== index) refuse(index, `"${name}" stands twice`);
        if (ofClass(name) !== ofClass(names[0])) {
          refuse(index, `devices by name, or kinds of device (${CLASSES.join(", ")}), not both`);
        }
      }
    }).optional().describe(
      "From what the guest boots, first to last: names of disks and NICs, or kinds of device: hd, " +
        "cdrom, network, fd.",
    ),
    binding: {
      path: "./devices/*/boot/@order, ./os/boot/@dev",
      read: readOrder,
      write: writeOrder,
    },
    change: "restart",
  }),
} satisfies Table;
