/**
 * What a host can emulate, read from libvirt's capabilities. Pure.
 *
 * @module
 */

import type { Emulator } from "../facts.ts";
import { child, children, getPath, textOf, type XmlElement } from "../xml/mod.ts";

/** Machine types for which UEFI firmware is asked: libvirt knows firmware by machine type. */
const UEFI_MACHINE: Readonly<Record<string, string>> = {
  x86_64: "q35",
  i686: "q35",
  aarch64: "virt",
  armv7l: "virt",
  riscv64: "virt",
  loongarch64: "virt",
};

/** Emulators by architecture. `efi` is filled in from the domain capabilities. */
export function emulatorsOf(
  capabilities: XmlElement,
  efi: ReadonlySet<string>,
): Record<string, Emulator> {
  const found: Record<string, Emulator> = {};
  for (const guest of children(capabilities, "guest")) {
    const osType = child(guest, "os_type");
    const arch = child(guest, "arch");
    const name = arch?.attributes.get("name");
    if (arch === undefined || name === undefined || osType === undefined) continue;
    if (textOf(osType) !== "hvm") continue;
    found[name] = {
      path: getPath(arch, "./emulator") ?? "",
      domainTypes: children(arch, "domain").map((item) => item.attributes.get("type") ?? ""),
      machines: children(arch, "machine").map((item) => {
        const canonical = item.attributes.get("canonical");
        return { name: textOf(item), ...(canonical === undefined ? {} : { canonical }) };
      }),
      efi: efi.has(name),
    };
  }
  return found;
}

/** Architectures and machine types to ask for UEFI firmware. */
export function uefiQuestions(
  emulators: Readonly<Record<string, Emulator>>,
): { readonly arch: string; readonly machine: string; readonly emulator: string }[] {
  return Object.entries(emulators).flatMap(([arch, { path, machines }]) => {
    const machine = UEFI_MACHINE[arch];
    return machine !== undefined && machines.some(({ name }) => name === machine)
      ? [{ arch, machine, emulator: path }]
      : [];
  });
}

/** Whether domain capabilities offer UEFI firmware that libvirt can choose by itself. */
export function offersUefi(domainCapabilities: XmlElement): boolean {
  const os = child(domainCapabilities, "os");
  const firmware = os === undefined
    ? undefined
    : children(os, "enum").find((item) => item.attributes.get("name") === "firmware");
  return firmware !== undefined &&
    children(firmware, "value").some((item) => textOf(item) === "efi");
}
