/**
 * The machine's table: every field that Staddle knows of a libvirt domain.
 *
 * `restart` here means that a running guest takes the change at its next start only; whether that
 * start happens now is the stack's `whenRestartNeeded`.
 *
 * @see https://libvirt.org/formatdomain.html
 * @module
 */

import { z } from "zod";
import type { Disruption } from "../../../provider.ts";
import {
  aliasName,
  type ChangeContext,
  elsewhere,
  field,
  group,
  list,
  shapeOf,
  type Table,
  text,
} from "../../table/mod.ts";
import {
  append,
  child,
  children,
  element,
  ensureElement,
  getPath,
  remove,
  setPath,
} from "../../xml/mod.ts";
import { objectName, reference } from "../reference.ts";
import { size } from "../size.ts";
import * as places from "./places.ts";

const deviceName = z.string().regex(
  /^[A-Za-z0-9_-]{1,60}$/,
  "must be 1 to 60 letters, digits, - or _ (it becomes the device's libvirt alias)",
);

const mac = z.string().toLowerCase().regex(
  /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/,
  "must be a unicast MAC address, for example 52:54:00:12:34:56",
);

/** More vCPUs come live up to the maximum; fewer only where guests let go of them, under KVM. */
function vcpuChange({ config, live, before, after }: ChangeContext): Disruption {
  const running = live ?? config;
  if (Number(after) > Number(places.maxVcpus.read(running))) return "restart";
  const fewer = Number(after) < Number(before ?? places.vcpus.read(running));
  return fewer && getPath(running, "./@type") !== "kvm" ? "restart" : "live";
}

/** The balloon moves live below the memory that the guest was started with. */
function memoryChange({ config, live, after }: ChangeContext): Disruption {
  const running = live ?? config;
  if (getPath(running, "./devices/memballoon/@model") === "none") return "restart";
  return Number(after) > Number(places.maxMemory.read(running)) ? "restart" : "live";
}

/** Virtio and SCSI disks are plugged while the guest runs; SATA has no hot-plug here. */
function diskChange({ before, after }: ChangeContext): Disruption {
  const disk = (after ?? before) as { readonly bus?: string };
  return disk.bus === "sata" ? "restart" : "live";
}

/** A medium is changed live; a drive can be neither plugged nor unplugged. */
function seedChange({ live, config, after }: ChangeContext): Disruption {
  if (after === undefined) return "restart";
  return places.seedDrive(live ?? config) === undefined ? "restart" : "live";
}

const kibibytesEqual = (declared: unknown, actual: unknown) =>
  Math.ceil(Number(declared) / 1024) === Number(actual) / 1024;

/** `q35` means the version that it stood for when the machine was made. */
function machineTypeEqual(declared: unknown, actual: unknown): boolean {
  if (declared === actual) return true;
  const family = declared === "pc" ? "i440fx" : String(declared);
  const [, name] = /^(?:pc-)?(.+)-\d[\d.]*$/.exec(String(actual)) ?? [];
  return name === family;
}

const always = () => true;

const disks = {
  name: field({
    schema: deviceName.describe("Name of the disk in the machine; its alias is `ua-<name>`."),
    binding: text("./alias/@name"),
    change: "restart",
    equal: always,
  }),
  volume: field({
    schema: reference("volume").describe("Address of the volume behind the disk."),
    binding: places.sourceVolume,
    change: "restart",
  }),
  format: field({
    schema: z.enum(["qcow2", "raw"]).optional().describe("Format of the volume; the volume's own."),
    binding: text("./driver/@type"),
    change: "restart",
  }),
  bus: field({
    schema: z.enum(["virtio", "scsi", "sata"]).optional()
      .describe("Bus that the guest sees; virtio unless declared."),
    binding: text("./target/@bus"),
    change: "restart",
  }),
} satisfies Table;

const nics = {
  name: field({
    schema: deviceName.describe("Name of the NIC in the machine; its alias is `ua-<name>`."),
    binding: text("./alias/@name"),
    change: "restart",
    equal: always,
  }),
  network: field({
    schema: reference("network").optional().describe("Address of the network that the NIC is on."),
    binding: places.nicSource("network"),
    change: "live",
  }),
  bridge: field({
    schema: z.string().min(1).max(15).optional()
      .describe("A bridge of the host, instead of a network."),
    binding: places.nicSource("bridge"),
    change: "live",
  }),
  mac: field({
    schema: mac.describe("MAC address, derived from the machine's UUID unless declared."),
    binding: text("./mac/@address"),
    change: "restart",
    equal: (declared, actual) => String(declared) === String(actual).toLowerCase(),
  }),
  ip: field({
    schema: z.ipv4().optional().describe("Address reserved for the NIC on its network."),
    binding: elsewhere("the network's reservations"),
    change: "live",
    equal: always,
  }),
  model: field({
    schema: z.enum(["virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"]).optional()
      .describe("Model that the guest sees; virtio unless declared."),
    binding: text("./model/@type"),
    change: "restart",
  }),
  link: field({
    schema: z.enum(["up", "down"]).optional()
      .describe("State of the link; up unless declared."),
    binding: {
      path: "./link/@state",
      read: (nic) => getPath(nic, "./link/@state") ?? "up",
      write: (nic, value) => setPath(nic, "./link/@state", String(value)),
    },
    change: "live",
  }),
} satisfies Table;

