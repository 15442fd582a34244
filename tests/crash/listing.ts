/**
 * Everything that a stack could have left on a host, as lines of text: what two hosts on which the same stack
 * was applied have in common.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { type Connection, Libvirt } from "../../providers/kvm/libvirt/mod.ts";

/** `VIR_DOMAIN_XML_INACTIVE` and `VIR_NETWORK_XML_INACTIVE`. */
const INACTIVE = { domain: 2, network: 1 } as const;

/** Where objects leave files, and which of these last as long as the object. */
const FOLDERS: readonly (readonly [folder: string, files: RegExp])[] = [
  ["var/lib/libvirt/images", /./],
  ["var/lib/libvirt/staddle", /./],
  ["var/lib/libvirt/dnsmasq", /\.conf$/],
  ["etc/libvirt/qemu", /./],
  ["etc/libvirt/storage", /./],
  ["run/libvirt/qemu", /\/qemu\/[^/]+\.xml$/],
  ["run/libvirt/network", /\/network\/[^/]+\.xml$/],
  ["run/libvirt/storage", /\.xml$/],
];

/** URI of a fleet host's own daemon, for a process of this machine. */
export function socketUri(pid: number): string {
  return `qemu+unix:///system?socket=/proc/${pid}/root/run/libvirt/libvirt-sock`;
}

/** Objects and files of a host, one a line, sorted. `pid` is that of the host's first process. */
export async function listing(pid: number): Promise<readonly string[]> {
  await using libvirt = await Libvirt.open();
  const connection = await libvirt.connect(socketUri(pid));
  const root = `/proc/${pid}/root`;
  const parts = await Promise.all([
    objects(connection),
    volumes(connection),
    ...FOLDERS.map(([folder, wanted]) => files(root, folder, wanted)),
    links(root),
  ]);
  return parts.flat().sort();
}

async function objects(connection: Connection): Promise<string[]> {
  const lines: string[] = [];
  const state = async (object: {
    isActive(): Promise<boolean>;
    autostart(): Promise<boolean>;
    isPersistent(): Promise<boolean>;
  }) => {
    const [active, autostart, kept] = await Promise.all(
      [object.isActive(), object.autostart(), object.isPersistent()],
    );
    return `${active ? "active" : "inactive"}${autostart ? " autostart" : ""}${
      kept ? "" : " transient"
    }`;
  };
  for (const item of await connection.domains()) {
    using domain = item;
    const shape = shapeOf(await domain.xml(INACTIVE.domain));
    lines.push(`domain ${domain.name} ${domain.uuid} ${await state(domain)} ${shape}`);
  }
  for (const item of await connection.networks()) {
    using network = item;
    const shape = shapeOf(await network.xml(INACTIVE.network));
    lines.push(`network ${network.name} ${network.uuid} ${await state(network)} ${shape}`);
  }
  for (const item of await connection.pools()) {
    using pool = item;
    // The implicit store belongs to no stack: whoever needs it first makes it.
    const uuid = pool.name === "staddle" ? "-" : pool.uuid;
    lines.push(`pool ${pool.name} ${uuid} ${await state(pool)}`);
  }
  return lines;
}

/**
 * A digest of an XML less what libvirt chooses at random or by the order in which it was asked, and how often
 * something was saved for the next start.
 */
function shapeOf(xml: string): string {
  const still = xml
    .replaceAll(/(<staddle:resource [^>]*?) generation="\d+"/g, "$1")
    .replaceAll(/\n\s*<mac address='[^']*'\/>(?=\n\s*<(domain|ip|\/network))/g, "")
    .replaceAll(/\n\s*<address type='pci'[^>]*\/>/g, "");
  return createHash("sha256").update(still).digest("hex").slice(0, 8);
}

async function volumes(connection: Connection): Promise<string[]> {
  const lines: string[] = [];
  for (const item of await connection.pools()) {
    using pool = item;
    if (!await pool.isActive()) continue;
    await pool.refresh();
    for (const item of await pool.volumes()) {
      using volume = item;
      const xml = await volume.xml();
      const facts = [/<capacity[^>]*>[^<]*/, /<format type='[^']*'/, /<backingStore>\s*<path>[^<]*/]
        .map((pattern) => pattern.exec(xml)?.[0].replaceAll(/\s+/g, " ") ?? "-");
      lines.push(`volume ${pool.name}/${volume.name} ${facts.join(" ")}`);
    }
  }
  return lines;
}

/** Paths of files; those of raw content with a digest of it. */
async function files(root: string, folder: string, wanted: RegExp): Promise<string[]> {
  const lines: string[] = [];
  let entries: Deno.DirEntry[];
  try {
    entries = await Array.fromAsync(Deno.readDir(`${root}/${folder}`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  for (const { name, isDirectory, isFile } of entries) {
    const path = `${folder}/${name}`;
    if (isDirectory) lines.push(...await files(root, path, wanted));
    else if (wanted.test(path)) lines.push(`file /${path}${isFile ? await held(root, path) : ""}`);
  }
  return lines;
}

async function held(root: string, path: string): Promise<string> {
  if (!/\.(raw|img|iso)$/.test(path)) return "";
  try {
    const bytes = await Deno.readFile(`${root}/${path}`);
    return ` ${bytes.length} ${createHash("sha256").update(bytes).digest("hex").slice(0, 8)}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return " gone meanwhile";
    throw error;
  }
}

/** Network devices of the host; taps by how many there are. */
async function links(root: string): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(`${root}/sys/class/net`), ({ name }) => name);
  const taps = names.filter((name) => /^vnet\d+$/.test(name));
  return [
    ...names.filter((name) => !taps.includes(name)).map((name) => `link ${name}`),
    `taps ${taps.length}`,
  ];
}
