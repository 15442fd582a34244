/**
 * What a NIC is on: a network, a bridge, a device of the host, QEMU's own network, a PCI device.
 *
 * @module
 */

import { z } from "zod";
import type { Json, JsonObject } from "../../../../provider.ts";
import { type Binding, type ChangeRule, custom, depends } from "../../../table/mod.ts";
import {
  append,
  child,
  children,
  element,
  ensureElement,
  remove,
  type XmlElement,
} from "../../../xml/mod.ts";
import { compact } from "./bits.ts";
import { formatPci, pciAttributes } from "./pci_address.ts";

/** Names of the fields that say what a NIC is on: one of them is declared. */
export const NIC_SOURCES = [
  "network",
  "bridge",
  "direct",
  "user",
  "hostdev",
  "ethernet",
  "vhostUser",
  "vdpa",
  "socket",
] as const;

/** Types of interfaces by the field that says what a NIC is on, where they differ. */
export function nicType(declared: JsonObject): string | undefined {
  const name = NIC_SOURCES.find((one) => declared[one] !== undefined);
  if (name === "socket") return String((declared.socket as JsonObject).mode);
  return name?.toLowerCase();
}

/** A running NIC can be moved from bridge to bridge; what is plugged in otherwise cannot. */
function canMove(nic: XmlElement): boolean {
  return ["network", "bridge"].includes(nic.attributes.get("type") ?? "") &&
    child(nic, "virtualport") === undefined;
}

/** A running NIC of a network has its port group, or none, for as long as it is one. */
function isRegrouped(nic: XmlElement, declared: JsonObject | undefined): boolean {
  return nic.attributes.get("type") === "network" &&
    declared?.portGroup !== child(nic, "source")?.attributes.get("portgroup");
}

/** Another network or bridge. */
export const moved: ChangeRule = depends(
  "live where the running NIC is on a bridge and keeps its port group, else restart",
  ({ config, live, declared }) => {
    const nic = live ?? config;
    return canMove(nic) && !isRegrouped(nic, declared) ? "live" : "restart";
  },
);

/**
 * Another port group. libvirt 9.0 reports that a NIC which stays on its network was moved to another group,
 * and leaves it where it was; 11.3 refuses another group also together with another network.
 */
export const regrouped: ChangeRule = depends(
  "live together with a network in place of a bridge, else restart",
  ({ config, live }) => {
    const nic = live ?? config;
    return nic.attributes.get("type") === "bridge" && canMove(nic) ? "live" : "restart";
  },
);

/** The source of that type, bare of what another type left behind. */
function sourceOf(nic: XmlElement, type: string): XmlElement {
  if (nic.attributes.get("type") !== type) {
    nic.attributes.set("type", type);
    const old = child(nic, "source");
    if (old !== undefined) {
      old.attributes.clear();
      for (const item of children(old)) remove(old, item);
    }
  }
  return ensureElement(nic, "./source");
}

/** Straight on a network device of the host (macvtap). */
export const directSchema = z.strictObject({
  dev: z.string().min(1).max(15).describe("Network device of the host, for example eth0."),
  mode: z.enum(["bridge", "vepa", "private", "passthrough"]).optional()
    .describe("How guests on the device reach each other; vepa unless declared."),
});

/** Straight on a network device of the host. */
export const directSource: Binding = custom("./source/@dev", (nic) => {
  if (nic.attributes.get("type") !== "direct") return undefined;
  const source = child(nic, "source");
  // A running NIC on a network that stands on the device: the network is what it is on.
  if (source?.attributes.has("network")) return undefined;
  return compact({ dev: source?.attributes.get("dev"), mode: source?.attributes.get("mode") });
}, (nic, value) => {
  const { dev, mode } = value as JsonObject;
  const source = sourceOf(nic, "direct");
  source.attributes.set("dev", String(dev));
  if (mode !== undefined) source.attributes.set("mode", String(mode));
});

/** QEMU's own network behind the host's addresses, without any right on the host. */
export const userSource: Binding = custom(
  "./@type",
  (nic) => nic.attributes.get("type") === "user" ? true : undefined,
  (nic) => {
    nic.attributes.set("type", "user");
    const source = child(nic, "source");
    if (source !== undefined) remove(nic, source);
  },
);

/** A PCI device of the host (a virtual function), with MAC and VLAN set by libvirt. */
export const hostdevSource: Binding = custom("./source/address", (nic) => {
  if (nic.attributes.get("type") !== "hostdev") return undefined;
  const source = child(nic, "source");
  if (source?.attributes.has("network")) return undefined;
  const address = source && child(source, "address");
  return address && formatPci(address);
}, (nic, value) => {
  const source = sourceOf(nic, "hostdev");
  if (!nic.attributes.has("managed")) nic.attributes.set("managed", "yes");
  const known = child(source, "address");
  if (known !== undefined) remove(source, known);
  append(source, element("address", { type: "pci", ...pciAttributes(String(value)) }));
});

