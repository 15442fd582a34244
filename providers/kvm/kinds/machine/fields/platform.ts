/**
 * What a machine is made of before any device: accelerator, architecture, machine type, firmware, boot.
 *
 * @module
 */

import { z } from "zod";
import { field, group, shapeOf, type Table, text } from "../../../table/mod.ts";
import { reference } from "../../reference.ts";
import * as places from "../places.ts";

/** `q35` means the version that it stood for when the machine was made. */
function machineTypeEqual(declared: unknown, actual: unknown): boolean {
  if (declared === actual) return true;
  const family = declared === "pc" ? "i440fx" : String(declared);
  const [, name] = /^(?:pc-)?(.+)-\d[\d.]*$/.exec(String(actual)) ?? [];
  return name === family;
}

const boot = {
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
} satisfies Table;

/** Accelerator, architecture, machine type, firmware, direct kernel boot. */
export const platform = {
  accel: field({
    schema: z.enum(["prefer-kvm", "require-kvm", "tcg"]).optional().describe(
      "prefer-kvm (unless declared): KVM where guests really run under it, else TCG; " +
        "require-kvm: refused where they do not; tcg: full emulation.",
    ),
    binding: places.accelerator,
    change: "restart",
    equal: (declared, actual) => declared === "prefer-kvm" || declared === actual,
  }),
  arch: field({
    schema: z.string().regex(/^[a-z0-9_]+$/, "must be an architecture, for example x86_64")
      .optional()
      .describe("Architecture of the guest, for example x86_64; the host's unless declared."),
    binding: text("./os/type/@arch"),
    change: "restart",
  }),
  machine: field({
    schema: z.string().min(1).optional().describe(
      "Machine type; q35 unless declared. An alias stays at the version that it first meant.",
    ),
    binding: text("./os/type/@machine"),
    change: "restart",
    equal: machineTypeEqual,
  }),
  firmware: field({
    schema: z.enum(["bios", "uefi"]).optional()
      .describe("Firmware; the machine type's own unless declared."),
    binding: places.firmware,
    change: "restart",
  }),
  boot: group({
    schema: z.strictObject(shapeOf(boot)).optional().describe("Direct kernel boot."),
    fields: boot,
  }),
} satisfies Table;
