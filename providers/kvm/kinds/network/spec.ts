/**
 * A network as it is declared, once it is resolved.
 *
 * @module
 */

import type { JsonObject } from "../../../provider.ts";

/** A DHCP reservation; the MAC address is its key. */
export interface ReservationSpec extends JsonObject {
  /** Lower case, with colons. */
  readonly mac: string;
  /** IPv4 address that is handed out. */
  readonly ip: string;
  /** Host name that is handed out. */
  readonly name?: string;
}

/** A host that the network's DNS knows; the address is its key. */
export interface DnsHostSpec extends JsonObject {
  /** Canonical IPv4 or IPv6 address. */
  readonly ip: string;
  /** Its names. */
  readonly names: readonly string[];
}

/** DNS of a network. */
export interface DnsSpec extends JsonObject {
  /** Whether the network answers DNS queries. */
  readonly enabled?: boolean;
  /** Names that it answers itself. */
  readonly hosts?: readonly DnsHostSpec[];
  /** Servers that are asked for other names. */
  readonly forwarders?: readonly string[];
}

/** A place in libvirt's XML, and what must stand there. */
export interface PatchSpec extends JsonObject {
  /** The place. */
  readonly path: string;
  /** Text or attribute; null: nothing. */
  readonly value?: string | null;
  /** Element, as XML. */
  readonly element?: string;
}

/** Metadata of another program; its namespace is its key. */
export interface MetadataSpec extends JsonObject {
  /** URI of the namespace. */
  readonly namespace: string;
  /** Prefix that it is written with. */
  readonly prefix?: string;
  /** The element, as XML. */
  readonly element: string;
}

/** A dynamic range. */
export interface RangeSpec extends JsonObject {
  /** First address. */
  readonly start: string;
  /** Last address. */
  readonly end: string;
}

/** A resolved network. */
export interface NetworkSpec extends JsonObject {
  /** Name of the libvirt network. */
  readonly name: string;
  /** How guests reach beyond the network. */
  readonly mode?: "nat" | "route" | "isolated" | "bridge";
  /** Bridge on the host. */
  readonly bridge?: string;
  /** IPv4 subnet, for example `10.30.0.0/24`. */
  readonly subnet?: string;
  /** Filled in when a subnet is declared. */
  readonly gateway?: string;
  /** Dynamic range, or false for none. */
  readonly dhcp?: RangeSpec | false;
  /** Addresses kept for NICs. */
  readonly reservations?: readonly ReservationSpec[];
  /** DNS domain of the guests. */
  readonly domain?: string;
  /** DNS server of the network. */
  readonly dns?: DnsSpec;
  /** Largest packet in bytes. */
  readonly mtu?: number;
  /** Starts together with the host. */
  readonly autostart?: boolean;
  /** Metadata of other programs. */
  readonly metadata?: readonly MetadataSpec[];
  /** What no other field says. */
  readonly xml?: readonly PatchSpec[];
}
