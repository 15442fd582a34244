/**
 * The addresses that NICs have on the hosts, by the reservations of their networks.
 *
 * @module
 */

import type { Topology } from "../../planner/topology.ts";
import { getElements, parseXml } from "../../providers/kvm/xml/mod.ts";
import type { JsonObject } from "../../providers/provider.ts";
import type { Contents } from "./contents.ts";

/** What hosts have reserved for the NICs that a stack declares, by `<address of the machine>#<nic name>`. */
export function reservationsOnHosts(
  topology: Topology,
  contents: readonly Contents[],
): Readonly<Record<string, string>> {
  const byMac = new Map<string, string>();
  for (const { host, networks } of contents) {
    for (const { source } of networks) {
      for (const { attributes } of getElements(parseXml(String(source.xml)), "./ip/dhcp/host")) {
        const [mac, ip] = [attributes.get("mac"), attributes.get("ip")];
        if (mac !== undefined && ip !== undefined) {
          byMac.set(`${host.name}\n${mac.toLowerCase()}`, ip);
        }
      }
    }
  }
  const found: Record<string, string> = {};
  for (const { kind, address, host, spec } of topology.resources) {
    if (kind !== "machine" || !Array.isArray(spec.nics)) continue;
    for (const nic of spec.nics as readonly JsonObject[]) {
      const ip = byMac.get(`${host}\n${String(nic.mac).toLowerCase()}`);
      const key = `${address}#${nic.name}`;
      if (ip !== undefined && Object.hasOwn(topology.reservations, key)) found[key] = ip;
    }
  }
  return found;
}
