import { must } from "./command.ts";

/** A /24 for a fleet's hosts, written as its first three bytes: `10.211.7`. */
export type Prefix = string;

interface IpAddress {
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}
interface IpRoute {
  readonly dst?: string;
}

/**
 * Picks a /24 from 10.128.0.0 up to 10.207.255.0 that overlaps no address and no route of this machine. What is
 * above is left to networks that tests make on the machine itself, maybe at this very moment.
 */
export async function freePrefix(): Promise<Prefix> {
  const taken: string[] = [];
  for (const link of JSON.parse(await must("ip", ["-j", "-4", "address"])) as IpAddress[]) {
    for (const info of link.addr_info ?? []) {
      if (info.local !== undefined) taken.push(`${info.local}/${info.prefixlen ?? 32}`);
    }
  }
  for (const route of JSON.parse(await must("ip", ["-j", "-4", "route"])) as IpRoute[]) {
    if (route.dst !== undefined && route.dst !== "default") taken.push(route.dst);
  }
  for (let attempt = 0; attempt < 200; attempt++) {
    const [second, third] = crypto.getRandomValues(new Uint8Array(2));
    const prefix = `10.${128 + second! % 80}.${third}`;
    if (!taken.some((network) => overlaps(`${prefix}.0/24`, network))) return prefix;
  }
  throw new Error("no free /24 was found from 10.128.0.0 to 10.207.255.0");
}

/** Whether two IPv4 networks have an address in common. */
export function overlaps(one: string, other: string): boolean {
  const [a, aBits] = parse(one);
  const [b, bBits] = parse(other);
  const bits = Math.min(aBits, bBits);
  const shift = 2 ** (32 - bits);
  return Math.floor(a / shift) === Math.floor(b / shift);
}

function parse(network: string): readonly [number, number] {
  const [address, bits] = network.split("/");
  const value = address!.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return [value, bits === undefined ? 32 : Number(bits)];
}

/** Runs `ip` commands, one a line, in one process; stops at the first that fails. */
export async function ipBatch(lines: readonly string[]): Promise<void> {
  await must("ip", ["-batch", "-"], { stdin: lines.join("\n") + "\n" });
}

/** Removes links by name; those that are gone already are no error. */
export async function removeLinks(matches: (name: string) => boolean): Promise<void> {
  const links = JSON.parse(await must("ip", ["-j", "link"])) as readonly { ifname: string }[];
  for (const { ifname } of links) {
    if (!matches(ifname)) continue;
    try {
      await must("ip", ["link", "delete", ifname]);
    } catch (error) {
      // It may have gone by itself: a veth goes with the namespace at its other end.
      if (!String(error).includes("Cannot find device")) throw error;
    }
  }
}
