/**
 * From a location, as `STADDLE_STATE` gives it, to a store.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { StaddleError } from "../providers/error.ts";
import { PostgresStore } from "./postgres_store.ts";
import { SqliteStore } from "./sqlite_store.ts";
import type { Store } from "./store.ts";
import type { StoreOptions } from "./store_options.ts";

/** Options of {@linkcode openStore}. */
export interface OpenStoreOptions extends StoreOptions {
  /** Folder that a relative path starts from; the current one by default. */
  readonly baseDirectory?: string;
}

/** Where the record stands unless `STADDLE_STATE` says otherwise: beside the stack file. */
export function defaultLocation(stackDirectory: string): string {
  return join(stackDirectory, ".staddle", "state.db");
}

/**
 * Opens the store at a path. Nothing is touched until it is used, and no file is made before the
 * first lock.
 *
 * @example
 * ```ts
 * import { defaultLocation, openStore } from "./open_store.ts";
 *
 * await using store = openStore(defaultLocation(Deno.makeTempDirSync()));
 * console.assert(await store.load("shop") === undefined);
 * ```
 *
 * @throws {StaddleError} `state.unsupported-store` for a location that is no path.
 */
export function openStore(location: string, options: OpenStoreOptions = {}): Store {
  const { baseDirectory = ".", ...rest } = options;
  if (location.startsWith("file://")) return new SqliteStore(fileURLToPath(location), rest);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(location)?.[1];
  if (scheme !== undefined) throw unsupported(scheme.toLowerCase());
  if (location.trim() === "") {
    throw new StaddleError({
      code: "state.unsupported-store",
      summary: "Cannot open the store: its location is empty",
      help: "STADDLE_STATE takes the path of a SQLite file, for example .staddle/state.db",
    });
  }
  return new SqliteStore(resolve(baseDirectory, location), rest);
}

/** The URL itself is left out of the message: it may hold a password. */
function unsupported(scheme: string): StaddleError {
  return new StaddleError({
    code: "state.unsupported-store",
    summary:
      `Cannot open the store: this Staddle keeps records in SQLite files, not in ${scheme}://`,
    help: "STADDLE_STATE takes the path of a SQLite file, for example .staddle/state.db",
  });
}
