/**
 * Devices of the host given to the guest: PCI, USB, mediated, smart card readers.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption, Json, JsonObject } from "../../../../provider.ts";
import { type ChangeContext, custom, field, shapeOf, type Table } from "../../../table/mod.ts";
import {
  append,
  child,
  children,
  element,
  ensureElement,
  getPath,
  remove,
  type XmlElement,
} from "../../../xml/mod.ts";
import { compact, ON_OFF, toggle, word, words, YES_NO } from "./bits.ts";
import { devices, ensureUsb, nameField, usbChange } from "./device.ts";
import { bootOrder } from "./disks.ts";
import { formatPci, pciAddress, pciAttributes } from "./pci_address.ts";

const ID = /^(?:0x)?([0-9a-f]{4})$/;
const usbId = z.string().toLowerCase().regex(
  ID,
  "must be four hexadecimal digits, for example 046d",
)
  .transform((id) => id.replace("0x", ""));

const usbSchema = z.strictObject({
  vendor: usbId.optional().describe("Vendor, four hexadecimal digits, as lsusb prints it."),
  product: usbId.optional().describe("Product, four hexadecimal digits."),
  bus: z.int().min(0).max(999).optional().describe("Bus of the host."),
  device: z.int().min(0).max(999).optional().describe(
    "Number on that bus; it changes on plugging.",
  ),
}).refine(
  ({ vendor, product, bus, device }) =>
    vendor !== undefined && product !== undefined && bus === undefined && device === undefined ||
    vendor === undefined && product === undefined && bus !== undefined && device !== undefined,
  { error: "needs vendor and product, or bus and device" },
);

function typeOf(device: XmlElement): string | undefined {
  return device.attributes.get("type");
}

function sourceOf(device: XmlElement, type: string): XmlElement {
  device.attributes.set("mode", "subsystem");
  device.attributes.set("type", type);
  const source = ensureElement(device, "./source");
  for (const item of children(source)) {
    if (["address", "vendor", "product"].includes(item.name)) remove(source, item);
  }
  return source;
}

function readUsb(device: XmlElement): Json | undefined {
  if (typeOf(device) !== "usb") return undefined;
  const id = (name: string) => getPath(device, `./source/${name}/@id`)?.replace("0x", "");
  const number = (name: string) => {
    const found = getPath(device, `./source/address/@${name}`);
    return found === undefined ? undefined : Number(found);
  };
  const vendor = id("vendor");
  if (vendor !== undefined) return compact({ vendor, product: id("product") });
  return compact({ bus: number("bus"), device: number("device") });
}

function writeUsb(device: XmlElement, value: Json): void {
  const { vendor, product, bus, device: number } = value as JsonObject;
  const source = sourceOf(device, "usb");
  if (vendor !== undefined) {
    append(source, element("vendor", { id: `0x${vendor}` }));
    append(source, element("product", { id: `0x${product}` }));
  } else append(source, element("address", { bus: Number(bus), device: Number(number) }));
}

/** A device that is found by vendor is at some place as well, once the guest runs. */
function usbEqual(declared: Json, actual: Json | undefined): boolean {
  return Object.entries(declared as JsonObject).every(([name, value]) =>
    value === undefined || value === (actual as JsonObject | undefined)?.[name]
  );
}

const fields = {
  name: nameField("host device"),
  pci: field({
    schema: () =>
      pciAddress.optional().describe("PCI address of the device, for example 0000:3b:00.1."),
    binding: custom("./source/address", (device) => {
      const address = typeOf(device) === "pci" ? child(device, "source") : undefined;
      const item = address && child(address, "address");
      return item && formatPci(item);
    }, (device, value) => {
      const source = sourceOf(device, "pci");
      append(source, element("address", pciAttributes(String(value))));
    }),
    change: "restart",
  }),
  usb: field({
    schema: () =>
      usbSchema.optional().describe("USB device, by what it is or by where it is plugged."),
    binding: custom("./source/vendor", readUsb, (device, value) => writeUsb(device, value!)),
    change: "restart",
    equal: usbEqual,
  }),
  mdev: field({
    schema: () =>
      z.uuid().toLowerCase().optional()
        .describe("UUID of a mediated device, for example of a vGPU."),
    binding: custom(
      "./source/address/@uuid",
      (device) => typeOf(device) === "mdev" ? getPath(device, "./source/address/@uuid") : undefined,
      (device, value) => {
        const source = sourceOf(device, "mdev");
        append(source, element("address", { uuid: String(value) }));
        if (!device.attributes.has("model")) device.attributes.set("model", "vfio-pci");
      },
    ),
    change: "restart",
  }),
  managed: toggle(
    "./@managed",
    YES_NO,
    "libvirt takes the device from the host's driver and gives it back; true for PCI.",
  ),
  startup: word(
    "./source/@startupPolicy",
    ["mandatory", "requisite", "optional"],
    "Whether the machine starts without it, with usb.",
  ),
  display: toggle("./@display", ON_OFF, "Show the device's picture on the display, with mdev."),
  ramfb: toggle("./@ramfb", ON_OFF, "A picture before the guest's driver is there, with mdev."),
  romBar: toggle("./rom/@bar", ON_OFF, "Show the device's boot ROM to the guest."),
  romFile: words("./rom/@file", "File of the host with the boot ROM."),
  bootOrder,
} satisfies Table;

