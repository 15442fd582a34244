/**
 * Writes cloud-init's documents (NoCloud): user-data, meta-data.
 *
 * @module
 */

import type { Json, JsonObject } from "../providers/provider.ts";

/** A user of the guest. Fields that are not listed here go to cloud-init as they are. */
export interface CloudUser {
  /** Login name. */
  readonly name: string;
  /** Full name. */
  readonly gecos?: string;
  /** Further groups. */
  readonly groups?: readonly string[];
  /** Login shell, for example `/bin/bash`. */
  readonly shell?: string;
  /** sudoers rule, for example `ALL=(ALL) NOPASSWD:ALL`; `false`: none. */
  readonly sudo?: string | false;
  /** Public keys that may log in. */
  readonly sshKeys?: readonly string[];
}

/** A file that is written into the guest. */
export interface CloudFile {
  /** Absolute path in the guest. */
  readonly path: string;
  /** What it holds, as it stands. */
  readonly content: string;
  /** Octal, for example `"0644"` (the default). */
  readonly permissions?: string;
  /** `user:group`; `root:root` unless given. */
  readonly owner?: string;
}

/** What cloud-init does in the guest at its first boot. */
export interface CloudInit {
  /** The guest's hostname; the machine's name on the host unless declared. */
  readonly hostname?: string;
  /** Public keys that may log in as the image's default user. */
  readonly sshKeys?: readonly string[];
  /** The default user, instead of the image's own: a name, or more about it. */
  readonly user?: string | CloudUser;
  /** Further users; the default user stays. */
  readonly users?: readonly CloudUser[];
  /** Packages that are installed. */
  readonly packages?: readonly string[];
  /** Files that are written, before the commands are run. */
  readonly writeFiles?: readonly CloudFile[];
  /** Commands that are run last: a line for the shell, or a command and its arguments. */
  readonly runcmd?: readonly (string | readonly string[])[];
  /** The user-data as it stands, instead of all the above but `hostname`. */
  readonly userData?: string;
  /** The network configuration (version 1 or 2) as it stands. */
  readonly networkConfig?: string;
}

function user(given: CloudUser): JsonObject {
  const { name, gecos, groups, shell, sudo, sshKeys } = given;
  return { name, gecos, groups, shell, sudo, ssh_authorized_keys: sshKeys };
}

/** `#cloud-config` for what was declared. */
export function userData(given: CloudInit): string {
  if (given.userData !== undefined) return given.userData;
  const config: JsonObject = {
    user: typeof given.user === "object" ? user(given.user) : given.user,
    users: given.users === undefined ? undefined : ["default", ...given.users.map(user)],
    ssh_authorized_keys: given.sshKeys,
    packages: given.packages,
    write_files: given.writeFiles?.map(({ path, content, permissions, owner }) => ({
      path,
      content,
      permissions,
      owner,
    })),
    runcmd: given.runcmd,
  };
  const body = toYaml(config);
  return body === "" ? "#cloud-config\n{}\n" : `#cloud-config\n${body}`;
}

/** meta-data: the instance's identity, by which cloud-init tells a first boot. */
export function metaData(instanceId: string, hostname: string): string {
  return toYaml({ "instance-id": instanceId, "local-hostname": hostname });
}

/** A block of YAML for a mapping; absent values are left out, and so are empty lists. */
export function toYaml(value: JsonObject, indent = ""): string {
  let text = "";
  for (const [key, one] of Object.entries(value)) {
    if (one === undefined || (Array.isArray(one) && one.length === 0)) continue;
    text += `${indent}${scalar(key)}:${node(one, indent, "")}`;
  }
  return text;
}

/** What stands behind `key:` or `-`, with its end of line. */
function node(value: Json, indent: string, inList: string): string {
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one !== "object") && inList !== "") {
      return ` [${value.map((one) => flow(one)).join(", ")}]\n`;
    }
    return "\n" + value.map((one: Json) => `${indent}  -${node(one, `${indent}  `, "-")}`).join("");
  }
  if (typeof value === "object" && value !== null) {
    const block = toYaml(value as JsonObject, `${indent}  `);
    if (block === "") return " {}\n";
    // The first key of a mapping in a list stands on the dash's line.
    return inList === "" ? `\n${block}` : ` ${block.slice(indent.length + 2)}`;
  }
  if (typeof value === "string" && literal(value)) {
    const lines = value.replace(/\n$/, "").split("\n");
    const body = lines.map((line) => (line === "" ? "\n" : `${indent}  ${line}\n`)).join("");
    return ` |${value.endsWith("\n") ? "" : "-"}\n${body}`;
  }
  return ` ${flow(value)}\n`;
}

/** Whether a text can stand as a literal block as it is: YAML reads no escapes there. */
function literal(text: string): boolean {
  return text.includes("\n") && !/^\s|\n\n$/.test(text) &&
    !/\p{Cc}|[\u2028\u2029]/u.test(text.replaceAll("\n", ""));
}

function flow(value: Json): string {
  return typeof value === "string" ? scalar(value) : JSON.stringify(value);
}

/** Plain where YAML 1.1 and 1.2 read nothing else into it, else in double quotes. */
function scalar(text: string): string {
  const plain = /^[A-Za-z_/.][A-Za-z0-9_/.@+=-]*( [A-Za-z0-9_/.@+=-]+)*$/.test(text) &&
    !/^(y|n|yes|no|on|off|true|false|null|\.(inf|nan))$/i.test(text) && !/^\.?[0-9._]+$/.test(text);
  return plain ? text : JSON.stringify(text).replace(
    // JSON leaves these as they are; YAML 1.1 takes them for ends of lines.
    /[\u0085\u2028\u2029\u007f]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
