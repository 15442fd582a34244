/**
 * Networks.
 *
 * @module
 */

import { type AddressRequest, defaultGateway, parseSubnet } from "../../planner/addresses.ts";
import type { JsonObject } from "../../providers/provider.ts";
import { type Network, seal } from "../handles.ts";
import { complaint, show, type Subject, validate } from "../refuse.ts";
import { networkSchema } from "../schemas.ts";
import {
  adoptedUuid,
  checkFields,
  commonFields,
  type Context,
  nameOnHost,
  record,
  subjectOf,
  unknown,
} from "./context.ts";
import type { ExistingNetworkOptions, NetworkOptions } from "../types/network.ts";

const modes = ["nat", "route", "isolated"] as const;

/** What a NIC needs to know of its network. */
export interface NetworkFacts {
  /** Whether the stack reserves addresses on it. */
  readonly managed: boolean;
  readonly subnet?: string;
  readonly gateway?: string;
  readonly dhcp?: AddressRequest["dhcp"];
}

/** Declares a network. */
export function declareNetwork(context: Context, name: string, options: unknown): Network {
  const subject = subjectOf(context, "network", name);
  checkFields(subject, options, [
    ...commonFields,
    ...modes,
    "bridge",
    "gateway",
    "dhcp",
    "reservations",
    "domain",
    "dns",
    "mtu",
    "autostart",
    "metadata",
    "xml",
    "adopt",
  ]);
  const given = options as NetworkOptions;
  const declared = modes.filter((mode) => given[mode] !== undefined);
  if (declared.length > 1) {
    throw complaint(subject, {
      code: "stack.invalid-value",
      message: `says both "${declared[0]}" and "${declared[1]}"`,
      help: 'keep one of "nat", "route", "isolated"',
    });
  }
  const mode: (typeof modes)[number] | "bridge" | undefined = declared.at(0) ??
    (given.bridge === undefined ? undefined : "bridge");
  if (mode === undefined) {
    throw complaint(subject, {
      code: "stack.invalid-value",
      message: "does not say where its traffic goes",
      help: 'for example nat: "10.30.0.0/24"; or route, isolated, or bridge: "br0" for a bridge ' +
        "that the host has",
    });
  }
  const stated: string | true | undefined = mode === "bridge" ? undefined : given[mode];
  const where = stated === true ? undefined : stated;
  if (where !== undefined) checkSubnet(subject, [mode], where);
  const subnet = where;
  if (subnet === undefined) {
    const field = (["gateway", "dhcp", "reservations"] as const)
      .find((one) => given[one] !== undefined);
    if (field !== undefined) {
      throw complaint(subject, {
        code: "stack.invalid-value",
        path: [field],
        message: "makes no sense in a network without a subnet",
        help: `leave it out, or give a subnet: isolated: "10.30.0.0/24"`,
      });
    }
  }
  const onHost = nameOnHost(context, "network", name, given.name);
  const spec = validate(subject, networkSchema, {
    name: onHost,
    mode,
    bridge: given.bridge,
    subnet,
    gateway: given.gateway ?? (subnet === undefined ? undefined : defaultGateway(subnet)),
    dhcp: given.dhcp,
    reservations: given.reservations,
    domain: given.domain,
    dns: given.dns,
    mtu: given.mtu,
    autostart: given.autostart,
    metadata: given.metadata,
    xml: given.xml,
  }, (path) => (path[0] === "subnet" ? [mode] : path));
  context.recorder.claim(context.host, `network "${onHost}"`, subject);
  const entry = record(context, subject, {
    kind: "network",
    name,
    tenure: "managed",
    spec,
    dependsOn: given.dependsOn,
    adopt: adoptedUuid(subject, given.adopt),
  });
  for (const reservation of given.reservations ?? []) {
    context.recorder.addressFor({
      key: `${entry.address}#${reservation.mac.toLowerCase()}`,
      network: entry.address,
      subnet: subnet!,
      gateway: given.gateway,
      dhcp: given.dhcp,
      wanted: reservation.ip,
    }, subject.at);
  }
  // The provider names a bridge that the author did not name by the network's UUID.
  const bridge = given.bridge ?? `sd-${entry.uuid.slice(0, 8)}`;
  return networkHandle(entry.address, context.host, name, { ...spec, bridge }, {
    bridge: "declare it",
    subnet: 'this network has none: give one, for example nat: "10.30.0.0/24"',
  });
}

/** Declares a network that is there already. */
export function declareExistingNetwork(context: Context, name: string, options: unknown): Network {
  const subject = subjectOf(context, "network", name);
  checkFields(subject, options, [...commonFields, "subnet", "gateway", "bridge"]);
  const given = options as ExistingNetworkOptions;
  if (given.subnet !== undefined) checkSubnet(subject, ["subnet"], given.subnet);
  const onHost = given.name ?? name;
  const spec = validate(subject, networkSchema, {
    name: onHost,
    subnet: given.subnet,
    gateway: given.gateway,
    bridge: given.bridge,
  });
  context.recorder.claim(context.host, `network "${onHost}"`, subject);
  const entry = record(context, subject, {
    kind: "network",
    name,
    tenure: "existing",
    spec,
    dependsOn: given.dependsOn,
  });
  const declare = (field: string, example: string) =>
    `declare it: existingNetwork("${name}", { ${field}: "${example}" })`;
  return networkHandle(entry.address, context.host, name, spec, {
    bridge: declare("bridge", "virbr0"),
    subnet: declare("subnet", "192.168.122.0/24"),
    gateway: declare("gateway", "192.168.122.1"),
  });
}

function checkSubnet(subject: Subject, path: readonly PropertyKey[], value: unknown): void {
  const subnet = typeof value === "string" ? parseSubnet(value) : undefined;
  if (subnet?.family !== "ipv4") {
    throw complaint(subject, {
      code: "stack.invalid-value",
      path,
      message: `${show(value)} is not a subnet`,
      help: 'give an IPv4 network and its prefix, /30 or shorter, for example "10.30.0.0/24"',
    });
  }
}

function networkHandle(
  resource: string,
  host: string,
  name: string,
  spec: JsonObject,
  help: { readonly bridge: string; readonly subnet: string; readonly gateway?: string },
): Network {
  const known = (field: "bridge" | "subnet" | "gateway", what: string): string => {
    const value = spec[field];
    if (typeof value === "string") return value;
    throw unknown(`network ${name}`, what, help[field] ?? help.subnet);
  };
  return seal({
    kind: "network",
    resource,
    host,
    name: String(spec.name),
    get subnet(): string {
      return known("subnet", "its subnet");
    },
    get gateway(): string {
      return known("gateway", "its gateway");
    },
    get bridge(): string {
      return known("bridge", "its bridge");
    },
  });
}

/** What a NIC needs to know of a declared network. */
export function networkFacts(context: Context, network: Network): NetworkFacts {
  const entry = context.recorder.entries.get(network.resource)!;
  const { subnet, gateway, dhcp } = entry.spec as unknown as Omit<NetworkFacts, "managed">;
  return { managed: entry.tenure === "managed", subnet, gateway, dhcp };
}
