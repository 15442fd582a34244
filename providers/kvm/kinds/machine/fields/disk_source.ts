/**
 * What is behind a disk or in a drive: a volume, a file, a block device, storage over the network.
 *
 * @module
 */

import { z } from "zod";
import type { Json, JsonObject } from "../../../../provider.ts";
import { type Binding, custom } from "../../../table/mod.ts";
import {
  append,
  child,
  children,
  element,
  ensureElement,
  getElement,
  getPath,
  remove,
  setAttribute,
  type XmlElement,
} from "../../../xml/mod.ts";
import { splitVolume } from "../places.ts";
import { compact, subset } from "./bits.ts";
import { uuid } from "./common.ts";
import { formatPci, pciAddress, pciAttributes } from "./pci_address.ts";

/** Names of the fields that say what is behind a disk: one of them is declared. */
export const SOURCES = ["volume", "file", "block", "network", "nvme", "vhostUser"] as const;

/** Attributes of a source that belong to one kind of it. */
const OF_ONE_KIND = [
  "pool",
  "volume",
  "mode",
  "file",
  "dev",
  "dir",
  "protocol",
  "name",
  "query",
  "tls",
  "startupPolicy",
  "type",
  "namespace",
  "managed",
  "path",
];

const OWN_CHILDREN = ["host", "auth", "initiator", "config", "snapshot", "address", "reconnect"];

/** The source, bare of what another kind of source left behind. */
function sourceOf(disk: XmlElement, type: string): XmlElement {
  let source = child(disk, "source");
  if (source === undefined) {
    source = element("source");
    append(disk, source, "driver");
  }
  if (disk.attributes.get("type") !== type) {
    for (const name of OF_ONE_KIND) source.attributes.delete(name);
    for (const item of children(source)) {
      // Encryption, reservations and slices belong to the disk, whatever it stands on.
      if (OWN_CHILDREN.includes(item.name)) {
        remove(source, item);
      }
    }
    disk.attributes.set("type", type);
  }
  return source;
}

/** A drive without a medium has no source. */
function eject(disk: XmlElement): void {
  const source = child(disk, "source");
  if (source !== undefined) remove(disk, source);
  disk.attributes.set("type", "file");
}

function sourceBinding(
  type: string,
  path: string,
  read: (source: XmlElement) => Json | undefined,
  write: (source: XmlElement, value: Json) => void,
): Binding {
  const stands = (disk: XmlElement) => {
    if (disk.attributes.get("type") !== type) return undefined;
    const source = child(disk, "source");
    return source && read(source);
  };
  return custom(path, stands, (disk, value) => {
    if (value !== undefined) write(sourceOf(disk, type), value);
    else if (stands(disk) !== undefined) eject(disk);
  });
}

function attributeSource(type: string, attribute: string): Binding {
  return sourceBinding(
    type,
    `./source/@${attribute}`,
    (source) => source.attributes.get(attribute),
    (source, value) => source.attributes.set(attribute, String(value)),
  );
}

/** A volume, `<pool>/<volume>`. */
export const volumeSource: Binding = sourceBinding("volume", "./source/@volume", (source) => {
  const [pool, volume] = [source.attributes.get("pool"), source.attributes.get("volume")];
  return pool === undefined || volume === undefined ? undefined : `${pool}/${volume}`;
}, (source, value) => {
  const [pool, volume] = splitVolume(String(value));
  source.attributes.set("pool", pool);
  source.attributes.set("volume", volume);
});

/** A file of the host. */
export const fileSource: Binding = attributeSource("file", "file");

/** A block device of the host. */
export const blockSource: Binding = attributeSource("block", "dev");

