/**
 * The texts that cloud-init reads from a NoCloud seed.
 *
 * See https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html and, for the
 * modules, https://cloudinit.readthedocs.io/en/latest/reference/modules.html.
 *
 * @module
 */

import type { Json, JsonObject } from "../../provider.ts";
import { toYaml } from "./yaml.ts";

/** A user of the guest. */
export interface CloudUser {
  /** Login name. */
  readonly name: string;
  /** Full name. */
  readonly fullName?: string;
  /** Groups beside the user's own. */
  readonly groups?: readonly string[];
  /** Login shell; `/bin/bash` unless given. */
  readonly shell?: string;
  /** Rule for sudo; true is `ALL=(ALL) NOPASSWD:ALL`. */
  readonly sudo?: boolean | string;
  /** Public keys that may log in. */
  readonly sshKeys?: readonly string[];
  /** Hash of a password, as `mkpasswd` makes it: it unlocks the password. */
  readonly passwordHash?: string;
}

/** A file of the guest, written at its first boot. */
export interface CloudFile {
  /** Absolute path in the guest. */
  readonly path: string;
  /** What stands in it. */
  readonly content: string;
  /** Mode in octal digits: `0644` unless given. */
  readonly permissions?: string;
  /** `user:group`; `root:root` unless given. */
  readonly owner?: string;
  /** Adds to a file that is there. */
  readonly append?: boolean;
  /** Writes it after packages were installed and users made. */
  readonly defer?: boolean;
}

/** What a guest does at its first boot. Everything is left to the image unless given. */
export interface CloudConfig {
  /** Name of the guest. */
  readonly hostname?: string;
  /** Name of the guest with its domain. */
  readonly fqdn?: string;
  /** Name of the image's default user. */
  readonly user?: string;
  /** Public keys of the default user. */
  readonly sshKeys?: readonly string[];
  /** Users beside the default one. */
  readonly users?: readonly CloudUser[];
  /** Whether sshd takes passwords. */
  readonly passwordLogin?: boolean;
  /** Packages to install. */
  readonly packages?: readonly string[];
  /** Reads the package lists first; true as soon as there are packages, unless given. */
  readonly packageUpdate?: boolean;
  /** Installs all updates. */
  readonly packageUpgrade?: boolean;
  /** Files to write. */
  readonly writeFiles?: readonly CloudFile[];
  /** Commands at every boot, early: texts for a shell, or arrays of arguments. */
  readonly bootcmd?: readonly (string | readonly string[])[];
  /** Commands at the end of the first boot. */
  readonly runcmd?: readonly (string | readonly string[])[];
  /** For example `Europe/Berlin`. */
  readonly timezone?: string;
  /** For example `en_US.UTF-8`. */
  readonly locale?: string;
  /** Anything else that cloud-init knows, by its own keys; it wins over what is made of the rest. */
  readonly extra?: JsonObject;
}

/**
 * User-data from a description: `#cloud-config` and YAML.
 *
 * @example
 * ```ts
 * import { cloudConfig } from "./user_data.ts";
 *
 * const text = cloudConfig({ hostname: "web-0", packages: ["nginx"] });
 * console.assert(text.startsWith("#cloud-config\nhostname: web-0\n"));
 * ```
 */
export function cloudConfig(config: CloudConfig): string {
  const packages = filled(config.packages);
  const document: JsonObject = {
    hostname: config.hostname,
    fqdn: config.fqdn,
    user: config.user,
    ssh_authorized_keys: filled(config.sshKeys),
    // Without "default" the image's own user would not be made.
    users: config.users?.length ? ["default", ...config.users.map(user)] : undefined,
    ssh_pwauth: config.passwordLogin,
    timezone: config.timezone,
    locale: config.locale,
    package_update: config.packageUpdate ?? (packages === undefined ? undefined : true),
    package_upgrade: config.packageUpgrade,
    packages,
    write_files: filled(config.writeFiles)?.map(file),
    bootcmd: filled(config.bootcmd),
    runcmd: filled(config.runcmd),
    ...config.extra,
  };
  const body = toYaml(document);
  return `#cloud-config\n${body === "{}\n" ? "" : body}`;
}

function filled<T>(items: readonly T[] | undefined): readonly T[] | undefined {
  return items === undefined || items.length === 0 ? undefined : items;
}

function user(from: CloudUser): Json {
  const { sudo } = from;
  return {
    name: from.name,
    gecos: from.fullName,
    groups: filled(from.groups),
    shell: from.shell ?? "/bin/bash",
    sudo: sudo === true ? "ALL=(ALL) NOPASSWD:ALL" : sudo === false ? undefined : sudo,
    lock_passwd: from.passwordHash === undefined,
    passwd: from.passwordHash,
    ssh_authorized_keys: filled(from.sshKeys),
  };
}

function file(from: CloudFile): JsonObject {
  return {
    path: from.path,
    owner: from.owner,
    permissions: from.permissions ?? "0644",
    append: from.append,
    defer: from.defer,
    content: from.content,
  };
}

/**
 * Meta-data: who the guest is. The instance id tells cloud-init a first boot from a later one, so
 * it is the machine's UUID.
 */
export function metaData(uuid: string, hostname: string): string {
  return toYaml({ "instance-id": uuid, "local-hostname": hostname });
}

/** A network interface of a guest that is not set up by DHCP alone. */
export interface NetworkInterface {
  /** MAC address by which the guest finds it. */
  readonly mac: string;
  /** Addresses with their prefix, for example `10.30.0.5/24`. */
  readonly addresses?: readonly string[];
  /** Asks for an IPv4 address; true unless there are addresses. */
  readonly dhcp4?: boolean;
  /** Asks for an IPv6 address. */
  readonly dhcp6?: boolean;
  /** Where packets to other networks go. */
  readonly gateway?: string;
  /** DNS servers. */
  readonly nameservers?: readonly string[];
  /** Domains in which short names are looked up. */
  readonly search?: readonly string[];
  /** Largest packet in bytes. */
  readonly mtu?: number;
}

/**
 * Network configuration, version 2, from NICs by name.
 *
 * The default route stands in `gateway4` or `gateway6`, which every version of cloud-init takes.
 */
export function networkConfig(nics: Readonly<Record<string, NetworkInterface>>): string {
  const ethernets: Record<string, JsonObject> = {};
  for (const [name, nic] of Object.entries(nics)) {
    const addresses = filled(nic.addresses);
    const v6 = nic.gateway?.includes(":") ?? false;
    const nameservers = filled(nic.nameservers);
    const search = filled(nic.search);
    ethernets[name] = {
      match: { macaddress: nic.mac.toLowerCase() },
      dhcp4: nic.dhcp4 ?? addresses === undefined,
      dhcp6: nic.dhcp6,
      addresses,
      gateway4: v6 ? undefined : nic.gateway,
      gateway6: v6 ? nic.gateway : undefined,
      nameservers: nameservers === undefined && search === undefined
        ? undefined
        : { addresses: nameservers, search },
      mtu: nic.mtu,
    };
  }
  return toYaml({ version: 2, ethernets });
}
