/**
 * What can be wrong with a network beyond what its schema sees.
 *
 * @module
 */

import type { Issue, Lookup, Resource } from "../../../provider.ts";
import { canonicalMac, formatIpv4, type Ipv4Subnet, parseIpv4, parseIpv4Subnet } from "../ip.ts";
import { faultsOfMetadata } from "../metadata.ts";
import { patchIssues } from "../patch_issues.ts";
import type { NetworkSpec } from "./spec.ts";
import { networkTable } from "./table.ts";

/** libvirt's own limit for one DHCP range. */
const MOST_LEASES = 65535;

/** Checks a resolved network. */
export function checkNetwork(resource: Resource, lookup: Lookup): readonly Issue[] {
  const spec = resource.spec as NetworkSpec;
  if (resource.tenure === "existing") {
    if (lookup.observed(resource.address)?.source.active !== false) return [];
    return [{
      code: "network.inactive",
      path: "name",
      message: `network "${spec.name}" of the host is not active, and is not ours to start`,
      help: `start it: virsh net-start ${spec.name}`,
    }];
  }
  const issues: Issue[] = [];
  if (spec.subnet === undefined) {
    if (spec.mode === "nat" || spec.mode === "route") {
      issues.push({
        code: "network.subnet-missing",
        path: "subnet",
        message: `mode "${spec.mode}" needs a subnet`,
        help: 'give one, for example "10.30.0.0/24", or use mode "isolated"',
      });
    }
  } else {
    const subnet = parseIpv4Subnet(spec.subnet);
    if (subnet !== undefined) {
      checkGateway(issues, spec, subnet);
      checkRange(issues, spec, subnet);
      checkReservations(issues, spec, subnet);
      checkOverlap(issues, resource, subnet, lookup);
    }
  }
  checkDns(issues, spec);
  checkMetadata(issues, spec);
  issues.push(...patchIssues("network", networkTable, spec.xml));
  return issues;
}

function checkGateway(issues: Issue[], spec: NetworkSpec, subnet: Ipv4Subnet): void {
  if (spec.gateway === undefined || usable(spec.gateway, subnet)) return;
  issues.push({
    code: "network.gateway-outside-subnet",
    path: "gateway",
    message: `${spec.gateway} is no address for a host in ${spec.subnet}`,
    help: `give ${span(subnet)}, or leave it out for ${formatIpv4(subnet.network + 1)}`,
  });
}

function checkRange(issues: Issue[], spec: NetworkSpec, subnet: Ipv4Subnet): void {
  if (spec.dhcp === undefined || spec.dhcp === false) return;
  for (const end of ["start", "end"] as const) {
    if (usable(spec.dhcp[end], subnet)) continue;
    issues.push({
      code: "network.dhcp-outside-subnet",
      path: `dhcp.${end}`,
      message: `${spec.dhcp[end]} is no address for a host in ${spec.subnet}`,
      help: `give ${span(subnet)}`,
    });
  }
  const start = parseIpv4(spec.dhcp.start)!;
  const end = parseIpv4(spec.dhcp.end)!;
  const text = `${spec.dhcp.start} to ${spec.dhcp.end}`;
  if (start > end) {
    issues.push({
      code: "network.dhcp-reversed",
      path: "dhcp",
      message: `the range ${text} ends before it begins`,
      help: "exchange start and end",
    });
  } else if (end - start + 1 > MOST_LEASES) {
    issues.push({
      code: "network.dhcp-too-large",
      path: "dhcp",
      message: `the range ${text} has ${end - start + 1} addresses: libvirt takes ${MOST_LEASES}`,
      help: `end it at ${formatIpv4(start + MOST_LEASES - 1)}`,
    });
  }
  const gateway = spec.gateway === undefined ? undefined : parseIpv4(spec.gateway);
  if (gateway !== undefined && gateway >= start && gateway <= end) {
    issues.push({
      code: "network.dhcp-holds-gateway",
      path: "dhcp",
      message: `the range ${text} holds the gateway ${spec.gateway}`,
      help: "begin it behind the gateway, or end it before",
    });
  }
}