const boot = {
  kernel: field({
    schema: reference("image").describe("Address of the image that holds the kernel."),
    binding: text("./os/kernel"),
    change: "restart",
    withdrawn: true,
  }),
  initrd: field({
    schema: reference("image").optional()
      .describe("Address of the image that holds the initial RAM disk."),
    binding: text("./os/initrd"),
    change: "restart",
    withdrawn: true,
  }),
  cmdline: field({
    schema: z.string().optional().describe("Kernel command line."),
    binding: text("./os/cmdline"),
    change: "restart",
    withdrawn: true,
  }),
} satisfies Table;

const cpu = {
  mode: field({
    schema: z.enum(["host-passthrough", "host-model", "maximum", "custom"]).optional()
      .describe("How the guest's CPU relates to the host's."),
    binding: text("./cpu/@mode"),
    change: "restart",
  }),
  model: field({
    schema: z.string().min(1).optional().describe("A named model, with mode `custom`."),
    binding: text("./cpu/model"),
    change: "restart",
  }),
} satisfies Table;

const wait = {
  for: z.enum(["running", "lease", "agent", "port"]).describe(
    "running: QEMU runs; lease: a DHCP lease is held; agent: the guest agent answers; " +
      "port: a TCP port of the first NIC's address accepts.",
  ),
  port: z.int().min(1).max(65535).optional().describe("TCP port, for `port`."),
  timeout: z.number().positive().optional().describe("Seconds; 120 unless declared."),
};

function distinct(entries: readonly { name: string }[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, { name }] of entries.entries()) {
    if (seen.has(name)) {
      context.addIssue({
        code: "custom",
        path: [index, "name"],
        message: `"${name}" stands twice`,
      });
    }
    seen.add(name);
  }
}

