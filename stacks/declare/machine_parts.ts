/**
 * The parts of a machine: disks and the seed, which are resources of their own, NICs, drives, what it
 * boots.
 *
 * @module
 */

import { nicMac } from "../../planner/identity.ts";
import type { JsonObject } from "../../providers/provider.ts";
import { type CloudInit, metaData, userData } from "../cloud_config.ts";
import { cloudInitSchema } from "../cloud_init_schema.ts";
import {
  type Disk,
  type Image,
  isHandle,
  type Network,
  type Nic,
  type Pool,
  type Volume,
} from "../handles.ts";
import type { Recorder } from "../recorder.ts";
import {
  checkKeys,
  complaint,
  fieldsOf,
  formatPath,
  show,
  type Subject,
  validate,
} from "../refuse.ts";
import { machineSchema, seedSchema } from "../schemas.ts";
import { addressOf, type Context, record, reference, unknown } from "./context.ts";
import type { DriveOptions, HostDisk } from "../types/machine_devices.ts";
import type {
  DiskOptions,
  InlineDisk,
  MachineOptions,
  NicOptions,
  VolumeDisk,
} from "../types/machine.ts";
import { networkFacts } from "./network.ts";
import type { OwnOptions } from "./options.ts";
import { poolOrStore } from "./pool.ts";
import { contentFields, makeVolume } from "./volume.ts";

const hostSources = ["file", "block", "network"];
const attachmentFields = fieldsOf(machineSchema, ["disks", 0]).filter((field) =>
  !["volume", "format", ...hostSources].includes(field)
);
const nicFields = fieldsOf(machineSchema, ["nics", 0]);

/** What the parts of a machine need to know of it. */
export interface Owner {
  readonly context: Context;
  readonly subject: Subject;
  readonly name: string;
  readonly onHost: string;
  readonly address: string;
  readonly uuid: string;
  readonly given: MachineOptions;
  /** Options of the volume of an inline disk. */
  diskOptions(name: string): OwnOptions;
  /** Options of the seed. */
  seedOptions(): OwnOptions;
  /** Networks on which it has a NIC already. */
  readonly networks: Set<string>;
}

/** A disk as the spec has it, and its handle. */
export interface DeclaredDisk {
  readonly spec: JsonObject;
  readonly handle: Disk;
  /** The volume that it names by its path, which the spec does not refer to. */
  readonly file?: Volume;
}

/** A NIC as the spec has it, and its handle. */
export interface DeclaredNic {
  readonly spec: JsonObject;
  readonly handle: Nic;
  readonly ip: string | undefined;
}

/** A list that may be left out. */
export function list<T>(
  subject: Subject,
  field: string,
  value: readonly T[] | undefined,
): readonly T[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw complaint(subject, {
    code: "stack.invalid-value",
    path: [field],
    message: `must be a list, is ${show(value)}`,
  });
}

function partName(
  owner: Owner,
  path: readonly PropertyKey[],
  what: string,
  given: unknown,
  fallback: string,
): string {
  if (given === undefined) return fallback;
  const { label, at } = owner.subject;
  const recorder: Recorder = owner.context.recorder;
  recorder.checkName({ label: `${label}: ${formatPath(path)}`, at }, what, given);
  return given;
}

/** A disk, and the volume behind it if that belongs to the machine. */
export function makeDisk(
  owner: Owner,
  home: Pool | undefined,
  disk: DiskOptions,
  index: number,
): DeclaredDisk {
  const { context, subject } = owner;
  const path = ["disks", index];
  const known = [...attachmentFields, "volume", ...hostSources, "format", ...contentFields];
  checkKeys(subject, disk, [...new Set(known)], path);
  const fallback = index === 0 ? "root" : `disk${index}`;
  const name = partName(owner, [...path, "name"], "disk", disk.name, fallback);
  if (hostSources.some((field) => (disk as unknown as JsonObject)[field] !== undefined)) {
    return hostDisk(owner, disk as HostDisk, name, index);
  }
  const volume = "volume" in disk && disk.volume !== undefined
    ? givenVolume(owner, disk, path)
    : makeVolume(context, subject, {
      name: `${owner.name}-${name}`,
      stem: `${owner.onHost}-${name}`,
      content: disk as InlineDisk,
      path,
      defaultPool: home,
      options: owner.diskOptions(name),
    });
  return {
    spec: { ...attachment(disk), name, volume: volume.resource },
    handle: Object.freeze({ name, volume }),
  };
}

