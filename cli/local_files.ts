/**
 * Images whose source is a file on this machine: their SHA-256 is computed, or compared with the
 * declared one, before anything is planned. Digests are kept beside the record, by path, size and
 * modification time, so that a large image is read once.
 *
 * @module
 */

import { dirname, join, resolve } from "node:path";
import type { Topology } from "../planner/topology.ts";
import { StaddleError, StaddleErrors } from "../providers/error.ts";
import type { Resource } from "../providers/provider.ts";

/** Options of {@linkcode withDigests}. */
export interface DigestOptions {
  /** Folder of the stack's file: relative paths start here, and digests are kept in `.staddle`. */
  readonly baseDirectory: string;
  readonly signal?: AbortSignal;
}

interface CachedDigest {
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly mtime: number;
  readonly sha256: string;
}

/**
 * A file that was changed this recently may change again within one tick of its file system's
 * clock: its digest is not kept.
 */
const SETTLED_MS = 2_000;

const CACHE_VERSION = 1;

/**
 * The topology with a `sha256` in every image that comes from a local file.
 *
 * @throws {StaddleError} `image.not-found`, `image.not-readable`, `image.digest-mismatch`
 */
export async function withDigests(topology: Topology, options: DigestOptions): Promise<Topology> {
  const paths = new Map<string, string>();
  for (const resource of topology.resources) {
    const path = localSource(resource, options.baseDirectory);
    if (path !== undefined) paths.set(resource.address, path);
  }
  if (paths.size === 0) return topology;
  const cache = new DigestCache(join(options.baseDirectory, ".staddle", "files.json"));
  const errors: StaddleError[] = [];
  const resources: Resource[] = [];
  for (const resource of topology.resources) {
    const path = paths.get(resource.address);
    if (path === undefined) {
      resources.push(resource);
      continue;
    }
    try {
      const sha256 = await cache.digest(path, resource, options.signal);
      checkDeclared(resource, path, sha256);
      resources.push({ ...resource, spec: { ...resource.spec, sha256 } });
    } catch (error) {
      if (!(error instanceof StaddleError)) throw error;
      errors.push(error);
    }
  }
  // A stack that is refused leaves nothing behind, not even what was learned about its files.
  if (errors.length === 0) cache.save();
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new StaddleErrors(errors);
  return { ...topology, resources };
}

/** Absolute path of the file that an image is made of; undefined for anything else. */
function localSource(resource: Resource, baseDirectory: string): string | undefined {
  const { from } = resource.spec;
  if (resource.kind !== "image" || resource.tenure === "existing" || typeof from !== "string") {
    return undefined;
  }
  if (from.startsWith("file://")) return decodeURIComponent(new URL(from).pathname);
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(from) ? undefined : resolve(baseDirectory, from);
}

function checkDeclared(resource: Resource, path: string, sha256: string): void {
  const declared = resource.spec.sha256;
  if (typeof declared !== "string" || declared.toLowerCase() === sha256) return;
  throw new StaddleError({
    code: "image.digest-mismatch",
    summary: `Image ${resource.address} is not the file that was declared: its SHA-256 differs`,
    where: [path, ...declaredAt(resource)],
    details: [`declared ${declared.toLowerCase()}`, `found    ${sha256}`],
    help: "get the right file, or declare the digest of this one; nothing was touched",
  });
}

function declaredAt(resource: Resource): string[] {
  return resource.declaredAt === undefined ? [] : [resource.declaredAt];
}

class DigestCache {
  readonly #file: string;
  readonly #known: Map<string, CachedDigest>;
  #changed = false;

  constructor(file: string) {
    this.#file = file;
    this.#known = load(file);
  }

  /** The file's SHA-256 in hex. */
  async digest(path: string, resource: Resource, signal?: AbortSignal): Promise<string> {
    const info = await statSource(path, resource);
    const mtime = info.mtime?.getTime() ?? 0;
    const known = this.#known.get(path);
    if (known !== undefined && known.size === info.size && known.mtime === mtime) {
      return known.sha256;
    }
    const sha256 = await hashFile(path, resource, signal);
    if (Date.now() - mtime > SETTLED_MS) {
      this.#known.set(path, { size: info.size, mtime, sha256 });
      this.#changed = true;
    }
    return sha256;
  }

  /** Writes what is new. A folder that cannot be written to costs time only. */
  save(): void {
    if (!this.#changed) return;
    const text = JSON.stringify(
      { version: CACHE_VERSION, files: Object.fromEntries(this.#known) },
      null,
      2,
    );
    const scratch = `${this.#file}.${Deno.pid}`;
    try {
      Deno.mkdirSync(dirname(this.#file), { recursive: true });
      Deno.writeTextFileSync(scratch, `${text}\n`);
      Deno.renameSync(scratch, this.#file);
    } catch {
      return;
    }
  }
}

function load(file: string): Map<string, CachedDigest> {
  try {
    const { version, files } = JSON.parse(Deno.readTextFileSync(file));
    if (version !== CACHE_VERSION) return new Map();
    return new Map(
      Object.entries(files as Record<string, CachedDigest>).filter(([, entry]) =>
        typeof entry.size === "number" && typeof entry.mtime === "number" &&
        /^[0-9a-f]{64}$/.test(entry.sha256)
      ),
    );
  } catch {
    return new Map(); // None yet, or not ours: it is made anew.
  }
}

async function statSource(path: string, resource: Resource): Promise<Deno.FileInfo> {
  try {
    const info = await Deno.stat(path);
    if (info.isFile) return info;
    throw unreadable(path, resource, "it is not a file");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw asUnreadable(error, path, resource);
    throw new StaddleError({
      code: "image.not-found",
      summary: `Image ${resource.address} is made of a file that is not there`,
      where: [path, ...declaredAt(resource)],
      help: "a relative path starts at the folder of the stack's file",
    });
  }
}

async function hashFile(path: string, resource: Resource, signal?: AbortSignal): Promise<string> {
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  try {
    using file = await Deno.open(path);
    const buffer = new Uint8Array(1024 * 1024);
    while (true) {
      signal?.throwIfAborted();
      const length = await file.read(buffer);
      if (length === null) return hash.digest("hex");
      hash.update(buffer.subarray(0, length));
    }
  } catch (error) {
    throw asUnreadable(error, path, resource);
  }
}

function asUnreadable(error: unknown, path: string, resource: Resource): unknown {
  const system = error instanceof Error && !(error instanceof StaddleError) &&
    error.name !== "AbortError";
  return system ? unreadable(path, resource, error.message, error) : error;
}

function unreadable(
  path: string,
  resource: Resource,
  why: string,
  cause?: unknown,
): StaddleError {
  return new StaddleError({
    code: "image.not-readable",
    summary: `Image ${resource.address} is made of a file that cannot be read`,
    where: [path, ...declaredAt(resource)],
    details: [why],
    help: "give the path of a file that this user may read",
    cause,
  });
}
