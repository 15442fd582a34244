/**
 * A domain as the options of a machine: everything that the table knows of it, less what a person
 * would not write, then cut down to what the language takes and the host has.
 *
 * @module
 */

import { parseXml, type XmlElement } from "../../providers/kvm/xml/mod.ts";
import { formatBytes } from "../../providers/kvm/kinds/size.ts";
import { machineTable } from "../../providers/kvm/kinds/machine/table.ts";
import { machineKind } from "../../providers/kvm/kinds/machine/mod.ts";
import type { Table } from "../../providers/kvm/table/mod.ts";
import type { Json, JsonObject, Observed } from "../../providers/provider.ts";
import type { DraftValue } from "../../stacks/write/mod.ts";
import { patchesOf } from "./patches.ts";
import { type Fault, type Options, without } from "./trial.ts";

/** Where a machine's disks and NICs find what they are on. */
export interface Ground {
  /** Variable of a volume that was declared, by `<pool>/<volume>`. */
  volume(key: string): string | undefined;
  /** The same, by its path, and the format that goes without saying. */
  volumeAt(path: string): { readonly variable: string; readonly format: string } | undefined;
  /** Variable of a network that was declared, by its name, and whether the stack is to own it. */
  network(name: string): { readonly variable: string; readonly managed: boolean } | undefined;
  /** Address that a network keeps for a NIC of this machine. */
  reserved(network: string, mac: string): string | undefined;
}

/** A machine's options, and what stays undeclared though a person may look for it. */
export interface DraftedMachine {
  readonly options: Options;
  /** Paths in the spec, each with the reason. */
  readonly left: readonly { readonly path: string; readonly why: string }[];
}

/**
 * Fields that are left to the host: what libvirt or a running machine type settles by itself, policy, and
 * seeds, which are drives with a medium here.
 */
const LEFT_OUT = new Set([
  "name",
  "adopt",
  "seed",
  "power",
  "wait",
  "whenRestartNeeded",
  "controllers",
  "inputs",
  "balloon",
  "xml",
]);

/** What a new machine, disk or NIC would have anyhow. */
const USUAL: Readonly<Record<string, Json>> = {
  accel: "require-kvm",
  firmware: "bios",
  console: true,
  agent: true,
  graphics: "none",
  autostart: false,
  onPoweroff: "destroy",
  onReboot: "restart",
  onCrash: "destroy",
  cpuPlacement: "static",
  partition: "/machine",
  "disks.device": "disk",
  "disks.bus": "virtio",
  "nics.model": "virtio",
  "nics.link": "up",
};

/** What libvirt writes into every domain, as far as nobody chose otherwise. */
const WRITTEN: Readonly<Record<string, (value: Json) => boolean>> = {
  emulator: (value) =>
    /^\/usr\/(s?bin|libexec)\/(qemu-system-\w+|qemu-kvm|kvm)$/.test(String(value)),
  bootOrder: (value) => JSON.stringify(value) === '["hd"]',
  // The port behind the console, which has a field of its own.
  serials: (value) =>
    (value as readonly JsonObject[]).every(({ name, type, target }) =>
      name === "serial0" && type === "pty" && [undefined, "isa-serial"].includes(target as string)
    ),
};

/** Drafts a machine. `faults` tries its options. */
export function draftMachine(
  observed: Observed,
  ground: Ground,
  faults: (options: Options) => readonly Fault[],
): DraftedMachine | undefined {
  const domain = parseXml(String(observed.source.xml));
  const view = machineKind.view(observed);
  const options: Options = { adopt: observed.uuid! };
  for (const name of Object.keys(machineTable)) {
    const value = view[name];
    if (value === undefined || LEFT_OUT.has(name) || WRITTEN[name]?.(value) === true) continue;
    const written = fieldOf(name, value, machineTable, ground);
    if (written !== undefined) options[name] = written;
  }
  if (options.maxVcpus === options.vcpus) delete options.maxVcpus;
  if (options.maxMemory === options.memory) delete options.maxMemory;
  return fitted(options, domain, faults);
}

/** Cuts options down until nothing is wrong, then adds what only the escape hatch can say. */
function fitted(
  begin: Options,
  domain: XmlElement,
  faults: (options: Options) => readonly Fault[],
): DraftedMachine | undefined {
  let options = begin;
  const left: { path: string; why: string }[] = [];
  for (let found = faults(options); found.length > 0; found = faults(options)) {
    const cut = cutDown(options, found, faults);
    if (cut === undefined) return undefined;
    left.push({ path: cut.gone, why: cut.why });
    options = cut.options;
  }
  const patches: DraftValue[] = [];
  for (const patch of patchesOf(domain)) {
    if (faults({ ...options, xml: [...patches, patch] }).length === 0) patches.push(patch);
  }
  if (patches.length > 0) options = { ...options, xml: patches };
  return { options, left };
}

