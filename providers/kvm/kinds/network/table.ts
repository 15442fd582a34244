/**
 * One declaration a field of a network: where it stands in libvirt's XML and how a change of it is
 * applied.
 *
 * What libvirt cannot change while the network runs is `restart`: the bridge is taken down and made
 * anew, which cuts its guests off until libvirt has plugged their taps in again.
 *
 * @module
 */

import type { Json, JsonObject } from "../../../provider.ts";
import {
  custom,
  elsewhere,
  field,
  group,
  integer,
  list,
  sameValue,
  type Table,
  text,
} from "../../table/mod.ts";
import {
  append,
  child,
  children,
  element,
  getElements,
  remove,
  removeElement,
  setAttribute,
  setPath,
  type XmlElement,
} from "../../xml/mod.ts";
import {
  canonicalIp,
  canonicalMac,
  firstAddress,
  formatIpv4Subnet,
  parseIpv4,
  parseIpv4Subnet,
  prefixOfNetmask,
} from "../ip.ts";
import { hatch } from "../hatch.ts";
import { metadataList } from "../metadata.ts";
import { dnsHostSchema, dnsSchema, networkSchema, reservationSchema } from "./schema.ts";

const shape = networkSchema.shape;

/** The first IPv4 address of the network, which the fields describe. */
export function ipv4Element(network: XmlElement): XmlElement | undefined {
  return children(network, "ip").find((ip) =>
    (ip.attributes.get("family") ?? "ipv4") === "ipv4" &&
    parseIpv4(ip.attributes.get("address") ?? "") !== undefined
  );
}

function ensureIpv4(network: XmlElement): XmlElement {
  const known = ipv4Element(network);
  if (known !== undefined) return known;
  const ip = element("ip");
  append(network, ip);
  return ip;
}

function readSubnet(network: XmlElement): string | undefined {
  const ip = ipv4Element(network);
  if (ip === undefined) return undefined;
  const netmask = ip.attributes.get("netmask");
  const prefix = netmask === undefined
    ? ip.attributes.get("prefix") ?? classPrefix(ip.attributes.get("address")!)
    : prefixOfNetmask(netmask);
  const parsed = parseIpv4Subnet(`${ip.attributes.get("address")}/${prefix}`);
  return parsed === undefined ? undefined : formatIpv4Subnet(parsed);
}

/** Without mask or prefix libvirt goes by the class of the address. */
function classPrefix(address: string): number {
  const first = Number(address.split(".")[0]);
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}

function writeSubnet(network: XmlElement, value: Json | undefined): void {
  const known = ipv4Element(network);
  if (value === undefined) {
    if (known !== undefined) remove(network, known);
    return;
  }
  const parsed = parseIpv4Subnet(String(value))!;
  const ip = ensureIpv4(network);
  const address = parseIpv4(ip.attributes.get("address") ?? "");
  const inside = address !== undefined && address > parsed.network && address < parsed.broadcast;
  if (!inside) ip.attributes.set("address", firstAddress(parsed));
  if (ip.attributes.has("netmask") || !ip.attributes.has("prefix")) {
    ip.attributes.delete("prefix");
    ip.attributes.set("netmask", netmaskOf(parsed.prefix));
  } else {
    ip.attributes.set("prefix", String(parsed.prefix));
  }
}

