/**
 * What libvirt can change while a network runs, as calls of `virNetworkUpdate`.
 *
 * libvirt 9.0 takes reservations (add, modify, delete), DNS hosts and DHCP ranges (add, delete).
 * Everything else needs a restart of the network.
 *
 * @module
 */

import {
  child,
  children,
  element,
  parseXml,
  serializeXml,
  type XmlElement,
} from "../../xml/mod.ts";
import { sameValue } from "../../table/mod.ts";
import { canonicalIp, canonicalMac } from "../ip.ts";
import type { DnsHostSpec, NetworkSpec, ReservationSpec } from "./spec.ts";
import { ipv4Element, readRange, sameNames } from "./table.ts";

/** Sections of a network's definition (`virNetworkUpdateSection`). */
export const NETWORK_SECTION = { "ip-dhcp-host": 4, "ip-dhcp-range": 5, "dns-host": 10 } as const;

/** What to do in a section (`virNetworkUpdateCommand`). */
export const NETWORK_COMMAND = { modify: 1, delete: 2, add: 3 } as const;

/** One call of `virNetworkUpdate`; `parentIndex` is -1, which lets libvirt find the IP element. */
export interface NetworkUpdate {
  /** Part of the definition. */
  readonly section: keyof typeof NETWORK_SECTION;
  /** `add` puts behind the last one. */
  readonly command: keyof typeof NETWORK_COMMAND;
  /** The element, without a line break at its end. */
  readonly xml: string;
}

/**
 * The calls that bring a network's XML, inactive or live, to what is declared, as far as calls can.
 *
 * Entries of `previous` that are declared no longer are taken out; others that are not declared
 * stay. Deletions come first: an address that moves from one NIC to another is free by then.
 *
 * @param xml The configuration or the live XML: each is brought forward by calls of its own, with
 * `VIR_NETWORK_UPDATE_AFFECT_CONFIG` or `VIR_NETWORK_UPDATE_AFFECT_LIVE`.
 */
export function networkUpdates(
  xml: string,
  spec: NetworkSpec,
  previous?: NetworkSpec,
): readonly NetworkUpdate[] {
  const network = parseXml(xml);
  const first: NetworkUpdate[] = [];
  const then: NetworkUpdate[] = [];
  rangeUpdates(first, then, network, spec);
  reservationUpdates(first, then, network, spec, previous);
  dnsUpdates(first, then, network, spec, previous);
  return [...first, ...then];
}

function rangeUpdates(
  first: NetworkUpdate[],
  then: NetworkUpdate[],
  network: XmlElement,
  spec: NetworkSpec,
): void {
  if (spec.dhcp === undefined) return;
  const current = readRange(network);
  if (sameValue(spec.dhcp, current ?? false)) return;
  const section = "ip-dhcp-range";
  if (spec.dhcp === false) {
    // Off means none, also of those that a stack cannot declare.
    const dhcp = dhcpOf(network);
    for (const range of dhcp === undefined ? [] : children(dhcp, "range")) {
      first.push({ section, command: "delete", xml: bare(range) });
    }
    return;
  }
  if (current !== undefined && current !== false) {
    const { start, end } = current as { start: string; end: string };
    first.push({ section, command: "delete", xml: text(element("range", { start, end })) });
  }
  const { start, end } = spec.dhcp;
  then.push({ section, command: "add", xml: text(element("range", { start, end })) });
}

interface Entry {
  readonly mac: string;
  readonly ip: string | undefined;
  readonly name: string | undefined;
  readonly xml: string;
}

