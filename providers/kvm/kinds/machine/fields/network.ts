/**
 * NICs.
 *
 * @module
 */

import { z } from "zod";
import {
  aliasName,
  elsewhere,
  field,
  integer,
  list,
  shapeOf,
  type Table,
  text,
} from "../../../table/mod.ts";
import {
  append,
  child,
  children,
  element,
  ensureElement,
  getPath,
  remove,
  setPath,
} from "../../../xml/mod.ts";
import { reference } from "../../reference.ts";
import * as places from "../places.ts";
import { bandwidth } from "./bandwidth.ts";
import { ON_OFF, subset, toggle, whole, word, words, YES_NO } from "./bits.ts";
import { always, deviceName, distinct } from "./common.ts";
import { bootOrder } from "./disks.ts";
import { deviceXml, refuseOwned } from "./escape.ts";
import { nicOptions, optionClashes, VIRTIO_ONLY } from "./nic_options.ts";
import * as sources from "./nic_source.ts";
import { pciAddress } from "./pci_address.ts";

const mac = z.string().toLowerCase().regex(
  /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/,
  "must be a unicast MAC address, for example 52:54:00:12:34:56",
);

const MODELS = [
  "virtio",
  "virtio-transitional",
  "virtio-non-transitional",
  "e1000",
  "e1000e",
  "igb",
  "rtl8139",
  "vmxnet3",
  "pcnet",
  "ne2k_pci",
  "usb-net",
  "lan9118",
  "spapr-vlan",
] as const;

function ring(path: string, doc: string) {
  return field({
    schema: () =>
      z.union([z.literal(256), z.literal(512), z.literal(1024)], {
        error: "must be 256, 512 or 1024",
      }).optional().describe(doc),
    binding: integer(path),
    change: "restart",
  });
}

