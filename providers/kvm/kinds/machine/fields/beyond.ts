/**
 * What stands outside of the devices and above them: launch security, arguments for QEMU itself.
 *
 * @module
 */

import { z } from "zod";
import type { JsonObject } from "../../../../provider.ts";
import { custom, field, group, shapeOf, type Table, text } from "../../../table/mod.ts";
import { append, child, children, element, remove, type XmlElement } from "../../../xml/mod.ts";
import { toggle, whole, YES_NO } from "./bits.ts";
import { carrying } from "./single.ts";

const LAUNCH = "./launchSecurity";

const launch = {
  type: field({
    schema: () =>
      z.enum(["sev", "s390-pv"]).describe("AMD's SEV, or s390's protected virtualisation."),
    binding: carrying(".", "launchSecurity", text(`${LAUNCH}/@type`)),
    change: "restart",
    withdrawn: true,
  }),
  policy: field({
    schema: () =>
      z.int().min(0).max(2 ** 32 - 1).optional()
        .describe("Bits of the guest's policy: 1 no debugging, 2 no shared key, 4 SEV-ES …"),
    binding: custom(`${LAUNCH}/policy`, (domain) => {
      const found = text(`${LAUNCH}/policy`).read(domain);
      return found === undefined ? undefined : Number(found);
    }, (domain, value) =>
      text(`${LAUNCH}/policy`).write(
        domain,
        value === undefined ? undefined : `0x${Number(value).toString(16).padStart(4, "0")}`,
      )),
    change: "restart",
  }),
  cBitPosition: whole(`${LAUNCH}/cbitpos`, [0, 63], "Bit that marks encrypted pages; the host's."),
  reducedPhysBits: whole(
    `${LAUNCH}/reducedPhysBits`,
    [0, 63],
    "Bits that addresses lose by it; the host's.",
  ),
  kernelHashes: toggle(`${LAUNCH}/@kernelHashes`, YES_NO, "Measure a directly booted kernel."),
  dhCert: field({
    schema: () => z.base64().optional().describe("The guest owner's Diffie-Hellman key, Base64."),
    binding: text(`${LAUNCH}/dhCert`),
    change: "restart",
  }),
  session: field({
    schema: () => z.base64().optional().describe("The guest owner's session blob, Base64."),
    binding: text(`${LAUNCH}/session`),
    change: "restart",
  }),
} satisfies Table;

const launchSchema = () =>
  z.strictObject(shapeOf(launch)).superRefine(({ type, ...rest }, context) => {
    if (type === "sev") {
      if (rest.policy === undefined) {
        context.addIssue({
          code: "custom",
          path: ["policy"],
          message: 'is required with type "sev", for example 3',
        });
      }
      return;
    }
    for (const [name, value] of Object.entries(rest)) {
      if (value === undefined) continue;
      context.addIssue({ code: "custom", path: [name], message: 'goes with type "sev"' });
    }
  });

const QEMU = "http://libvirt.org/schemas/domain/qemu/1.0";

/** The prefix that the document has for QEMU's namespace; `qemu` unless it says otherwise. */
function prefixOf(domain: XmlElement): string {
  for (const [name, value] of domain.attributes) {
    if (value === QEMU && name.startsWith("xmlns:")) return name.slice("xmlns:".length);
  }
  return "qemu";
}

function commandLine(domain: XmlElement): XmlElement | undefined {
  return child(domain, `${prefixOf(domain)}:commandline`);
}

function ensureCommandLine(domain: XmlElement): XmlElement {
  const known = commandLine(domain);
  if (known !== undefined) return known;
  const prefix = prefixOf(domain);
  domain.attributes.set(`xmlns:${prefix}`, QEMU);
  const made = element(`${prefix}:commandline`);
  append(domain, made);
  return made;
}

/** Entries of the command line; the element goes with the last of them. */
function replaceEntries(domain: XmlElement, name: string, made: readonly XmlElement[]): void {
  const line = made.length > 0 ? ensureCommandLine(domain) : commandLine(domain);
  if (line === undefined) return;
  for (const item of children(line, `${prefixOf(domain)}:${name}`)) remove(line, item);
  for (const item of made) append(line, item, item.name);
  if (children(line).length === 0) remove(domain, line);
}

const qemu = {
  args: field({
    schema: () =>
      z.array(z.string()).optional()
        .describe(
          'Arguments, one an entry: ["-device", "pvpanic"]. libvirt does not support them.',
        ),
    binding: custom("./qemu:commandline/qemu:arg/@value", (domain) => {
      const line = commandLine(domain);
      const found = line && children(line, `${prefixOf(domain)}:arg`);
      return found === undefined || found.length === 0
        ? undefined
        : found.map((item) => item.attributes.get("value") ?? "");
    }, (domain, value) => {
      const name = `${prefixOf(domain)}:arg`;
      const made = ((value ?? []) as string[]).map((one) => element(name, { value: one }));
      replaceEntries(domain, "arg", made);
    }),
    change: "restart",
    withdrawn: true,
    equal: (declared, actual) => JSON.stringify(declared) === JSON.stringify(actual ?? []),
  }),
  env: field({
    schema: () =>
      z.record(
        z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of a variable"),
        z.string(),
      ).optional().describe("Environment of the QEMU process."),
    binding: custom("./qemu:commandline/qemu:env", (domain) => {
      const line = commandLine(domain);
      const found = line && children(line, `${prefixOf(domain)}:env`);
      return found === undefined || found.length === 0 ? undefined : Object.fromEntries(
        found.map((
          item,
        ) => [item.attributes.get("name") ?? "", item.attributes.get("value") ?? ""]),
      );
    }, (domain, value) => {
      const name = `${prefixOf(domain)}:env`;
      const made = Object.entries((value ?? {}) as JsonObject).map(([variable, one]) =>
        element(name, { name: variable, value: String(one) })
      );
      replaceEntries(domain, "env", made);
    }),
    change: "restart",
    withdrawn: true,
    equal: (declared, actual) => sorted(declared as JsonObject) === sorted(actual as JsonObject),
  }),
} satisfies Table;

function sorted(variables: JsonObject | undefined): string {
  return JSON.stringify(Object.entries(variables ?? {}).sort(([a], [b]) => a < b ? -1 : 1));
}

/** Launch security, QEMU's own arguments. */
export const beyond = {
  launchSecurity: group({
    schema: () => launchSchema().optional().describe("Memory that the host cannot read."),
    fields: launch,
  }),
  qemu: group({
    schema: () =>
      z.strictObject(shapeOf(qemu)).optional()
        .describe("Arguments and environment for QEMU, past libvirt."),
    fields: qemu,
  }),
} satisfies Table;