/** What a disk says of its attachment, whatever it stands on. */
function attachment(disk: DiskOptions): JsonObject {
  const given = Object.entries(disk).filter(([field]) => attachmentFields.includes(field));
  return Object.fromEntries(given) as JsonObject;
}

/** A disk that is no volume to libvirt, though its file may be one. */
function hostDisk(owner: Owner, disk: HostDisk, name: string, index: number): DeclaredDisk {
  if (disk.file !== undefined && typeof disk.file !== "string") {
    const { context, subject } = owner;
    const path = ["disks", index, "file"];
    const file = reference<Volume>(context, subject, path, "volume", disk.file);
    return {
      spec: { format: file.format, ...disk, name, file: file.path } as unknown as JsonObject,
      handle: Object.freeze({ name, volume: file }),
      file,
    };
  }
  return {
    spec: { ...disk, name } as unknown as JsonObject,
    handle: Object.freeze({
      name,
      get volume(): Volume {
        throw unknown(
          `machine ${owner.name}: disks[${index}]`,
          "its volume",
          "it stands on something of the host's own: use a volume to refer to it",
        );
      },
    }),
  };
}

function givenVolume(owner: Owner, disk: VolumeDisk, path: readonly PropertyKey[]): Volume {
  const extra = contentFields.find((field) => (disk as unknown as JsonObject)[field] !== undefined);
  if (extra !== undefined) {
    throw complaint(owner.subject, {
      code: "stack.invalid-value",
      path: [...path, extra],
      message: 'does not go with "volume": the volume says that itself',
      help: `leave "${extra}" out here, or leave "volume" out to have one made`,
    });
  }
  return reference<Volume>(
    owner.context,
    owner.subject,
    [...path, "volume"],
    "volume",
    disk.volume,
  );
}

/** A NIC with its MAC address, and the address that is reserved for it. */
export function makeNic(owner: Owner, nic: NicOptions, index: number): DeclaredNic {
  const { context, subject } = owner;
  const path = ["nics", index];
  checkKeys(subject, nic, nicFields, path);
  const name = partName(owner, [...path, "name"], "NIC", nic.name, `nic${index}`);
  const sources = (["network", "bridge", "direct", "user", "hostdev"] as const)
    .filter((field) => nic[field] !== undefined);
  if (sources.length !== 1) {
    throw complaint(subject, {
      code: "stack.invalid-value",
      path,
      message: sources.length === 0
        ? 'says neither "network" nor "bridge"'
        : `says both "${sources[0]}" and "${sources[1]}"`,
      help: 'give network: the handle of a network, or bridge: "br0" for a bridge of the host',
    });
  }
  const network = nic.network === undefined
    ? undefined
    : reference<Network>(context, subject, [...path, "network"], "network", nic.network);
  const mac = (nic.mac ?? nicMac(owner.uuid, index)).toString().toLowerCase();
  const ip = nic.ip === false
    ? undefined
    : network === undefined
    ? nic.ip
    : addressOn(owner, network, name, mac, { ...nic, ip: nic.ip });
  return {
    spec: { ...nic, name, network: network?.resource, mac, ip } as unknown as JsonObject,
    ip,
    handle: Object.freeze({
      name,
      mac,
      get ip(): string {
        if (ip !== undefined) return ip;
        const where = network === undefined
          ? `${sources[0]} of the host`
          : `network ${network.name}`;
        throw unknown(
          `machine ${owner.name}: nics[${index}]`,
          "its IP address",
          `nothing reserves one on ${where}: declare it, ip: "…", or use a network of this stack ` +
            "that has a subnet",
        );
      },
    }),
  };
}

