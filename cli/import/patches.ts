/**
 * What a person would miss in a machine's declaration though no field says it: candidates for the
 * escape hatch. Places that a field owns are refused when they are tried.
 *
 * @module
 */

import {
  children,
  cloneXml,
  remove,
  serializeXml,
  type XmlElement,
} from "../../providers/kvm/xml/mod.ts";
import type { DraftValue } from "../../stacks/write/mod.ts";

/** Parts of a domain that someone chose; the rest is what libvirt settles by itself. */
const CHOSEN = new Set([
  "bootloader",
  "bootloader_args",
  "maxMemory",
  "memtune",
  "blkiotune",
  "cputune",
  "numatune",
  "iothreads",
  "sysinfo",
  "keywrap",
  "launchSecurity",
  "perf",
  "throttlegroups",
  "qemu:commandline",
  "qemu:capabilities",
]);

/** Devices that stand for something of the host, or that someone added for a reason. */
const CHOSEN_DEVICES = new Set([
  "hostdev",
  "filesystem",
  "redirdev",
  "smartcard",
  "tpm",
  "watchdog",
  "shmem",
  "memory",
  "iommu",
  "vsock",
  "panic",
  "nvram",
  "lease",
  "crypto",
  "pstore",
]);

/** Candidates, in the order of the XML. */
export function* patchesOf(domain: XmlElement): Iterable<DraftValue> {
  for (const item of children(domain)) {
    if (item.name === "devices") yield* ofDevices(item);
    else if (CHOSEN.has(item.name)) yield* ofPart(item);
  }
}

function* ofDevices(devices: XmlElement): Iterable<DraftValue> {
  for (const device of children(devices)) {
    if (!CHOSEN_DEVICES.has(device.name)) continue;
    const path = placeAmong(devices, device, "./devices");
    if (path === undefined) continue;
    const bare = cloneXml(device);
    for (const noise of [...children(bare, "address"), ...children(bare, "alias")]) {
      remove(bare, noise);
    }
    yield { path, element: oneLine(bare) };
  }
}

/** The whole part if it is small; else child by child, for a field may own one of them. */
function* ofPart(part: XmlElement): Iterable<DraftValue> {
  const inside = children(part);
  const namespaced = part.name.includes(":");
  if (namespaced || inside.length === 0 || part.attributes.size > 0) {
    yield { path: `./${part.name}`, element: oneLine(part) };
    return;
  }
  for (const item of inside) {
    const path = placeAmong(part, item, `./${part.name}`);
    if (path !== undefined) yield { path, element: oneLine(item) };
  }
}

/** A path that leads to an element and to none of its likes; undefined: there is none. */
function placeAmong(parent: XmlElement, item: XmlElement, path: string): string | undefined {
  const likes = children(parent, item.name);
  if (likes.length === 1) return `${path}/${item.name}`;
  for (const [name, value] of item.attributes) {
    if (/['"\]/]/.test(value)) continue;
    const same = likes.filter((other) => other.attributes.get(name) === value);
    if (same.length === 1) return `${path}/${item.name}[@${name}='${value}']`;
  }
  return undefined;
}

function oneLine(element: XmlElement): string {
  return serializeXml(element).trim().replace(/>\s+</g, "><").replace(/\s+\/>/g, "/>");
}
