/**
 * What of the host's is shared with the guest: directories, shared memory.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption, JsonObject } from "../../../../provider.ts";
import {
  type Binding,
  type ChangeContext,
  custom,
  depends,
  field,
  integer,
  shapeOf,
  type Table,
  text,
} from "../../../table/mod.ts";
import { element, getPath, setPath } from "../../../xml/mod.ts";
import { size } from "../../size.ts";
import { flag, ON_OFF, since, toggle, whole, word } from "./bits.ts";
import { devices, nameField } from "./device.ts";
import { deviceXml } from "./escape.ts";
import { bootOrder } from "./disks.ts";
import { VIRTIO_MODELS, virtioOptions } from "./virtio.ts";

const absolute = z.string().regex(/^\//, "must be an absolute path on the host");

/** A directory or the socket of who serves one: each takes the other's place. */
function sharedBy(attribute: string, other: string): Binding {
  const plain = text(`./source/@${attribute}`);
  return {
    ...plain,
    write: (share, value) => {
      plain.write(share, value);
      if (value !== undefined) setPath(share, `./source/@${other}`, undefined);
    },
  };
}

/** Rights as octal digits; libvirt writes them without the leading zeros or with them. */
function permissions(path: string, doc: string) {
  return field({
    schema: () =>
      z.string().regex(/^[0-7]{3,4}$/, "must be octal digits, for example 0755").optional()
        .describe(doc),
    binding: text(path),
    change: "restart",
    equal: (declared, actual) =>
      actual !== undefined && parseInt(String(declared), 8) === parseInt(String(actual), 8),
  });
}

const filesystemFields = {
  name: nameField("file system"),
  ...deviceXml,
  driver: field({
    schema: () =>
      z.enum(["virtiofs", "9p"]).describe(
        "virtiofs: fast, and needs memory that is shared (memoryBacking with shared access); 9p: " +
          "needs nothing of the host.",
      ),
    binding: custom(
      "./driver/@type",
      (share) => {
        const type = getPath(share, "./driver/@type") ?? "path";
        return type === "path" ? "9p" : type;
      },
      (share, value) => setPath(share, "./driver/@type", value === "9p" ? "path" : String(value)),
    ),
    change: "restart",
  }),
  source: field({
    schema: () =>
      absolute.optional().describe("Directory of the host; needed unless there is a socket."),
    binding: sharedBy("dir", "socket"),
    change: "restart",
  }),
  socket: field({
    schema: () =>
      absolute.optional()
        .describe("Socket of a virtiofsd that runs by itself, instead of a directory; virtiofs."),
    binding: sharedBy("socket", "dir"),
    change: "restart",
  }),
  target: field({
    schema: () =>
      z.string().min(1).max(36).describe(
        "Tag by which the guest mounts it: mount -t virtiofs <target> /mnt.",
      ),
    binding: text("./target/@dir"),
    change: "restart",
  }),
  accessMode: word(
    "./@accessmode",
    ["passthrough", "mapped", "squash"],
    "Whose rights the guest's users have on the host; passthrough, the only one of virtiofs.",
  ),
  model: word("./@model", VIRTIO_MODELS, "Dialect of virtio."),
  virtio: virtioOptions(),
  bootOrder,
  fileMode: since(
    "6.10.0",
    permissions("./@fmode", "Rights of new files, with 9p and accessMode mapped: `0644`."),
  ),
  directoryMode: since(
    "6.10.0",
    permissions("./@dmode", "Rights of new directories, with 9p and accessMode mapped: `0755`."),
  ),
  writePolicy: word(
    "./driver/@wrpolicy",
    ["immediate"],
    "Write through to the host's disk at once, with 9p.",
  ),
  readonly: flag("./readonly", "The guest cannot write, with 9p."),
  multidevs: word(
    "./@multidevs",
    ["default", "remap", "forbid", "warn"],
    "What becomes of a directory that spans several devices, with 9p.",
  ),
  queueSize: whole("./driver/@queue", [1, 65536], "Requests a queue, with virtiofs."),
  binary: field({
    schema: () => absolute.optional().describe("The virtiofsd of the host."),
    binding: text("./binary/@path"),
    change: "restart",
  }),
  xattr: toggle("./binary/@xattr", ON_OFF, "Extended attributes, with virtiofs."),
  cache: word("./binary/cache/@mode", ["none", "always"], "Cache of the guest, with virtiofs."),
  posixLocks: toggle("./binary/lock/@posix", ON_OFF, "Locks by fcntl, with virtiofs."),
  fileLocks: toggle("./binary/lock/@flock", ON_OFF, "Locks by flock, with virtiofs."),
  sandbox: word(
    "./binary/sandbox/@mode",
    ["namespace", "chroot"],
    "How virtiofsd is kept from the rest of the host, with virtiofs.",
  ),
  threadPool: field({
    schema: () =>
      z.int().min(0).max(1024).optional().describe("Threads that serve it, with virtiofs."),
    binding: integer("./binary/thread_pool/@size"),
    change: "restart",
    since: "8.5.0",
  }),
} satisfies Table;

