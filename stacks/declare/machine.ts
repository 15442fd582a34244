/**
 * Machines, with the disks and the seed that are declared inside them.
 *
 * @module
 */

import { nicMac, resourceUuid } from "../../planner/identity.ts";
import type { JsonObject } from "../../providers/provider.ts";
import { type CloudInit, metaData, userData } from "../cloud_config.ts";
import {
  type Disk,
  type Image,
  isHandle,
  type Machine,
  type Network,
  type Nic,
  parts,
  seal,
} from "../handles.ts";
import type { Pool, Volume } from "../handles.ts";
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
import { cloudInitSchema } from "../cloud_init_schema.ts";
import { machineSchema, seedSchema } from "../schemas.ts";
import {
  addressOf,
  adoptedUuid,
  type AdoptOptions,
  commonFields,
  type CommonOptions,
  type Context,
  nameOnHost,
  record,
  reference,
  subjectOf,
  unknown,
} from "./context.ts";
import type {
  DeviceOptions,
  DiskAttachment,
  DriveOptions,
  HostDisk,
  NicTuning,
} from "./machine_devices.ts";
import type { PlatformOptions } from "./machine_platform.ts";
import type { TuningOptions } from "./machine_tuning.ts";
import { networkFacts } from "./network.ts";
import { poolOrStore } from "./pool.ts";
import { contentFields, makeVolume, type VolumeContent } from "./volume.ts";

/** A disk on a volume that is declared by itself. */
export interface VolumeDisk extends DiskAttachment {
  /** The volume; it outlives the machine. */
  readonly volume: Volume;
}

/** A disk whose volume belongs to the machine: it is made and destroyed with it. */
export interface InlineDisk extends DiskAttachment, VolumeContent {}

/** A disk of a machine: `{ clone: image, size: "20GiB" }`, `{ size: "5GiB" }` or `{ volume }`. */
export type DiskOptions = VolumeDisk | InlineDisk | HostDisk;

/** A NIC of a machine, on a network or on something that the host has. */
export interface NicOptions extends NicTuning {
  /** Name in the machine; `nic0`, `nic1`, … unless declared. */
  readonly name?: string;
  /** The network that it is on. */
  readonly network?: Network;
  /** A bridge of the host, instead of a network. */
  readonly bridge?: string;
  /**
   * IP address. On a network of this stack one is chosen, and reserved, unless declared. Elsewhere
   * it is a promise of the author's, by which handles and waits go.
   */
  readonly ip?: string;
  /** MAC address; derived from the machine's UUID and the NIC's place unless declared. */
  readonly mac?: string;
  /** State of the link; up unless declared. */
  readonly link?: "up" | "down";
}

/** What must stand at a place in the domain's XML. */
export type XmlPatch =
  & {
    /**
     * The place: an attribute, `./memory/@dumpCore`; a text, `./bootloader`; or an element,
     * `./devices/redirdev[@bus='usb']`. The first match counts.
     */
    readonly path: string;
  }
  & (
    | {
      /** Text or attribute that must stand there; `null`: nothing may. */
      readonly value: string | number | null;
    }
    | {
      /** Element that must stand there, as XML; what it does not mention stays as it is. */
      readonly element: string;
    }
  );

