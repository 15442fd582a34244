/**
 * IP and MAC addresses as the kinds need them: one spelling for each, and IPv4 subnets.
 *
 * Imports nothing, so that schemas stay cheap.
 *
 * @module
 */

/** An IPv4 subnet, as unsigned 32-bit numbers. */
export interface Ipv4Subnet {
  /** Leading bits that its addresses share. */
  readonly prefix: number;
  /** The network address. */
  readonly network: number;
  /** The last address. */
  readonly broadcast: number;
}

/** An inclusive range of IPv4 addresses. */
export type Ipv4Range = {
  /** First address. */
  readonly start: string;
  /** Last address. */
  readonly end: string;
};

/** Four decimal parts without leading zeros as an unsigned number; undefined if it is none. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** The usual spelling of an IPv4 address. */
export function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** Reads `10.30.0.0/24`; an address inside it stands for its network. Undefined if it is none. */
export function parseIpv4Subnet(text: string): Ipv4Subnet | undefined {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(text);
  const address = match === null ? undefined : parseIpv4(match[1]!);
  if (match === null || address === undefined || Number(match[2]) > 32) return undefined;
  const prefix = Number(match[2]);
  const size = 2 ** (32 - prefix);
  const network = address - (address % size);
  return { prefix, network, broadcast: network + size - 1 };
}

/** The usual spelling of a subnet. */
export function formatIpv4Subnet(subnet: Ipv4Subnet): string {
  return `${formatIpv4(subnet.network)}/${subnet.prefix}`;
}

/** The prefix of a netmask such as `255.255.255.0`; undefined if its bits have a gap. */
export function prefixOfNetmask(netmask: string): number | undefined {
  const value = parseIpv4(netmask);
  if (value === undefined) return undefined;
  for (let prefix = 0; prefix <= 32; prefix++) {
    if (2 ** 32 - 2 ** (32 - prefix) === value) return prefix;
  }
  return undefined;
}

/** The first address of a subnet, which a network takes for its host unless told otherwise. */
export function firstAddress(subnet: Ipv4Subnet): string {
  return formatIpv4(subnet.network + 1);
}

/** libvirt refuses a range of more than 65,535 addresses; this many leases are plenty. */
const MOST_DYNAMIC = 4096;

/**
 * The DHCP range of a network that names none: the upper quarter of its subnet, at most 4,096
 * addresses, beside the gateway. The planner keeps planned addresses out of it by the same rule.
 *
 * Undefined for a subnet of fewer than eight addresses.
 */
export function defaultRange(subnet: Ipv4Subnet, gateway?: string): Ipv4Range | undefined {
  const size = subnet.broadcast - subnet.network + 1;
  if (size < 8) return undefined;
  const gate = gateway === undefined ? subnet.network + 1 : parseIpv4(gateway);
  let start = subnet.network + (size / 4) * 3;
  let end = subnet.broadcast - 1;
  if (gate !== undefined && gate >= start && gate <= end) {
    // The longer side of the gateway: a range must not hold it.
    if (end - gate >= gate - start) start = gate + 1;
    else end = gate - 1;
  }
  if (start > end) return undefined;
  if (end - start + 1 > MOST_DYNAMIC) start = end - MOST_DYNAMIC + 1;
  return { start: formatIpv4(start), end: formatIpv4(end) };
}

/** One spelling for each IP address; what is none comes back as it is. */
export function canonicalIp(text: string): string {
  const value = parseIpv4(text);
  if (value !== undefined) return formatIpv4(value);
  if (!text.includes(":")) return text;
  // The URL standard prescribes the short form of RFC 5952.
  const url = URL.parse(`http://[${text}]/`);
  return url === null ? text : url.hostname.slice(1, -1);
}

/** Lower case, two digits a byte, colons: as libvirt writes MAC addresses. */
export function canonicalMac(text: string): string {
  return text.toLowerCase().split(/[:-]/).map((byte) => byte.padStart(2, "0")).join(":");
}
