/**
 * Devices of the host given to the guest: PCI, USB, mediated, smart card readers.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption, Json, JsonObject } from "../../../../provider.ts";
import {
  type ChangeContext,
  custom,
  depends,
  field,
  shapeOf,
  type Table,
} from "../../../table/mod.ts";
import {
  append,
  child,
  children,
  element,
  ensureElement,
  getPath,
  remove,
  setPath,
  textOf,
  type XmlElement,
} from "../../../xml/mod.ts";
import { ensureScsi } from "../places.ts";
import { compact, flag, ON_OFF, toggle, word, words, YES_NO } from "./bits.ts";
import { uuid } from "./common.ts";
import { devices, ensureUsb, nameField, usbChange } from "./device.ts";
import { deviceXml } from "./escape.ts";
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
    if (["address", "vendor", "product", "adapter"].includes(item.name)) remove(source, item);
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

const scsiSchema = z.strictObject({
  adapter: z.string().regex(/^scsi_host\d+$/, "must be an adapter, for example scsi_host0")
    .describe("Adapter of the host."),
  bus: z.int().min(0).max(255).describe("Bus of the adapter."),
  target: z.int().min(0).max(65535).describe("Target on the bus."),
  unit: z.int().min(0).max(65535).describe("Unit (LUN) of the target."),
});

function readScsi(device: XmlElement): Json | undefined {
  if (typeOf(device) !== "scsi") return undefined;
  const number = (name: string) => Number(getPath(device, `./source/address/@${name}`));
  return {
    adapter: getPath(device, "./source/adapter/@name") ?? "",
    bus: number("bus"),
    target: number("target"),
    unit: number("unit"),
  };
}

function writeScsi(device: XmlElement, value: Json): void {
  const { adapter, bus, target, unit } = value as z.output<typeof scsiSchema>;
  const source = sourceOf(device, "scsi");
  append(source, element("adapter", { name: adapter }));
  append(source, element("address", { bus, target, unit }));
}

const fields = {
  name: nameField("host device"),
  ...deviceXml,
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
      uuid.optional()
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
  scsi: field({
    schema: () =>
      scsiSchema.optional().describe("SCSI device of the host, by where it stands there."),
    binding: custom(
      "./source/adapter/@name",
      readScsi,
      (device, value) => writeScsi(device, value!),
    ),
    change: "restart",
  }),
  vhostScsi: field({
    schema: () =>
      z.string().toLowerCase().regex(
        /^naa\.[0-9a-f]{16}$/,
        "must be a World Wide Port Name, for example naa.5123456789abcde0",
      ).optional().describe(
        "Target of the host's kernel (vhost-scsi), by its World Wide Port Name.",
      ),
    binding: custom(
      "./source/@wwpn",
      (device) =>
        typeOf(device) === "scsi_host"
          ? getPath(device, "./source/@wwpn")?.toLowerCase()
          : undefined,
      (device, value) => {
        const source = sourceOf(device, "scsi_host");
        source.attributes.set("protocol", "vhost");
        source.attributes.set("wwpn", String(value));
      },
    ),
    change: "restart",
  }),
  model: words(
    "./@model",
    "vfio-pci, vfio-ccw or vfio-ap with mdev; a dialect of virtio with vhostScsi.",
  ),
  readonly: flag("./readonly", "The guest cannot write, with scsi."),
  shareable: flag("./shareable", "Other machines may have it at the same time, with scsi."),
  rawIo: toggle("./@rawio", YES_NO, "Grant CAP_SYS_RAWIO, with scsi."),
  sgIo: word("./@sgio", ["filtered", "unfiltered"], "Which SCSI commands pass, with scsi."),
  driver: field({
    schema: () => z.enum(["vfio"]).optional().describe("Driver of the host, with pci."),
    binding: custom(
      "./driver/@name",
      (device) => getPath(device, "./driver/@name"),
      (device, value) => {
        // It comes before the source: libvirt's schema knows no other order.
        if (child(device, "driver") === undefined) device.children.unshift(element("driver"));
        setPath(device, "./driver/@name", value === undefined ? undefined : String(value));
      },
    ),
    change: "restart",
  }),
  writeFiltering: toggle(
    "./source/@writeFiltering",
    YES_NO,
    "Whether writes to its configuration are filtered, with pci.",
  ),
  guestReset: word(
    "./source/@guestReset",
    ["off", "uninitialized", "on"],
    "Whether the guest may reset it, with usb.",
  ),
  romEnabled: toggle("./rom/@enabled", YES_NO, "Whether it has a boot ROM at all, with pci."),
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

const KINDS = ["pci", "usb", "mdev", "scsi", "vhostScsi"] as const;
type Kind = typeof KINDS[number];

/** Members, and the kinds of device that have them. */
const GOES_WITH: Readonly<Record<string, readonly Kind[]>> = {
  startup: ["usb"],
  guestReset: ["usb"],
  display: ["mdev"],
  ramfb: ["mdev"],
  model: ["mdev", "vhostScsi"],
  romBar: ["pci"],
  romFile: ["pci"],
  romEnabled: ["pci"],
  driver: ["pci"],
  writeFiltering: ["pci"],
  readonly: ["scsi"],
  shareable: ["scsi"],
  rawIo: ["scsi"],
  sgIo: ["scsi"],
};

