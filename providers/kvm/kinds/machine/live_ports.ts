/**
 * Where a running machine has room for one more device. A device on PCI Express takes a root port of
 * its own, and a port cannot be plugged: what finds none free waits for the next start, for which
 * libvirt adds the ports that it needs.
 *
 * @module
 */

import type { JsonObject } from "../../../provider.ts";
import type { List, Table } from "../../table/mod.ts";
import { child, children, getPath, type XmlElement } from "../../xml/mod.ts";
import { hasScsi } from "./places.ts";

/** Controllers that offer one place for a PCI Express device each. */
const PORTS = new Set(["pcie-root-port", "pcie-switch-downstream-port"]);

/** Lists whose devices are on PCI, whatever they say of themselves. */
const ALWAYS = new Set(["nics", "rngs", "filesystems"]);

/** Plain PCI devices: they stand behind a bridge, not in a port. */
const PLAIN = new Set(["watchdogs", "shmems"]);

/** A place on PCI that a declared device takes: a port, a place behind a bridge, or none. */
function placeOf(list: string, declared: JsonObject): "port" | "bridge" | undefined {
  if (ALWAYS.has(list)) return "port";
  if (PLAIN.has(list)) return "bridge";
  switch (list) {
    case "disks":
      return (declared.bus ?? "virtio") === "virtio" ? "port" : undefined;
    case "inputs":
      return declared.bus === "virtio" ? "port" : undefined;
    case "serials":
      return declared.target === "pci-serial" ? "bridge" : undefined;
    case "controllers":
      return declared.type === "scsi" ? "port" : undefined;
    case "hostDevices":
      return declared.pci === undefined && declared.mdev === undefined ? undefined : "port";
    case "memoryDevices":
      return String(declared.model).startsWith("virtio") ? "port" : undefined;
    default:
      return undefined;
  }
}

/** A device's bus, as a number. */
function busOf(device: XmlElement): number {
  return Number(getPath(device, "./address/@bus") ?? 0);
}

interface Places {
  /** Free root ports. */
  port: number;
  /** Free places behind bridges for plain PCI devices. */
  bridge: number;
}

/** Slots of a bridge: 31, the first of which is its own. */
const SLOTS = 31;

function freePlaces(live: XmlElement): Places | undefined {
  const parent = child(live, "devices");
  const devices = parent === undefined ? [] : children(parent);
  const controllers = devices.filter((item) =>
    item.name === "controller" && item.attributes.get("type") === "pci"
  );
  // Other platforms, and PCs of before PCI Express, have slots that we do not count.
  if (!controllers.some((item) => item.attributes.get("model") === "pcie-root")) return undefined;
  const taken = new Map<number, number>();
  for (const device of devices) {
    if (getPath(device, "./address/@type") !== "pci") continue;
    const bus = busOf(device);
    taken.set(bus, (taken.get(bus) ?? 0) + 1);
  }
  const places: Places = { port: 0, bridge: 0 };
  for (const controller of controllers) {
    const model = controller.attributes.get("model") ?? "";
    const used = taken.get(Number(controller.attributes.get("index"))) ?? 0;
    const hotplug = getPath(controller, "./target/@hotplug") !== "off";
    if (PORTS.has(model) && used === 0 && hotplug) places.port++;
    if (model === "pcie-to-pci-bridge" || model === "pci-bridge") places.bridge += SLOTS - used;
  }
  return places;
}

/**
 * Says of each device that is to be plugged into a running machine, in the order in which they are
 * asked, whether there is room for it.
 */
export function roomIn(
  live: XmlElement,
  table: Table,
): (list: List, declared: JsonObject) => boolean {
  let places: Places | undefined;
  let scsi = hasScsi(live);
  return (list, declared) => {
    places ??= freePlaces(live) ?? { port: Infinity, bridge: Infinity };
    const name = Object.keys(table).find((name) => table[name] === list) ?? "";
    // The first SCSI disk brings its controller along.
    const brings = name === "disks" && declared.bus === "scsi" && !scsi;
    const place = brings ? "port" : placeOf(name, declared);
    if (place === undefined) return true;
    if (places[place] <= 0) return false;
    places[place]--;
    scsi ||= brings;
    return true;
  };
}
