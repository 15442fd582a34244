/**
 * A network as it is declared, once it is resolved.
 *
 * @module
 */

import type { JsonObject } from "../../../provider.ts";

/** A DHCP reservation; the MAC address is its key. */
export interface ReservationSpec extends JsonObject {
  readonly mac: string;
  readonly ip: string;
  readonly name?: string;
}

/** A host that the network's DNS knows; the address is its key. */
export interface DnsHostSpec extends JsonObject {
  readonly ip: string;
  readonly names: readonly string[];
}

/** DNS of a network. */
export interface DnsSpec extends JsonObject {
  readonly enabled?: boolean;
  readonly hosts?: readonly DnsHostSpec[];
  readonly forwarders?: readonly string[];
}

/** A dynamic range. */
export interface RangeSpec extends JsonObject {
  readonly start: string;
  readonly end: string;
}

/** A resolved network. */
export interface NetworkSpec extends JsonObject {
  readonly name: string;
  readonly mode?: "nat" | "route" | "isolated" | "bridge";
  readonly bridge?: string;
  readonly subnet?: string;
  /** Filled in when a subnet is declared. */
  readonly gateway?: string;
  readonly dhcp?: RangeSpec | false;
  readonly reservations?: readonly ReservationSpec[];
  readonly domain?: string;
  readonly dns?: DnsSpec;
  readonly mtu?: number;
  readonly autostart?: boolean;
}
