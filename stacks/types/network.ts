/**
 * What a network is declared by.
 *
 * @module
 */

import type { AdoptOptions, CommonOptions } from "./common.ts";
import type { XmlPatch } from "./xml_patch.ts";
import type { MetadataFields } from "./machine_fields.ts";

/** An address that is kept for something that the stack does not declare. */
export interface Reservation {
  /** MAC address, for example `52:54:00:12:34:56`. */
  readonly mac: string;
  /** IP address in the subnet, outside the dynamic range. */
  readonly ip: string;
  /** Name by which the network's DNS knows it. */
  readonly name?: string;
}

/** Names that a network's DNS answers. */
export interface DnsOptions {
  /** Whether the network's own DNS runs; true unless declared. */
  readonly enabled?: boolean;
  /** Names beyond those of the machines, which are there anyhow. */
  readonly hosts?: readonly { readonly ip: string; readonly names: readonly string[] }[];
  /** Servers that are asked for everything else; the host's own unless declared. */
  readonly forwarders?: readonly string[];
}

/**
 * A network. Exactly one of `nat`, `route`, `isolated` says where its traffic goes; or `bridge`
 * alone, for a bridge that the host has already.
 */
export interface NetworkOptions extends CommonOptions, AdoptOptions {
  /** Subnet whose machines reach the world behind the host's address: `"10.30.0.0/24"`. */
  readonly nat?: string;
  /** Subnet whose machines are routed to as they are: `"10.30.0.0/24"`. */
  readonly route?: string;
  /** Subnet that leads nowhere else; `true`: without addresses of its own. */
  readonly isolated?: string | true;
  /** Name of the bridge device. Alone: an existing bridge of the host. 15 characters at most. */
  readonly bridge?: string;
  /** The host's own address in the subnet; its first one unless declared. */
  readonly gateway?: string;
  /**
   * Range from which machines that no stack knows get an address; the upper quarter of the subnet
   * unless declared. `false`: no DHCP at all.
   */
  readonly dhcp?: { readonly start: string; readonly end: string } | false;
  /** Addresses for what the stack does not declare; its machines have theirs anyhow. */
  readonly reservations?: readonly Reservation[];
  /** DNS domain of the machines. */
  readonly domain?: string;
  /** The network's DNS. */
  readonly dns?: DnsOptions;
  /** Largest frame in bytes. */
  readonly mtu?: number;
  /** Start together with the host; true unless declared. */
  readonly autostart?: boolean;
  /**
   * Metadata of other programs, by namespace. Namespaces that are not declared stay as they are. A
   * running network shows a change at its next start, and goes on meanwhile.
   */
  readonly metadata?: readonly MetadataFields[];
  /**
   * What no other field says: places in libvirt's XML. A place that another field owns is refused; one
   * that is declared no more stays as it is. A change takes the network down and up.
   */
  readonly xml?: readonly XmlPatch[];
}

/** A network that must be on the host already, and is never changed. */
export interface ExistingNetworkOptions extends CommonOptions {
  /** Its subnet. Only needed when the stack asks for it. */
  readonly subnet?: string;
  /** The host's own address in it. Only needed when the stack asks for it. */
  readonly gateway?: string;
  /** Its bridge. Only needed when the stack asks for it. */
  readonly bridge?: string;
}
