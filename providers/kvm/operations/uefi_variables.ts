/**
 * Files of UEFI variables. Unless a definition says otherwise libvirt calls a machine's file after the
 * machine, each time when it starts: under a new name it would start with fresh variables, and whoever
 * gets its former name would start with its own. (Measured with libvirt 9.0: two machines run on one file
 * without a word, and undefining one of them removes it.)
 *
 * @module
 */

import { dirname } from "node:path";
import { StaddleError } from "../../error.ts";
import type { Connection, Domain } from "../libvirt/mod.ts";
import { getPath, parseXml, serializeXml, setPath, type XmlElement } from "../xml/mod.ts";

/** `VIR_DOMAIN_XML_INACTIVE`. */
const INACTIVE = 2;

/** Where the system's daemon keeps the files that it names itself. */
const SYSTEM_FOLDER = "/var/lib/libvirt/qemu/nvram";

/** Files that definitions name, by connection: read once, for a host may have many machines. */
const named = new WeakMap<Connection, Promise<Set<string>>>();

function fileOf(domain: XmlElement): string | undefined {
  return getPath(domain, "./os/nvram")?.trim() || undefined;
}

/** Whether a machine has UEFI variables in a file that libvirt names. */
function isNamedByLibvirt(domain: XmlElement): boolean {
  const uefi = getPath(domain, "./os/@firmware") === "efi" ||
    getPath(domain, "./os/loader/@type") === "pflash";
  return uefi && fileOf(domain) === undefined &&
    getPath(domain, "./os/loader/@stateless") !== "yes";
}

/**
 * Lets a machine that is about to be renamed keep its variables: its definition names the file that libvirt
 * has named so far.
 *
 * @throws {StaddleError} `machine.variables-unknown` where that cannot be told.
 */
export async function keepVariables(
  connection: Connection,
  machine: Domain,
  definition: XmlElement,
): Promise<void> {
  if (!isNamedByLibvirt(definition) || !connection.uri.startsWith("qemu")) return;
  const running = await machine.isActive() ? fileOf(parseXml(await machine.xml())) : undefined;
  const path = running ??
    (isSystem(connection.uri) ? `${SYSTEM_FOLDER}/${machine.name}_VARS.fd` : undefined);
  if (path === undefined) throw unknownFile(connection, machine.name);
  setPath(definition, "./os/nvram", path);
  (await named.get(connection))?.add(path);
}

function isSystem(uri: string): boolean {
  return new URL(uri).pathname === "/system";
}

/**
 * The definition of a machine that gets UEFI: where the file that libvirt would name for it is that of a
 * machine that had its name before, it gets one that is called after its UUID.
 */
export async function withOwnVariables(connection: Connection, xml: string): Promise<string> {
  const domain = parseXml(xml);
  if (!isNamedByLibvirt(domain)) return xml;
  const file = `/${getPath(domain, "./name")}_VARS.fd`;
  const taken = [...await filesOf(connection)].find((path) => path.endsWith(file));
  if (taken === undefined) return xml;
  setPath(domain, "./os/nvram", `${dirname(taken)}/${getPath(domain, "./uuid")}_VARS.fd`);
  return serializeXml(domain);
}

async function filesOf(connection: Connection): Promise<Set<string>> {
  let files = named.get(connection);
  if (files === undefined) {
    files = readFiles(connection);
    named.set(connection, files);
    files.catch(() => named.delete(connection));
  }
  return await files;
}

async function readFiles(connection: Connection): Promise<Set<string>> {
  const domains = await connection.domains();
  try {
    const definitions = await connection.domainXmls(domains, INACTIVE);
    const files = definitions.map((xml) =>
      typeof xml === "string" && xml.includes("<nvram") ? fileOf(parseXml(xml)) : undefined
    );
    return new Set(files.filter((file) => file !== undefined));
  } finally {
    for (const domain of domains) domain[Symbol.dispose]();
  }
}

function unknownFile({ uri }: Connection, name: string): StaddleError {
  return new StaddleError({
    code: "machine.variables-unknown",
    summary:
      `cannot rename machine "${name}" on ${uri}: the file with its UEFI variables is called ` +
      "after it, and libvirt tells where that is only while the machine runs",
    where: [uri],
    help: "nothing was changed: declare the file's path as nvram, or start the machine and write " +
      'whenRestartNeeded: "now"',
  });
}
