/**
 * USB devices of the one who looks at the machine: ports for them, and which may be plugged in. Hubs,
 * for more ports.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption, Json } from "../../../../provider.ts";
import { depends, field, shapeOf, type Table } from "../../../table/mod.ts";
import {
  child,
  children,
  element,
  ensureElement,
  getElement,
  remove,
  type XmlElement,
} from "../../../xml/mod.ts";
import { compact } from "./bits.ts";
import { checkUnix, sourceFields } from "./characters.ts";
import { devices, ensureUsb, nameField, usbChange } from "./device.ts";
import { deviceXml } from "./escape.ts";
import { bootOrder } from "./disks.ts";

const redirectionFields = {
  name: nameField("port"),
  ...deviceXml,
  ...sourceFields(["spicevmc", "tcp", "unix", "pty", "file", "dev", "pipe", "null"] as const),
  bootOrder,
} satisfies Table;

const redirections = devices({
  tag: "redirdev",
  prefix: "redir",
  doc: "Ports for USB devices of the one who looks at the machine, mostly through spice.",
  entry: () => z.strictObject(shapeOf(redirectionFields)).superRefine(checkUnix),
  fields: redirectionFields,
  change: depends(
    "live where the guest has USB, else restart",
    ({ config, live }): Disruption => usbChange(live ?? config),
  ),
  make: (declared, domain) => {
    ensureUsb(domain);
    return element("redirdev", { bus: "usb", type: String(declared.type) });
  },
});

const hex = (digits: number, example: string) =>
  z.string().toLowerCase().regex(
    new RegExp(`^[0-9a-f]{${digits}}$`),
    `must be ${digits} hexadecimal digits, for example ${example}`,
  );

const rule = z.strictObject({
  allow: z.boolean().describe("Whether such a device may be plugged in."),
  class: hex(2, "08").optional().describe("USB class, for example `08` for storage."),
  vendor: hex(4, "046d").optional().describe("Vendor, as lsusb prints it."),
  product: hex(4, "c077").optional().describe("Product, as lsusb prints it."),
  version: z.string().regex(/^\d{1,2}\.\d{1,2}$/, "must be a version, for example 2.0").optional()
    .describe("Version of the device."),
});

/** Attributes of a rule that stand in XML with 0x, by their digits. */
const IDS = { class: 2, vendor: 4, product: 4 } as const;

function readRule(item: XmlElement): Json {
  const id = (name: keyof typeof IDS) => {
    const found = item.attributes.get(name);
    return found === undefined || found === "-1"
      ? undefined
      : Number(found).toString(16).padStart(IDS[name], "0");
  };
  const version = item.attributes.get("version");
  return compact({
    allow: item.attributes.get("allow") === "yes",
    class: id("class"),
    vendor: id("vendor"),
    product: id("product"),
    version: version === "-1" ? undefined : version,
  }) ?? {};
}

const FILTER = "./devices/redirfilter";

const hubFields = { name: nameField("hub"), ...deviceXml } satisfies Table;

/** Redirected USB devices, hubs. */
export const redirection = {
  redirections,
  redirectionRules: field({
    schema: () =>
      z.array(rule).min(1).optional().describe(
        "Which USB devices may be redirected: the first rule that fits decides; all unless declared.",
      ),
    binding: {
      path: FILTER,
      read: (domain) => {
        const found = getElement(domain, FILTER);
        return found && children(found, "usbdev").map(readRule);
      },
      write: (domain, value) => {
        const devices = ensureElement(domain, "./devices");
        const known = child(devices, "redirfilter");
        if (known !== undefined) remove(devices, known);
        if (!Array.isArray(value)) return;
        const made = ensureElement(domain, FILTER);
        for (const { allow, version, ...ids } of value as z.output<typeof rule>[]) {
          const attributes = Object.fromEntries(
            Object.entries(ids).map(([name, id]) => [name, id && `0x${id}`]),
          );
          made.children.push(
            element("usbdev", { ...attributes, version, allow: allow ? "yes" : "no" }),
          );
        }
      },
    },
    change: "restart",
    equal: (declared, actual) => ruleTexts(declared) === ruleTexts(actual),
    withdrawn: true,
  }),
  hubs: devices({
    tag: "hub",
    prefix: "hub",
    doc: "USB hubs, for more ports.",
    entry: () => z.strictObject(shapeOf(hubFields)),
    fields: hubFields,
    change: "restart",
    make: (_, domain) => {
      ensureUsb(domain);
      return element("hub", { type: "usb" });
    },
  }),
} satisfies Table;

function ruleTexts(rules: Json | undefined): string {
  return JSON.stringify(
    ((rules ?? []) as readonly z.output<typeof rule>[]).map((item) => [
      item.allow,
      item.class,
      item.vendor,
      item.product,
      item.version === undefined ? undefined : Number(item.version),
    ]),
  );
}
