/**
 * An image's file on this machine: the one that the stack names, or a download that is kept.
 *
 * Downloads stand under `$XDG_CACHE_HOME/staddle/images/` (`~/.cache` by default), each named by
 * its SHA-256, and are fetched once. Nothing is handed on before its digest was checked.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { StaddleError } from "../../error.ts";
import { formatBytes } from "../kinds/size.ts";

/** What is asked for. */
export interface ImageRequest {
  /** An http or https URL, or a path relative to the stack's folder. */
  readonly from: string;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  /** Folder of the stack's file. */
  readonly baseDirectory: string;
  readonly signal: AbortSignal;
  readonly progress: (message: string, fraction?: number) => void;
}

/** A file whose digest is the one asked for. */
export interface ImageFile {
  readonly path: string;
  /** Size in bytes. */
  readonly bytes: number;
}

const CHUNK = 1 << 20;
const fetching = new Map<string, Promise<ImageFile>>();

/** True for what is fetched over the network. */
export function isRemoteImage(from: string): boolean {
  return /^https?:\/\//i.test(from);
}

/**
 * The image's file, downloaded first if need be.
 *
 * @throws {StaddleError} `image.not-found`, `image.download`, `image.digest`.
 */
export async function imageFile(request: ImageRequest): Promise<ImageFile> {
  request.signal.throwIfAborted();
  if (!isRemoteImage(request.from)) {
    const path = resolve(request.baseDirectory, request.from.replace(/^file:\/\//, ""));
    const { digest, bytes } = await digestOf(path, request).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new StaddleError({
        code: "image.not-found",
        summary: `there is no image file ${path}`,
        help: `"from" is relative to the stack's folder, ${request.baseDirectory}`,
        cause: error,
      });
    });
    if (digest !== request.sha256) throw wrongDigest(path, digest, request.sha256);
    return { path, bytes };
  }
  // Several hosts that want one image at once wait for one download.
  let pending = fetching.get(request.sha256);
  if (pending === undefined) {
    pending = cached(request).finally(() => fetching.delete(request.sha256));
    fetching.set(request.sha256, pending);
  }
  return await pending;
}

function wrongDigest(what: string, found: string, wanted: string): StaddleError {
  return new StaddleError({
    code: "image.digest",
    summary: `the image ${what} is not the one that is declared: its SHA-256 differs`,
    details: [`declared: ${wanted}`, `found:    ${found}`],
    help: "nothing was uploaded; if the image was renewed on purpose, declare its new SHA-256",
  });
}

async function digestOf(
  path: string,
  { signal, progress }: ImageRequest,
): Promise<{ digest: string; bytes: number }> {
  using file = await Deno.open(path);
  const total = (await file.stat()).size;
  const hash = createHash("sha256");
  const buffer = new Uint8Array(CHUNK);
  let bytes = 0;
  for (;;) {
    signal.throwIfAborted();
    const count = await file.read(buffer);
    if (count === null) break;
    hash.update(buffer.subarray(0, count));
    bytes += count;
    if (total > 0 && bytes % (64 * CHUNK) < count) progress("checking the digest", bytes / total);
  }
  return { digest: hash.digest("hex"), bytes };
}

function cacheFolder(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME");
  const home = Deno.env.get("HOME");
  if (cache !== undefined && cache.startsWith("/")) return join(cache, "staddle", "images");
  if (home !== undefined && home !== "") return join(home, ".cache", "staddle", "images");
  throw new StaddleError({
    code: "image.no-cache",
    summary:
      "there is no folder to keep downloaded images in: neither XDG_CACHE_HOME nor HOME is set",
    help: "set XDG_CACHE_HOME to a folder with room for the images",
  });
}

async function cached(request: ImageRequest): Promise<ImageFile> {
  const folder = cacheFolder();
  await Deno.mkdir(folder, { recursive: true });
  const path = join(folder, request.sha256);
  try {
    const { digest, bytes } = await digestOf(path, request);
    if (digest === request.sha256) return { path, bytes };
    // Damaged on this machine's disk: fetched anew.
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const temporary = await Deno.makeTempFile({ dir: folder, prefix: ".download-" });
  try {
    const { digest, bytes } = await download(request, temporary);
    if (digest !== request.sha256) throw wrongDigest(request.from, digest, request.sha256);
    await Deno.rename(temporary, path);
    return { path, bytes };
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

async function download(
  request: ImageRequest,
  path: string,
): Promise<{ digest: string; bytes: number }> {
  const { from, signal, progress } = request;
  const fail = (problem: string, cause?: unknown) =>
    new StaddleError({
      code: "image.download",
      summary: `cannot download the image ${from}: ${problem}`,
      help: "check the address by a browser or curl; a file on this machine can be named instead",
      cause,
    });
  let response: Response;
  try {
    response = await fetch(from, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw fail(error instanceof Error ? error.message : String(error), error);
  }
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw fail(`the server answered ${response.status} ${response.statusText}`.trimEnd());
  }
  const total = Number(response.headers.get("content-length") ?? 0);
  const hash = createHash("sha256");
  let bytes = 0;
  let told = 0;
  using file = await Deno.open(path, { write: true, truncate: true });
  try {
    for await (const chunk of response.body) {
      hash.update(chunk);
      for (let done = 0; done < chunk.length;) done += await file.write(chunk.subarray(done));
      bytes += chunk.length;
      if (bytes - told >= 4 * CHUNK) {
        told = bytes;
        const text = `downloading ${from}: ${formatBytes(bytes)}`;
        if (total > 0) progress(`${text} of ${formatBytes(total)}`, Math.min(1, bytes / total));
        else progress(text);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    throw fail(
      `it broke off after ${bytes} bytes: ${error instanceof Error ? error.message : error}`,
      error,
    );
  }
  if (total > 0 && bytes !== total && !response.headers.has("content-encoding")) {
    throw fail(`it broke off after ${bytes} of ${total} bytes`);
  }
  await file.sync();
  return { digest: hash.digest("hex"), bytes };
}