/** A tap that somebody else connects. */
export const ethernetSource: Binding = custom(
  "./@type",
  (nic) => nic.attributes.get("type") === "ethernet" ? true : undefined,
  (nic) => {
    if (nic.attributes.get("type") === "ethernet") return;
    nic.attributes.set("type", "ethernet");
    const source = child(nic, "source");
    if (source !== undefined) remove(nic, source);
  },
);

/** A process of the host that moves the packets, such as a switch in user space. */
export const vhostUserSchema = z.strictObject({
  path: z.string().regex(/^\//, "must be an absolute path on the host").describe("Unix socket."),
  mode: z.enum(["client", "server"]).describe("Whether QEMU calls at the socket or listens."),
  reconnect: z.int().min(1).max(2 ** 31 - 1).optional()
    .describe("Seconds after which it calls again, with mode client."),
}).refine(({ mode, reconnect }) => mode === "client" || reconnect === undefined, {
  error: 'goes with mode "client"',
  path: ["reconnect"],
});

/** A process of the host that moves the packets. */
export const vhostUserSource: Binding = custom("./source/@path", (nic) => {
  if (nic.attributes.get("type") !== "vhostuser") return undefined;
  const source = child(nic, "source");
  const again = source && child(source, "reconnect");
  return compact({
    path: source?.attributes.get("path"),
    mode: source?.attributes.get("mode"),
    reconnect: again?.attributes.get("enabled") === "yes"
      ? Number(again.attributes.get("timeout"))
      : undefined,
  });
}, (nic, value) => {
  const { path, mode, reconnect } = value as JsonObject;
  const source = sourceOf(nic, "vhostuser");
  source.attributes.set("type", "unix");
  source.attributes.set("path", String(path));
  source.attributes.set("mode", String(mode));
  if (reconnect === undefined) return;
  const again = ensureElement(source, "./reconnect");
  again.attributes.set("enabled", "yes");
  again.attributes.set("timeout", String(reconnect));
});

/** A vDPA device of the host. */
export const vdpaSource: Binding = custom("./source/@dev", (nic) => {
  if (nic.attributes.get("type") !== "vdpa") return undefined;
  return child(nic, "source")?.attributes.get("dev");
}, (nic, value) => {
  sourceOf(nic, "vdpa").attributes.set("dev", String(value));
});

const SOCKETS = ["mcast", "server", "client", "udp"] as const;

/** Straight to other guests, through a socket of the host. */
export const socketSchema = z.strictObject({
  mode: z.enum(SOCKETS).describe(
    "mcast: a group that all are in; server and client: two ends of a TCP connection; udp: datagrams.",
  ),
  address: z.ipv4().optional().describe("Address of the group or of the other end."),
  port: z.int().min(1).max(65535).describe("Port there."),
  localAddress: z.ipv4().optional().describe("Address of this end, with udp."),
  localPort: z.int().min(1).max(65535).optional().describe("Port of this end, with udp."),
}).superRefine(({ mode, address, localAddress, localPort }, context) => {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  if (mode !== "server" && address === undefined) refuse("address", "is required");
  for (const [name, value] of Object.entries({ localAddress, localPort })) {
    if ((mode === "udp") !== (value !== undefined)) {
      refuse(name, 'goes with mode "udp", and is required there');
    }
  }
});

/** Straight to other guests, through a socket of the host. */
export const socketSource: Binding = custom("./source/@port", (nic) => {
  const mode = nic.attributes.get("type");
  if (!SOCKETS.some((one) => one === mode)) return undefined;
  const source = child(nic, "source");
  const local = source && child(source, "local");
  const number = (text: string | undefined) => text === undefined ? undefined : Number(text);
  return compact({
    mode,
    address: source?.attributes.get("address"),
    port: number(source?.attributes.get("port")),
    localAddress: local?.attributes.get("address"),
    localPort: number(local?.attributes.get("port")),
  });
}, (nic, value) => {
  const wanted = value as unknown as z.output<typeof socketSchema>;
  const source = sourceOf(nic, wanted.mode);
  if (wanted.address !== undefined) source.attributes.set("address", wanted.address);
  source.attributes.set("port", String(wanted.port));
  if (wanted.mode !== "udp") return;
  const local = ensureElement(source, "./local");
  local.attributes.set("address", String(wanted.localAddress));
  local.attributes.set("port", String(wanted.localPort));
});

/** Which VLANs a NIC is in, on Open vSwitch and on virtual functions. */
export const vlanSchema = z.strictObject({
  tags: z.array(z.int().min(0).max(4095)).min(1).describe("VLANs; more than one make a trunk."),
  trunk: z.boolean().optional().describe("Whether the tags reach the guest; true for several."),
  native: z.int().min(0).max(4095).optional()
    .describe("The tag that untagged frames belong to, one of `tags`."),
}).refine(({ tags, trunk }) => tags.length === 1 || trunk !== false, {
  error: "several tags make a trunk: leave it out, or declare one tag",
  path: ["trunk"],
}).refine(({ tags, native }) => native === undefined || tags.includes(native), {
  error: "must be one of the tags",
  path: ["native"],
});

/** VLANs of a NIC. */
export const vlan: Binding = custom("./vlan", (nic) => {
  const item = child(nic, "vlan");
  if (item === undefined) return undefined;
  const tags = children(item, "tag");
  const native = tags.find((tag) => tag.attributes.has("nativeMode"));
  return compact({
    tags: tags.map((tag) => Number(tag.attributes.get("id"))),
    trunk: item.attributes.get("trunk") === "yes" ? true : undefined,
    native: native && Number(native.attributes.get("id")),
  });
}, (nic, value) => {
  const known = child(nic, "vlan");
  if (known !== undefined) remove(nic, known);
  if (value === undefined) return;
  const { tags, trunk, native } = value as unknown as z.output<typeof vlanSchema>;
  const item = element(
    "vlan",
    { trunk: trunk || tags.length > 1 ? "yes" : undefined },
    ...tags.map((id) => element("tag", { id, nativeMode: id === native ? "untagged" : undefined })),
  );
  append(nic, item);
});

/** Several tags are a trunk, said or not. */
export function vlanEqual(declared: Json, actual: Json | undefined): boolean {
  const normal = (value: Json) => {
    const { tags, trunk, native } = value as unknown as z.output<typeof vlanSchema>;
    return JSON.stringify([tags, (trunk ?? false) || tags.length > 1, native]);
  };
  return actual !== undefined && normal(declared) === normal(actual);
}

/** A filter of libvirt's, with values for its variables. */
export const filterSchema = z.strictObject({
  name: z.string().min(1).describe("Name of the network filter, for example clean-traffic."),
  parameters: z.record(
    z.string().regex(/^[A-Za-z0-9_]+$/, "must be the name of a variable, for example IP"),
    z.union([z.string(), z.array(z.string()).min(1)], { error: "must be a text or some texts" }),
  ).optional().describe('Values of its variables, each one value or a list: { IP: "10.0.0.4" }.'),
});

/** A filter of libvirt's. */
export const filter: Binding = custom("./filterref", (nic) => {
  const item = child(nic, "filterref");
  if (item === undefined) return undefined;
  const values = new Map<string, string[]>();
  for (const parameter of children(item, "parameter")) {
    const name = parameter.attributes.get("name") ?? "";
    values.set(name, [...values.get(name) ?? [], parameter.attributes.get("value") ?? ""]);
  }
  const parameters = Object.fromEntries(
    [...values].map(([name, list]) => [name, list.length === 1 ? list[0]! : list]),
  );
  return compact({
    name: item.attributes.get("filter"),
    parameters: values.size === 0 ? undefined : parameters,
  });
}, (nic, value) => {
  const known = child(nic, "filterref");
  if (value === undefined) {
    if (known !== undefined) remove(nic, known);
    return;
  }
  const { name, parameters } = value as unknown as z.output<typeof filterSchema>;
  const item = ensureElement(nic, "./filterref");
  item.attributes.set("filter", name);
  if (parameters === undefined) return;
  for (const parameter of children(item, "parameter")) remove(item, parameter);
  for (const [variable, given] of Object.entries(parameters)) {
    for (const one of Array.isArray(given) ? given : [given]) {
      append(item, element("parameter", { name: variable, value: one }));
    }
  }
});

/** The same variables have the same values, in whatever order libvirt keeps them. */
export function filterEqual(declared: Json, actual: Json | undefined): boolean {
  const wanted = declared as unknown as z.output<typeof filterSchema>;
  const stands = actual as unknown as z.output<typeof filterSchema> | undefined;
  if (wanted.name !== stands?.name) return false;
  if (wanted.parameters === undefined) return true;
  const normal = (parameters: JsonObject) =>
    JSON.stringify(
      Object.entries(parameters)
        .map(([name, given]) => [name, [given].flat()])
        .sort(([a], [b]) => String(a) < String(b) ? -1 : 1),
    );
  return normal(wanted.parameters) === normal(stands.parameters ?? {});
}
