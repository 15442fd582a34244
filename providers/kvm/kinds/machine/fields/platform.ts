/**
 * What a machine is made of before any device: accelerator, architecture, machine type, firmware.
 *
 * @module
 */

import { z } from "zod";
import { type Binding, field, group, shapeOf, type Table, text } from "../../../table/mod.ts";
import { getPath, setPath, type XmlElement } from "../../../xml/mod.ts";
import * as places from "../places.ts";
import { since, toggle, word, words, YES_NO } from "./bits.ts";

/** `q35` means the version that it stood for when the machine was made. */
function machineTypeEqual(declared: unknown, actual: unknown): boolean {
  if (declared === actual) return true;
  const family = declared === "pc" ? "i440fx" : String(declared);
  const [, name] = /^(?:pc-)?(.+)-\d[\d.]*$/.exec(String(actual)) ?? [];
  return name === family;
}

const loader = {
  path: {
    ...words("./os/loader", "Absolute path of the firmware's code on the host."),
    binding: {
      ...text("./os/loader"),
      // libvirt chooses by a word, or takes the path: not both.
      write: (domain, value) => {
        chooseNoFirmware(domain);
        text("./os/loader").write(domain, value);
      },
    },
  },
  type: word("./os/loader/@type", ["rom", "pflash"], "rom: a BIOS; pflash: UEFI in flash memory."),
  readonly: toggle("./os/loader/@readonly", YES_NO, "Whether the guest may write to it."),
  secure: toggle("./os/loader/@secure", YES_NO, "Whether it needs system management mode."),
  stateless: since(
    "8.6.0",
    toggle("./os/loader/@stateless", YES_NO, "Whether it goes without a file of variables."),
  ),
} satisfies Table;

/** libvirt is not to choose firmware: 11.3 says beside firmware named by its path, too, that it did. */
function chooseNoFirmware(domain: XmlElement): void {
  setPath(domain, "./os/@firmware", undefined);
  setPath(domain, "./os/firmware", undefined);
}

/** The variables that a new file is copied from go with their format, which libvirt finds out itself. */
function setTemplate(domain: XmlElement, value: unknown): void {
  setPath(domain, "./os/nvram/@templateFormat", undefined);
  setPath(domain, "./os/nvram/@template", value === undefined ? undefined : String(value));
}

/** UEFI with secure boot: a feature that libvirt is asked for, or a loader that has it. */
const secureBoot: Binding = {
  path: "./os/firmware/feature[@name='secure-boot']/@enabled",
  read: (domain) => {
    const word = getPath(domain, "./os/firmware/feature[@name='secure-boot']/@enabled");
    if (word !== undefined) return word === "yes";
    const secure = getPath(domain, "./os/loader/@secure");
    if (secure !== undefined) return secure === "yes";
    // While libvirt is to choose nothing is known: beside system management mode it takes secure boot.
    return getPath(domain, "./os/loader/@type") === "pflash" ? false : undefined;
  },
  write: (domain, value) => {
    const enabled = value === true ? "yes" : "no";
    for (const name of ["secure-boot", "enrolled-keys"]) {
      // libvirt takes enrolled keys as a wish for secure boot.
      setPath(domain, `./os/firmware/feature[@name='${name}']/@name`, name);
      setPath(domain, `./os/firmware/feature[@name='${name}']/@enabled`, enabled);
    }
    // Firmware that was chosen before is chosen anew; the variables stay where they are.
    if (getPath(domain, "./os/@firmware") === undefined) return;
    setPath(domain, "./os/loader", undefined);
    setTemplate(domain, undefined);
  },
};

/** A template of one's own: firmware that was chosen stays, and libvirt has no choice that could not fit it. */
const nvramTemplate: Binding = {
  ...text("./os/nvram/@template"),
  write: (domain, value) => {
    if (getPath(domain, "./os/loader") !== undefined) chooseNoFirmware(domain);
    setTemplate(domain, value);
  },
};

/** Accelerator, architecture, machine type, firmware. */
export const platform = {
  accel: field({
    schema: () =>
      z.enum(["prefer-kvm", "require-kvm", "tcg"]).optional().describe(
        "prefer-kvm (unless declared): KVM where guests really run under it, else TCG; " +
          "require-kvm: refused where they do not; tcg: full emulation.",
      ),
    binding: places.accelerator,
    change: "restart",
    equal: (declared, actual) => declared === "prefer-kvm" || declared === actual,
  }),
  arch: field({
    schema: () =>
      z.string().regex(/^[a-z0-9_]+$/, "must be an architecture, for example x86_64")
        .optional()
        .describe("Architecture of the guest, for example x86_64; the host's unless declared."),
    binding: text("./os/type/@arch"),
    change: "restart",
  }),
  machine: field({
    schema: () =>
      z.string().min(1).optional().describe(
        "Machine type; q35 unless declared. An alias stays at the version that it first meant.",
      ),
    binding: text("./os/type/@machine"),
    change: "restart",
    equal: machineTypeEqual,
  }),
  firmware: field({
    schema: () =>
      z.enum(["bios", "uefi"]).optional()
        .describe("Firmware; the machine type's own unless declared."),
    binding: places.firmware,
    change: "restart",
  }),
  secureBoot: field({
    schema: () =>
      z.boolean().optional().describe(
        "Whether UEFI starts only what is signed; on, with the vendors' keys, or off.",
      ),
    binding: secureBoot,
    change: "restart",
  }),
  nvram: words(
    "./os/nvram",
    "Absolute path on the host of the file with the UEFI variables; libvirt names one unless " +
      "declared. It stays through every change.",
  ),
  nvramTemplate: field({
    schema: () =>
      z.string().min(1).optional().describe(
        "Absolute path on the host of the variables that a new `nvram` is copied from.",
      ),
    binding: nvramTemplate,
    change: "restart",
  }),
  loader: group({
    schema: () =>
      z.strictObject({ ...shapeOf(loader), path: loader.path.schema.unwrap() }).optional()
        .describe("Firmware by its path, instead of `firmware`."),
    fields: loader,
  }),
  emulator: words(
    "./devices/emulator",
    "Absolute path of QEMU on the host; that of the architecture unless declared.",
  ),
  acpiTable: words(
    "./os/acpi/table[@type='slic']",
    "Absolute path on the host of an ACPI table (SLIC) that the guest finds.",
  ),
} satisfies Table;
