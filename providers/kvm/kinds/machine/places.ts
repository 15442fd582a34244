/**
 * Places in a domain's XML that are more than one path: vCPUs and memory with their maxima, the
 * source of a disk, the source of a NIC, whole devices that are there or not.
 *
 * @module
 */

import { type Binding, custom, kibibytes } from "../../table/mod.ts";
import {
  append,
  child,
  children,
  element,
  ensureElement,
  getElement,
  getElements,
  getPath,
  remove,
  removeElement,
  setPath,
  type XmlElement,
} from "../../xml/mod.ts";

/** vCPUs that are on. A count above the maximum raises it. */
export const vcpus: Binding = custom(
  "./vcpu/@current",
  (domain) => Number(getPath(domain, "./vcpu/@current") ?? getPath(domain, "./vcpu") ?? 1),
  (domain, value) => {
    const maximum = Number(getPath(domain, "./vcpu") || 0);
    if (Number(value) > maximum) setPath(domain, "./vcpu", `${value}`);
    setPath(domain, "./vcpu/@current", `${value}`);
    settleVcpuStates(domain, Number(value));
  },
);

/** Most vCPUs. The count that is on stays, as far as the maximum allows. */
export const maxVcpus: Binding = custom(
  "./vcpu",
  (domain) => Number(getPath(domain, "./vcpu") ?? 1),
  (domain, value) => {
    const current = Math.min(Number(vcpus.read(domain)), Number(value));
    setPath(domain, "./vcpu", `${value}`);
    setPath(domain, "./vcpu/@current", `${current}`);
    for (const item of getElements(domain, "./vcpus/vcpu")) {
      if (Number(item.attributes.get("id")) >= Number(value)) {
        removeElement(domain, "./vcpus", item);
      }
    }
    settleVcpuStates(domain, current);
  },
);

/**
 * Where single vCPUs are said to be on or off, libvirt goes by that and passes over the count. The
 * lowest come and the highest go; the order in which they came is libvirt's to say anew.
 */
function settleVcpuStates(domain: XmlElement, count: number): void {
  const states = getElements(domain, "./vcpus/vcpu");
  const on = states.filter((item) => item.attributes.get("enabled") === "yes");
  if (states.length === 0 || on.length === count) return;
  const off = states.filter((item) => !on.includes(item));
  for (const item of off.slice(0, Math.max(0, count - on.length))) {
    item.attributes.set("enabled", "yes");
  }
  for (const item of on.slice(count)) {
    item.attributes.set("enabled", "no");
    item.attributes.set("hotpluggable", "yes");
  }
  for (const item of states) item.attributes.delete("order");
}

const currentMemory = kibibytes("./currentMemory");
const bootMemory = kibibytes("./memory");

const moduleSize = kibibytes("./target/size");

/**
 * Bytes of all memory modules. libvirt counts them into both the maximum and what the guest has; a stack
 * declares them apart.
 */
export function bytesInModules(domain: XmlElement): number {
  const devices = getElement(domain, "./devices");
  const modules = devices === undefined ? [] : children(devices, "memory");
  return modules.reduce((sum, module) => sum + Number(moduleSize.read(module) ?? 0), 0);
}

/**
 * Counts modules in that came or went since there were so many bytes in them. The table writes memory
 * before modules: what it wrote does not know of these.
 */
export function settleModules(domain: XmlElement, before: number): void {
  const more = bytesInModules(domain) - before;
  if (more === 0) return;
  for (const place of [bootMemory, currentMemory]) {
    const bytes = place.read(domain);
    if (bytes !== undefined) place.write(domain, Number(bytes) + more);
  }
}

/** Memory that the guest has, the balloon's target, without modules. More than the maximum raises it. */
export const memory: Binding = custom(
  "./currentMemory",
  (domain) => {
    const all = currentMemory.read(domain) ?? bootMemory.read(domain);
    const rest = Number(all) - bytesInModules(domain);
    // A definition may give the guest less than there is in modules.
    return all !== undefined && rest > 0 ? rest : all;
  },
  (domain, value) => {
    const all = Number(value) + bytesInModules(domain);
    if (all > Number(bootMemory.read(domain) ?? 0)) bootMemory.write(domain, all);
    currentMemory.write(domain, all);
  },
);

/** Most memory without modules. What the guest has stays, as far as the maximum allows. */
export const maxMemory: Binding = custom(
  "./memory",
  (domain) => {
    const all = bootMemory.read(domain);
    return all === undefined ? undefined : Number(all) - bytesInModules(domain);
  },
  (domain, value) => {
    const all = Number(value) + bytesInModules(domain);
    const current = Math.min(Number(currentMemory.read(domain) ?? all), all);
    bootMemory.write(domain, all);
    currentMemory.write(domain, current);
  },
);

