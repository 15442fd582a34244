/**
 * Volumes: blank ones, overlays and full copies of images.
 *
 * A full copy takes time, and a torn one looks whole. While one is made a stamp stands beside it, an
 * empty volume whose name ends in `.part`: what has it is half made, and made anew.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { JsonObject, Step, StepContext } from "../../provider.ts";
import { fileXml } from "../kinds/image/mod.ts";
import { readVolume, volumeKind, type VolumeSpec, volumeXml } from "../kinds/volume/mod.ts";
import type { Connection, Domain, StoragePool } from "../libvirt/mod.ts";
import { children, getElements, getPath, parseXml } from "../xml/mod.ts";
import {
  type Bench,
  nameTaken,
  objectGone,
  type Operate,
  type Operations,
  whereOf,
} from "./bench.ts";
import { findPool, findVolume } from "./find.ts";
import { emptyLookup } from "./lookup.ts";
import { refreshed } from "./refresh.ts";

/** Name of the stamp of a volume that is being made. */
export function partStamp(volume: string): string {
  return `${volume}.part`;
}

/**
 * The pool of a volume, active. The handle is the caller's to dispose of.
 *
 * @throws {StaddleError} `kvm.no-pool`, `kvm.pool-inactive`.
 */
export async function requirePool(
  bench: Bench,
  connection: Connection,
  step: Step,
  name: string,
): Promise<StoragePool> {
  const pool = await findPool(connection, name);
  if (pool !== undefined) {
    if (await pool.isActive()) return pool;
    pool[Symbol.dispose]();
    throw new StaddleError({
      code: "kvm.pool-inactive",
      summary: `cannot ${step.operation} ${step.kind} "${step.key}": pool "${name}" of host ` +
        `"${bench.declaration.name}" is not active`,
      where: whereOf(bench, step),
      help: `start it: virsh pool-start ${name}`,
    });
  }
  throw new StaddleError({
    code: "kvm.no-pool",
    summary:
      `cannot ${step.operation} ${step.kind} "${step.key}": host "${bench.declaration.name}" ` +
      `has no pool "${name}"`,
    where: whereOf(bench, step),
    help: "declare the pool in the stack, or see which there are: virsh pool-list --all",
  });
}

async function removeIfThere(pool: StoragePool, name: string): Promise<void> {
  using volume = await findVolume(pool, name);
  await volume?.delete();
}

const create: Operate = async (bench, step, context) => {
  const connection = await bench.connection();
  const spec = step.resource.spec as VolumeSpec;
  using pool = await requirePool(bench, connection, step, spec.pool);
  await bench.refresh(pool);
  using stamp = await findVolume(pool, partStamp(spec.volume));
  if (stamp !== undefined) {
    await removeIfThere(pool, spec.volume);
    await stamp.delete();
  }
  using known = await findVolume(pool, spec.volume);
  if (known !== undefined) {
    const source = { xml: await known.xml(), path: known.key };
    const differing = differences(step, step.resource.spec, source);
    if (differing.length === 0) return {};
    if (!isHalfMade(step, source)) {
      throw nameTaken(bench, step, `${known.key} differs in ${differing.join(", ")}`);
    }
    await known.delete();
  }
  if (spec.backing?.clone === "full") await copyImage(bench, step, spec, pool, context);
  else {
    using _made = await pool.createVolume(volumeXml(spec, await imagePath(bench, step, spec)));
  }
  // libvirt shows what it was told until it looks at the file itself.
  if (spec.xml !== undefined && spec.xml.length > 0) await refreshed(pool, context);
  return {};
};

/** Fields of a declaration that a volume does not have so. */
function differences(step: Step, spec: JsonObject, source: JsonObject): readonly string[] {
  const observed = { kind: "volume", host: step.host, key: step.key, fingerprint: "", source };
  return volumeKind.diff({ ...step.resource, spec }, observed, { lookup: emptyLookup(step) })
    .map(({ path }) => path);
}

/**
 * Whether a volume is what a stopped run was making, of which nobody has used anything yet: it is as that
 * run had it declared. Anything else has come to stand there from elsewhere.
 */
function isHalfMade({ previous, unsettled = [], ...step }: Step, source: JsonObject): boolean {
  return [...previous === undefined ? [] : [previous], ...unsettled]
    .some((spec) => differences(step, spec, source).length === 0);
}

