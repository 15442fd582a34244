/**
 * A host's health, with evidence and remedies. Reads only.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { HostDeclaration } from "../../provider.ts";
import { type Connection, type Libvirt, LibvirtError } from "../libvirt/mod.ts";
import { checkup, type DoctorCheck, HOST_SCRIPT, type ListedObject } from "./checkup.ts";
import { asFailure, libvirtError } from "./failure.ts";
import { KvmSession, type SessionOptions } from "./session.ts";

/** What was found out. Plain JSON. */
export interface DoctorReport {
  /** Name of the host. */
  readonly host: string;
  /** Its URI, as declared. */
  readonly uri: string;
  /** From the most basic on. */
  readonly checks: readonly DoctorCheck[];
}

/** Examines a host. What cannot be reached is a check that failed, not an error. */
export async function examine(
  libvirt: Libvirt,
  host: HostDeclaration,
  options: SessionOptions,
): Promise<DoctorReport> {
  const report = (checks: readonly DoctorCheck[]) => ({ host: host.name, uri: host.uri, checks });
  let session: KvmSession;
  try {
    session = await KvmSession.open(libvirt, host, options);
  } catch (error) {
    if (!(error instanceof StaddleError)) throw error;
    return report([unreachable(error)]);
  }
  await using open = session;
  const connection = await open.connection();
  const [facts, script, pools, networks] = await Promise.all([
    open.facts(),
    open.run(HOST_SCRIPT),
    listed(host, "list the pools", () => listPools(connection)),
    listed(host, "list the networks", () => listNetworks(connection)),
  ]);
  return report(checkup({ facts, local: open.local, script, pools, networks }));
}

/** A host without a driver, or without its daemon, is examined all the same. */
async function listed(
  { name, uri }: HostDeclaration,
  doing: string,
  list: () => Promise<ListedObject[]>,
): Promise<ListedObject[] | StaddleError> {
  try {
    return await list();
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    return libvirtError(asFailure(error), { host: name, uri, doing });
  }
}

function unreachable(error: StaddleError): DoctorCheck {
  return {
    name: error.code.startsWith("ssh.") ? "ssh" : "libvirt",
    status: "fail",
    evidence: [error.message, ...error.details],
    ...(error.help === undefined ? {} : { remedy: error.help }),
  };
}

interface Listed extends Disposable {
  readonly name: string;
  isActive(): Promise<boolean>;
  autostart(): Promise<boolean>;
}

async function list(objects: readonly Listed[]): Promise<ListedObject[]> {
  const found = await Promise.all(objects.map(async (item) => {
    using object = item;
    const [active, autostart] = await Promise.all([object.isActive(), object.autostart()]);
    return { name: object.name, active, autostart };
  }));
  return found.sort((a, b) => a.name < b.name ? -1 : 1);
}

async function listPools(connection: Connection): Promise<ListedObject[]> {
  return await list(await connection.pools());
}

async function listNetworks(connection: Connection): Promise<ListedObject[]> {
  return await list(await connection.networks());
}