const host = z.strictObject({
  name: z.string().min(1).optional().describe("Name or address of the server."),
  port: z.int().min(1).max(65535).optional().describe("TCP port; the protocol's own."),
  transport: z.enum(["tcp", "rdma", "unix"]).optional().describe("How it is reached; tcp."),
  socket: z.string().regex(/^\//, "must be an absolute path on the host").optional()
    .describe("Unix socket of the server, with transport unix."),
}).refine(
  (server) => (server.transport === "unix") === (server.socket !== undefined),
  { error: 'a socket goes with transport: "unix", and a name with the others' },
).refine(
  (server) => server.transport === "unix" || server.name !== undefined,
  { error: "is required: a server has a name or address", path: ["name"] },
);

/** Protocols whose server has to be named. */
const SERVED = ["nbd", "iscsi", "gluster", "http", "https", "ftp", "ftps", "tftp", "nfs"];

/** Storage over the network. */
export const remoteSchema = z.strictObject({
  protocol: z.enum([
    "rbd",
    "iscsi",
    "nbd",
    "gluster",
    "sheepdog",
    "http",
    "https",
    "ftp",
    "ftps",
    "tftp",
    "ssh",
    "vxhs",
    "nfs",
  ]).describe("Protocol of the storage."),
  name: z.string().min(1).optional().describe(
    "What is opened there: `pool/image` for rbd, `iqn.…/lun` for iscsi, an export's name for nbd, " +
      "a path for the others.",
  ),
  hosts: z.array(host).optional().describe("Servers; rbd can take them from the host's ceph.conf."),
  query: z.string().min(1).optional().describe("Query behind the path, for http and https."),
  tls: z.boolean().optional().describe("Encrypt the connection, for nbd."),
  initiator: z.string().min(1).optional().describe("IQN that the host presents, for iscsi."),
  auth: z.strictObject({
    username: z.string().min(1).describe("Who logs in."),
    type: z.enum(["ceph", "iscsi"]).describe("Kind of the secret."),
    usage: z.string().min(1).optional().describe("Usage of the host's libvirt secret."),
    uuid: uuid.optional().describe("UUID of the host's libvirt secret."),
  }).refine(({ usage, uuid }) => (usage === undefined) !== (uuid === undefined), {
    error: "needs either the usage or the uuid of a libvirt secret that the host has",
  }).optional().describe("Log-in, by a secret that the host keeps."),
}).refine(({ protocol, hosts = [] }) => !SERVED.includes(protocol) || hosts.length > 0, {
  error: 'needs at least one server, for example [{ name: "storage1" }]',
  path: ["hosts"],
}).refine(({ protocol, name }) => protocol === "nbd" || name !== undefined, {
  error: "is required: what is to be opened on the server",
  path: ["name"],
});

function readRemote(source: XmlElement): JsonObject | undefined {
  const hosts = children(source, "host").map((server) =>
    compact({
      name: server.attributes.get("name"),
      port: numberAt(server, "port"),
      transport: server.attributes.get("transport"),
      socket: server.attributes.get("socket"),
    }) ?? {}
  );
  const auth = child(source, "auth");
  return compact({
    protocol: source.attributes.get("protocol"),
    name: source.attributes.get("name"),
    hosts: hosts.length === 0 ? undefined : hosts,
    query: source.attributes.get("query"),
    tls: source.attributes.has("tls") ? source.attributes.get("tls") === "yes" : undefined,
    initiator: getPath(source, "./initiator/iqn/@name"),
    auth: auth && compact({
      username: auth.attributes.get("username"),
      type: getPath(auth, "./secret/@type"),
      usage: getPath(auth, "./secret/@usage"),
      uuid: getPath(auth, "./secret/@uuid"),
    }),
  });
}

function numberAt(item: XmlElement, name: string): number | undefined {
  const found = item.attributes.get(name);
  return found === undefined ? undefined : Number(found);
}

type Remote = z.output<typeof remoteSchema>;

function writeRemote(source: XmlElement, value: Json): void {
  const wanted = value as unknown as Remote;
  const { protocol, name, query, tls, hosts, initiator, auth } = wanted;
  const stands = readRemote(source) ?? {};
  source.attributes.set("protocol", protocol);
  if (name !== undefined) source.attributes.set("name", name);
  if (query !== undefined) source.attributes.set("query", query);
  if (tls !== undefined) setAttribute(source, "tls", tls ? "yes" : "no");
  if (hosts !== undefined && !remoteEqual({ protocol, hosts } as Json, { ...stands, protocol })) {
    for (const server of children(source, "host")) remove(source, server);
    for (const server of hosts) append(source, element("host", { ...server }), "host");
  }
  if (initiator !== undefined) {
    ensureElement(source, "./initiator/iqn").attributes.set("name", initiator);
  }
  if (auth === undefined || subset(auth, stands.auth)) return;
  const known = child(source, "auth");
  if (known !== undefined) remove(source, known);
  const { username, ...secret } = auth;
  append(source, element("auth", { username }, element("secret", secret)));
}

/** Storage over the network. */
export const remoteSource: Binding = sourceBinding(
  "network",
  "./source/@protocol",
  readRemote,
  writeRemote,
);

/** The ports that libvirt writes where none is given. */
const PORTS: Readonly<Record<string, number>> = {
  nbd: 10809,
  http: 80,
  https: 443,
  ftp: 21,
  ftps: 990,
  tftp: 69,
  iscsi: 3260,
  gluster: 24007,
  sheepdog: 7000,
  ssh: 22,
  vxhs: 9999,
};

/** Ports and transports that stand for themselves are no difference. */
export function remoteEqual(declared: Json, actual: Json | undefined): boolean {
  return subset(withDefaults(declared), actual && withDefaults(actual));
}

function withDefaults(value: Json): Json {
  const remote = value as unknown as Remote;
  if (remote.hosts === undefined) return value;
  const hosts = remote.hosts.map((server) =>
    compact({
      transport: "tcp",
      port: server.transport === "unix" ? undefined : PORTS[remote.protocol],
      ...server,
    }) ?? {}
  );
  return { ...remote, hosts } as unknown as Json;
}

/** A namespace of an NVMe device of the host. */
export const nvmeSchema = z.strictObject({
  pci: pciAddress.describe("PCI address of the NVMe device, for example 0000:3b:00.0."),
  namespace: z.int().min(1).max(2 ** 32 - 1).describe("Namespace of the device, from 1."),
  managed: z.boolean().optional()
    .describe("libvirt takes the device from the host's driver and gives it back; true."),
});

/** A namespace of an NVMe device of the host, which QEMU drives by itself. */
export const nvmeSource: Binding = sourceBinding("nvme", "./source/@namespace", (source) => {
  const address = child(source, "address");
  return compact({
    pci: address && formatPci(address),
    namespace: numberAt(source, "namespace"),
    managed: source.attributes.has("managed")
      ? source.attributes.get("managed") === "yes"
      : undefined,
  });
}, (source, value) => {
  const { pci, namespace, managed } = value as JsonObject;
  source.attributes.set("type", "pci");
  source.attributes.set("namespace", String(namespace));
  if (managed !== undefined || !source.attributes.has("managed")) {
    source.attributes.set("managed", managed === false ? "no" : "yes");
  }
  const known = child(source, "address");
  if (known !== undefined && formatPci(known) === pci) return;
  if (known !== undefined) remove(source, known);
  append(source, element("address", pciAttributes(String(pci))));
});

/** A disk that another process of the host serves (vhost-user). */
export const vhostUserSource: Binding = sourceBinding(
  "vhostuser",
  "./source/@path",
  (source) => source.attributes.get("path"),
  (source, value) => {
    source.attributes.set("type", "unix");
    source.attributes.set("path", String(value));
  },
);

/** Encryption of a disk, by a secret that the host keeps. */
export const encryptionSchema = z.strictObject({
  format: z.enum(["luks", "luks2", "luks-any", "qcow"]).describe("Kind of the encryption."),
  engine: z.enum(["qemu", "librbd"]).optional().describe("Who decrypts; qemu unless declared."),
  usage: z.string().min(1).optional().describe("Usage of the host's libvirt secret."),
  uuid: uuid.optional().describe("UUID of the host's libvirt secret."),
}).refine(({ usage, uuid }) => (usage === undefined) !== (uuid === undefined), {
  error: "needs either the usage or the uuid of a libvirt secret that the host has",
});

/** Encryption stands in the source; older XML has it beside. */
export const encryption: Binding = custom("./source/encryption", (disk) => {
  const found = getElement(disk, "./source/encryption") ?? child(disk, "encryption");
  return found && compact({
    format: found.attributes.get("format"),
    engine: found.attributes.get("engine"),
    usage: getPath(found, "./secret/@usage"),
    uuid: getPath(found, "./secret/@uuid"),
  });
}, (disk, value) => {
  for (const parent of [disk, child(disk, "source")]) {
    const known = parent && child(parent, "encryption");
    if (known !== undefined) remove(parent!, known);
  }
  if (value === undefined) return;
  const { format, engine, usage, uuid } = value as JsonObject;
  append(
    ensureElement(disk, "./source"),
    element(
      "encryption",
      { format: String(format), engine: engine as string | undefined },
      element("secret", {
        type: "passphrase",
        usage: usage as string | undefined,
        uuid: uuid as string | undefined,
      }),
    ),
  );
});