/** The backing store's path where the plan did not know it. */
async function imagePath(bench: Bench, step: Step, spec: VolumeSpec): Promise<string | undefined> {
  const { backing } = spec;
  if (backing === undefined || backing.path !== undefined) return backing?.path;
  const connection = await bench.connection();
  using pool = await requirePool(bench, connection, step, backing.pool);
  using image = await pool.volumeByName(backing.volume);
  return image.key;
}

async function copyImage(
  bench: Bench,
  step: Step,
  spec: VolumeSpec,
  pool: StoragePool,
  context: StepContext,
): Promise<void> {
  using _stamp = await pool.createVolume(fileXml(partStamp(spec.volume), "0600"));
  const slow = await bench.slow();
  using from = await requirePool(bench, slow, step, spec.backing!.pool);
  // Copied is what libvirt takes the image for.
  await refreshed(from, context);
  using image = await from.volumeByName(spec.backing!.volume);
  using target = await requirePool(bench, slow, step, spec.pool);
  using copy = await target.createVolumeFrom(volumeXml(spec), image);
  // A copy has the image's capacity, whatever its XML says.
  const { capacity } = await copy.info();
  if (spec.capacity !== undefined && spec.capacity > capacity) await copy.resize(spec.capacity);
  await removeIfThere(pool, partStamp(spec.volume));
}

const update: Operate = async (bench, step) => {
  const connection = await bench.connection();
  const spec = step.resource.spec as VolumeSpec;
  using pool = await requirePool(bench, connection, step, spec.pool);
  using volume = await findVolume(pool, spec.volume);
  if (volume === undefined) throw objectGone(bench, step);
  if (spec.capacity === undefined) return {};
  const has = readVolume(await volume.xml());
  if ((has.capacity ?? 0) >= spec.capacity) return {};
  const user = await runningUser(connection, spec.pool, spec.volume, volume.key);
  if (user === undefined) await volume.resize(spec.capacity);
  else {
    using domain = user.domain;
    await domain.blockResize(user.target, spec.capacity);
    const { capacity } = await domain.blockInfo(user.target);
    if (capacity < spec.capacity) throw notGrown(bench, step, domain, capacity, spec.capacity);
  }
  return {};
};

function notGrown(
  bench: Bench,
  step: Step,
  domain: Domain,
  has: number,
  wanted: number,
): StaddleError {
  return new StaddleError({
    code: "kvm.not-applied",
    summary:
      `volume "${step.key}" on host "${bench.declaration.name}" did not grow under machine ` +
      `"${domain.name}", though libvirt reported success`,
    where: whereOf(bench, step),
    details: [`capacity: declared ${wanted} B, the guest's disk has ${has} B`],
    help: "run the same command again, or grow it while the machine is off",
  });
}

/** The running machine that has the volume as a disk, and the disk's target. */
async function runningUser(
  connection: Connection,
  pool: string,
  volume: string,
  path: string,
): Promise<{ domain: Domain; target: string } | undefined> {
  const domains = await connection.domains(ACTIVE);
  let found: { domain: Domain; target: string } | undefined;
  await Promise.all(domains.map(async (domain) => {
    const target = diskTarget(await domain.xml().catch(() => ""), pool, volume, path);
    if (target === undefined || found !== undefined) domain[Symbol.dispose]();
    else found = { domain, target };
  }));
  return found;
}

/** `VIR_CONNECT_LIST_DOMAINS_ACTIVE`. */
const ACTIVE = 1;

function diskTarget(xml: string, pool: string, volume: string, path: string): string | undefined {
  if (!xml.includes(volume) && !xml.includes(path)) return undefined;
  for (const disk of getElements(parseXml(xml), "./devices/disk")) {
    const source = children(disk, "source")[0]?.attributes;
    if (source === undefined) continue;
    const same = source.get("file") === path || source.get("dev") === path ||
      (source.get("pool") === pool && source.get("volume") === volume);
    if (same) return getPath(disk, "./target/@dev");
  }
  return undefined;
}

const remove: Operate = async (bench, step) => {
  const connection = await bench.connection();
  const spec = step.resource.spec as VolumeSpec;
  using pool = await findPool(connection, spec.pool);
  if (pool === undefined || !(await pool.isActive())) return {};
  await bench.refresh(pool);
  await removeIfThere(pool, spec.volume);
  await removeIfThere(pool, partStamp(spec.volume));
  return {};
};

/** Operations on volumes. */
export const volume: Operations = { create, update, delete: remove };
