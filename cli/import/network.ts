/**
 * A network as the options of the stack language.
 *
 * @module
 */

import { firstAddress, parseIpv4, parseIpv4Subnet } from "../../providers/kvm/kinds/ip.ts";
import type { NetworkSpec } from "../../providers/kvm/kinds/network/mod.ts";
import { networkKind } from "../../providers/kvm/kinds/network/mod.ts";
import type { Observed } from "../../providers/provider.ts";
import type { Options } from "./trial.ts";

/** A network's options; undefined: the language has no word for where its traffic goes. */
export function networkOptions(
  observed: Observed,
  reserved: ReadonlyMap<string, string>,
): Options | undefined {
  const view = networkKind.view(observed) as NetworkSpec;
  const {
    mode,
    bridge,
    subnet,
    gateway,
    dhcp,
    reservations,
    domain,
    dns,
    mtu,
    autostart,
    metadata,
  } = view;
  const options: Options = { adopt: observed.uuid! };
  const shared = {
    ...(autostart === false ? { autostart } : {}),
    ...(metadata === undefined ? {} : { metadata }),
  } as Options;
  if (mode === "bridge") {
    return bridge === undefined ? undefined : { ...options, bridge, ...shared };
  }
  if (subnet === undefined) {
    if (mode !== "isolated") return undefined;
    return { ...options, isolated: true, ...(bridge ? { bridge } : {}), ...shared };
  }
  if (mode === undefined || !["nat", "route", "isolated"].includes(mode)) return undefined;
  const parsed = parseIpv4Subnet(subnet);
  // A reservation that a machine's NIC declares is not said twice.
  const kept = (reservations ?? []).filter(({ ip, mac }) =>
    isFree(ip, dhcp) && !reserved.has(`${observed.key} ${mac}`)
  );
  return {
    ...options,
    [mode]: subnet,
    ...(bridge === undefined ? {} : { bridge }),
    ...(parsed === undefined || gateway === firstAddress(parsed) ? {} : { gateway }),
    dhcp: dhcp ?? false,
    ...(kept.length === 0 ? {} : { reservations: kept }),
    ...(domain === undefined ? {} : { domain }),
    ...dnsOptions(dns),
    ...(mtu === undefined ? {} : { mtu }),
    ...shared,
  } as Options;
}

/** What a new network would have anyhow is not said. */
function dnsOptions(dns: NetworkSpec["dns"]): Options {
  const said: Options = {
    ...(dns?.enabled === false ? { enabled: false } : {}),
    ...(dns?.hosts === undefined || dns.hosts.length === 0 ? {} : { hosts: dns.hosts }),
    ...(dns?.forwarders === undefined || dns.forwarders.length === 0
      ? {}
      : { forwarders: dns.forwarders }),
  } as Options;
  return Object.keys(said).length === 0 ? {} : { dns: said };
}

/** Whether an address is outside the dynamic range: the language keeps reservations there. */
export function isFree(ip: string, dhcp: NetworkSpec["dhcp"]): boolean {
  const [value, start, end] = [ip, dhcp ? dhcp.start : "", dhcp ? dhcp.end : ""].map(parseIpv4);
  if (value === undefined) return false;
  return start === undefined || end === undefined || value < start || value > end;
}
