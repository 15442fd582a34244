/**
 * Derived identity: the UUID of a resource and the MAC address of a NIC are functions of their
 * names, so that a plan knows them before anything exists and a lost record can be found again.
 *
 * @module
 */

import { sha1, sha256 } from "./sha.ts";

/** Namespace of every UUID that Staddle derives. Never changes: machines are found by it. */
export const STADDLE_NAMESPACE = "6f0b4a0e-5b9c-5d0f-9a3e-7d1c52e8b1a4";

const namespaceBytes: Uint8Array = Uint8Array.from(
  STADDLE_NAMESPACE.replaceAll("-", "").match(/../g)!,
  (pair) => Number.parseInt(pair, 16),
);

const encoder = new TextEncoder();

/**
 * UUID of a resource: version 5 (RFC 9562) over the stack's name and the resource's address.
 *
 * Written out rather than taken from the `uuid` package, which every evaluation would have to load.
 * Tests compare the two.
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
  const name = encoder.encode(uuidName(stack, address));
  const bytes = new Uint8Array(namespaceBytes.length + name.length);
  bytes.set(namespaceBytes);
  bytes.set(name, namespaceBytes.length);
  const hex = sha1(bytes);
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
  const hex = sha256(encoder.encode(`${machineUuid.toLowerCase()}\n${index}`));
  return `52:54:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}:${hex.slice(6, 8)}`;
}
