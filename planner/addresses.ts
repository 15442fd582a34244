/**
 * The address plan: which IP address each NIC gets, decided before anything exists.
 *
 * An address follows from the NIC's name, stays once it was given, and never depends on the order
 * of declaration. Addresses are bigints inside, so that IPv4 and IPv6 share one arithmetic and a
 * subnet of any size costs nothing: no list of its addresses is ever made.
 *
 * @module
 */

import { sha256 } from "./sha.ts";

/** An inclusive range of addresses. */
export interface AddressRange {
  readonly start: string;
  readonly end: string;
}

/** A NIC that wants an address. */
export interface AddressRequest {
  /** `<address of the machine>#<nic name>`. */
  readonly key: string;
  /** Address of the network: within it no IP address is given twice. */
  readonly network: string;
  /** The network's subnet, for example `10.30.0.0/24`. */
  readonly subnet: string;
  /** The host's own address in the subnet; the first one by default. */
  readonly gateway?: string;
  /** The dynamic DHCP range; left out: {@linkcode dynamicRange}; `false`: no DHCP. */
  readonly dhcp?: AddressRange | false;
  /** The address that the author asks for. */
  readonly wanted?: string;
}

/** What is wrong with a request, or with several. */
export interface AddressIssue {
  /** Stable code, for example `network.address-outside-subnet`. */
  readonly code: string;
  readonly network: string;
  /** Keys of the requests concerned. */
  readonly keys: readonly string[];
  readonly message: string;
  readonly help?: string;
}

/** A subnet as numbers. */
export interface Subnet {
  readonly family: "ipv4" | "ipv6";
  readonly text: string;
  readonly prefix: number;
  /** The network address. */
  readonly network: bigint;
  /** How many addresses there are in all. */
  readonly size: bigint;
  /** The first address that a NIC may have, gateway included. */
  readonly first: bigint;
  /** The last one. */
  readonly last: bigint;
}

/** libvirt refuses a DHCP range of more than 65,535 addresses; this many leases are plenty. */
const mostDynamic = 4096n;

/** Reads an address strictly: four decimal parts or RFC 4291, no octal, no short forms, no zone. */
export function parseAddress(
  text: string,
): { family: Subnet["family"]; value: bigint } | undefined {
  if (/^(\d{1,3}\.){3}\d{1,3}$/.test(text)) {
    const parts = text.split(".");
    const valid = parts.every((part) => Number(part) <= 255 && !/^0\d/.test(part));
    return valid ? { family: "ipv4", value: join(parts.map(BigInt), 8n) } : undefined;
  }
  const short = shortIpv6(text);
  if (short === undefined) return undefined;
  const [before, after] = short.split("::").map((side) => side.split(":").filter((one) => one));
  const zeros = Array(8 - before!.length - (after?.length ?? 0)).fill("0");
  const groups = [...before!, ...zeros, ...after ?? []];
  return { family: "ipv6", value: join(groups.map((group) => BigInt(`0x${group}`)), 16n) };
}

