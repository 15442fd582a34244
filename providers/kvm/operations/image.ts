/**
 * Images: files that are kept once a host, and whole or not at all.
 *
 * An image is there when its stamp is: an empty volume beside it, made after the last byte was sent.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { Step, StepContext } from "../../provider.ts";
import {
  type ImageSpec,
  imageStamp,
  imageStampXml,
  imageXml,
  physicalBytes,
} from "../kinds/image/mod.ts";
import { formatBytes } from "../kinds/size.ts";
import { readVolume } from "../kinds/volume/mod.ts";
import {
  type Connection,
  isInvalidState,
  isNotFound,
  LibvirtError,
  type StoragePool,
  type StorageVolume,
} from "../libvirt/mod.ts";
import { type Bench, type Operate, type Operations, sleep, whereOf } from "./bench.ts";
import { findPool, findVolume } from "./find.ts";
import { imageFile } from "./image_file.ts";
import { checkImageHeader } from "./image_header.ts";
import { refreshed } from "./refresh.ts";
import { bytesToSend, requireRoom } from "./room.ts";
import { requirePool } from "./volume.ts";

/** Milliseconds for which a torn image must not have grown before it counts as left behind. */
const QUIET = 8_000;

/** Milliseconds between two looks at an image that another run may be uploading. */
const LOOK_AGAIN = 1_000;

const create: Operate = async (bench, step, context) => {
  const spec = step.resource.spec as ImageSpec;
  const connection = await bench.connection();
  using pool = await requirePool(bench, connection, step, spec.pool);
  await bench.refresh(pool);
  if (await isWhole(pool, spec)) return {};
  const file = await imageFile({
    from: spec.from,
    sha256: spec.sha256,
    baseDirectory: context.baseDirectory,
    signal: context.signal,
    progress: context.progress,
  });
  await checkImageHeader(file.path, spec.from, spec.format);
  // Another run may be at the same image: whoever creates the volume uploads, the rest wait.
  while (await clear(pool, spec, context)) {
    if (await upload(bench, step, context, file)) return {};
  }
  return {};
};

/** Uploads an image. False: another run has come first, or has taken ours away. */
async function upload(
  bench: Bench,
  step: Step,
  context: StepContext,
  file: { readonly path: string; readonly bytes: number },
): Promise<boolean> {
  const spec = step.resource.spec as ImageSpec;
  const slow = await bench.slow();
  using pool = await requirePool(bench, slow, step, spec.pool);
  await requireRoom(bench, step, pool, await bytesToSend(file.path));
  using volume = await createUnlessThere(pool, imageXml(spec));
  if (volume === undefined) return false;
  const total = formatBytes(file.bytes);
  const sent = await volume.upload(file.path, {
    sparse: true,
    signal: context.signal,
    onProgress: (bytes) =>
      context.progress(
        `uploading ${spec.volume}: ${formatBytes(bytes)} of ${total}`,
        file.bytes === 0 ? 1 : bytes / file.bytes,
      ),
  });
  if (sent !== file.bytes) {
    throw new StaddleError({
      code: "image.changed",
      summary: `the image file ${file.path} changed while it was uploaded`,
      where: whereOf(bench, step),
      details: [`${file.bytes} bytes were checked, ${sent} were sent`],
      help: "let nothing write to it, then run the same command again",
    });
  }
  // A stamp goes on what the host can read back, not on what was sent. libvirt looks at a file by
  // itself after an upload, but in a thread of its own, and not while it copies in that pool.
  await refreshed(pool, context);
  using arrived = await findVolume(pool, spec.volume);
  const xml = arrived === undefined ? "" : await arrived.xml();
  if (arrived === undefined || physicalBytes(xml) !== file.bytes) return false;
  checkFormat(bench, step, xml);
  using _stamp = await createUnlessThere(pool, imageStampXml(spec.volume));
  return true;
}

async function createUnlessThere(
  pool: StoragePool,
  xml: string,
): Promise<StorageVolume | undefined> {
  try {
    return await pool.createVolume(xml);
  } catch (error) {
    if (error instanceof LibvirtError && error.codeName === "VIR_ERR_STORAGE_VOL_EXIST") {
      return undefined;
    }
    throw error;
  }
}

async function isWhole(pool: StoragePool, spec: ImageSpec): Promise<boolean> {
  using volume = await findVolume(pool, spec.volume);
  using stamp = await findVolume(pool, imageStamp(spec.volume));
  return volume !== undefined && stamp !== undefined;
}

