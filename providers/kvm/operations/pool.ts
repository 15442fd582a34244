/**
 * Storage pools: folders on the host.
 *
 * What a pool holds is never deleted with it. Its folder goes only if it is empty and stands where
 * Staddle puts the folders of pools that declare none.
 *
 * @module
 */

import { LibvirtError, type StoragePool } from "../libvirt/mod.ts";
import { defaultPoolPath } from "../kinds/lookup.ts";
import { patchPoolXml, poolXml } from "../kinds/pool/mod.ts";
import { getPath, parseXml } from "../xml/mod.ts";
import { nameTaken, objectGone, type Operate, type Operations } from "./bench.ts";
import { findPool } from "./find.ts";
import { refreshIfIdle } from "./refresh.ts";

/** `VIR_STORAGE_XML_INACTIVE`. */
const INACTIVE = 1;

/** The folder of the implicit image store. */
const STORE = "/var/lib/libvirt/staddle";

async function start(pool: StoragePool): Promise<void> {
  if (await pool.isActive()) return;
  try {
    await pool.create();
  } catch {
    // The folder is not there: a new pool's, or one that was removed by hand.
    await pool.build();
    await pool.create();
  }
}

const create: Operate = async (bench, step) => {
  const connection = await bench.connection();
  const { tenure, uuid, spec } = step.resource;
  using known = await findPool(connection, step.key);
  if (known !== undefined && tenure === "managed" && known.uuid !== uuid) {
    throw nameTaken(bench, step, `pool "${known.name}" has the UUID ${known.uuid}`);
  }
  if (known !== undefined && tenure !== "managed") {
    // There since the plan was made, or half made by a run that was stopped.
    await start(known);
    await known.setAutostart(spec.autostart !== false);
    return {};
  }
  using pool = await connection.definePool(poolXml(step.resource));
  await start(pool);
  await pool.setAutostart(spec.autostart !== false);
  return {};
};

const update: Operate = async (bench, step) => {
  const connection = await bench.connection();
  using pool = await findPool(connection, step.key);
  if (pool === undefined) throw objectGone(bench, step);
  if (step.changes.some(({ path }) => path.startsWith("xml["))) {
    // Stopped first: a run that is cut off leaves one that is off or differs, and the next one sees it.
    if (await pool.isActive()) await pool.destroy();
    const patched = patchPoolXml(await pool.xml(INACTIVE), step.resource);
    (await connection.definePool(patched))[Symbol.dispose]();
  }
  await start(pool);
  const autostart = step.changes.find((change) => change.path === "autostart");
  if (autostart !== undefined) await pool.setAutostart(autostart.after === true);
  return {};
};

const remove: Operate = async (bench, step) => {
  const connection = await bench.connection();
  using pool = await findPool(connection, step.key);
  if (pool === undefined) return {};
  const shared = step.resource.tenure === "shared";
  const path = getPath(parseXml(await pool.xml()), "./target/path") ?? "";
  const ours = path === defaultPoolPath(step.key) || path === STORE;
  const folder = await folderOf(pool, shared || ours);
  const active = folder === "open";
  const left = active ? await volumesOf(pool) : [];
  if (shared && (folder === "closed" || left.length > 0)) {
    return {
      kept: true,
      notes: [
        active
          ? `pool "${step.key}" was kept: it still holds ${listed(left)}`
          : `pool "${step.key}" was kept: it is not active, so nobody knows what it holds`,
      ],
    };
  }
  if (active) await pool.destroy();
  const notes: string[] = [];
  if (ours && folder !== "gone") {
    // libvirt removes a folder only if it is empty.
    const gone = active && left.length === 0 && await pool.delete().then(() => true, () => false);
    if (!gone) notes.push(`folder ${path} was kept: it is not empty`);
  }
  await pool.undefine();
  if (left.length > 0) {
    notes.push(`pool "${step.key}" is gone; its folder ${path} still holds ${listed(left)}`);
  }
  return { notes };
};

/**
 * Whether a pool's folder can be looked into. A run that was cut off while it took the pool away has
 * left it stopped: then it is started once more for the look, if that matters.
 */
async function folderOf(pool: StoragePool, matters: boolean): Promise<"open" | "closed" | "gone"> {
  if (await pool.isActive()) return "open";
  if (!matters) return "closed";
  try {
    await pool.create();
    return "open";
  } catch (error) {
    const gone = error instanceof LibvirtError &&
      error.libvirtMessage.includes("No such file or directory");
    return gone ? "gone" : "closed";
  }
}

async function volumesOf(pool: StoragePool): Promise<string[]> {
  await refreshIfIdle(pool);
  const volumes = await pool.volumes();
  for (const volume of volumes) volume[Symbol.dispose]();
  return volumes.map((volume) => volume.name);
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => `"${name}"`).join(", ");
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

/** Operations on pools. */
export const pool: Operations = { create, update, delete: remove };