/** Writes an address in its usual short form. */
export function formatAddress(family: Subnet["family"], value: bigint): string {
  if (family === "ipv4") {
    const n = Number(value);
    return `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
  }
  const digits = value.toString(16).padStart(32, "0");
  return shortIpv6(digits.match(/..../g)!.join(":"))!;
}

/** The short form of RFC 5952, as the URL standard prescribes it; undefined for what is no IPv6. */
function shortIpv6(text: string): string | undefined {
  if (!/^[0-9a-f:.]+$/i.test(text)) return undefined;
  return URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1);
}

/** One number of equally long parts. */
function join(parts: readonly bigint[], bits: bigint): bigint {
  return parts.reduce((value, part) => (value << bits) | part, 0n);
}

/** Reads `10.30.0.0/24`; undefined when it is no subnet or has no room for two addresses. */
export function parseSubnet(text: string): Subnet | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = match === null ? undefined : parseAddress(match[1]!);
  if (match === null || address === undefined) return undefined;
  const prefix = Number(match[2]);
  const bits = address.family === "ipv4" ? 32 : 128;
  if (prefix > bits - 2) return undefined;
  const size = 1n << BigInt(bits - prefix);
  const network = address.value - (address.value % size);
  return {
    family: address.family,
    text,
    prefix,
    network,
    size,
    first: network + 1n,
    // IPv6 has no broadcast address.
    last: network + size - (address.family === "ipv4" ? 2n : 1n),
  };
}

/** The first address of a subnet, which its network takes for the host unless told otherwise. */
export function defaultGateway(subnet: string): string | undefined {
  const parsed = parseSubnet(subnet);
  return parsed === undefined ? undefined : formatAddress(parsed.family, parsed.first);
}

/**
 * The dynamic DHCP range of a subnet whose author named none: its upper quarter, at most 4,096
 * addresses, beside the gateway. Planned addresses lie outside it, so that a lease given to a
 * machine of no stack never takes the address of one that is planned.
 *
 * Undefined for a subnet of fewer than eight addresses: too few to give any away.
 *
 * @example
 * ```ts
 * import { dynamicRange } from "./addresses.ts";
 *
 * const range = dynamicRange("10.30.0.0/24", "10.30.0.1");
 * console.assert(range?.start === "10.30.0.192" && range.end === "10.30.0.254");
 * ```
 */
export function dynamicRange(subnet: string, gateway?: string): AddressRange | undefined {
  const parsed = parseSubnet(subnet);
  if (parsed === undefined || parsed.size < 8n) return undefined;
  const gate = gateway === undefined ? parsed.first : parseAddress(gateway)?.value;
  let start = parsed.network + (parsed.size / 4n) * 3n;
  let end = parsed.last;
  if (gate !== undefined && gate >= start && gate <= end) {
    // The longer side of the gateway; a range must not hold it.
    if (end - gate >= gate - start) start = gate + 1n;
    else end = gate - 1n;
  }
  if (start > end) return undefined;
  if (end - start + 1n > mostDynamic) start = end - mostDynamic + 1n;
  return {
    start: formatAddress(parsed.family, start),
    end: formatAddress(parsed.family, end),
  };
}

/** Addresses that may be planned: the subnet's, less the gaps. */
interface Space {
  readonly subnet: Subnet;
  readonly gateway: bigint;
  readonly dynamic: { readonly start: bigint; readonly end: bigint } | undefined;
  /** Disjoint, rising, inside the subnet. */
  readonly gaps: readonly { readonly start: bigint; readonly end: bigint }[];
  readonly count: bigint;
}

type SpaceOptions = Pick<AddressRequest, "gateway" | "dhcp">;

function spaceOf(text: string, options: SpaceOptions): Space | undefined {
  const subnet = parseSubnet(text);
  if (subnet === undefined) return undefined;
  const gate = options.gateway === undefined ? undefined : parseAddress(options.gateway);
  const gateway = gate?.value ?? subnet.first;
  const range = options.dhcp === undefined
    ? dynamicRange(text, options.gateway)
    : options.dhcp === false
    ? undefined
    : options.dhcp;
  const start = range === undefined ? undefined : parseAddress(range.start)?.value;
  const end = range === undefined ? undefined : parseAddress(range.end)?.value;
  const dynamic = start === undefined || end === undefined ? undefined : { start, end };
  const raw = [{ start: gateway, end: gateway }, ...(dynamic === undefined ? [] : [dynamic])]
    .map((gap) => ({
      start: gap.start < subnet.first ? subnet.first : gap.start,
      end: gap.end > subnet.last ? subnet.last : gap.end,
    }))
    .filter((gap) => gap.start <= gap.end)
    .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const gaps: { start: bigint; end: bigint }[] = [];
  for (const gap of raw) {
    const before = gaps.at(-1);
    if (before !== undefined && gap.start <= before.end + 1n) {
      if (gap.end > before.end) before.end = gap.end;
    } else gaps.push({ ...gap });
  }
  let count = subnet.last - subnet.first + 1n;
  for (const gap of gaps) count -= gap.end - gap.start + 1n;
  return { subnet, gateway, dynamic, gaps, count };
}

/** The address at a place among those that may be planned. */
function at(space: Space, index: bigint): bigint {
  let value = space.subnet.first + index;
  for (const gap of space.gaps) {
    if (value < gap.start) break;
    value += gap.end - gap.start + 1n;
  }
  return value;
}

function preferredIndex(space: Space, key: string): bigint {
  // 64 bits: the bias of the remainder is far below anything that matters, for IPv4 and a /64.
  return BigInt(`0x${sha256(new TextEncoder().encode(key)).slice(0, 16)}`) % space.count;
}

/**
 * The address that a NIC gets if nobody else has it: it follows from the NIC's key alone.
 *
 * Undefined when the subnet is not valid or has no address to give.
 */
export function preferredAddress(
  subnet: string,
  key: string,
  options: SpaceOptions = {},
): string | undefined {
  const space = spaceOf(subnet, options);
  if (space === undefined || space.count <= 0n) return undefined;
  return formatAddress(space.subnet.family, at(space, preferredIndex(space, key)));
}

/** The first and the last address that a NIC may be given, for a message. */
function ends({ subnet, gaps }: Space): { readonly low: bigint; readonly high: bigint } {
  const below = gaps.find(({ start }) => start === subnet.first);
  const above = gaps.find(({ end }) => end === subnet.last);
  const low = below === undefined ? subnet.first : below.end + 1n;
  const high = above === undefined ? subnet.last : above.start - 1n;
  return low <= high ? { low, high } : { low: subnet.first, high: subnet.last };
}

/** Why a NIC cannot have an address, apart from another NIC that has it. */
function unfit(
  space: Space,
  text: string,
): Pick<AddressIssue, "code" | "message" | "help"> | bigint {
  const { subnet } = space;
  const show = (value: bigint) => formatAddress(subnet.family, value);
  const { low, high } = ends(space);
  const valid = `an address from ${show(low)} to ${show(high)}`;
  const address = parseAddress(text);
  if (address === undefined) {
    return {
      code: "network.address-invalid",
      message: `"${text}" is no IP address`,
      help: `give ${valid}`,
    };
  }
  const { value } = address;
  if (
    address.family !== subnet.family || value < subnet.network ||
    value >= subnet.network + subnet.size
  ) {
    return {
      code: "network.address-outside-subnet",
      message: `address ${text} is outside the subnet ${subnet.text}`,
      help: `give ${valid}, or leave it out to have one chosen`,
    };
  }
  const reserved = value === subnet.network
    ? "the network address"
    : value === space.gateway
    ? "the gateway"
    : value > subnet.last
    ? "the broadcast address"
    : undefined;
  if (reserved !== undefined) {
    return {
      code: "network.address-reserved",
      message: `address ${text} is ${reserved} of ${subnet.text}`,
      help: `give ${valid}, or leave it out to have one chosen`,
    };
  }
  if (space.dynamic !== undefined && value >= space.dynamic.start && value <= space.dynamic.end) {
    const { start, end } = space.dynamic;
    return {
      code: "network.address-in-dynamic-range",
      message: `address ${text} is in the dynamic DHCP range ${show(start)} to ${show(end)}`,
      help: `give ${valid}, or set the network's "dhcp" to another range`,
    };
  }
  return value;
}

