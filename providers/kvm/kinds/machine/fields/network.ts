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
import { always, deviceName, distinct } from "./common.ts";

const mac = z.string().toLowerCase().regex(
  /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/,
  "must be a unicast MAC address, for example 52:54:00:12:34:56",
);

const nics = {
  name: field({
    schema: deviceName.describe("Name of the NIC in the machine; its alias is `ua-<name>`."),
    binding: text("./alias/@name"),
    change: "restart",
    equal: always,
  }),
  network: field({
    schema: reference("network").optional().describe("Address of the network that the NIC is on."),
    binding: places.nicSource("network"),
    change: "live",
  }),
  bridge: field({
    schema: z.string().min(1).max(15).optional()
      .describe("A bridge of the host, instead of a network."),
    binding: places.nicSource("bridge"),
    change: "live",
  }),
  mac: field({
    schema: mac.describe("MAC address, derived from the machine's UUID unless declared."),
    binding: text("./mac/@address"),
    change: "restart",
    equal: (declared, actual) => String(declared) === String(actual).toLowerCase(),
  }),
  ip: field({
    schema: z.ipv4().optional().describe("Address reserved for the NIC on its network."),
    binding: elsewhere("the network's reservations"),
    change: "live",
    equal: always,
  }),
  model: field({
    schema: z.enum(["virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"]).optional()
      .describe("Model that the guest sees; virtio unless declared."),
    binding: text("./model/@type"),
    change: "restart",
  }),
  link: field({
    schema: z.enum(["up", "down"]).optional()
      .describe("State of the link; up unless declared."),
    binding: {
      path: "./link/@state",
      read: (nic) => getPath(nic, "./link/@state") ?? "up",
      write: (nic, value) => setPath(nic, "./link/@state", String(value)),
    },
    change: "live",
  }),
} satisfies Table;

/** NICs. */
export const network = {
  nics: list({
    schema: z.array(
      z.strictObject(shapeOf(nics)).refine(
        (nic) => (nic.network === undefined) !== (nic.bridge === undefined),
        { error: "needs either a network or a bridge" },
      ),
    ).superRefine(distinct).describe("NICs, in the guest's order."),
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
      const nic = element(
        "interface",
        { type: declared.network === undefined ? "bridge" : "network" },
        element("mac", { address: String(declared.mac) }),
        element("source"),
        element("model", { type: String(declared.model ?? "virtio") }),
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
