/**
 * Controllers, where those that libvirt adds by itself do not do.
 *
 * @module
 */

import { z } from "zod";
import type { JsonObject } from "../../../../provider.ts";
import { depends, field, kibibytes, shapeOf, type Table, text } from "../../../table/mod.ts";
import { children, element, ensureElement, getPath } from "../../../xml/mod.ts";
import { size } from "../../size.ts";
import { ON_OFF, toggle, whole, words } from "./bits.ts";
import { devices, nameField } from "./device.ts";
import { deviceXml } from "./escape.ts";
import { virtioOptions } from "./virtio.ts";

const CONTROLLERS = ["scsi", "usb", "pci", "virtio-serial", "sata", "ide", "ccid", "fdc"] as const;

/** libvirt writes the port in hexadecimal. */
function hexadecimal(path: string, doc: string) {
  return field({
    schema: () => z.int().min(0).max(255).optional().describe(doc),
    binding: {
      ...text(path),
      read: (controller) => {
        const found = getPath(controller, path);
        return found === undefined ? undefined : Number(found);
      },
    },
    change: "restart",
  });
}

const controllerFields = {
  name: nameField("controller"),
  ...deviceXml,
  type: field({
    schema: () => z.enum(CONTROLLERS).describe("What is plugged into it."),
    binding: text("./@type"),
    change: "restart",
  }),
  model: words(
    "./@model",
    "Model, for example virtio-scsi, qemu-xhci or pcie-root-port; the platform's own unless declared.",
  ),
  index: whole("./@index", [0, 4095], "Number among its type; the next that is free."),
  ioThread: whole("./driver/@iothread", [1, 4096], "I/O thread that serves it, on virtio-scsi."),
  queues: whole("./driver/@queues", [1, 1024], "Queues, on virtio-scsi."),
  commandsPerLun: whole("./driver/@cmd_per_lun", [1, 65535], "Commands in flight a disk."),
  maxSectors: whole("./driver/@max_sectors", [1, 65535], "Largest request, sectors of 512 bytes."),
  ports: whole("./@ports", [1, 31], "Ports, on usb and virtio-serial."),
  numaNode: whole("./target/node", [0, 1023], "NUMA cell of the guest, on expander buses."),
  busNumber: whole("./target/@busNr", [1, 254], "Bus number, on expander buses."),
  pciHole64: field({
    schema: () =>
      size({ min: 1024 }).optional()
        .describe("Room for devices above 4 GiB, on the PCI root, for example `64GiB`."),
    binding: kibibytes("./pcihole64"),
    change: "restart",
    format: "bytes",
  }),
  chassis: whole("./target/@chassis", [0, 255], "Number of the chassis, on root ports."),
  chassisNumber: whole("./target/@chassisNr", [1, 255], "Number of the chassis, on PCI bridges."),
  port: hexadecimal("./target/@port", "Number of the port, 0 to 255, on root ports."),
  targetIndex: whole("./target/@index", [0, 30], "Index of the PHB, on PowerPC."),
  startPort: whole("./master/@startport", [0, 15], "First port of its companion, on UHCI."),
  vectors: whole("./@vectors", [1, 2048], "Interrupts, on virtio-serial."),
  ioEventFd: toggle(
    "./driver/@ioeventfd",
    ON_OFF,
    "Serve disks apart from the vCPU that asked, on virtio-scsi.",
  ),
  virtio: virtioOptions(),
  hotplug: toggle("./target/@hotplug", ON_OFF, "Whether devices are plugged, on root ports."),
} satisfies Table;

const controllers = devices({
  tag: "controller",
  prefix: "controller",
  doc: "Controllers, where those that libvirt adds by itself do not do.",
  entry: z.strictObject(shapeOf(controllerFields)).refine(
    ({ type, model }) => type !== "usb" || model !== undefined,
    { error: 'is required with type "usb", for example qemu-xhci', path: ["model"] },
  ),
  fields: controllerFields,
  change: depends("live with type scsi, else restart", ({ before, after }) => {
    const controller = (after ?? before) as JsonObject;
    return controller.type === "scsi" ? "live" : "restart";
  }),
  nameOf: (controller) =>
    `${controller.attributes.get("type")}${controller.attributes.get("index") ?? ""}`,
  // The first of a type may have been made for a device that was plugged into it.
  removedByName: true,
  matches: (controller, declared) =>
    declared.type !== "pci" && controller.attributes.get("type") === declared.type &&
    (controller.attributes.get("index") ?? "0") === String(declared.index ?? 0),
  make: (declared, domain) => {
    const type = String(declared.type);
    const taken = children(ensureElement(domain, "./devices"), "controller")
      .filter((item) => item.attributes.get("type") === type)
      .map((item) => Number(item.attributes.get("index") ?? 0));
    // libvirt numbers PCI controllers itself, by what they are plugged into.
    const index = type === "pci" ? undefined : Math.max(-1, ...taken) + 1;
    return element("controller", { type, index });
  },
});

/** Controllers. */
export const controllerList = { controllers } satisfies Table;