/** The accelerator: a domain's type. */
export const accelerator: Binding = custom(
  "./@type",
  (domain) => {
    const type = getPath(domain, "./@type");
    return type === "kvm" ? "require-kvm" : type === "qemu" ? "tcg" : type;
  },
  (domain, value) => setPath(domain, "./@type", value === "tcg" ? "qemu" : "kvm"),
);

/** Firmware: chosen by libvirt from a word, or a loader named outright. */
export const firmware: Binding = custom(
  "./os/@firmware",
  (domain) => {
    const word = getPath(domain, "./os/@firmware");
    if (word !== undefined) return word === "efi" ? "uefi" : word;
    return getPath(domain, "./os/loader/@type") === "pflash" ? "uefi" : "bios";
  },
  (domain, value) => {
    setPath(domain, "./os/@firmware", value === "uefi" ? "efi" : undefined);
    if (value === "bios") {
      setPath(domain, "./os/firmware", undefined);
      setPath(domain, "./os/loader", undefined);
      setPath(domain, "./os/nvram", undefined);
    }
  },
);

/** The volume behind a disk or in a drive: `<pool>/<volume>`. */
export const sourceVolume: Binding = custom(
  "./source/@volume",
  (disk) => {
    const pool = getPath(disk, "./source/@pool");
    const volume = getPath(disk, "./source/@volume");
    return pool === undefined || volume === undefined ? undefined : `${pool}/${volume}`;
  },
  (disk, value) => {
    const [pool, volume] = splitVolume(String(value));
    disk.attributes.set("type", "volume");
    const source = child(disk, "source");
    if (source === undefined) append(disk, element("source", { pool, volume }), "driver");
    else {
      for (const name of ["file", "dev", "dir", "protocol", "name", "startupPolicy"]) {
        source.attributes.delete(name);
      }
      source.attributes.set("pool", pool);
      source.attributes.set("volume", volume);
    }
  },
);

/** Pool and volume of `<pool>/<volume>`. A pool's name holds no slash. */
export function splitVolume(key: string): [pool: string, volume: string] {
  const slash = key.indexOf("/");
  return [key.slice(0, slash), key.slice(slash + 1)];
}

/**
 * What a NIC is on: a network of libvirt's, or a bridge of the host. A running NIC on a network that
 * stands on a bridge or a device of the host has the type of that, with the network's name beside it.
 */
export function nicSource(type: "network" | "bridge"): Binding {
  const other = type === "network" ? "bridge" : "network";
  return custom(
    `./source/@${type}`,
    (nic) => {
      const network = getPath(nic, "./source/@network");
      if (type === "network") return network;
      return network === undefined && getPath(nic, "./@type") === "bridge"
        ? getPath(nic, "./source/@bridge")
        : undefined;
    },
    (nic, value) => {
      const moved = nic.attributes.get("type") !== type;
      nic.attributes.set("type", type);
      const source = ensureElement(nic, "./source");
      if (moved) {
        source.attributes.clear();
        for (const item of children(source)) remove(source, item);
      }
      // A running NIC on a network carries what the network gave it; none of that outlives a move.
      for (const name of [other, "portgroup", "portid"]) source.attributes.delete(name);
      source.attributes.set(type, String(value));
    },
  );
}

/** Serial console: the `console` device stands for the first `serial` one. */
export const serialConsole: Binding = custom(
  "./devices/serial",
  (domain) => getElement(domain, "./devices/serial") !== undefined,
  (domain, value) => {
    const devices = ensureElement(domain, "./devices");
    for (const name of ["serial", "console"]) {
      if (value === true) append(devices, element(name, { type: "pty" }), name);
      else for (const item of children(devices, name)) remove(devices, item);
    }
  },
);

const AGENT_PORT = "org.qemu.guest_agent.0";

/** Channel of the QEMU guest agent. */
export const agentChannel: Binding = custom(
  `./devices/channel/target[@name='${AGENT_PORT}']`,
  (domain) => agentChannels(domain).length > 0,
  (domain, value) => {
    const devices = ensureElement(domain, "./devices");
    for (const item of agentChannels(domain)) remove(devices, item);
    if (value !== true) return;
    const target = element("target", { type: "virtio", name: AGENT_PORT });
    append(devices, element("channel", { type: "unix" }, target), "channel");
  },
);

