/**
 * The temporary folder of one evaluation: a cache without storage, and the lock.
 *
 * @module
 */

import { StaddleError } from "../../providers/error.ts";
import { denoDirectory } from "./process.ts";
import type { Project } from "./project.ts";

/** Files of one evaluation; removed when it is disposed of. */
export interface Workspace extends AsyncDisposable {
  /** `DENO_DIR` for a stack's process. */
  readonly denoDirectory: string;
  readonly lockFile: string;
  /** A copy that Deno may write to. */
  readonly looseLockFile: string;
  /** Place for a configuration by which types are checked. */
  readonly checkConfig: string;
}

/** Parts of Deno's cache that a stack's process may use. */
const shared = [
  "npm",
  "gen",
  "dep_analysis_cache_v2",
  "node_analysis_cache_v2",
  "v8_code_cache_v2",
];

/**
 * Makes the folder.
 *
 * @throws {StaddleError} `sandbox.no-folder`
 *
 * Deno keeps `localStorage` and `caches` under its cache, and asks no permission for them: a stack
 * could remember things from one evaluation to the next, and fill the disk. So its process gets a
 * cache folder of its own, made of links to the parts that it needs, in which the place of that
 * storage is taken by a file.
 */
export async function makeWorkspace(project: Project): Promise<Workspace> {
  const folder = await makeFolder();
  try {
    const real = denoDirectory();
    await Promise.all([
      Deno.writeTextFile(`${folder}/location_data`, ""),
      Deno.writeTextFile(`${folder}/loose.lock`, project.lock),
      project.lockFile === undefined
        ? Deno.writeTextFile(`${folder}/deno.lock`, project.lock)
        : undefined,
      ...shared.map(async (name) => {
        if (real === undefined) return;
        const target = `${real}/${name}`;
        if (await Deno.lstat(target).then(() => true, () => false)) {
          await Deno.symlink(target, `${folder}/${name}`);
        }
      }),
    ]);
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    throw noFolder(error);
  }
  return {
    denoDirectory: folder,
    lockFile: project.lockFile ?? `${folder}/deno.lock`,
    looseLockFile: `${folder}/loose.lock`,
    checkConfig: `${folder}/check.json`,
    async [Symbol.asyncDispose]() {
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function makeFolder(): Promise<string> {
  try {
    return await Deno.makeTempDir({ prefix: "staddle-" });
  } catch (error) {
    throw noFolder(error);
  }
}

function noFolder(error: unknown): unknown {
  // What Deno was not permitted is said as for everything else.
  if (!(error instanceof Error) || error instanceof Deno.errors.NotCapable) return error;
  return new StaddleError({
    code: "sandbox.no-folder",
    summary: "cannot make a temporary folder for the stack's evaluation",
    details: [error.message],
    help:
      "see that the folder that TMPDIR names (or /tmp) is there, may be written to and has room",
    cause: error,
  });
}
