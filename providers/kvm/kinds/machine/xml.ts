/**
 * A machine's XML: generated once, when it is made; patched ever after.
 *
 * @module
 */

import type { JsonObject, Mark, Resource } from "../../../provider.ts";
import { removeWithdrawn, writeTable } from "../../table/mod.ts";
import { element, parseXml, serializeXml, writeMark, type XmlElement } from "../../xml/mod.ts";
import { settleBootOrder } from "./fields/boot.ts";
import { settleWatchdogs } from "./fields/guest_aids.ts";
import { guestClock, guestFeatures, guestHelpers } from "./guest.ts";
import { bytesInModules, settleModules } from "./places.ts";
import type { MachineSpec } from "./schema.ts";
import { machineTable } from "./table.ts";

/** PCIe root ports kept free, so that disks and NICs can be plugged later. */
const SPARE_ROOT_PORTS = 8;

/**
 * XML of a new machine. The spec is completed: accelerator, architecture and machine type are
 * settled.
 */
export function machineXml(resource: Resource, mark: Mark): string {
  const spec = resource.spec as unknown as MachineSpec;
  const domain = element(
    "domain",
    { type: spec.accel === "tcg" ? "qemu" : "kvm" },
    element("name", {}, spec.name),
    element("uuid", {}, resource.uuid),
    // Its attributes alone, a placement, would be no valid element.
    element("vcpu", {}, 1),
    element("os", {}, element("type", { arch: spec.arch, machine: spec.machine }, "hvm")),
    guestFeatures(spec),
    guestClock(spec),
    element("on_poweroff", {}, "destroy"),
    element("on_reboot", {}, "restart"),
    element("on_crash", {}, "destroy"),
    devices(spec),
  );
  writeTable(machineTable, domain, resource.spec);
  settleModules(domain, 0);
  settleBootOrder(domain);
  settleWatchdogs(domain, spec.watchdogs);
  writeMark(domain, mark);
  return serializeXml(domain);
}

/** The inactive XML with the declared fields as declared; every other node stays as it was. */
export function patchMachine(
  xml: string,
  resource: Resource,
  mark: Mark,
  previous: JsonObject | undefined,
): string {
  const domain = parseXml(xml);
  let inModules = bytesInModules(domain);
  if (previous !== undefined) {
    removeWithdrawn(machineTable, domain, resource.spec, previous);
    settleModules(domain, inModules);
    inModules = bytesInModules(domain);
  }
  writeTable(machineTable, domain, resource.spec);
  settleModules(domain, inModules);
  settleBootOrder(domain);
  settleWatchdogs(domain, (resource.spec as unknown as MachineSpec).watchdogs);
  writeMark(domain, mark);
  return serializeXml(domain);
}

function devices(spec: MachineSpec): XmlElement {
  const pcie = usesPcie(spec);
  return element(
    "devices",
    {},
    pcie && element("controller", { type: "pci", index: 0, model: "pcie-root" }),
    ...Array.from(
      { length: pcie ? SPARE_ROOT_PORTS + plugged(spec) : 0 },
      () => element("controller", { type: "pci", model: "pcie-root-port" }),
    ),
    element("controller", { type: "usb", model: "none" }),
    ...guestHelpers(spec),
  );
}

/** Lists of devices that may take a root port each. */
const PLUGGED = [
  "disks",
  "nics",
  "controllers",
  "rngs",
  "filesystems",
  "shmems",
  "hostDevices",
  "inputs",
  "videos",
  "sounds",
  "watchdogs",
] as const;

/** Root ports that are taken from the start: by devices, and by what every new machine has. */
function plugged(spec: MachineSpec): number {
  return PLUGGED.reduce((count, list) => count + (spec[list]?.length ?? 0), 5);
}

function usesPcie(spec: MachineSpec): boolean {
  return /q35|^virt(-|$)/.test(spec.machine ?? "");
}
