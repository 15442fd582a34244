/**
 * Images: files that are kept once a host, and whole or not at all.
 *
 * An image is there when its stamp is: an empty volume beside it, made after the last byte was sent.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { Step, StepContext } from "../../provider.ts";
import { type ImageSpec, imageStamp, imageStampXml, imageXml } from "../kinds/image/mod.ts";
import { formatBytes } from "../kinds/size.ts";
import { readVolume } from "../kinds/volume/mod.ts";
import { type Connection, isInvalidState, type StoragePool } from "../libvirt/mod.ts";
import { type Bench, type Operate, type Operations, sleep, whereOf } from "./bench.ts";
import { findPool, findVolume } from "./find.ts";
import { imageFile } from "./image_file.ts";
import { checkImageHeader } from "./image_header.ts";
import { requirePool } from "./volume.ts";

/** Milliseconds for which another run's upload may stand still before it counts as dead. */
const STALL = 60_000;

const create: Operate = async (bench, step, context) => {
  const spec = step.resource.spec as ImageSpec;
  const connection = await bench.connection();
  using pool = await requirePool(bench, connection, step, spec.pool);
  await pool.refresh();
  if (await isWhole(pool, spec)) return {};
  const file = await imageFile({
    from: spec.from,
    sha256: spec.sha256,
    baseDirectory: context.baseDirectory,
    signal: context.signal,
    progress: context.progress,
  });
  await checkImageHeader(file.path, spec.from, spec.format);
  if (!(await clear(pool, spec, step, bench, context))) return {};
  const slow = await bench.slow();
  using target = await requirePool(bench, slow, step, spec.pool);
  using volume = await target.createVolume(imageXml(spec));
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
  // A stamp goes on what the host can read back, not on what was sent.
  await target.refresh();
  await checkArrived(bench, step, target, spec);
  using _stamp = await target.createVolume(imageStampXml(spec.volume));
  return {};
};

async function isWhole(pool: StoragePool, spec: ImageSpec): Promise<boolean> {
  using volume = await findVolume(pool, spec.volume);
  using stamp = await findVolume(pool, imageStamp(spec.volume));
  return volume !== undefined && stamp !== undefined;
}

/**
 * Takes away what an upload that was cut off has left. One that is going on is another run's: it is
 * waited for. False: it is whole meanwhile.
 */
async function clear(
  pool: StoragePool,
  spec: ImageSpec,
  step: Step,
  bench: Bench,
  { signal, progress }: StepContext,
): Promise<boolean> {
  let since = performance.now();
  let before = -1;
  for (;;) {
    using torn = await findVolume(pool, spec.volume);
    if (torn === undefined) {
      // A stamp without its image says nothing.
      using stamp = await findVolume(pool, imageStamp(spec.volume));
      await stamp?.delete();
      return true;
    }
    try {
      await torn.delete();
      continue;
    } catch (error) {
      if (!isInvalidState(error)) throw error;
    }
    const { allocation } = await torn.info();
    if (allocation !== before) {
      before = allocation;
      since = performance.now();
    } else if (performance.now() - since > STALL) {
      throw new StaddleError({
        code: "image.upload-stuck",
        summary: `cannot upload the image "${spec.volume}" to host "${bench.declaration.name}": ` +
          `another run has been uploading it, and has sent nothing for ${STALL / 1000} s`,
        where: whereOf(bench, step),
        help: "end that run, then run the same command again",
      });
    }
    progress(`waiting for another run that uploads ${spec.volume}`);
    await sleep(1000, signal);
    if (await isWhole(pool, spec)) return false;
  }
}

async function checkArrived(
  bench: Bench,
  step: Step,
  pool: StoragePool,
  spec: ImageSpec,
): Promise<void> {
  using volume = await pool.volumeByName(spec.volume);
  const { format } = readVolume(await volume.xml());
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
  await pool.refresh();
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
    const volumes = await pool.volumes();
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