function netmaskOf(prefix: number): string {
  const value = 2 ** 32 - 2 ** (32 - prefix);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

function dhcpElement(network: XmlElement): XmlElement | undefined {
  const ip = ipv4Element(network);
  return ip === undefined ? undefined : child(ip, "dhcp");
}

/** The range as it stands; false where there is an address and no range. */
export function readRange(network: XmlElement): JsonObject | false | undefined {
  if (ipv4Element(network) === undefined) return undefined;
  const dhcp = dhcpElement(network);
  const range = dhcp === undefined ? undefined : child(dhcp, "range");
  if (range === undefined) return false;
  return {
    start: canonicalIp(range.attributes.get("start") ?? ""),
    end: canonicalIp(range.attributes.get("end") ?? ""),
  };
}

function writeRange(network: XmlElement, value: Json | undefined): void {
  const dhcp = dhcpElement(network);
  const range = dhcp === undefined ? undefined : child(dhcp, "range");
  if (value === undefined || value === false) {
    if (dhcp === undefined) return;
    for (const old of children(dhcp, "range")) remove(dhcp, old);
    dropIfEmpty(ipv4Element(network)!, dhcp);
    return;
  }
  const { start, end } = value as { start: string; end: string };
  if (range !== undefined) {
    setAttribute(range, "start", start);
    setAttribute(range, "end", end);
    return;
  }
  ensureDhcp(network).children.unshift(element("range", { start, end }));
}

function ensureDhcp(network: XmlElement): XmlElement {
  const ip = ensureIpv4(network);
  const known = child(ip, "dhcp");
  if (known !== undefined) return known;
  const dhcp = element("dhcp");
  append(ip, dhcp);
  return dhcp;
}

function dropIfEmpty(parent: XmlElement, item: XmlElement): void {
  if (item.attributes.size === 0 && children(item).length === 0) remove(parent, item);
}

const modes = new Map([["nat", "nat"], ["route", "route"], ["bridge", "bridge"]]);

const mode = custom(
  "./forward/@mode",
  (network) => {
    const forward = child(network, "forward");
    return forward === undefined ? "isolated" : forward.attributes.get("mode") ?? "nat";
  },
  (network, value) => {
    const written = modes.get(String(value));
    if (written === undefined) setPath(network, "./forward", undefined);
    else setPath(network, "./forward/@mode", written);
    if (value !== undefined && value !== "nat") setPath(network, "./forward/nat", undefined);
  },
);

/** Forwarders for every name; one for a single domain is not declared here and stays. */
function plainForwarders(network: XmlElement): XmlElement[] {
  return getElements(network, "./dns/forwarder").filter((item) =>
    item.attributes.has("addr") && !item.attributes.has("domain")
  );
}

const forwarders = custom(
  "./dns/forwarder/@addr",
  (network) => plainForwarders(network).map((item) => canonicalIp(item.attributes.get("addr")!)),
  (network, value) => {
    for (const old of plainForwarders(network)) removeElement(network, "./dns", old);
    const wanted = (value ?? []) as readonly string[];
    if (wanted.length === 0) return;
    const dns = ensureDns(network);
    for (const addr of wanted) append(dns, element("forwarder", { addr }), "forwarder");
  },
);

function ensureDns(network: XmlElement): XmlElement {
  const known = child(network, "dns");
  if (known !== undefined) return known;
  const dns = element("dns");
  append(network, dns);
  return dns;
}

const hosts = list({
  schema: dnsSchema.shape.hosts,
  path: "./dns/host",
  change: "live",
  select: (network) => getElements(network, "./dns/host"),
  nameOf: (host) => canonicalIp(host.attributes.get("ip") ?? ""),
  keyOf: (declared) => canonicalIp(String(declared.ip)),
  insert: (network, declared) => {
    const host = element("host", { ip: String(declared.ip) });
    append(ensureDns(network), host, "host");
    return host;
  },
  remove: (network, host) => void removeElement(network, "./dns", host),
  fields: {
    ip: field({
      schema: dnsHostSchema.shape.ip,
      binding: custom(
        "./@ip",
        (host) => canonicalIp(host.attributes.get("ip") ?? ""),
        (host, value) => setAttribute(host, "ip", value === undefined ? undefined : String(value)),
      ),
      change: "live",
    }),
    names: field({
      schema: dnsHostSchema.shape.names,
      binding: custom(
        "./hostname",
        (host) =>
          children(host, "hostname").map((name) =>
            name.children.map((node) => node.kind === "text" ? node.text : "").join("")
          ),
        (host, value) => {
          for (const old of children(host, "hostname")) remove(host, old);
          for (const name of (value ?? []) as readonly string[]) {
            append(host, element("hostname", {}, name));
          }
        },
      ),
      equal: (declared, actual) => sameNames(declared as string[], (actual ?? []) as string[]),
      change: "live",
    }),
  },
});

/** DNS names: neither case nor order matters. */
export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  const canonical = (names: readonly string[]) =>
    [...new Set(names.map((name) => name.toLowerCase()))].sort().join(" ");
  return canonical(a) === canonical(b);
}

