/**
 * Room in a pool for what is to be uploaded, looked for before the first byte is sent.
 *
 * It saves the time, and with libvirt 11.3 the daemon: that one dies when a file system is full in the
 * middle of an upload.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { Step } from "../../provider.ts";
import { formatBytes } from "../kinds/size.ts";
import type { StoragePool } from "../libvirt/mod.ts";
import { type Bench, whereOf } from "./bench.ts";
import { refreshIfIdle } from "./refresh.ts";

/** Bytes of a file that are no holes: these alone are sent. */
export async function bytesToSend(path: string): Promise<number> {
  const { size, blocks } = await Deno.stat(path);
  // In blocks of 512 bytes, whatever the file system's own are.
  return blocks === null ? size : Math.min(size, blocks * 512);
}

/**
 * Throws if a pool has less room than a number of bytes.
 *
 * @throws {StaddleError} `kvm.no-space`.
 */
export async function requireRoom(
  bench: Bench,
  step: Step,
  pool: StoragePool,
  bytes: number,
): Promise<void> {
  if ((await pool.info()).available >= bytes) return;
  // What libvirt knows of the pool is as old as its last look at it.
  const looked = await refreshIfIdle(pool);
  const { available } = await pool.info();
  if (available >= bytes || !looked) return;
  throw new StaddleError({
    code: "kvm.no-space",
    summary:
      `cannot ${step.operation} ${step.kind} "${step.key}" on host "${bench.declaration.name}": ` +
      `pool "${pool.name}" has no room for it`,
    where: whereOf(bench, step),
    details: [`${formatBytes(bytes)} are to be uploaded, ${formatBytes(available)} are free`],
    help: "make room on the host, or use a pool on a larger file system; nothing was uploaded",
  });
}
