/**
 * Lists of devices: each declared one carries the alias `ua-<name>`; one that was imported is found
 * by what names it, or by its place among its like.
 *
 * @module
 */

import { z } from "zod";
import type { JsonObject } from "../../../../provider.ts";
import {
  aliasName,
  type ChangeClass,
  type Field,
  field,
  type List,
  list,
  type SchemaInit,
  type Table,
  text,
} from "../../../table/mod.ts";
import {
  append,
  child,
  children,
  element,
  ensureElement,
  remove,
  type XmlElement,
} from "../../../xml/mod.ts";
import { always, deviceName, distinct } from "./common.ts";
import { refuseOwned } from "./escape.ts";

/** The name that every device of a list has. */
export function nameField(what: string): Field<typeof deviceName> {
  return field({
    schema: () =>
      deviceName.describe(`Name of the ${what} in the machine; its alias is \`ua-<name>\`.`),
    binding: text("./alias/@name"),
    change: "restart",
    equal: always,
  });
}

/** What makes a list of devices. */
export interface Devices<Entry extends z.ZodType> {
  /** Name of the elements under `devices`. */
  readonly tag: string;
  /** Those without an alias of ours are called by this and their place: `sound0`. */
  readonly prefix: string;
  readonly doc: string;
  readonly entry: SchemaInit<Entry>;
  readonly fields: Table;
  readonly change: ChangeClass;
  /** Most devices of the list. */
  readonly most?: number;
  /** Which elements of that name belong to the list; all unless given. */
  readonly select?: (device: XmlElement) => boolean;
  /** The name of one without an alias of ours, where it has one that is better than its place. */
  readonly nameOf?: (device: XmlElement) => string | undefined;
  /** Whether one without an alias of ours is the declared one. */
  readonly matches?: (device: XmlElement, declared: JsonObject) => boolean;
  /** One that is declared no more is taken away only if it carries its name. */
  readonly removedByName?: boolean;
  /** libvirt knows no alias of theirs: they are found by what matches alone. */
  readonly nameless?: boolean;
  /** A new element for a declared device, bare of what its fields write. */
  readonly make: (declared: JsonObject, domain: XmlElement) => XmlElement;
}

/** A list of devices that need not be declared. */
export function devices<Entry extends z.ZodType>(
  init: Devices<Entry>,
): List<z.ZodOptional<z.ZodArray<Entry>>> {
  const { tag, matches } = init;
  const devicesRefined = (
    entries: readonly { name: string }[],
    context: z.RefinementCtx,
  ) => {
    distinct(entries, context);
    refuseOwned(init.fields, entries, context);
  };
  const schema = () => {
    const array = z.array(typeof init.entry === "function" ? init.entry() : init.entry);
    const bounded = init.most === undefined ? array : array.max(
      init.most,
      `a machine has at most ${init.most === 1 ? "one" : init.most}`,
    );
    return bounded.superRefine((entries, context) =>
      devicesRefined(entries as unknown as readonly { name: string }[], context)
    ).optional().describe(init.doc);
  };
  return list({
    schema,
    path: `./devices/${tag}`,
    select: (domain) => elementsOf(domain, tag).filter(init.select ?? always),
    nameOf: (device, index) =>
      aliasName(device) ?? init.nameOf?.(device) ?? `${init.prefix}${index}`,
    matches: matches &&
      ((device, declared) => aliasName(device) === undefined && matches(device, declared)),
    insert: (domain, declared) => {
      const device = init.make(declared, domain);
      if (init.nameless !== true) append(device, element("alias", { name: `ua-${declared.name}` }));
      append(ensureElement(domain, "./devices"), device, tag);
      return device;
    },
    remove: (domain, device) => remove(ensureElement(domain, "./devices"), device),
    removedByName: init.removedByName,
    nameless: init.nameless,
    change: init.change,
    fields: init.fields,
  });
}

/** The devices of one element name. */
export function elementsOf(domain: XmlElement, tag: string): XmlElement[] {
  const parent = child(domain, "devices");
  return parent === undefined ? [] : children(parent, tag);
}

/** Whether the domain has a USB controller that devices can be plugged into. */
export function hasUsb(domain: XmlElement): boolean {
  return elementsOf(domain, "controller").some((item) =>
    item.attributes.get("type") === "usb" && item.attributes.get("model") !== "none"
  );
}

/** A USB device needs a controller; a machine without USB says so by one of the model `none`. */
export function ensureUsb(domain: XmlElement): void {
  if (hasUsb(domain)) return;
  const none = elementsOf(domain, "controller").find((item) =>
    item.attributes.get("type") === "usb"
  );
  if (none !== undefined) {
    none.attributes.set("model", "qemu-xhci");
    return;
  }
  const controller = element("controller", { type: "usb", index: 0, model: "qemu-xhci" });
  append(ensureElement(domain, "./devices"), controller, "controller");
}

/** USB devices are plugged live where the running guest has a USB controller. */
export function usbChange(running: XmlElement): "live" | "restart" {
  return hasUsb(running) ? "live" : "restart";
}