/** The NIC's address on a network: the author's, or one that the stack reserves. */
function addressOn(
  owner: Owner,
  network: Network,
  nicName: string,
  mac: string,
  nic: { readonly ip?: string | undefined },
): string | undefined {
  const { context, subject } = owner;
  const { managed, subnet, gateway, dhcp } = networkFacts(context, network);
  if (!managed || subnet === undefined) return nic.ip;
  const key = `${owner.address}#${nicName}`;
  const request = { key, network: network.resource, subnet, gateway, dhcp, wanted: nic.ip };
  const ip = context.recorder.addressFor(request, subject.at);
  if (dhcp === false) return ip;
  const hostname = hostnameOf(owner);
  // Names are unique in a network's DHCP: the machine's own goes to its first NIC there.
  const before = owner.networks.has(network.resource);
  owner.networks.add(network.resource);
  const name = before ? `${hostname}-${nicName}` : hostname;
  context.recorder.attachments.push({ network: network.resource, key, mac, ip, name });
  return ip;
}

function hostnameOf({ given, onHost }: Owner): string {
  return given.cloudInit?.hostname ?? onHost;
}

/** The medium from which cloud-init reads, declared as a resource of its own. */
export function makeSeed(
  owner: Owner,
  home: Pool | undefined,
  disks: readonly DeclaredDisk[],
  given: CloudInit,
): string {
  const { context, subject } = owner;
  const path = ["cloudInit"];
  const cloudInit = validate(subject, cloudInitSchema, given, (inner) => [...path, ...inner]);
  if (cloudInit.userData !== undefined) {
    const extra = Object.entries(cloudInit).find(([field, value]) =>
      value !== undefined && !["userData", "hostname", "networkConfig"].includes(field)
    );
    if (extra !== undefined) {
      throw complaint(subject, {
        code: "stack.invalid-value",
        path: [...path, extra[0]],
        message: 'does not go with "userData", which stands as it is',
        help: `say it inside "userData", or leave "userData" out`,
      });
    }
  }
  const first = disks[0];
  const near = first === undefined
    ? undefined
    : context.recorder.pools.get(first.handle.volume.resource);
  const pool = poolOrStore(context, subject, ["pool"], home ?? near);
  const { recorder } = context;
  const kept = recorder.identities[addressOf(context, "seed", owner.name)]?.texts;
  const spec = validate(subject, seedSchema, {
    pool: pool.resource,
    name: owner.onHost,
    ...kept ?? {
      userData: userData(cloudInit),
      metaData: metaData(owner.uuid, hostnameOf(owner)),
      networkConfig: cloudInit.networkConfig,
    },
  }, (inner) => [...path, ...inner]);
  const options = owner.seedOptions();
  const init = { kind: "seed", name: owner.name, tenure: "managed", spec, options } as const;
  return record(context, subject, init).address;
}

/** Drives, their media given by handles. */
export function media(owner: Owner, field: "cdroms" | "floppies"): JsonObject[] | undefined {
  const { context, subject, given } = owner;
  if (given[field] === undefined) return undefined;
  return list<DriveOptions>(subject, field, given[field]).map((drive, index) => {
    const { volume } = drive;
    if (volume === undefined) return drive as unknown as JsonObject;
    const path = [field, index, "volume"];
    const kind = isHandle(volume) && volume.kind === "image" ? "image" : "volume";
    const { resource } = reference<Volume | Image>(context, subject, path, kind, volume);
    return { ...drive, volume: resource } as unknown as JsonObject;
  });
}

/** Direct kernel boot. */
export function makeBoot(owner: Owner, boot: NonNullable<MachineOptions["boot"]>): JsonObject {
  const { context, subject } = owner;
  checkKeys(subject, boot, ["kernel", "initrd", "cmdline", "deviceTree"], ["boot"]);
  const file = (field: "kernel" | "initrd") => {
    const given = boot[field];
    if (typeof given === "string" && given.startsWith("/")) return given;
    return reference<Image>(context, subject, ["boot", field], "image", given).resource;
  };
  return {
    kernel: file("kernel"),
    initrd: boot.initrd === undefined ? undefined : file("initrd"),
    cmdline: boot.cmdline,
    deviceTree: boot.deviceTree,
  };
}