/** Takes away what a fault names; where none names anything, the first field that helps. */
function cutDown(
  options: Options,
  found: readonly Fault[],
  faults: (options: Options) => readonly Fault[],
): { options: Options; gone: string; why: string } | undefined {
  for (const { path, message } of found) {
    if (path.length === 0 || path[0] === "memory" || path[0] === "adopt") continue;
    const cut = without(options, path);
    if (cut !== undefined) return { ...cut, why: message };
  }
  for (const name of Object.keys(options).reverse()) {
    if (name === "memory" || name === "adopt") continue;
    const { [name]: _, ...others } = options;
    const after = faults(others);
    const changed = after.length < found.length || after[0]?.message !== found[0]!.message;
    if (changed) return { options: others, gone: name, why: found[0]!.message };
  }
  return undefined;
}

function fieldOf(
  path: string,
  value: Json,
  table: Table,
  ground: Ground,
): DraftValue | undefined {
  const entry = table[path.slice(path.lastIndexOf(".") + 1)];
  if (entry === undefined || value === null) return undefined;
  if (entry.entry === "list") {
    const items = (value as readonly JsonObject[]).map((item, index) =>
      entryOf(path, path === "nics" ? nicOf(item, index, ground) : item, entry.fields, ground)
    );
    return items.length === 0 ? undefined : items;
  }
  if (entry.entry === "group") return objectOf(path, value as JsonObject, entry.fields, ground);
  if (entry.entry === "patches" || value === USUAL[path]) return undefined;
  if (entry.format === "bytes" && typeof value === "number") return sizeOf(value);
  return Array.isArray(value) ? value.map(withSize) : value as DraftValue;
}

function sizeOf(bytes: number): string {
  return formatBytes(bytes).replace(" ", "");
}

/** One of several values of a field, pages for example, its size as people write it. */
function withSize(item: Json): DraftValue {
  if (typeof item !== "object" || item === null) return item as DraftValue;
  const { size } = item as JsonObject;
  return (typeof size === "number" ? { ...item, size: sizeOf(size) } : item) as DraftValue;
}

/** A NIC without an alias of its own is found by its MAC address, whatever it is called here. */
function nicOf(nic: JsonObject, index: number, ground: Ground): JsonObject {
  const mac = String(nic.mac).toLowerCase();
  const name = String(nic.name).toLowerCase() === mac ? `nic${index}` : nic.name;
  const network = typeof nic.network === "string" ? nic.network : undefined;
  // On a network of the stack's own an address would be reserved, unless it says otherwise.
  const ip = network !== undefined && ground.network(network)?.managed === true
    ? { ip: ground.reserved(network, mac) ?? false }
    : {};
  return { ...nic, name, mac, ...ip };
}

function entryOf(path: string, item: JsonObject, fields: Table, ground: Ground): DraftValue {
  const written = objectOf(path, item, fields, ground) ?? {};
  const { name, target } = item;
  const rest = { ...written as Options };
  // Found by its target, a disk needs not say it twice; nor what its volume says.
  if (target === name) delete rest.target;
  if (path === "disks" && typeof item.file === "string") {
    if (ground.volumeAt(item.file)?.format === item.format) delete rest.format;
  }
  return typeof name === "string" ? { name, ...rest } : rest;
}

function objectOf(
  path: string,
  value: JsonObject,
  fields: Table,
  ground: Ground,
): DraftValue | undefined {
  const result: Options = {};
  for (const name of Object.keys(fields)) {
    const item = value[name];
    if (item === undefined || item === null) continue;
    const written = referenceOf(path, name, item, ground) ??
      fieldOf(`${path}.${name}`, item, fields, ground);
    if (written !== undefined) result[name] = written;
  }
  return Object.keys(result).length === 0 ? undefined : result;
}

/** Volumes and networks stand by their handles. */
function referenceOf(
  path: string,
  name: string,
  value: Json,
  ground: Ground,
): DraftValue | undefined {
  if (typeof value !== "string") return undefined;
  const variable = name === "volume"
    ? ground.volume(value)
    : name === "network"
    ? ground.network(value)?.variable
    : path === "disks" && name === "file"
    ? ground.volumeAt(value)?.variable
    : undefined;
  return variable === undefined ? undefined : { $variable: variable };
}