/**
 * Takes away what an upload that was cut off has left. One that still grows is another run's: it is
 * waited for. False: it is whole meanwhile.
 */
async function clear(
  pool: StoragePool,
  spec: ImageSpec,
  { signal, progress }: StepContext,
): Promise<boolean> {
  let since = performance.now();
  let before = -1;
  for (;;) {
    if (await isWhole(pool, spec)) return false;
    using torn = await findVolume(pool, spec.volume);
    if (torn === undefined) {
      // A stamp without its image says nothing.
      using stamp = await findVolume(pool, imageStamp(spec.volume));
      await stamp?.delete();
      return true;
    }
    const bytes = physicalBytes(await torn.xml());
    if (bytes !== before) {
      before = bytes;
      since = performance.now();
    } else if (performance.now() - since > QUIET) {
      await torn.delete();
      continue;
    }
    progress(`${spec.volume} is there in part: looking whether another run uploads it`);
    await sleep(LOOK_AGAIN, signal);
  }
}

function checkFormat(bench: Bench, step: Step, xml: string): void {
  const spec = step.resource.spec as ImageSpec;
  const { format } = readVolume(xml);
  if (format === spec.format || (spec.format === "raw" && format === "iso")) return;
  throw new StaddleError({
    code: "kvm.not-applied",
    summary: `image "${step.key}" did not arrive whole on host "${bench.declaration.name}"`,
    where: whereOf(bench, step),
    details: [`format: declared ${spec.format}, the host sees ${format ?? "none"}`],
    help: "run the same command again",
  });
}

/** An image is made or it is not: what was torn is made anew. */
const update: Operate = create;

const remove: Operate = async (bench, step) => {
  const connection = await bench.connection();
  const spec = step.resource.spec as ImageSpec;
  using pool = await findPool(connection, spec.pool);
  if (pool === undefined || !(await pool.isActive())) return {};
  await bench.refresh(pool);
  using image = await findVolume(pool, spec.volume);
  if (image !== undefined) {
    const user = await imageUser(connection, spec, image.key);
    if (user !== undefined) {
      return { kept: true, notes: [`image "${step.key}" was kept: ${user} stands on it`] };
    }
  }
  // The stamp goes first: without it the image counts for nothing.
  using stamp = await findVolume(pool, imageStamp(spec.volume));
  await stamp?.delete();
  await image?.delete();
  return {};
};

/** What on the host still needs an image: a volume over it, or a machine that boots from it. */
async function imageUser(
  connection: Connection,
  spec: ImageSpec,
  path: string,
): Promise<string | undefined> {
  const [domains, pools] = await Promise.all([connection.domains(), connection.pools(ACTIVE)]);
  const byDomain = domains.map(async (domain) => {
    using machine = domain;
    const texts = await Promise.all([machine.xml(INACTIVE), machine.xml()]).catch(() => []);
    return texts.some((xml) => mentions(xml, spec, path)) ? `machine "${machine.name}"` : undefined;
  });
  const byPool = pools.map(async (item) => {
    using pool = item;
    const volumes = await volumesOf(pool);
    const users = await Promise.all(volumes.map(async (item) => {
      using volume = item;
      const xml = await volume.xml().catch(() => "");
      const over = xml.includes(path) && readVolume(xml).backing?.path === path;
      return over ? `volume "${pool.name}/${volume.name}"` : undefined;
    }));
    return users.find((user) => user !== undefined);
  });
  return (await Promise.all([...byDomain, ...byPool])).find((user) => user !== undefined);
}

/** The volumes of a pool; none of one that goes away in these moments, as when its stack is destroyed. */
async function volumesOf(pool: StoragePool): Promise<StorageVolume[]> {
  try {
    return await pool.volumes();
  } catch (error) {
    if (isNotFound(error)) return [];
    if (isInvalidState(error) && !(await pool.isActive().catch(() => false))) return [];
    throw error;
  }
}

function mentions(xml: string, spec: ImageSpec, path: string): boolean {
  if (xml.includes(`>${path}<`) || xml.includes(`'${path}'`)) return true;
  return xml.includes(`pool='${spec.pool}' volume='${spec.volume}'`);
}

/** `VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE`. */
const ACTIVE = 2;
/** `VIR_DOMAIN_XML_INACTIVE`. */
const INACTIVE = 2;

/** Operations on images. */
export const image: Operations = { create, update, delete: remove };