function checkReservations(issues: Issue[], spec: NetworkSpec, subnet: Ipv4Subnet): void {
  const reservations = spec.reservations ?? [];
  if (spec.dhcp === false && reservations.length > 0) {
    issues.push({
      code: "network.reservation-without-dhcp",
      path: "reservations",
      message: "reservations are handed out by DHCP, which is off (dhcp: false)",
      help: "leave dhcp out, or give the addresses to the guests by cloud-init",
    });
  }
  const seen = {
    mac: new Map<string, string>(),
    ip: new Map<string, string>(),
    name: new Map<string, string>(),
  };
  for (const reservation of reservations) {
    const mac = canonicalMac(reservation.mac);
    const path = `reservations[${mac}]`;
    if (!usable(reservation.ip, subnet)) {
      issues.push({
        code: "network.address-outside-subnet",
        path: `${path}.ip`,
        message: `${reservation.ip} is no address for a host in ${spec.subnet}`,
        help: `give ${span(subnet)}`,
      });
    } else if (reservation.ip === spec.gateway) {
      issues.push({
        code: "network.address-reserved",
        path: `${path}.ip`,
        message: `${reservation.ip} is the gateway of ${spec.subnet}`,
        help: `give another address: ${span(subnet)}`,
      });
    }
    const entry = { mac, ip: reservation.ip, name: reservation.name?.toLowerCase() };
    for (const key of ["mac", "ip", "name"] as const) {
      const value = entry[key];
      if (value === undefined) continue;
      const other = seen[key].get(value);
      if (other === undefined) seen[key].set(value, path);
      else {
        issues.push({
          code: "network.reservation-twice",
          path: `${path}.${key}`,
          message: `${value} is reserved by ${other} too`,
          help: "a MAC address, an IP address and a name can each stand in one reservation only",
        });
      }
    }
  }
}

function checkDns(issues: Issue[], spec: NetworkSpec): void {
  const names = new Map<string, string>();
  const addresses = new Set<string>();
  for (const host of spec.dns?.hosts ?? []) {
    const path = `dns.hosts[${host.ip}]`;
    if (addresses.has(host.ip)) {
      issues.push({
        code: "network.dns-address-twice",
        path,
        message: `${host.ip} stands in two entries`,
        help: "put all names of an address into one entry",
      });
    }
    addresses.add(host.ip);
    for (const name of host.names) {
      const other = names.get(name.toLowerCase());
      if (other === undefined) names.set(name.toLowerCase(), host.ip);
      else if (other !== host.ip) {
        issues.push({
          code: "network.dns-name-twice",
          path: `${path}.names`,
          message:
            `"${name}" is the name of ${other} too, which libvirt refuses on a running network`,
          help: "give each address names of its own",
        });
      }
    }
  }
}

function checkMetadata(issues: Issue[], spec: NetworkSpec): void {
  for (const [index, entry] of (spec.metadata ?? []).entries()) {
    for (const [member, message] of faultsOfMetadata(entry)) {
      const path = `metadata[${index}].${member}`;
      issues.push({ code: "network.metadata-invalid", path, message });
    }
  }
}

interface Placed {
  readonly resource: Resource;
  readonly subnet: Ipv4Subnet;
}

/** The networks of each host that the stack makes, found once a plan. */
const placed = new WeakMap<Lookup, ReadonlyMap<string, readonly Placed[]>>();

function checkOverlap(
  issues: Issue[],
  resource: Resource,
  subnet: Ipv4Subnet,
  lookup: Lookup,
): void {
  let hosts = placed.get(lookup);
  if (hosts === undefined) placed.set(lookup, hosts = placeNetworks(lookup));
  for (const other of hosts.get(resource.host) ?? []) {
    if (other.resource.address === resource.address) continue;
    if (other.subnet.network > subnet.broadcast || subnet.network > other.subnet.broadcast) {
      continue;
    }
    issues.push({
      code: "network.subnets-overlap",
      path: "subnet",
      message: `${resource.spec.subnet} overlaps ${other.resource.spec.subnet} of ` +
        `${other.resource.address} on the same host`,
      help: "give one of them another subnet",
    });
  }
}

function placeNetworks(lookup: Lookup): Map<string, Placed[]> {
  const hosts = new Map<string, Placed[]>();
  for (const resource of lookup.resources?.() ?? []) {
    if (resource.kind !== "network" || typeof resource.spec.subnet !== "string") continue;
    const subnet = parseIpv4Subnet(resource.spec.subnet);
    if (subnet === undefined) continue;
    const list = hosts.get(resource.host);
    if (list === undefined) hosts.set(resource.host, [{ resource, subnet }]);
    else list.push({ resource, subnet });
  }
  return hosts;
}

function usable(address: string, subnet: Ipv4Subnet): boolean {
  const value = parseIpv4(address);
  return value !== undefined && value > subnet.network && value < subnet.broadcast;
}

function span(subnet: Ipv4Subnet): string {
  return `an address from ${formatIpv4(subnet.network + 1)} to ${formatIpv4(subnet.broadcast - 1)}`;
}
