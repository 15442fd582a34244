/**
 * What other hands do to a machine between two runs, in places that no declaration speaks of; and whether
 * it is still there afterwards, byte for byte and in the same order.
 *
 * @module
 */

import fc from "fast-check";
import type { JsonObject } from "../../../providers/provider.ts";
import { machineKind } from "../../../providers/kvm/kinds/machine/mod.ts";
import type { Connection } from "../../../providers/kvm/libvirt/mod.ts";
import {
  child,
  children,
  MARK_PREFIX,
  parseXml,
  serializeXml,
  type XmlElement,
} from "../../../providers/kvm/xml/mod.ts";

/** `VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE`. */
const CONFIG_XML = 1 | 2;

/** Foreign metadata: libvirt keeps comments there, and nowhere else. */
const METADATA: readonly string[] = [
  "<app:info xmlns:app='http://example.org/app' level='3'><!-- by hand --><app:owner>Ann &amp; Co" +
  "</app:owner>  as it   stands\n  <app:empty/></app:info>",
  "<libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>" +
  "<libosinfo:os id='http://debian.org/debian/12'/></libosinfo:libosinfo>",
  "<backup xmlns='http://example.org/backup'><![CDATA[a < b]]><last>2026-01-01</last></backup>",
];

/** Devices, and elements beside them, as someone might add them. */
const DEVICES: readonly string[] = [
  "<disk type='file' device='disk'><driver name='qemu' type='raw' cache='unsafe'/>" +
  "<source file='/srv/foreign.img'/><target dev='vdz' bus='virtio'/><serial>F-1</serial></disk>",
  "<interface type='user'><mac address='52:54:00:0f:0e:0d'/><model type='rtl8139'/></interface>",
  "<watchdog model='ib700' action='inject-nmi'/>",
  "<sound model='ac97'/>",
  "<rng model='virtio'><rate bytes='64' period='500'/><backend model='random'>/dev/hwrng</backend>" +
  "</rng>",
  "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>",
  "<panic model='pvpanic'/>",
  "<shmem name='foreign'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>",
  "<filesystem type='mount' accessmode='squash'><source dir='/srv/foreign'/>" +
  "<target dir='foreign'/></filesystem>",
  "<hostdev mode='subsystem' type='usb' managed='no'><source><vendor id='0x1234'/>" +
  "<product id='0xbeef'/></source></hostdev>",
  "<lease><lockspace>somearea</lockspace><key>somekey</key><target path='/some/lease'/></lease>",
  "<vsock model='virtio'><cid auto='no' address='99'/></vsock>",
];

const ELEMENTS: readonly string[] = [
  "<blkiotune><weight>300</weight></blkiotune>",
  "<memtune><hard_limit unit='KiB'>9000000</hard_limit></memtune>",
  "<resource><partition>/foreign</partition></resource>",
  "<perf><event name='cmt' enabled='yes'/></perf>",
  "<genid>8d3a8c5e-51a4-4c44-b8a3-3f8b2d1b0a11</genid>",
  "<on_lockfailure>ignore</on_lockfailure>",
  "<pm><suspend-to-mem enabled='no'/></pm>",
];

/** Which of them are made, by their numbers. */
export interface Outside {
  readonly metadata: readonly string[];
  readonly devices: readonly string[];
  readonly elements: readonly string[];
}

/** Any of them. */
export function outsideEdits(): fc.Arbitrary<Outside> {
  return fc.record({
    metadata: fc.shuffledSubarray([...METADATA]),
    devices: fc.shuffledSubarray([...DEVICES], { maxLength: 4 }),
    elements: fc.shuffledSubarray([...ELEMENTS], { maxLength: 3 }),
  });
}

/** What follows a field beside its own place: the most of something from what there is of it now. */
const ALONG: Readonly<Record<string, readonly string[]>> = {
  memory: ["memory"],
  vcpuStates: ["vcpu"],
  memoryDevices: ["memory", "currentMemory"],
  // libvirt lets numad advise on both or on neither.
  numa: ["vcpu"],
  console: ["devices/serial", "devices/console"],
  consoleLog: ["devices/serial", "devices/console"],
};

