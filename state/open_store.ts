/**
 * From a location, as `STADDLE_STATE` gives it, to a store.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { StaddleError } from "../providers/error.ts";
import { DocumentStore } from "./documents/store.ts";
import { httpAddress, httpSite } from "./documents/http_site.ts";
import { PostgresStore } from "./postgres/store.ts";
import { s3Address, s3Site } from "./documents/s3_site.ts";
import { SqliteStore } from "./sqlite/store.ts";
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
 * Opens the store at a location: the path of a SQLite file, `postgres://…`, `s3://…` or `https://…`. Nothing
 * is touched until it is used, and nothing is made before the first lock.
 *
 * @example
 * ```ts
 * import { defaultLocation, openStore } from "./open_store.ts";
 *
 * await using store = openStore(defaultLocation(Deno.makeTempDirSync()));
 * console.assert(await store.load("shop") === undefined);
 * ```
 *
 * @throws {StaddleError} `state.unsupported-store`, `state.bad-location`.
 */
export function openStore(location: string, options: OpenStoreOptions = {}): Store {
  const { baseDirectory = ".", ...rest } = options;
  const scheme = schemeOf(location);
  switch (scheme) {
    case undefined:
      break;
    case "file":
      return new SqliteStore(fileURLToPath(location), rest);
    case "postgres":
    case "postgresql":
      return new PostgresStore(location, rest);
    case "s3":
      return new DocumentStore(s3Site(s3Address(location)), rest);
    case "http":
    case "https":
      return new DocumentStore(httpSite(httpAddress(location)), rest);
    default:
      throw unsupported(`there is no store for ${scheme}://`);
  }
  if (location.trim() === "") throw unsupported("its location is empty");
  return new SqliteStore(resolve(baseDirectory, location), rest);
}

function schemeOf(location: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(location)?.[1]?.toLowerCase();
}

/** The URL itself is left out of the message: it may hold a password. */
function unsupported(reason: string): StaddleError {
  return new StaddleError({
    code: "state.unsupported-store",
    summary: `Cannot open the store: ${reason}`,
    help: "STADDLE_STATE takes the path of a SQLite file, for example .staddle/state.db, or a " +
      "postgres://, s3:// or https:// URL",
  });
}