const nics = {
  name: field({
    schema: () => deviceName.describe("Name of the NIC in the machine; its alias is `ua-<name>`."),
    binding: text("./alias/@name"),
    change: "restart",
    equal: always,
  }),
  ...deviceXml,
  network: field({
    schema: () =>
      reference("network").optional().describe("Address of the network that the NIC is on."),
    binding: places.nicSource("network"),
    change: sources.moved,
  }),
  bridge: field({
    schema: () =>
      z.string().min(1).max(15).optional()
        .describe("A bridge of the host, instead of a network."),
    binding: places.nicSource("bridge"),
    change: sources.moved,
  }),
  direct: field({
    schema: () =>
      sources.directSchema.optional()
        .describe("A network device of the host (macvtap), instead of a network."),
    binding: sources.directSource,
    change: "restart",
    equal: subset,
  }),
  user: field({
    schema: () =>
      z.literal(true).optional()
        .describe("QEMU's own network behind the host's addresses, instead of a network."),
    binding: sources.userSource,
    change: "restart",
  }),
  hostdev: field({
    schema: () =>
      pciAddress.optional().describe(
        "PCI address of a virtual function of the host, given to the guest instead of a network.",
      ),
    binding: sources.hostdevSource,
    change: "restart",
  }),
  ethernet: field({
    schema: () =>
      z.literal(true).optional().describe(
        "A tap that somebody else connects, by its name (`target`) or a script; instead of a network.",
      ),
    binding: sources.ethernetSource,
    change: "restart",
  }),
  vhostUser: field({
    schema: () =>
      sources.vhostUserSchema.optional().describe(
        "A process of the host that moves the packets (vhost-user), instead of a network; it needs " +
          "memory that is shared.",
      ),
    binding: sources.vhostUserSource,
    change: "restart",
    equal: subset,
  }),
  vdpa: field({
    schema: () =>
      z.string().regex(/^\//, "must be an absolute path on the host").optional()
        .describe(
          "A vDPA device of the host, for example /dev/vhost-vdpa-0, instead of a network.",
        ),
    binding: sources.vdpaSource,
    change: "restart",
  }),
  socket: field({
    schema: () =>
      sources.socketSchema.optional()
        .describe("Straight to other guests through a socket of the host, instead of a network."),
    binding: sources.socketSource,
    change: "restart",
    equal: subset,
  }),
  portGroup: words("./source/@portgroup", "Port group of the network.", sources.regrouped),
  mac: field({
    schema: () => mac.describe("MAC address, derived from the machine's UUID unless declared."),
    binding: text("./mac/@address"),
    change: "restart",
    equal: (declared, actual) => String(declared) === String(actual).toLowerCase(),
  }),
  ip: field({
    schema: () => z.ipv4().optional().describe("Address reserved for the NIC on its network."),
    binding: elsewhere("the network's reservations"),
    change: "live",
    equal: always,
  }),
  model: field({
    schema: () =>
      z.enum(MODELS).optional()
        .describe("Model that the guest sees; virtio unless declared."),
    binding: text("./model/@type"),
    change: "restart",
  }),
  link: field({
    schema: () =>
      z.enum(["up", "down"]).optional()
        .describe("State of the link; up unless declared."),
    binding: {
      path: "./link/@state",
      read: (nic) => getPath(nic, "./link/@state") ?? "up",
      write: (nic, value) => setPath(nic, "./link/@state", String(value)),
    },
    change: "live",
  }),
  bootOrder,
  mtu: whole("./mtu/@size", [68, 65535], "Largest packet, bytes, that guest and tap are told."),
  target: field({
    schema: () =>
      z.string().regex(
        /^(?!vnet|vif|macvtap)[^/\s]{1,15}$/,
        "must be 1 to 15 characters, and not begin with vnet, vif or macvtap: libvirt gives those out",
      ).optional().describe("Name of the tap on the host; libvirt chooses unless declared."),
    binding: text("./target/@dev"),
    change: "restart",
  }),
  driver: word(
    "./driver/@name",
    ["vhost", "qemu"],
    "Where a virtio NIC's packets are handled: in the host's kernel, or in QEMU.",
  ),
  queues: whole("./driver/@queues", [1, 256], "Queues of a virtio NIC, as many as vCPUs at most."),
  rxQueueSize: ring("./driver/@rx_queue_size", "Places in the receive queue of a virtio NIC."),
  txQueueSize: ring("./driver/@tx_queue_size", "Places in the send queue of a virtio NIC."),
  vlan: field({
    schema: () =>
      sources.vlanSchema.optional()
        .describe("VLANs of the NIC, on Open vSwitch and on virtual functions."),
    binding: sources.vlan,
    change: "restart",
    equal: sources.vlanEqual,
  }),
  bandwidth,
  ...nicOptions,
  filter: field({
    schema: () =>
      sources.filterSchema.optional().describe("Network filter of libvirt's for the NIC."),
    binding: sources.filter,
    change: "live",
    equal: sources.filterEqual,
  }),
  isolated: toggle(
    "./port/@isolated",
    YES_NO,
    "Keep the NIC from others on the bridge that are isolated too.",
  ),
  trustGuestRxFilters: toggle(
    "./@trustGuestRxFilters",
    YES_NO,
    "Let the guest change its MAC address and receive filters.",
  ),
  romBar: toggle("./rom/@bar", ON_OFF, "Show the NIC's boot ROM to the guest."),
} satisfies Table;

/** What the host has a tap for. */
const TAPS = ["network", "bridge", "direct", "ethernet"] as const;
const QUEUED = ["queues", "driver", "rxQueueSize", "txQueueSize"] as const;

const entry = () =>
  z.strictObject(shapeOf(nics)).superRefine((nic, context) => {
    const refuse = (path: string | undefined, message: string) =>
      context.addIssue({ code: "custom", path: path === undefined ? [] : [path], message });
    const [first, second] = sources.NIC_SOURCES.filter((name) => nic[name] !== undefined);
    if (first === undefined) {
      refuse(undefined, `needs one of ${sources.NIC_SOURCES.join(", ")}`);
    }
    if (second !== undefined) refuse(second, `does not go with ${first}: a NIC is on one of them`);
    if (nic.portGroup !== undefined && nic.network === undefined) {
      refuse("portGroup", "goes with a network: port groups are its own");
    }
    for (const name of [...QUEUED, ...VIRTIO_ONLY]) {
      if (nic[name] === undefined || (nic.model ?? "virtio").startsWith("virtio")) continue;
      refuse(name, `goes with a virtio model, and this NIC is ${nic.model}`);
    }
    for (const name of nic.hostdev === undefined ? [] : [...QUEUED, ...VIRTIO_ONLY]) {
      // Of its virtio device libvirt keeps what the guest's side is told.
      if (nic[name] === undefined || name === "virtio") continue;
      refuse(
        name,
        "goes with a NIC that the host moves packets for, and a host device moves its own",
      );
    }
    for (const name of ["filter", "target", "mtu"] as const) {
      if (nic[name] === undefined) continue;
      if (TAPS.some((source) => nic[source] !== undefined)) continue;
      refuse(name, "goes with network, bridge or direct: the host has no tap for this NIC");
    }
    if (nic.vlan !== undefined && nic.user !== undefined) {
      refuse("vlan", "goes with network, bridge, direct or hostdev");
    }
    for (const [path, message] of optionClashes(nic)) refuse(path, message);
  });

/** NICs. */
export const network = {
  nics: list({
    schema: () =>
      z.array(entry()).superRefine((entries, context) => {
        distinct(entries, context);
        refuseOwned(nics, entries, context);
      }).describe("NICs, in the guest's order."),
    path: "./devices/interface",
    select: (domain) => {
      const devices = child(domain, "devices");
      return devices === undefined ? [] : children(devices, "interface");
    },
    nameOf: (nic) => aliasName(nic) ?? getPath(nic, "./mac/@address") ?? "",
    matches: (nic, declared) =>
      aliasName(nic) === undefined &&
      getPath(nic, "./mac/@address")?.toLowerCase() === declared.mac,
    insert: (domain, declared) => {
      const type = sources.nicType(declared);
      const hostdev = type === "hostdev";
      const nic = element(
        "interface",
        { type, managed: hostdev ? "yes" : undefined },
        element("mac", { address: String(declared.mac) }),
        type !== "user" && type !== "ethernet" && element("source"),
        // A virtual function is its own model.
        !hostdev && element("model", { type: String(declared.model ?? "virtio") }),
        element("alias", { name: `ua-${declared.name}` }),
      );
      append(ensureElement(domain, "./devices"), nic, "interface");
      return nic;
    },
    remove: (domain, nic) => remove(ensureElement(domain, "./devices"), nic),
    change: "live",
    fields: nics,
  }),
} satisfies Table;