const KINDS = ["pci", "usb", "mdev"] as const;

const entry = () =>
  z.strictObject(shapeOf(fields)).superRefine((device, context) => {
    const refuse = (path: string | undefined, message: string) =>
      context.addIssue({ code: "custom", path: path === undefined ? [] : [path], message });
    const [first, second] = KINDS.filter((name) => device[name] !== undefined);
    if (first === undefined) refuse(undefined, "needs one of pci, usb, mdev");
    if (second !== undefined) refuse(second, `does not go with ${first}`);
    if (device.startup !== undefined && first !== "usb") refuse("startup", "goes with usb");
    for (const name of ["display", "ramfb"] as const) {
      if (device[name] !== undefined && first !== "mdev") refuse(name, "goes with mdev");
    }
    for (const name of ["romBar", "romFile"] as const) {
      if (device[name] !== undefined && first !== "pci") refuse(name, "goes with pci");
    }
    if (device.managed !== undefined && first === "mdev") {
      refuse("managed", "goes with pci: a mediated device is made by the host");
    }
  });

function hostDeviceChange({ config, live, before, after }: ChangeContext): Disruption {
  const device = (after ?? before) as JsonObject;
  return device.usb === undefined ? "live" : usbChange(live ?? config);
}

const hostDevices = devices({
  tag: "hostdev",
  prefix: "hostdev",
  doc: "Devices of the host that the guest has for itself.",
  entry,
  fields,
  change: hostDeviceChange,
  select: (device) =>
    (device.attributes.get("mode") ?? "subsystem") === "subsystem" &&
    KINDS.some((kind) => kind === typeOf(device)),
  matches: (device, declared) =>
    KINDS.some((kind) =>
      declared[kind] !== undefined && usbOrSame(declared[kind], fields[kind].binding.read(device))
    ),
  make: (declared, domain) => {
    const type = KINDS.find((kind) => declared[kind] !== undefined)!;
    if (type === "usb") ensureUsb(domain);
    return element("hostdev", {
      mode: "subsystem",
      type,
      managed: type === "pci" ? "yes" : undefined,
    });
  },
});

function usbOrSame(declared: Json, actual: Json | undefined): boolean {
  return typeof declared === "object" ? usbEqual(declared, actual) : declared === actual;
}

const smartcardFields = {
  name: nameField("smart card"),
  mode: field({
    schema: () =>
      z.enum(["host", "passthrough"])
        .describe("The host's own reader, or one at the client of a spice display."),
    binding: custom("./@mode", (device) => device.attributes.get("mode"), (device, value) => {
      device.attributes.set("mode", String(value));
      if (value === "passthrough") device.attributes.set("type", "spicevmc");
      else device.attributes.delete("type");
    }),
    change: "restart",
  }),
} satisfies Table;

const smartcards = devices({
  tag: "smartcard",
  prefix: "smartcard",
  doc: "Smart card readers.",
  most: 1,
  entry: z.strictObject(shapeOf(smartcardFields)),
  fields: smartcardFields,
  change: "restart",
  nameless: true,
  matches: () => true,
  select: (device) =>
    device.attributes.get("mode") === "host" || device.attributes.get("type") === "spicevmc",
  make: (declared, domain) => {
    ensureUsb(domain);
    const type = declared.mode === "passthrough" ? "spicevmc" : undefined;
    return element("smartcard", { mode: String(declared.mode), type });
  },
});

/** Devices of the host. */
export const attachments = { hostDevices, smartcards } satisfies Table;
