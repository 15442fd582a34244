/**
 * What the guest's firmware tells of the machine (SMBIOS).
 *
 * @module
 */

import { z } from "zod";
import { type Field, field, group, shapeOf, type Table, text } from "../../../table/mod.ts";
import {
  children,
  element,
  ensureElement,
  getElement,
  getPath,
  setPath,
  textOf,
} from "../../../xml/mod.ts";
import { word, words } from "./bits.ts";
import { always } from "./common.ts";
import { distinctBy, entries } from "./entries.ts";

/** What a table has to say, by its element. */
const ENTRIES = {
  bios: ["vendor", "version", "date", "release"],
  system: ["manufacturer", "product", "version", "serial", "uuid", "sku", "family"],
  baseBoard: ["manufacturer", "product", "version", "serial", "asset", "location"],
  chassis: ["manufacturer", "version", "serial", "asset", "sku"],
} as const;

type Entry = Field<z.ZodOptional<z.ZodString>>;

function entry(where: string, name: string): Entry {
  const path = `./sysinfo[@type='smbios']/${where}/entry[@name='${name}']`;
  return field({
    schema: () => z.string().min(1).optional().describe(`SMBIOS: ${name} of ${where}.`),
    binding: {
      path,
      read: (domain) => getPath(domain, path),
      write: (domain, value) => {
        setPath(domain, path, `${value}`);
        setPath(domain, "./os/smbios/@mode", "sysinfo");
      },
    },
    change: "restart",
  });
}

function part<Name extends keyof typeof ENTRIES>(name: Name, doc: string) {
  const fields = Object.fromEntries(ENTRIES[name].map((item) => [item, entry(name, item)])) as {
    [Item in (typeof ENTRIES)[Name][number]]: Entry;
  };
  const schema = z.strictObject(shapeOf(fields)).optional().describe(doc);
  return group({ schema, fields });
}

const members = {
  mode: word(
    "./os/smbios/@mode",
    ["emulate", "host", "sysinfo"],
    "emulate: QEMU's own; host: as the host has them; sysinfo: what is declared here.",
  ),
  bios: part("bios", "Firmware."),
  system: part("system", "System; its uuid, if declared, is the machine's own."),
  baseBoard: part("baseBoard", "Base board."),
  chassis: part("chassis", "Chassis."),
  oemStrings: field({
    schema: () => z.array(z.string().min(1)).optional().describe("OEM strings, in order."),
    binding: {
      path: "./sysinfo[@type='smbios']/oemStrings/entry",
      read: (domain) => {
        const found = getElement(domain, "./sysinfo[@type='smbios']/oemStrings");
        return found && children(found, "entry").map(textOf);
      },
      write: (domain, value) => {
        setPath(domain, "./sysinfo[@type='smbios']/oemStrings", undefined);
        if (!Array.isArray(value) || value.length === 0) return;
        const made = ensureElement(domain, "./sysinfo[@type='smbios']/oemStrings");
        for (const text of value) made.children.push(element("entry", {}, String(text)));
        setPath(domain, "./os/smbios/@mode", "sysinfo");
      },
    },
    change: "restart",
  }),
} satisfies Table;

const fwCfg = {
  name: field({
    schema: () =>
      z.string().regex(
        /^opt\/[\x21-\x7e]{1,51}$/,
        "must begin with opt/, for example opt/org.example/config",
      )
        .describe("Name, for example `opt/com.coreos/config`, by which the guest finds it."),
    binding: text("./@name"),
    change: "restart",
    equal: always,
  }),
  value: words(".", "What stands there."),
  file: field({
    schema: () =>
      z.string().regex(/^\//, "must be an absolute path on the host").optional()
        .describe("File of the host with what stands there, instead of a value."),
    binding: text("./@file"),
    change: "restart",
  }),
} satisfies Table;

const FW_CFG = "./sysinfo[@type='fwcfg']";

/** SMBIOS, and QEMU's own way to hand the guest's firmware a file. */
export const sysinfo = {
  smbios: group({
    schema: () =>
      z.strictObject(shapeOf(members)).optional()
        .describe("What the firmware tells of the machine."),
    fields: members,
  }),
  firmwareConfig: entries({
    schema: () =>
      z.array(
        z.strictObject(shapeOf(fwCfg)).refine(
          ({ value, file }) => (value === undefined) !== (file === undefined),
          { error: "needs a value or a file, and not both" },
        ),
      ).superRefine(distinctBy("name")).optional().describe(
        "Values and files that the guest finds by name (fw_cfg): Ignition takes its configuration " +
          "from there.",
      ),
    parent: FW_CFG,
    element: "entry",
    attribute: "name",
    key: "name",
    fields: fwCfg,
  }),
} satisfies Table;
