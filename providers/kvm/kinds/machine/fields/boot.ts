/**
 * How the guest boots: the kernel that the host hands to it, else the devices in their order.
 *
 * @module
 */

import { z } from "zod";
import { field, group, shapeOf, type Table, text } from "../../../table/mod.ts";
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
import { toggle, whole, words, YES_NO } from "./bits.ts";

/** An image, or a file that the host has already. */
const bootFile = () =>
  z.string().regex(
    /^(\/.*|[^/]+(\/[^/]+)*\/image\.[^/]+)$/,
    "must be the address of an image, or the absolute path of a file on the host",
  );

const kernel = {
  kernel: field({
    schema: () =>
      bootFile().describe("Address of the image that holds the kernel, or its path on the host."),
    binding: text("./os/kernel"),
    change: "restart",
    withdrawn: true,
  }),
  initrd: field({
    schema: () =>
      bootFile().optional().describe(
        "Address of the image that holds the initial RAM disk, or its path on the host.",
      ),
    binding: text("./os/initrd"),
    change: "restart",
    withdrawn: true,
  }),
  cmdline: field({
    schema: () => z.string().optional().describe("Kernel command line."),
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

/** Devices that may carry a place in the boot order of their own. */
function ordered(domain: XmlElement): XmlElement[] {
  const devices = child(domain, "devices");
  if (devices === undefined) return [];
  return ["disk", "interface", "hostdev", "redirdev"].flatMap((name) => children(devices, name))
    .filter((device) => child(device, "boot") !== undefined);
}

function removeKinds(domain: XmlElement): void {
  for (const item of getElements(domain, "./os/boot")) removeElement(domain, "./os", item);
}

/**
 * libvirt takes an order of kinds of device, or of devices, and writes `hd` where neither stands: that
 * gives way to devices that have a place of their own.
 */
export function settleBootOrder(domain: XmlElement): void {
  if (ordered(domain).length > 0) removeKinds(domain);
}

/** Direct kernel boot, the firmware's menu. */
export const boot = {
  boot: group({
    schema: () => z.strictObject(shapeOf(kernel)).optional().describe("Direct kernel boot."),
    fields: kernel,
  }),
  bootMenu: group({
    schema: () => z.strictObject(shapeOf(menu)).optional().describe("The firmware's boot menu."),
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

/** The boot order by kind of device, as old firmware does it; each device has one of its own. */
export const bootOrder = {
  bootOrder: field({
    schema: () =>
      z.array(z.enum(["hd", "cdrom", "network", "fd"])).min(1).refine(
        (kinds) => new Set(kinds).size === kinds.length,
        { error: "names a kind of device twice" },
      ).optional().describe(
        "Kinds of device from which the guest boots, first to last; single devices have a " +
          "`bootOrder` of their own, and only one of both may be declared.",
      ),
    binding: {
      path: "./os/boot/@dev",
      read: (domain) => {
        const kinds = getElements(domain, "./os/boot").map((item) => getPath(item, "./@dev") ?? "");
        return kinds.length === 0 ? undefined : kinds;
      },
      write: (domain, value) => {
        removeKinds(domain);
        for (const device of ordered(domain)) setPath(device, "./boot", undefined);
        for (const dev of (value ?? []) as readonly string[]) {
          ensureElement(domain, "./os").children.push(element("boot", { dev }));
        }
      },
    },
    change: "restart",
  }),
} satisfies Table;