const reservations = list({
  schema: shape.reservations,
  path: "./ip/dhcp/host",
  change: "live",
  select: (network) => {
    const dhcp = dhcpElement(network);
    return dhcp === undefined
      ? []
      : children(dhcp, "host").filter((host) => host.attributes.has("mac"));
  },
  nameOf: (host) => canonicalMac(host.attributes.get("mac")!),
  keyOf: (declared) => canonicalMac(String(declared.mac)),
  insert: (network, declared) => {
    const host = element("host", { mac: String(declared.mac) });
    append(ensureDhcp(network), host, "host");
    return host;
  },
  remove: (network, host) => {
    const dhcp = dhcpElement(network);
    if (dhcp === undefined || !remove(dhcp, host)) return;
    dropIfEmpty(ipv4Element(network)!, dhcp);
  },
  fields: {
    mac: field({
      schema: reservationSchema.shape.mac,
      binding: custom(
        "./@mac",
        (host) => canonicalMac(host.attributes.get("mac") ?? ""),
        (host, value) => setAttribute(host, "mac", value === undefined ? undefined : String(value)),
      ),
      change: "live",
    }),
    name: field({
      schema: reservationSchema.shape.name,
      binding: text("./@name"),
      change: "live",
    }),
    ip: field({
      schema: reservationSchema.shape.ip,
      binding: custom(
        "./@ip",
        (host) => canonicalIp(host.attributes.get("ip") ?? ""),
        (host, value) => setAttribute(host, "ip", value === undefined ? undefined : String(value)),
      ),
      change: "live",
    }),
  },
});

/** The fields of a network that stand in its XML, in libvirt's order. */
export const networkTable: Table = {
  name: field({ schema: shape.name, binding: text("./name"), change: "replace" }),
  mode: field({ schema: shape.mode, binding: mode, change: "restart" }),
  bridge: field({ schema: shape.bridge, binding: text("./bridge/@name"), change: "restart" }),
  mtu: field({ schema: shape.mtu, binding: integer("./mtu/@size"), change: "restart" }),
  domain: field({ schema: shape.domain, binding: text("./domain/@name"), change: "restart" }),
  dns: group({
    schema: shape.dns,
    fields: {
      enabled: field({
        schema: dnsSchema.shape.enabled,
        binding: custom(
          "./dns/@enable",
          (network) => child(network, "dns")?.attributes.get("enable") !== "no",
          (network, value) =>
            setPath(
              network,
              "./dns/@enable",
              value === undefined ? undefined : value ? "yes" : "no",
            ),
        ),
        change: "restart",
      }),
      forwarders: field({
        schema: dnsSchema.shape.forwarders,
        binding: forwarders,
        change: "restart",
      }),
      hosts,
    },
  }),
  subnet: field({
    schema: shape.subnet,
    binding: custom("./ip/@netmask", readSubnet, writeSubnet),
    change: "restart",
  }),
  gateway: field({
    schema: shape.gateway,
    binding: custom(
      "./ip/@address",
      (network) => ipv4Element(network)?.attributes.get("address"),
      (network, value) =>
        setAttribute(ensureIpv4(network), "address", value === undefined ? undefined : `${value}`),
    ),
    change: "restart",
  }),
  dhcp: field({
    schema: shape.dhcp,
    binding: custom("./ip/dhcp/range", readRange, writeRange),
    equal: (declared, actual) => sameValue(declared, actual ?? false),
    change: "live",
  }),
  reservations,
  metadata: metadataList(() => shape.metadata),
  xml: hatch(() => shape.xml),
};

/** What libvirt keeps beside the XML. */
export const networkState: Table = {
  autostart: field({
    schema: shape.autostart,
    binding: elsewhere("virNetworkSetAutostart"),
    change: "live",
  }),
};