function agentChannels(domain: XmlElement): XmlElement[] {
  const devices = child(domain, "devices");
  return devices === undefined
    ? []
    : children(devices, "channel").filter((item) => getPath(item, "./target/@name") === AGENT_PORT);
}

/** Type of the graphics console; `none` removes every one, and the video device stays. */
export const graphics: Binding = custom(
  "./devices/graphics/@type",
  (domain) => getPath(domain, "./devices/graphics/@type") ?? "none",
  (domain, value) => {
    const devices = ensureElement(domain, "./devices");
    for (const item of children(devices, "graphics")) remove(devices, item);
    if (value === "none") return;
    append(
      devices,
      element("graphics", { type: String(value), autoport: "yes", listen: "127.0.0.1" }),
    );
    if (child(devices, "video") === undefined) {
      append(devices, element("video", {}, element("model", { type: "virtio" })));
    }
  },
);

/** Alias of the CD-ROM that carries the cloud-init seed. */
export const SEED_ALIAS = "ua-seed";

/** The CD-ROM with the cloud-init seed, if there is one. */
export function seedDrive(domain: XmlElement): XmlElement | undefined {
  const devices = child(domain, "devices");
  return devices &&
    children(devices, "disk").find((disk) => getPath(disk, "./alias/@name") === SEED_ALIAS);
}

/** Whether the guest is known to have drivers for no virtio device: its disks say so, else the rest. */
function lacksVirtio(domain: XmlElement): boolean {
  const devices = child(domain, "devices");
  if (devices === undefined) return false;
  const buses = children(devices, "disk")
    .filter((disk) => (disk.attributes.get("device") ?? "disk") === "disk")
    .map((disk) => getPath(disk, "./target/@bus"));
  if (buses.length > 0) return buses.every((bus) => bus === "sata" || bus === "ide");
  const models = children(devices, "interface").map((nic) => getPath(nic, "./model/@type"));
  return getPath(devices, "./memballoon/@model") === "none" &&
    !models.some((model) => model?.startsWith("virtio"));
}

/**
 * The seed's volume, `<pool>/<volume>`, in its CD-ROM drive: on virtio-scsi, or on SATA where the guest's
 * disks are not virtio either.
 */
export const seed: Binding = custom(
  "./devices/disk[@device='cdrom']/source/@volume",
  (domain) => {
    const drive = seedDrive(domain);
    return drive && sourceVolume.read(drive);
  },
  (domain, value) => {
    const known = seedDrive(domain);
    if (value === undefined) {
      if (known !== undefined) remove(ensureElement(domain, "./devices"), known);
      return;
    }
    if (known !== undefined) return sourceVolume.write(known, value);
    const [pool, volume] = splitVolume(String(value));
    // A distribution's cloud kernel has no AHCI driver: SATA would hide the seed from it.
    const bus = lacksVirtio(domain) ? "sata" : "scsi";
    const drive = element(
      "disk",
      { type: "volume", device: "cdrom" },
      element("driver", { name: "qemu", type: "raw" }),
      element("source", { pool, volume }),
      element("target", { dev: freeTarget(domain, "sd"), bus }),
      element("readonly"),
      element("alias", { name: SEED_ALIAS }),
    );
    if (bus === "scsi") ensureScsi(domain);
    append(ensureElement(domain, "./devices"), drive, "disk");
  },
);

/** The first target of that prefix (`vd`, `sd`) that no disk of the domain has. */
export function freeTarget(domain: XmlElement, prefix: string): string {
  const devices = child(domain, "devices");
  const taken = new Set(
    devices ? children(devices, "disk").map((disk) => getPath(disk, "./target/@dev")) : [],
  );
  for (let index = 0;; index++) {
    const name = prefix + letters(index);
    if (!taken.has(name)) return name;
  }
}

/** a … z, aa, ab …: how disks are counted. */
function letters(index: number): string {
  const last = String.fromCharCode(97 + index % 26);
  return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last;
}

/** Whether the domain has a SCSI controller. */
export function hasScsi(domain: XmlElement): boolean {
  const devices = child(domain, "devices");
  return devices !== undefined &&
    children(devices, "controller").some((item) => item.attributes.get("type") === "scsi");
}

/** A SCSI disk needs a virtio-scsi controller; libvirt would add an old LSI one by itself. */
export function ensureScsi(domain: XmlElement): void {
  if (hasScsi(domain)) return;
  const devices = ensureElement(domain, "./devices");
  append(devices, element("controller", { type: "scsi", index: 0, model: "virtio-scsi" }));
}
