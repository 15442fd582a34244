/**
 * Calls on networks, network filters and host interfaces.
 *
 * @module
 */

import { cString, type Native, type Signature, textAt, view } from "../native.ts";
import { outFlag } from "./domain.ts";
import { pointerArray } from "./objects.ts";
import { composite, quick, slow } from "./shape.ts";

/** A lease that a network's DHCP server gave. */
export interface Lease {
  /** The host's bridge. */
  readonly interface: string;
  /** Seconds since 1970; 0: does not expire. */
  readonly expiry: number;
  /** Which Internet Protocol. */
  readonly family: "ipv4" | "ipv6";
  /** The MAC address of who has the lease. */
  readonly mac: string | null;
  /** The identity association of a DHCPv6 lease. */
  readonly iaid: string | null;
  /** The address that was leased. */
  readonly address: string;
  /** The network's prefix in bits. */
  readonly prefix: number;
  /** The name that the guest has given itself. */
  readonly hostname: string | null;
  /** The client id or DUID that the guest has sent. */
  readonly clientId: string | null;
}

/** C signatures of the composite calls below. */
export const networkNatives: Readonly<Record<string, Signature>> = {
  virNetworkGetAutostart: ["i32", "u64", "buffer"],
  virNetworkGetDHCPLeases: ["i32", "u64", "buffer", "buffer", "u32"],
  virNetworkDHCPLeaseFree: ["void", "u64"],
};

function leases(native: Native, network: bigint, mac: string | null): Lease[] {
  const pointers = pointerArray(
    native,
    (out) => native.int("virNetworkGetDHCPLeases", network, cString(mac), out, 0),
  );
  return pointers.map((pointer) => {
    // struct _virNetworkDHCPLease: iface 0, expirytime 8, type 16, mac 24, iaid 32, ipaddr 40,
    // prefix 48, hostname 56, clientid 64.
    const memory = view(pointer);
    const text = (offset: number) => textAt(memory.getBigUint64(offset));
    const lease: Lease = {
      interface: text(0) ?? "",
      expiry: Number(memory.getBigInt64(8)),
      family: memory.getInt32(16) === 0 ? "ipv4" : "ipv6",
      mac: text(24),
      iaid: text(32),
      address: text(40) ?? "",
      prefix: memory.getUint32(48),
      hostname: text(56),
      clientId: text(64),
    };
    native.call("virNetworkDHCPLeaseFree", pointer);
    return lease;
  });
}

/** Calls on networks, network filters and host interfaces. */
export const networkCalls = {
  virNetworkGetXMLDesc: quick("text", "handle", "u32"),
  virNetworkIsActive: quick("flag", "handle"),
  virNetworkIsPersistent: quick("flag", "handle"),
  virNetworkGetAutostart: outFlag("virNetworkGetAutostart"),
  virNetworkSetAutostart: slow("status", "handle", "i32"),
  virNetworkCreate: slow("status", "handle"),
  virNetworkDestroy: slow("status", "handle"),
  virNetworkUndefine: slow("status", "handle"),
  // The C library knows which argument order the daemon expects.
  virNetworkUpdate: slow("status", "handle", "u32", "u32", "i32", "text", "u32"),
  virNetworkGetBridgeName: quick("text", "handle"),
  virNetworkGetDHCPLeases: composite(leases),
  virNetworkSetMetadata: slow("status", "handle", "i32", "text?", "text?", "text?", "u32"),
  virNetworkGetMetadata: quick("text", "handle", "i32", "text?", "u32"),

  virNWFilterGetXMLDesc: quick("text", "handle", "u32"),
  virNWFilterUndefine: slow("status", "handle"),

  virInterfaceGetXMLDesc: quick("text", "handle", "u32"),
  virInterfaceIsActive: quick("flag", "handle"),
};
