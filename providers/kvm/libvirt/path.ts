/**
 * Local paths.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** The path of a `file:` URL, or the path itself. */
export function fromFileUrl(path: string | URL): string {
  return path instanceof URL ? fileURLToPath(path) : path;
}
