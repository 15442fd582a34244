/**
 * Addresses that networks reserve for machines which are imported with them: the machine's NIC says its
 * address then, and the language makes the network's reservation of it.
 *
 * @module
 */

import { canonicalMac } from "../../providers/kvm/kinds/ip.ts";
import { networkKind, type NetworkSpec } from "../../providers/kvm/kinds/network/mod.ts";
import { children, getElement, getPath, parseXml } from "../../providers/kvm/xml/mod.ts";
import type { Observed } from "../../providers/provider.ts";
import { isFree } from "./network.ts";

/** IP addresses by `<network> <MAC address>`. */
export type Reserved = ReadonlyMap<string, string>;

/** A name that a network's DHCP can hand out. */
const HOSTNAME = /^[A-Za-z][A-Za-z0-9-]{0,62}$/;

/** Finds the reservations that are just what the language would make of an address on a NIC. */
export function reservedFor(
  machines: readonly Observed[],
  networks: readonly Observed[],
): Reserved {
  const views = new Map(networks.map((network) => [
    network.key,
    networkKind.view(network) as NetworkSpec,
  ]));
  const found = new Map<string, string>();
  for (const machine of machines) {
    const devices = getElement(parseXml(String(machine.source.xml)), "./devices");
    const met = new Set<string>();
    for (const nic of devices === undefined ? [] : children(devices, "interface")) {
      const network = getPath(nic, "./source/@network");
      const mac = canonicalMac(getPath(nic, "./mac/@address") ?? "");
      const view = network === undefined ? undefined : views.get(network);
      if (view === undefined || met.has(network!)) continue;
      // Names are unique in a network: the machine's own is that of its first NIC there.
      met.add(network!);
      const name = HOSTNAME.test(machine.key) ? machine.key : undefined;
      const kept = view.reservations?.find((one) => one.mac === mac && one.name === name);
      if (kept !== undefined && isFree(kept.ip, view.dhcp)) {
        found.set(`${network} ${mac}`, kept.ip);
      }
    }
  }
  return found;
}