/** The table. */
export const machineTable = {
  name: field({
    schema: objectName.describe("Name of the libvirt domain."),
    binding: text("./name"),
    change: "restart",
  }),
  title: field({
    schema: z.string().regex(/^[^\n]*$/, "must be one line").optional()
      .describe("Short description, one line."),
    binding: text("./title"),
    change: "live",
  }),
  description: field({
    schema: z.string().optional().describe("Description, any text."),
    binding: text("./description"),
    change: "live",
  }),
  accel: field({
    schema: z.enum(["prefer-kvm", "require-kvm", "tcg"]).optional().describe(
      "prefer-kvm (unless declared): KVM where guests really run under it, else TCG; " +
        "require-kvm: refused where they do not; tcg: full emulation.",
    ),
    binding: places.accelerator,
    change: "restart",
    equal: (declared, actual) => declared === "prefer-kvm" || declared === actual,
  }),
  arch: field({
    schema: z.string().regex(/^[a-z0-9_]+$/, "must be an architecture, for example x86_64")
      .optional()
      .describe("Architecture of the guest, for example x86_64; the host's unless declared."),
    binding: text("./os/type/@arch"),
    change: "restart",
  }),
  machine: field({
    schema: z.string().min(1).optional().describe(
      "Machine type; q35 unless declared. An alias stays at the version that it first meant.",
    ),
    binding: text("./os/type/@machine"),
    change: "restart",
    equal: machineTypeEqual,
  }),
  firmware: field({
    schema: z.enum(["bios", "uefi"]).optional()
      .describe("Firmware; the machine type's own unless declared."),
    binding: places.firmware,
    change: "restart",
  }),
  boot: group({
    schema: z.strictObject(shapeOf(boot)).optional().describe("Direct kernel boot."),
    fields: boot,
  }),
  vcpus: field({
    schema: z.int().min(1).max(4096).optional()
      .describe("Virtual CPUs that are on; 1 unless declared."),
    binding: places.vcpus,
    change: vcpuChange,
  }),
  maxVcpus: field({
    schema: z.int().min(1).max(4096).optional()
      .describe("Most virtual CPUs that can be on without a restart; vcpus unless declared."),
    binding: places.maxVcpus,
    change: "restart",
  }),
  memory: field({
    schema: size({ min: 1024 * 1024 }).describe("Memory that the guest has."),
    binding: places.memory,
    change: memoryChange,
    equal: kibibytesEqual,
    format: "bytes",
    guestDecides: true,
  }),
  maxMemory: field({
    schema: size({ min: 1024 * 1024 }).optional()
      .describe("Most memory that the guest can have without a restart; memory unless declared."),
    binding: places.maxMemory,
    change: "restart",
    equal: kibibytesEqual,
    format: "bytes",
  }),
  cpu: group({
    schema: z.strictObject(shapeOf(cpu)).refine(
      ({ mode, model }) => model === undefined || (mode ?? "custom") === "custom",
      { error: 'a model goes with mode "custom"', path: ["model"] },
    ).optional().describe("CPU of the guest."),
    fields: cpu,
  }),
  disks: list({
    schema: z.array(z.strictObject(shapeOf(disks))).superRefine(distinct)
      .describe("Disks, in the guest's order."),
    path: "./devices/disk",
    select: (domain) => {
      const devices = child(domain, "devices");
      return devices === undefined
        ? []
        : children(devices, "disk").filter((disk) =>
          (disk.attributes.get("device") ?? "disk") === "disk"
        );
    },
    nameOf: (disk) => aliasName(disk) ?? getPath(disk, "./target/@dev") ?? "",
    matches: (disk, declared) =>
      aliasName(disk) === undefined && places.sourceVolume.read(disk) === declared.volume,
    insert: (domain, declared) => {
      const bus = String(declared.bus ?? "virtio");
      if (bus === "scsi") places.ensureScsi(domain);
      const disk = element(
        "disk",
        { type: "volume", device: "disk" },
        element("driver", { name: "qemu", type: String(declared.format), discard: "unmap" }),
        element("target", { dev: places.freeTarget(domain, bus === "virtio" ? "vd" : "sd"), bus }),
        element("alias", { name: `ua-${declared.name}` }),
      );
      append(ensureElement(domain, "./devices"), disk, "disk");
      return disk;
    },
    remove: (domain, disk) => remove(ensureElement(domain, "./devices"), disk),
    change: diskChange,
    fields: disks,
  }),
  seed: field({
    schema: reference("seed").optional().describe(
      "Address of the cloud-init seed, shown as a CD-ROM.",
    ),
    binding: places.seed,
    change: seedChange,
    withdrawn: true,
  }),
  nics: list({
    schema: z.array(
      z.strictObject(shapeOf(nics)).refine(
        (nic) => (nic.network === undefined) !== (nic.bridge === undefined),
        { error: "needs either a network or a bridge" },
      ),
    ).superRefine(distinct).describe("NICs, in the guest's order."),
    path: "./devices/interface",
    select: (domain) => {
      const devices = child(domain, "devices");
      return devices === undefined ? [] : children(devices, "interface");
    },
    nameOf: (nic) => aliasName(nic) ?? getPath(nic, "./mac/@address") ?? "",
    matches: (nic, declared) =>
      aliasName(nic) === undefined &&
      getPath(nic, "./mac/@address")?.toLowerCase() === declared.mac,
    insert: (domain, declared) => {
      const nic = element(
        "interface",
        { type: declared.network === undefined ? "bridge" : "network" },
        element("mac", { address: String(declared.mac) }),
        element("source"),
        element("model", { type: String(declared.model ?? "virtio") }),
        element("alias", { name: `ua-${declared.name}` }),
      );
      append(ensureElement(domain, "./devices"), nic, "interface");
      return nic;
    },
    remove: (domain, nic) => remove(ensureElement(domain, "./devices"), nic),
    change: "live",
    fields: nics,
  }),
  console: field({
    schema: z.boolean().optional().describe("Serial console; true unless declared."),
    binding: places.serialConsole,
    change: "restart",
  }),
  consoleLog: field({
    schema: z.string().regex(/^\//, "must be an absolute path on the host").optional()
      .describe("File on the host to which virtlogd appends what the serial console prints."),
    binding: {
      path: "./devices/serial/log/@file",
      read: (domain) => getPath(domain, "./devices/serial/log/@file"),
      write: (domain, value) => {
        setPath(domain, "./devices/serial/log/@file", value as string | undefined);
        setPath(domain, "./devices/serial/log/@append", "on");
      },
    },
    change: "restart",
  }),
  agent: field({
    schema: z.boolean().optional()
      .describe("Channel for the QEMU guest agent; true unless declared."),
    binding: places.agentChannel,
    change: "restart",
  }),
  graphics: field({
    schema: z.enum(["none", "vnc", "spice"]).optional()
      .describe("Graphics console, on the host's loopback; none unless declared."),
    binding: places.graphics,
    change: "restart",
  }),
  autostart: field({
    schema: z.boolean().optional().describe("Start together with the host."),
    binding: elsewhere("virDomainSetAutostart"),
    change: "live",
    equal: always,
  }),
  power: field({
    schema: z.enum(["on", "off"]).optional().describe(
      "Whether it runs. A new machine is started unless declared `off`; afterwards its power " +
        "state is left alone unless declared.",
    ),
    binding: elsewhere("virDomainCreate, virDomainShutdown"),
    change: ({ after }) => after === "off" ? "restart" : "live",
    equal: always,
  }),
  whenRestartNeeded: field({
    schema: z.enum(["now", "next-boot", "never"]).optional().describe(
      "What to do with a change that a running guest cannot take: restart it now, save the " +
        "change for its next start (unless declared), or refuse the plan.",
    ),
    binding: elsewhere("policy"),
    change: "live",
    equal: always,
  }),
  wait: field({
    schema: z.strictObject(wait).refine(
      (declared) => (declared.for === "port") === (declared.port !== undefined),
      { error: 'a port stands with `for: "port"`, and only there', path: ["port"] },
    ).optional().describe("What to wait for after the machine was made."),
    binding: elsewhere("policy"),
    change: "live",
    equal: always,
  }),
} satisfies Table;
