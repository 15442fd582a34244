/**
 * Letting libvirt look at the folders of pools.
 *
 * @module
 */

import { isDisconnected, LibvirtError, type StoragePool } from "../libvirt/mod.ts";

/**
 * Refreshes each pool once, until told to begin anew: looking at a folder takes as long as there
 * are volumes in it, and what is made through libvirt it knows without.
 */
export class PoolRefresher {
  readonly #done = new Map<string, Promise<void>>();

  /** Forgets what was refreshed: whoever reads next reads what is there by then. */
  begin(): void {
    this.#done.clear();
  }

  /** A file that was put into the folder by hand is not seen before. */
  refresh(pool: StoragePool): Promise<void> {
    const known = this.#done.get(pool.uuid);
    if (known !== undefined) return known;
    const refreshing = refresh(pool);
    this.#done.set(pool.uuid, refreshing);
    refreshing.catch(() => this.#done.delete(pool.uuid));
    return refreshing;
  }
}

async function refresh(pool: StoragePool): Promise<void> {
  try {
    await pool.refresh();
  } catch (error) {
    // While something is uploaded or cloned the pool cannot be refreshed: it is as up to date as can be.
    if (!(error instanceof LibvirtError) || isDisconnected(error)) throw error;
  }
}