/** Elements of a domain, `devices/<name>` or `<name>`, that a declaration may touch. */
export function touchedBy(...declarations: readonly JsonObject[]): ReadonlySet<string> {
  const declared = new Set(declarations.flatMap(Object.keys));
  const found = new Set(["metadata", "devices"]);
  const add = (path: string) => {
    const [, first, second] = /^\.\/([\w.:-]+)(?:\/([\w.:-]+))?/.exec(path) ?? [];
    if (first === "devices" && second !== undefined) found.add(`devices/${second}`);
    else if (first !== undefined) found.add(first);
  };
  for (const [name, places] of Object.entries(ALONG)) {
    if (declared.has(name)) { for (const place of places) found.add(place); }
  }
  for (const declaration of declarations) {
    // Devices with an order of their own and an order of kinds exclude each other.
    if (JSON.stringify(declaration).includes('"bootOrder":')) found.add("os");
    for (const { path } of (declaration.xml ?? []) as readonly { path: string }[]) add(path);
  }
  for (const { path, xml } of machineKind.fields) {
    const name = path.split(/[.[]/)[0]!;
    if (!declared.has(name)) continue;
    // A field may stand in several places: the words between say nothing.
    for (const place of xml?.match(/\.\/[\w./:@-]+/g) ?? []) {
      if (!path.includes("[]") || path.endsWith("[]")) add(place);
    }
  }
  return found;
}

/** A domain's configuration, passwords included. */
export async function configuration(connection: Connection, uuid: string): Promise<string> {
  using domain = await connection.domainByUuid(uuid);
  return await domain.xml(CONFIG_XML);
}

/**
 * Edits a domain as another tool would, leaving out what libvirt does not take of it, and what stands in
 * elements that are touched. Gives its configuration afterwards.
 */
export async function editOutside(
  connection: Connection,
  uuid: string,
  outside: Outside,
  touched: ReadonlySet<string>,
): Promise<string> {
  let xml = await configuration(connection, uuid);
  const attempt = async (edited: string) => {
    try {
      using domain = await connection.defineDomain(edited);
      xml = await domain.xml(CONFIG_XML);
    } catch {
      // Not taken: a second vsock, what the emulator lacks.
    }
  };
  const nameOf = (text: string) => /^<([\w:-]+)/.exec(text)![1]!;
  for (const text of outside.metadata) {
    await attempt(xml.replace("</metadata>", () => `${text}</metadata>`));
  }
  for (const text of outside.devices) {
    if (touched.has(`devices/${nameOf(text)}`)) continue;
    await attempt(xml.replace("</devices>", () => `${text}</devices>`));
  }
  for (const text of outside.elements) {
    if (touched.has(nameOf(text))) continue;
    await attempt(xml.replace("  <devices>", () => `${text}<devices>`));
  }
  return xml;
}

/** Everything in a domain that no declaration speaks of, as it is written, in order. */
export function undeclared(xml: string, touched: ReadonlySet<string>): readonly string[] {
  const domain = parseXml(xml);
  const untouched = (parent: XmlElement | undefined, prefix: string) =>
    (parent === undefined ? [] : children(parent)).filter((item) =>
      !touched.has(`${prefix}${item.name}`) && !isOurs(item)
    ).map((item) => serializeXml(item).trim());
  return [
    ...untouched(domain, ""),
    ...untouched(child(domain, "metadata"), "metadata/"),
    ...untouched(child(domain, "devices"), "devices/"),
  ];
}

/** Staddle's own mark, and devices that carry a name of ours. */
function isOurs(item: XmlElement): boolean {
  if (item.name.startsWith(`${MARK_PREFIX}:`)) return true;
  // A machine without USB says so by a controller, which goes when a device needs it.
  if (item.name === "controller" && item.attributes.get("model") === "none") return true;
  return (child(item, "alias")?.attributes.get("name") ?? "").startsWith("ua-");
}

/** What of the first does not stand in the second, in the same order. */
export function lost(before: readonly string[], after: readonly string[]): readonly string[] {
  let from = 0;
  return before.filter((text) => {
    const at = after.indexOf(text, from);
    if (at < 0) return true;
    from = at + 1;
    return false;
  });
}