/** The type of a device's element. */
const TYPE: Readonly<Record<Kind, string>> = {
  pci: "pci",
  usb: "usb",
  mdev: "mdev",
  scsi: "scsi",
  vhostScsi: "scsi_host",
};

const entry = () =>
  z.strictObject(shapeOf(fields)).superRefine((device, context) => {
    const refuse = (path: string | undefined, message: string) =>
      context.addIssue({ code: "custom", path: path === undefined ? [] : [path], message });
    const [first, second] = KINDS.filter((name) => device[name] !== undefined);
    if (first === undefined) refuse(undefined, `needs one of ${KINDS.join(", ")}`);
    if (second !== undefined) refuse(second, `does not go with ${first}`);
    for (const [name, kinds] of Object.entries(GOES_WITH)) {
      if (device[name as keyof typeof device] === undefined) continue;
      if (first === undefined || kinds.includes(first)) continue;
      refuse(name, `goes with ${kinds.join(" or ")}`);
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
  change: depends(
    "live, on usb where the guest has USB; else restart",
    hostDeviceChange,
  ),
  select: (device) =>
    (device.attributes.get("mode") ?? "subsystem") === "subsystem" &&
    Object.values(TYPE).some((type) => type === typeOf(device)) &&
    // iSCSI is behind a name of its own, which no field says.
    getPath(device, "./source/@protocol") !== "iscsi",
  matches: (device, declared) =>
    KINDS.some((kind) =>
      declared[kind] !== undefined && usbOrSame(declared[kind], fields[kind].binding.read(device))
    ),
  make: (declared, domain) => {
    const kind = KINDS.find((one) => declared[one] !== undefined)!;
    if (kind === "usb") ensureUsb(domain);
    if (kind === "scsi") ensureScsi(domain);
    const attributes = {
      mode: "subsystem",
      type: TYPE[kind],
      managed: kind === "pci" ? "yes" : undefined,
    };
    // libvirt's schema takes nothing between a driver and the source.
    return element("hostdev", attributes, element("source"));
  },
});

function usbOrSame(declared: Json, actual: Json | undefined): boolean {
  return typeof declared === "object" ? usbEqual(declared, actual) : declared === actual;
}

const smartcardFields = {
  name: nameField("smart card"),
  ...deviceXml,
  mode: field({
    schema: () =>
      z.enum(["host", "passthrough", "host-certificates"]).describe(
        "The host's own reader, one at the client of a spice display, or a card made of " +
          "certificates.",
      ),
    binding: custom("./@mode", (device) => device.attributes.get("mode"), (device, value) => {
      device.attributes.set("mode", String(value));
      if (value === "passthrough") device.attributes.set("type", "spicevmc");
      else device.attributes.delete("type");
    }),
    change: "restart",
  }),
  certificates: field({
    schema: () =>
      z.array(z.string().min(1)).length(3).optional()
        .describe("Names of three certificates of the host, with host-certificates."),
    binding: custom("./certificate", (device) => {
      const found = children(device, "certificate").map(textOf);
      return found.length === 0 ? undefined : found;
    }, (device, value) => {
      for (const old of children(device, "certificate")) remove(device, old);
      // They come first: libvirt's schema knows no other order.
      const made = ((value ?? []) as readonly string[]).map((name) =>
        element("certificate", {}, name)
      );
      device.children.unshift(...made);
    }),
    change: "restart",
  }),
  database: field({
    schema: () =>
      z.string().regex(/^\//, "must be an absolute path on the host").optional()
        .describe("Folder of the host with the certificates, with host-certificates."),
    binding: custom("./database", (device) => getPath(device, "./database"), (device, value) => {
      const known = child(device, "database");
      if (known !== undefined) remove(device, known);
      if (value === undefined) return;
      const at = device.children.findLastIndex((node) =>
        node.kind === "element" && node.name === "certificate"
      );
      device.children.splice(at + 1, 0, element("database", {}, String(value)));
    }),
    change: "restart",
  }),
} satisfies Table;

const smartcardEntry = () =>
  z.strictObject(shapeOf(smartcardFields)).refine(
    ({ mode, certificates }) => (mode === "host-certificates") === (certificates !== undefined),
    { error: 'goes with mode "host-certificates", and is required there', path: ["certificates"] },
  );

const smartcards = devices({
  tag: "smartcard",
  prefix: "smartcard",
  doc: "Smart card readers.",
  most: 1,
  entry: smartcardEntry,
  fields: smartcardFields,
  change: "restart",
  nameless: true,
  matches: () => true,
  select: (device) =>
    (device.attributes.get("mode") ?? "").startsWith("host") ||
    device.attributes.get("type") === "spicevmc",
  make: (declared, domain) => {
    ensureUsb(domain);
    const type = declared.mode === "passthrough" ? "spicevmc" : undefined;
    return element("smartcard", { mode: String(declared.mode), type });
  },
});

/** Devices of the host. */
export const attachments = { hostDevices, smartcards } satisfies Table;