/** A virtual machine. What is not declared is left to the host, now and later. */
export interface MachineOptions
  extends CommonOptions, AdoptOptions, PlatformOptions, TuningOptions, DeviceOptions {
  /** Disks in the guest's order. */
  readonly disks?: readonly DiskOptions[];
  /** NICs in the guest's order. */
  readonly nics?: readonly NicOptions[];
  /** What cloud-init does at the first boot. */
  readonly cloudInit?: CloudInit;
  /** Pool for inline disks and the seed; the image's pool, else the host's store. */
  readonly pool?: Pool;
  /** Direct kernel boot, instead of a boot loader on a disk. */
  readonly boot?: {
    readonly kernel: Image;
    readonly initrd?: Image;
    /** Kernel command line. */
    readonly cmdline?: string;
    /** Absolute path of a device tree on the host, for ARM and PowerPC. */
    readonly deviceTree?: string;
  };
  /**
   * `prefer-kvm` (unless declared): KVM where guests really run under it, else full emulation (TCG);
   * `require-kvm`: refuse a host where they do not; `tcg`: full emulation.
   */
  readonly accel?: "prefer-kvm" | "require-kvm" | "tcg";
  /** Architecture of the guest, for example `x86_64`; the host's unless declared. */
  readonly arch?: string;
  /** Machine type of QEMU; q35 unless declared. */
  readonly machine?: string;
  /** Short description, one line. */
  readonly title?: string;
  /** Description, any text. */
  readonly description?: string;
  /** Serial console; true unless declared. */
  readonly console?: boolean;
  /** File on the host to which the serial console's output is appended. */
  readonly consoleLog?: string;
  /** Channel for the QEMU guest agent; true unless declared. */
  readonly agent?: boolean;
  /** Graphics console on the host's loopback; none unless declared. */
  readonly graphics?: "none" | "vnc" | "spice";
  /** Start together with the host. */
  readonly autostart?: boolean;
  /** Whether it runs. A new machine is started unless `off`; later it is left alone unless declared. */
  readonly power?: "on" | "off";
  /** What to do with a change that a running guest cannot take; `next-boot` unless declared. */
  readonly whenRestartNeeded?: "now" | "next-boot" | "never";
  /** What to wait for after the machine was made. */
  readonly wait?: {
    /**
     * `running`: QEMU runs; `lease`: a DHCP lease is held; `agent`: the guest agent answers; `port`:
     * a TCP port of the first address accepts.
     */
    readonly for: "running" | "lease" | "agent" | "port";
    /** TCP port, with `for: "port"`. */
    readonly port?: number;
    /** Seconds; 120 unless declared. */
    readonly timeout?: number;
  };
  /**
   * What no other field says: places in libvirt's XML. A place that another field owns is refused; one
   * that is declared no more stays as it is.
   */
  readonly xml?: readonly XmlPatch[];
}

const hostSources = ["file", "block", "network"];
const attachmentFields = fieldsOf(machineSchema, ["disks", 0]).filter((field) =>
  !["volume", "format", ...hostSources].includes(field)
);
const nicFields = fieldsOf(machineSchema, ["nics", 0]);
const machineFields = [
  ...commonFields,
  ...fieldsOf(machineSchema).filter((field) => field !== "seed" && field !== "name"),
  "cloudInit",
  "pool",
  "adopt",
];

/** Declares a machine. */
export function declareMachine(context: Context, name: string, options: unknown): Machine {
  const subject = subjectOf(context, "machine", name);
  checkKeys(subject, options, machineFields);
  const given = options as MachineOptions;
  const {
    disks: _disks,
    nics: _nics,
    cloudInit,
    pool,
    boot,
    dependsOn,
    adopt,
    name: called,
    ...plain
  } = given;
  const address = addressOf(context, "machine", name);
  const adopted = adoptedUuid(subject, adopt);
  const uuid = adopted ?? resourceUuid(context.recorder.stack, address);
  const onHost = nameOnHost(context, name, called);
  const owner: Owner = {
    context,
    subject,
    name,
    onHost,
    address,
    uuid,
    given,
    networks: new Set(),
  };

  const home = pool === undefined
    ? undefined
    : reference<Pool>(context, subject, ["pool"], "pool", pool);
  const disks = list(subject, "disks", given.disks).map((disk, i) =>
    makeDisk(owner, home, disk, i)
  );
  const nics = list(subject, "nics", given.nics).map((nic, i) => makeNic(owner, nic, i));
  const seed = cloudInit === undefined ? undefined : makeSeed(owner, home, disks, cloudInit);
  const spec = validate(subject, machineSchema, {
    ...plain,
    name: onHost,
    boot: boot === undefined ? undefined : makeBoot(owner, boot),
    disks: disks.map((disk) => disk.spec),
    seed,
    nics: nics.map((nic) => nic.spec),
    cdroms: media(owner, "cdroms"),
    floppies: media(owner, "floppies"),
  });
  context.recorder.claim(context.host, `machine "${onHost}"`, subject);
  const init = {
    kind: "machine",
    name,
    tenure: "managed",
    spec,
    dependsOn,
    adopt: adopted,
  } as const;
  record(context, subject, init);
  return machineHandle(owner, disks, nics);
}