const VIRTIOFS = [
  "socket",
  "queueSize",
  "binary",
  "xattr",
  "cache",
  "posixLocks",
  "fileLocks",
  "sandbox",
  "threadPool",
] as const;
const PLAN9 = ["readonly", "multidevs", "fileMode", "directoryMode", "writePolicy"] as const;

const filesystemEntry = () =>
  z.strictObject(shapeOf(filesystemFields)).superRefine((share, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    if ((share.source === undefined) === (share.socket === undefined)) {
      refuse("source", "is required, unless there is a socket, and does not go with one");
    }
    if (share.driver === "9p") {
      for (const name of VIRTIOFS) {
        if (share[name] !== undefined) refuse(name, 'goes with driver "virtiofs"');
      }
      return;
    }
    for (const name of PLAN9) {
      if (share[name] !== undefined) refuse(name, 'goes with driver "9p"');
    }
    if ((share.accessMode ?? "passthrough") !== "passthrough") {
      refuse("accessMode", 'virtiofs knows "passthrough" only');
    }
  });

/** Virtiofs is plugged while the guest runs, where its memory was shared when it started. */
function filesystemChange({ config, live, before, after }: ChangeContext): Disruption {
  if (((after ?? before) as JsonObject).driver !== "virtiofs") return "restart";
  return getPath(live ?? config, "./memoryBacking/access/@mode") === "shared" ? "live" : "restart";
}

const filesystems = devices({
  tag: "filesystem",
  prefix: "filesystem",
  doc: "Directories of the host that the guest mounts.",
  entry: filesystemEntry,
  fields: filesystemFields,
  change: depends(
    "live with virtiofs where the guest has shared memory, else restart",
    filesystemChange,
  ),
  select: (share) => (share.attributes.get("type") ?? "mount") === "mount",
  matches: (share, declared) => getPath(share, "./target/@dir") === declared.target,
  make: () => element("filesystem", { type: "mount", accessmode: "passthrough" }),
});

const UNIT: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, KiB: 1024 };

const shmemFields = {
  name: nameField("shared memory"),
  ...deviceXml,
  region: field({
    schema: () =>
      z.string().regex(/^[^/\s]{1,200}$/, "must be a name without / or space")
        .describe("Name of the memory on the host: /dev/shm/<region>."),
    binding: text("./@name"),
    change: "restart",
  }),
  model: word(
    "./model/@type",
    ["ivshmem-plain", "ivshmem-doorbell", "ivshmem"],
    "Model that the guest sees; ivshmem-plain unless declared.",
  ),
  role: word("./@role", ["master", "peer"], "Whether migration takes it along: master does."),
  size: field({
    schema: () =>
      size({ min: 1024 ** 2 }).optional()
        .describe("Size, a power of two, 4 MiB unless declared."),
    binding: custom("./size", (memory) => {
      const found = getPath(memory, "./size");
      const unit = getPath(memory, "./size/@unit") ?? "B";
      const factor = unit === "MiB" ? UNIT.M : unit === "GiB" ? UNIT.G : UNIT[unit];
      return found === undefined ? undefined : Number(found) * (factor ?? 1);
    }, (memory, value) => {
      setPath(memory, "./size", `${Number(value) / 1024 ** 2}`);
      setPath(memory, "./size/@unit", "M");
    }),
    change: "restart",
    format: "bytes",
  }),
  server: field({
    schema: () =>
      absolute.optional().describe("Socket of the ivshmem server, with ivshmem-doorbell."),
    binding: text("./server/@path"),
    change: "restart",
  }),
  vectors: whole("./msi/@vectors", [1, 2048], "Interrupts, with ivshmem-doorbell."),
  ioEventFd: toggle(
    "./msi/@ioeventfd",
    ON_OFF,
    "Take interrupts apart from the vCPU, with ivshmem-doorbell.",
  ),
} satisfies Table;

const shmemEntry = () =>
  z.strictObject(shapeOf(shmemFields)).superRefine((memory, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    const doorbell = memory.model === "ivshmem-doorbell";
    if (doorbell !== (memory.server !== undefined)) {
      refuse("server", 'goes with model "ivshmem-doorbell", and is required there');
    }
    if (memory.vectors !== undefined && !doorbell) {
      refuse("vectors", 'goes with model "ivshmem-doorbell"');
    }
    const bytes = memory.size ?? 4 * 1024 ** 2;
    if (Math.log2(bytes) % 1 !== 0) refuse("size", "must be a power of two, for example 4MiB");
    if (doorbell && memory.size !== undefined) refuse("size", "is the server's to say");
  });

const shmems = devices({
  tag: "shmem",
  prefix: "shmem",
  doc: "Memory that guests and host share (ivshmem).",
  entry: shmemEntry,
  fields: shmemFields,
  change: "live",
  matches: (memory, declared) => getPath(memory, "./@name") === declared.region,
  make: (declared) =>
    element("shmem", {}, element("model", { type: String(declared.model ?? "ivshmem-plain") })),
});

/** Directories and memory of the host. */
export const shares = { filesystems, shmems } satisfies Table;
