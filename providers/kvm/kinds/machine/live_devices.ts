/**
 * Devices that come, go or change while the guest runs: the calls for each, once however many of its
 * fields differ.
 *
 * `updateDevice` takes what is left out as a wish to remove it, so it is always given the device's
 * live XML with the changed fields patched. What libvirt changes by calls of their own, the limits of
 * disks and NICs, it would ignore there.
 *
 * @module
 */

import type { FieldChange, Json, JsonObject } from "../../../provider.ts";
import { type Field, findEntry, type List, type Table, writeTable } from "../../table/mod.ts";
import {
  cloneXml,
  getElements,
  getPath,
  removeElement,
  serializeXml,
  type XmlElement,
} from "../../xml/mod.ts";
import { bandwidthParameters } from "./fields/bandwidth.ts";
import { iotuneParameters } from "./fields/iotune.ts";
import type { LiveCall } from "./live_call.ts";
import { hasScsi, seed, seedDrive } from "./places.ts";
import { machineTable } from "./table.ts";

const SCSI_CONTROLLER = {
  call: "attachDevice",
  path: "controllers[scsi0]",
  xml: "<controller type='scsi' index='0' model='virtio-scsi'/>",
} as const;

/** What changes of one device. */
interface DeviceChanges {
  readonly list: List;
  readonly listName: string;
  readonly name: string;
  /** The device itself comes or goes. */
  whole: boolean;
  /** Changed fields by their path in the device. */
  readonly fields: (readonly [path: string, after: Json | undefined])[];
}

/** The calls for devices, of changes that are live. */
export function deviceCalls(
  changes: readonly FieldChange[],
  spec: JsonObject,
  live: XmlElement,
): LiveCall[] {
  const calls = changes.flatMap(({ path, after }): LiveCall[] => {
    if (path === "balloon.statsPeriod") {
      return [{ call: "setMemoryStatsPeriod", seconds: Number(after) }];
    }
    return path === "seed" ? mediumCall(spec, live) : [];
  });
  let plugged = hasScsi(live);
  for (const device of byDevice(changes)) {
    const made = callsFor(device, spec, live);
    // Left to itself libvirt would plug an LSI controller, which few guests drive.
    if (!plugged && hasScsi(live) && device.listName !== "controllers") calls.push(SCSI_CONTROLLER);
    plugged ||= hasScsi(live);
    calls.push(...made);
  }
  return calls;
}

function byDevice(changes: readonly FieldChange[]): DeviceChanges[] {
  const found = new Map<string, DeviceChanges>();
  for (const { path, after } of changes) {
    const [, listName, name, field] = /^([A-Za-z]+)\[([^\]]+)\](?:\.(.+))?$/.exec(path) ?? [];
    if (listName === undefined || name === undefined) continue;
    const list = (machineTable as Table)[listName];
    if (list?.entry !== "list" || !list.path.startsWith("./devices/")) continue;
    const key = `${listName}[${name}]`;
    const device = found.get(key) ?? { list, listName, name, whole: false, fields: [] };
    found.set(key, device);
    if (field === undefined) device.whole = true;
    else device.fields.push([field, after]);
  }
  return [...found.values()];
}

function callsFor(
  { list, listName, name, whole, fields }: DeviceChanges,
  spec: JsonObject,
  live: XmlElement,
): LiveCall[] {
  const path = `${listName}[${name}]`;
  const declared = (spec[listName] ?? []) as readonly JsonObject[];
  const entry = declared.find((item) => item.name === name);
  const device = findEntry(list, live, entry ?? { name });
  if (entry === undefined) {
    if (device === undefined) return [];
    const alias = getPath(device, "./alias/@name") ?? "";
    return [{ call: "detachDevice", path, alias, xml: serializeXml(device) }];
  }
  if (device === undefined) {
    const made = list.insert(live, entry);
    writeTable(list.fields, made, entry);
    return [{ call: "attachDevice", path, xml: serializeXml(made) }];
  }
  if (whole) return [];
  // A NIC on another network is in a group of that network, which may have the same name.
  const group = fields.some(([field]) => field === "network") ? entry.portGroup : undefined;
  const moved = group === undefined ? fields : [...fields, ["portGroup", group] as const];
  return fieldCalls(path, list.fields, moved, device);
}

/** Calls for changed fields of a device that is there. */
function fieldCalls(
  path: string,
  table: Table,
  fields: DeviceChanges["fields"],
  device: XmlElement,
): LiveCall[] {
  const [tuned, updated] = [fields.filter(isTuning), fields.filter((item) => !isTuning(item))];
  const calls: LiveCall[] = [];
  const changed = cloneXml(device);
  patch(table, updated, changed);
  // The configuration alone may lack what is declared.
  if (serializeXml(changed) !== serializeXml(device)) {
    // The chain of files behind a medium is the old one's; libvirt looks at the new one itself.
    for (const item of getElements(changed, "./backingStore")) removeElement(changed, ".", item);
    calls.push({ call: "updateDevice", path, xml: serializeXml(changed) });
  }
  if (tuned.length === 0) return calls;
  patch(table, tuned, device);
  if (device.name === "disk") {
    const disk = getPath(device, "./target/@dev") ?? "";
    calls.push({ call: "setBlockIoTune", path, disk, parameters: iotuneParameters(device) });
  } else {
    const nic = getPath(device, "./mac/@address") ?? "";
    const parameters = bandwidthParameters(device);
    calls.push({ call: "setInterfaceParameters", path, device: nic, parameters });
  }
  return calls;
}

function isTuning([path]: DeviceChanges["fields"][number]): boolean {
  return path.startsWith("iotune.") || path.startsWith("bandwidth.");
}

/** What is taken away goes first: a drive holds one medium. */
function patch(table: Table, fields: DeviceChanges["fields"], device: XmlElement): void {
  const gone = fields.filter(([, after]) => after === undefined);
  const set = fields.filter(([, after]) => after !== undefined);
  for (const [path, after] of [...gone, ...set]) {
    fieldAt(table, path)?.binding.write(device, after);
  }
}

function fieldAt(table: Table, path: string): Field | undefined {
  const [name, ...rest] = path.split(".");
  const entry = table[name!];
  if (entry?.entry === "field") return entry;
  return entry?.entry === "group" ? fieldAt(entry.fields, rest.join(".")) : undefined;
}

function mediumCall(spec: JsonObject, live: XmlElement): LiveCall[] {
  const drive = seedDrive(live);
  if (drive === undefined) return [];
  seed.write(live, spec.seed);
  return [{ call: "updateDevice", path: "seed", xml: serializeXml(drive) }];
}