/** What the parts of a machine need to know of it. */
interface Owner {
  readonly context: Context;
  readonly subject: Subject;
  readonly name: string;
  readonly onHost: string;
  readonly address: string;
  readonly uuid: string;
  readonly given: MachineOptions;
  /** Networks on which it has a NIC already. */
  readonly networks: Set<string>;
}

interface DeclaredDisk {
  readonly spec: JsonObject;
  readonly handle: Disk;
}

interface DeclaredNic {
  readonly spec: JsonObject;
  readonly handle: Nic;
  readonly ip: string | undefined;
}

function list<T>(subject: Subject, field: string, value: readonly T[] | undefined): readonly T[] {
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

function makeDisk(
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

/** A disk that no volume of the stack is behind. */
function hostDisk(owner: Owner, disk: HostDisk, name: string, index: number): DeclaredDisk {
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

function makeNic(owner: Owner, nic: NicOptions, index: number): DeclaredNic {
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
  const ip = network === undefined ? nic.ip : addressOn(owner, network, name, mac, nic);
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
  nic: NicOptions,
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

function makeSeed(
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
  const spec = validate(subject, seedSchema, {
    pool: pool.resource,
    name: owner.onHost,
    userData: userData(cloudInit),
    metaData: metaData(owner.uuid, hostnameOf(owner)),
    networkConfig: cloudInit.networkConfig,
  }, (inner) => [...path, ...inner]);
  return record(context, subject, { kind: "seed", name: owner.name, tenure: "managed", spec })
    .address;
}

/** Drives, their media given by handles. */
function media(owner: Owner, field: "cdroms" | "floppies"): JsonObject[] | undefined {
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

function makeBoot(owner: Owner, boot: NonNullable<MachineOptions["boot"]>): JsonObject {
  const { context, subject } = owner;
  checkKeys(subject, boot, ["kernel", "initrd", "cmdline", "deviceTree"], ["boot"]);
  const file = (field: "kernel" | "initrd") =>
    reference<Image>(context, subject, ["boot", field], "image", boot[field]).resource;
  return {
    kernel: file("kernel"),
    initrd: boot.initrd === undefined ? undefined : file("initrd"),
    cmdline: boot.cmdline,
    deviceTree: boot.deviceTree,
  };
}

function machineHandle(
  owner: Owner,
  disks: readonly DeclaredDisk[],
  nics: readonly DeclaredNic[],
): Machine {
  const { name, uuid, context, address: resource } = owner;
  const nicHandles = nics.map((nic) => nic.handle);
  const missing = (what: string, count: number) => (index: number) =>
    unknown(
      `machine ${name}`,
      `${what}[${index}]`,
      `it has ${count === 0 ? `no ${what}` : `${count} of them, counted from 0`}`,
    );
  return seal({
    kind: "machine",
    resource,
    host: context.host,
    name: owner.onHost,
    uuid,
    nics: parts(nicHandles, missing("nics", nics.length)),
    disks: parts(disks.map((disk) => disk.handle), missing("disks", disks.length)),
    nic(wanted: string): Nic {
      const found = nicHandles.find((one) => one.name === wanted);
      if (found !== undefined) return found;
      throw unknown(
        `machine ${name}`,
        `a NIC ${JSON.stringify(wanted)}`,
        `its NICs are: ${nicHandles.map((one) => one.name).join(", ") || "none"}`,
      );
    },
    get address(): string {
      const first = nics.find((nic) => nic.ip !== undefined)?.ip;
      if (first !== undefined) return first;
      throw unknown(
        `machine ${name}`,
        "its IP address",
        'no NIC of it has one: declare it, nics: [{ …, ip: "…" }], or use a network of this stack ' +
          "that has a subnet",
      );
    },
  });
}
