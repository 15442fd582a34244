/**
 * Addresses of PCI devices: `0000:3b:00.1`.
 *
 * @module
 */

import { z } from "zod";
import type { XmlElement } from "../../../xml/mod.ts";

const PATTERN = /^(?:([0-9a-f]{4}):)?([0-9a-f]{2}):([01][0-9a-f])\.([0-7])$/;

/** The address of a PCI device of the host, normalised to four parts. */
export const pciAddress = z.string().toLowerCase().regex(
  PATTERN,
  "must be a PCI address as lspci prints it, for example 0000:3b:00.1",
).transform((address) => /^[0-9a-f]{4}:/.test(address) ? address : `0000:${address}`);

/** The attributes of an `address` element. */
export function pciAttributes(address: string): Record<string, string> {
  const [, domain = "0000", bus, slot, functionNumber] = PATTERN.exec(address) ?? [];
  return {
    domain: `0x${domain}`,
    bus: `0x${bus}`,
    slot: `0x${slot}`,
    function: `0x${functionNumber}`,
  };
}

/** An `address` element as `0000:3b:00.1`. */
export function formatPci(address: XmlElement): string {
  const part = (name: string, width: number) =>
    Number(address.attributes.get(name) ?? 0).toString(16).padStart(width, "0");
  return `${part("domain", 4)}:${part("bus", 2)}:${part("slot", 2)}.${part("function", 1)}`;
}
