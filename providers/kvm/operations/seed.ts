/**
 * Seeds: cloud-init's data, uploaded into a volume. Small: one that is there is written once more,
 * so that it holds what it should whatever cut the last run off.
 *
 * @module
 */

import { seedIso } from "../cloudinit/seed_iso.ts";
import { type SeedSpec, seedXml } from "../kinds/seed/mod.ts";
import type { StoragePool, StorageVolume } from "../libvirt/mod.ts";
import type { Operate, Operations } from "./bench.ts";
import { findPool, findVolume } from "./find.ts";
import { requireRoom } from "./room.ts";
import { requirePool } from "./volume.ts";

const create: Operate = async (bench, step, { signal }) => {
  const connection = await bench.connection();
  const spec = step.resource.spec as SeedSpec;
  using pool = await requirePool(bench, connection, step, spec.pool);
  await bench.refresh(pool);
  const iso = seedIso(spec);
  await requireRoom(bench, step, pool, iso.length);
  using volume = await made(pool, spec);
  const content = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(iso);
      controller.close();
    },
  });
  await volume.upload(content, { signal });
  return {};
};

async function made(pool: StoragePool, spec: SeedSpec): Promise<StorageVolume> {
  return await findVolume(pool, spec.volume) ?? await pool.createVolume(seedXml(spec));
}

const remove: Operate = async (bench, step) => {
  const connection = await bench.connection();
  const spec = step.resource.spec as SeedSpec;
  using pool = await findPool(connection, spec.pool);
  if (pool === undefined || !(await pool.isActive())) return {};
  await bench.refresh(pool);
  using volume = await findVolume(pool, spec.volume);
  await volume?.delete();
  return {};
};

/** Operations on seeds. */
export const seed: Operations = { create, update: create, delete: remove };
