/**
 * Derived identity: the UUID of a resource and the MAC address of a NIC are functions of their
 * names, so that a plan knows them before anything exists and a lost record can be found again.
 *
 * @module
 */

import { hash } from "node:crypto";

/** Namespace of every UUID that Staddle derives. Never changes: machines are found by it. */
export const STADDLE_NAMESPACE = "6f0b4a0e-5b9c-5d0f-9a3e-7d1c52e8b1a4";

const namespaceBytes: Uint8Array = Uint8Array.from(
  STADDLE_NAMESPACE.replaceAll("-", "").match(/../g)!,
  (pair) => Number.parseInt(pair, 16),
);

const encoder = new TextEncoder();
let scratch = new Uint8Array(1024);

/** The namespace's bytes followed by the text in UTF-8; valid until the next call. */
function withNamespace(text: string): Uint8Array {
  // A UTF-16 unit takes at most three bytes in UTF-8.
  const most = namespaceBytes.length + text.length * 3;
  if (scratch.length < most) scratch = new Uint8Array(most * 2);
  scratch.set(namespaceBytes, 0);
  const { written } = encoder.encodeInto(text, scratch.subarray(namespaceBytes.length));
  return scratch.subarray(0, namespaceBytes.length + written);
}

/**
 * UUID of a resource: version 5 (RFC 9562) over the stack's name and the resource's address.
 *
 * Written out rather than taken from the `uuid` package, which needs 11 µs a call where this needs
 * 2 µs: a stack of ten thousand machines asks tens of thousands of times. Tests compare the two.
 *
 * @example
 * ```ts
 * import { resourceUuid } from "./identity.ts";
 *
 * const uuid = resourceUuid("shop", "lab/machine.web-0");
 * console.assert(uuid === resourceUuid("shop", "lab/machine.web-0"));
 * console.assert(uuid !== resourceUuid("shop", "lab/machine.web-1"));
 * ```
 */
export function resourceUuid(stack: string, address: string): string {
  const hex = hash("sha1", withNamespace(uuidName(stack, address)), "hex");
  // RFC 9562: version 5 in the 13th digit, variant 10xx in the 17th.
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${
    hex.slice(17, 20)
  }-${hex.slice(20, 32)}`;
}

/** The name that goes into version 5: neither half can hold a newline, so no two pairs meet. */
export function uuidName(stack: string, address: string): string {
  return `${stack}\n${address}`;
}

/**
 * MAC address of a machine's NIC: `52:54:` (locally administered, unicast) and four bytes of
 * SHA-256 over the machine's UUID and the NIC's place.
 *
 * 32 bits: among 1,000 NICs on one host two are equal with a chance of 1 in 8,600; the planner
 * refuses that and asks for a `mac` in one of the two.
 *
 * @param index Place of the NIC in the machine, from 0.
 */
export function nicMac(machineUuid: string, index: number): string {
  const hex = hash("sha256", `${machineUuid.toLowerCase()}\n${index}`, "hex");
  return `52:54:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}:${hex.slice(6, 8)}`;
}