/** What {@linkcode reserve} found. */
export interface Reservations {
  /** IP address by request key; a request with an issue has none. */
  readonly reservations: Readonly<Record<string, string>>;
  readonly issues: readonly AddressIssue[];
}

/**
 * Gives every NIC an address: wanted ones as they are, then those that were given before and are
 * still valid, then by probing from the preferred address. The answer does not depend on the order
 * of the requests.
 *
 * @param prior Addresses that were given before, by key: they stay.
 */
export function reserve(
  requests: readonly AddressRequest[],
  prior: Readonly<Record<string, string>> = {},
): Reservations {
  const reservations: Record<string, string> = {};
  const issues: AddressIssue[] = [];
  const networks = new Map<string, AddressRequest[]>();
  const byKey = (a: AddressRequest, b: AddressRequest) => (a.key < b.key ? -1 : 1);
  for (const request of [...requests].sort(byKey)) {
    const list = networks.get(request.network);
    if (list === undefined) networks.set(request.network, [request]);
    else list.push(request);
  }
  for (const network of [...networks.keys()].sort()) {
    reserveIn(network, networks.get(network)!, prior, reservations, issues);
  }
  return { reservations, issues };
}

function reserveIn(
  network: string,
  requests: readonly AddressRequest[],
  prior: Readonly<Record<string, string>>,
  reservations: Record<string, string>,
  issues: AddressIssue[],
): void {
  const keys = requests.map((request) => request.key);
  const [sample] = requests;
  const space = spaceOf(sample!.subnet, sample!);
  if (space === undefined) {
    issues.push({
      code: "network.subnet-invalid",
      network,
      keys,
      message: `"${sample!.subnet}" is no subnet with room for machines`,
      help: "write it like 10.30.0.0/24, with a prefix of at most 30 (IPv4) or 126 (IPv6)",
    });
    return;
  }
  const { family } = space.subnet;
  const holders = new Map<bigint, string>();
  const take = (key: string, value: bigint) => {
    holders.set(value, key);
    reservations[key] = formatAddress(family, value);
  };

  const open: AddressRequest[] = [];
  for (const request of requests) {
    if (request.wanted === undefined) {
      open.push(request);
      continue;
    }
    const value = unfit(space, request.wanted);
    if (typeof value !== "bigint") {
      issues.push({ network, keys: [request.key], ...value });
      continue;
    }
    const holder = holders.get(value);
    if (holder === undefined) take(request.key, value);
    else {
      issues.push({
        code: "network.address-taken",
        network,
        keys: [holder, request.key],
        message: `address ${request.wanted} is wanted twice on ${network}: by ${holder} and by ` +
          request.key,
        help: "give one of them another address, or leave it out to have one chosen",
      });
    }
  }

  const fresh: AddressRequest[] = [];
  for (const request of open) {
    const kept = Object.hasOwn(prior, request.key) ? prior[request.key]! : undefined;
    const value = kept === undefined ? undefined : unfit(space, kept);
    if (typeof value === "bigint" && !holders.has(value)) take(request.key, value);
    else fresh.push(request);
  }

  const left: string[] = [];
  for (const request of fresh) {
    if (BigInt(holders.size) >= space.count) {
      left.push(request.key);
      continue;
    }
    let index = preferredIndex(space, request.key);
    let value = at(space, index);
    while (holders.has(value)) {
      index = index + 1n === space.count ? 0n : index + 1n;
      value = at(space, index);
    }
    take(request.key, value);
  }
  if (left.length > 0) issues.push(full(network, space, keys.length, left));
}

function full(network: string, space: Space, wanted: number, left: string[]): AddressIssue {
  const { subnet, dynamic } = space;
  const shown = left.slice(0, 3).join(", ") +
    (left.length > 3 ? ` and ${left.length - 3} more` : "");
  const minus = [
    subnet.family === "ipv4" ? "network and broadcast address" : "network address",
    "gateway",
    ...(dynamic === undefined ? [] : [
      `dynamic DHCP range ${formatAddress(subnet.family, dynamic.start)} to ` +
      formatAddress(subnet.family, dynamic.end),
    ]),
  ];
  return {
    code: "network.subnet-full",
    network,
    keys: left,
    message: `subnet ${subnet.text} is full: ${wanted} machines want an address, it has ` +
      `${space.count} to give (${subnet.size} less ${minus.join(", ")}); none is left for ${shown}`,
    help: dynamic === undefined
      ? `choose a larger subnet, for example a /${Math.max(subnet.prefix - 1, 1)}`
      : `choose a larger subnet, for example a /${Math.max(subnet.prefix - 1, 1)}, or a smaller ` +
        `dynamic range ("dhcp")`,
  };
}