function reservationUpdates(
  first: NetworkUpdate[],
  then: NetworkUpdate[],
  network: XmlElement,
  spec: NetworkSpec,
  previous: NetworkSpec | undefined,
): void {
  const section = "ip-dhcp-host";
  const dhcp = dhcpOf(network);
  const present = new Map<string, Entry>();
  for (const host of dhcp === undefined ? [] : children(dhcp, "host")) {
    const mac = host.attributes.get("mac");
    if (mac === undefined) continue;
    const ip = host.attributes.get("ip");
    const entry = {
      mac: canonicalMac(mac),
      ip: ip === undefined ? undefined : canonicalIp(ip),
      name: host.attributes.get("name"),
      xml: bare(host),
    };
    present.set(entry.mac, entry);
  }
  const wanted = new Map<string, ReservationSpec>();
  for (const item of spec.reservations ?? []) wanted.set(canonicalMac(item.mac), item);
  for (const { mac } of previous?.reservations ?? []) {
    const gone = present.get(canonicalMac(mac));
    if (gone === undefined || wanted.has(gone.mac)) continue;
    first.push({ section, command: "delete", xml: gone.xml });
    present.delete(gone.mac);
  }
  const names = new Map<string, string>();
  const addresses = new Map<string, string>();
  for (const entry of present.values()) {
    if (entry.name !== undefined) names.set(entry.name, entry.mac);
    if (entry.ip !== undefined) addresses.set(entry.ip, entry.mac);
  }
  for (const [mac, item] of wanted) {
    const old = present.get(mac);
    // A reservation that declares no name keeps the one that it has.
    const name = item.name ?? old?.name;
    const xml = text(element("host", { mac, name, ip: item.ip }));
    if (old === undefined) {
      then.push({ section, command: "add", xml });
      continue;
    }
    if (old.ip === item.ip && old.name === name) continue;
    // `modify` goes by MAC or name, whichever it meets first: with a name or address that another
    // entry still has, it would hit that one.
    const contested = (name !== undefined && (names.get(name) ?? mac) !== mac) ||
      (addresses.get(item.ip) ?? mac) !== mac;
    if (contested) {
      first.push({ section, command: "delete", xml: old.xml });
      then.push({ section, command: "add", xml });
    } else then.push({ section, command: "modify", xml });
  }
}

function dnsUpdates(
  first: NetworkUpdate[],
  then: NetworkUpdate[],
  network: XmlElement,
  spec: NetworkSpec,
  previous: NetworkSpec | undefined,
): void {
  const section = "dns-host";
  const dns = child(network, "dns");
  const present = new Map<string, string[]>();
  for (const host of dns === undefined ? [] : children(dns, "host")) {
    const names = children(host, "hostname").map((name) =>
      name.children.map((node) => node.kind === "text" ? node.text : "").join("")
    );
    present.set(canonicalIp(host.attributes.get("ip") ?? ""), names);
  }
  const wanted = new Map<string, DnsHostSpec>();
  for (const host of spec.dns?.hosts ?? []) wanted.set(canonicalIp(host.ip), host);
  // An address alone names one entry; with names, libvirt would match others by them too.
  const drop = (ip: string) =>
    first.push({ section, command: "delete", xml: text(element("host", { ip })) });
  for (const { ip } of previous?.dns?.hosts ?? []) {
    if (present.has(canonicalIp(ip)) && !wanted.has(canonicalIp(ip))) drop(canonicalIp(ip));
  }
  for (const [ip, host] of wanted) {
    const names = present.get(ip);
    if (names !== undefined && sameNames(names, host.names)) continue;
    if (names !== undefined) drop(ip);
    const hostnames = host.names.map((name) => element("hostname", {}, name));
    then.push({ section, command: "add", xml: text(element("host", { ip }, ...hostnames)) });
  }
}

function dhcpOf(network: XmlElement): XmlElement | undefined {
  const ip = ipv4Element(network);
  return ip === undefined ? undefined : child(ip, "dhcp");
}

function text(item: XmlElement): string {
  return serializeXml(item).trimEnd();
}

/** An element's attributes alone: how libvirt finds it again. */
function bare(item: XmlElement): string {
  return text(element(item.name, Object.fromEntries(item.attributes)));
}
