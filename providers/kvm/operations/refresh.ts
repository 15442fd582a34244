/**
 * Letting libvirt look at a pool's folder again.
 *
 * It refuses while it copies or builds a volume in that pool.
 *
 * @module
 */

import type { StepContext } from "../../provider.ts";
import { LibvirtError, type StoragePool } from "../libvirt/mod.ts";
import { sleep } from "./bench.ts";

/** Milliseconds between two attempts. */
const AGAIN = 500;

function isBusy(error: unknown): boolean {
  return error instanceof LibvirtError && /asynchronous jobs running/.test(error.libvirtMessage);
}

/** Looks again if that can be done now. False: the pool is busy, and what is known may be old. */
export async function refreshIfIdle(pool: StoragePool): Promise<boolean> {
  try {
    await pool.refresh();
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
}

/** Looks again, once the pool is idle. */
export async function refreshed(
  pool: StoragePool,
  { signal, progress }: StepContext,
): Promise<void> {
  while (!(await refreshIfIdle(pool))) {
    progress(`waiting for pool ${pool.name}, in which a volume is being copied`);
    await sleep(AGAIN, signal);
  }
}
