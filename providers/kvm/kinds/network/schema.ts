/**
 * The schema of a network. Imports zod alone: the sandbox loads it at every plan.
 *
 * @module
 */

import { z } from "zod";
import { canonicalIp, canonicalMac, formatIpv4Subnet, parseIpv4, parseIpv4Subnet } from "../ip.ts";
import { METADATA, metadataEntry, refuseNamespaceTwice } from "../metadata_entry.ts";
import { patchSchema, refuseTwice } from "../patch.ts";
import { objectName } from "../reference.ts";

const ipv4 = z.string().refine((text) => parseIpv4(text) !== undefined, {
  error: (issue) => `"${issue.input}" is no IPv4 address: write it like 10.30.0.5`,
});

const anyIp = z.union([z.ipv4(), z.ipv6()], {
  error: (issue) => `"${issue.input}" is no IP address: write it like 10.30.0.5 or fd00::5`,
}).overwrite(canonicalIp);

/** libvirt's own rule for names in DNS elements. */
const dnsName = z.string().max(253).regex(
  /^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/,
  "must be a DNS name: letters, digits, - and _, in parts separated by dots",
);

const subnet = z.string().superRefine((text, context) => {
  const parsed = parseIpv4Subnet(text);
  const refuse = (message: string) => context.addIssue({ code: "custom", message });
  if (text.includes(":")) {
    return refuse(
      `"${text}" is an IPv6 subnet: addresses are reserved by MAC address, which DHCPv6 does not ` +
        "know; write an IPv4 subnet",
    );
  }
  if (parsed === undefined) return refuse(`"${text}" is no subnet: write it like 10.30.0.0/24`);
  const usual = formatIpv4Subnet(parsed);
  if (usual !== text) {
    return refuse(`"${text}" is an address within a subnet: the subnet itself is "${usual}"`);
  }
  if (parsed.prefix < 8 || parsed.prefix > 30) {
    refuse(`"${text}" has a prefix of ${parsed.prefix}: it must be from 8 to 30`);
  }
});

/** A DHCP reservation. */
export const reservationSchema = z.strictObject({
  mac: z.string().regex(
    /^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$/,
    "must be a MAC address, for example 52:54:00:12:34:56",
  ).overwrite(canonicalMac).describe("MAC address that the reservation is for."),
  ip: ipv4.describe("Address that is handed out."),
  name: z.string().max(63).regex(
    /^[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z0-9-]+)*$/,
    "must be a host name that begins with a letter",
  ).optional().describe("Host name that is handed out, and known to the network's DNS."),
});

/** A host that the network's DNS knows. */
export const dnsHostSchema = z.strictObject({
  ip: anyIp.describe("Address of the host."),
  names: z.array(dnsName).min(1, "needs at least one name").describe("Its names."),
});

const range = z.strictObject({
  start: ipv4.describe("First address of the dynamic range."),
  end: ipv4.describe("Last address of the dynamic range."),
});

/** DNS of a network. */
export const dnsSchema = z.strictObject({
  enabled: z.boolean().optional()
    .describe("Whether the network answers DNS queries; true unless declared."),
  hosts: z.array(dnsHostSchema).optional().describe("Names that it answers itself."),
  forwarders: z.array(anyIp).optional()
    .describe("Servers that are asked for other names; the host's own unless declared."),
});

/** A network. */
export const networkSchema = z.strictObject({
  name: objectName.describe("Name of the libvirt network."),
  mode: z.enum(["nat", "route", "isolated", "bridge"], {
    error: (issue) =>
      `${JSON.stringify(issue.input)} is no mode: write nat, route, isolated or bridge`,
  }).optional().describe(
    "nat: guests reach out through the host's address; route: as they are; isolated: not at all; " +
      "bridge: guests join an existing bridge of the host. nat with a subnet, else isolated, unless " +
      "declared.",
  ),
  bridge: z.string().max(15, "is too long: a network interface has at most 15 characters").regex(
    /^[A-Za-z0-9_.\\-]+$/,
    "must be the name of a network interface: letters, digits, _ . \\ and -",
  ).optional().describe(
    "Bridge on the host: an existing one for mode bridge; else the one that is made for the " +
      "network, `sd-` and 8 digits of its UUID unless declared.",
  ),
  subnet: subnet.optional().describe("IPv4 subnet, for example 10.30.0.0/24."),
  gateway: ipv4.optional()
    .describe("The host's own address in the subnet; its first one unless declared."),
  dhcp: z.union([z.literal(false), range], {
    error: "must be false or { start, end }",
  }).optional().describe(
    "Dynamic range of the DHCP server, or false for none; the upper quarter of the subnet (at most " +
      "4,096 addresses) unless declared.",
  ),
  reservations: z.array(reservationSchema).optional()
    .describe("Addresses that are kept for NICs. Those that the stack never declared stay."),
  domain: dnsName.optional().describe("DNS domain of the guests."),
  dns: dnsSchema.optional().describe("DNS server of the network."),
  mtu: z.int().min(68).max(65535).optional()
    .describe("Largest packet in bytes; 1500 unless declared."),
  autostart: z.boolean().default(true).describe("Start together with the host."),
  metadata: z.array(metadataEntry).superRefine(refuseNamespaceTwice).optional().describe(METADATA),
  xml: z.array(patchSchema).superRefine(refuseTwice).optional().describe(
    "What no other field says: places in libvirt's XML and what must stand there. A place that " +
      "another field owns is refused.",
  ),
}).superRefine((network, context) => {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  if (network.mode === "bridge") {
    if (network.bridge === undefined) {
      refuse("bridge", 'mode "bridge" needs the name of an existing bridge of the host');
    }
    for (const name of ["subnet", "gateway", "dhcp", "domain", "dns", "mtu"] as const) {
      if (network[name] !== undefined) {
        refuse(name, `does not go with mode "bridge": the existing bridge has its own`);
      }
    }
    if (network.reservations?.length) {
      refuse("reservations", `does not go with mode "bridge": the existing bridge has its own`);
    }
    return;
  }
  if (network.subnet !== undefined) return;
  for (const name of ["gateway", "dhcp", "reservations"] as const) {
    const value = network[name];
    if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) {
      continue;
    }
    refuse(name, 'needs a subnet, for example "10.30.0.0/24"');
  }
});

/** A network, normalised. */
export type NetworkDeclaration = z.output<typeof networkSchema>;
