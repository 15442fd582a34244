/**
 * Looking objects up: one that is not there is undefined, not an error.
 *
 * @module
 */

import type { Connection, Domain, Network, StoragePool, StorageVolume } from "../libvirt/mod.ts";
import { isNotFound } from "../libvirt/mod.ts";

async function found<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** A pool by its name. */
export function findPool(connection: Connection, name: string): Promise<StoragePool | undefined> {
  return found(connection.poolByName(name));
}

/** A volume by its name, as of the pool's last refresh. */
export function findVolume(pool: StoragePool, name: string): Promise<StorageVolume | undefined> {
  return found(pool.volumeByName(name));
}

/** A network by its UUID. */
export function findNetwork(connection: Connection, uuid: string): Promise<Network | undefined> {
  return found(connection.networkByUuid(uuid));
}

/** A network by its name. */
export function findNetworkByName(
  connection: Connection,
  name: string,
): Promise<Network | undefined> {
  return found(connection.networkByName(name));
}

/** A domain by its UUID. */
export function findDomain(connection: Connection, uuid: string): Promise<Domain | undefined> {
  return found(connection.domainByUuid(uuid));
}

/** A domain by its name. */
export function findDomainByName(
  connection: Connection,
  name: string,
): Promise<Domain | undefined> {
  return found(connection.domainByName(name));
}
