/**
 * How the changes of a plan reach a running machine: a list of calls, plain JSON, in order.
 *
 * Every call is safe to repeat: it is derived from what the live XML still lacks.
 *
 * @module
 */

import type { FieldChange, JsonObject, Observed, Resource } from "../../../provider.ts";
import { findEntry, type List, writeTable } from "../../table/mod.ts";
import { getPath, parseXml, serializeXml, type XmlElement } from "../../xml/mod.ts";
import { hasScsi, seed, seedDrive } from "./places.ts";
import { machineTable } from "./table.ts";

/** One call on a machine. `xml` is a device's; `alias` names one. */
export type LiveCall =
  | { readonly call: "setVcpus"; readonly vcpus: number }
  | { readonly call: "setMemory"; readonly kib: number }
  | { readonly call: "setTitle"; readonly value: string }
  | { readonly call: "setDescription"; readonly value: string }
  | { readonly call: "attachDevice"; readonly path: string; readonly xml: string }
  | {
    readonly call: "detachDevice";
    readonly path: string;
    readonly alias: string;
    readonly xml: string;
  }
  | { readonly call: "updateDevice"; readonly path: string; readonly xml: string }
  | { readonly call: "setAutostart"; readonly value: boolean }
  | { readonly call: "setPower"; readonly value: "on" | "off" }
  | { readonly call: "restart" };

/**
 * The calls that make the changes. Those on the live machine come first, then (after the
 * configuration was redefined by the caller) a restart or a change of power.
 */
export function liveCalls(
  changes: readonly FieldChange[],
  resource: Resource,
  observed: Observed,
): LiveCall[] {
  const calls: LiveCall[] = [];
  const liveXml = observed.source.liveXml;
  if (typeof liveXml === "string") {
    const live = parseXml(liveXml);
    const now = changes.filter((change) => change.disruption === "live");
    calls.push(...scalarCalls(now), ...deviceCalls(now, resource.spec, live));
  }
  for (const change of changes) {
    if (change.path === "autostart") calls.push({ call: "setAutostart", value: !!change.after });
    if (change.path === "power") {
      calls.push({ call: "setPower", value: change.after as "on" | "off" });
    }
  }
  const restart = changes.some((change) =>
    change.disruption === "restart" && change.path !== "power"
  );
  if (restart && !changes.some((change) => change.path === "power")) {
    calls.push({ call: "restart" });
  }
  return calls;
}

function scalarCalls(changes: readonly FieldChange[]): LiveCall[] {
  return changes.flatMap(({ path, after }): LiveCall[] => {
    switch (path) {
      case "vcpus":
        return [{ call: "setVcpus", vcpus: Number(after) }];
      case "memory":
        return [{ call: "setMemory", kib: Math.ceil(Number(after) / 1024) }];
      case "title":
        return [{ call: "setTitle", value: String(after) }];
      case "description":
        return [{ call: "setDescription", value: String(after) }];
      default:
        return [];
    }
  });
}

const SCSI_CONTROLLER = {
  call: "attachDevice",
  path: "controllers[scsi0]",
  xml: "<controller type='scsi' index='0' model='virtio-scsi'/>",
} as const;

/** Devices that come, go or change, each once however many of its fields differ. */
function deviceCalls(
  changes: readonly FieldChange[],
  spec: JsonObject,
  live: XmlElement,
): LiveCall[] {
  const calls = new Map<string, LiveCall>();
  for (const change of changes) {
    if (change.path === "seed") {
      const call = mediumCall(spec, live);
      if (call !== undefined) calls.set("seed", call);
      continue;
    }
    const [, listName, name] = /^(disks|nics)\[([^\]]+)\]/.exec(change.path) ?? [];
    if (listName === undefined || name === undefined) continue;
    const path = `${listName}[${name}]`;
    if (calls.has(path)) continue;
    const table = machineTable[listName as "disks" | "nics"];
    const lacksScsi = !hasScsi(live);
    const call = deviceCall(table, path, name, spec[listName] as readonly JsonObject[], live);
    // Left to itself libvirt would plug an LSI controller, which few guests drive.
    if (lacksScsi && hasScsi(live)) calls.set(SCSI_CONTROLLER.path, SCSI_CONTROLLER);
    if (call !== undefined) calls.set(path, call);
  }
  return [...calls.values()];
}

function deviceCall(
  table: List,
  path: string,
  name: string,
  declared: readonly JsonObject[],
  live: XmlElement,
): LiveCall | undefined {
  const entry = declared.find((item) => item.name === name);
  const device = findEntry(table, live, entry ?? { name });
  if (entry === undefined) {
    if (device === undefined) return undefined;
    const alias = getPath(device, "./alias/@name") ?? "";
    return { call: "detachDevice", path, alias, xml: serializeXml(device) };
  }
  if (device === undefined) {
    const made = table.insert(live, entry);
    writeTable(table.fields, made, entry);
    return { call: "attachDevice", path, xml: serializeXml(made) };
  }
  const liveOnly = Object.fromEntries(
    Object.entries(table.fields).filter(([, field]) =>
      field.entry === "field" && field.change === "live"
    ),
  );
  writeTable(liveOnly, device, entry);
  return { call: "updateDevice", path, xml: serializeXml(device) };
}

function mediumCall(spec: JsonObject, live: XmlElement): LiveCall | undefined {
  const drive = seedDrive(live);
  if (drive === undefined) return undefined;
  seed.write(live, spec.seed);
  return { call: "updateDevice", path: "seed", xml: serializeXml(drive) };
}
