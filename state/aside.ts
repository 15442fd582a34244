/**
 * Records that cannot be used any more, kept where they are in nobody's way.
 *
 * @module
 */

import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What stands behind the name of what was taken out of the way, whose time tells it from earlier ones. */
export function asideSuffix(): string {
  return `.broken-${new Date().toISOString().replaceAll(/[:.]/g, "")}`;
}

/** Gives a database file another name, with what SQLite keeps beside it. Gives the name. */
export async function renameAside(path: string): Promise<string> {
  const aside = `${path}${asideSuffix()}`;
  for (const suffix of ["-wal", "-shm", ""]) {
    await rename(`${path}${suffix}`, `${aside}${suffix}`).catch((error) => {
      if (suffix === "") throw error; // The others need not be there.
    });
  }
  return aside;
}

/** Writes a stack's document into a file beside where a record stands by default. Gives its path. */
export async function fileAside(
  folder: string,
  stack: string,
  document: Uint8Array,
): Promise<string> {
  const path = join(folder, ".staddle", `${encodeURIComponent(stack)}.json${asideSuffix()}`);
  await mkdir(join(folder, ".staddle"), { recursive: true });
  // Parameters and outputs may be confidential.
  await writeFile(path, document, { flag: "wx", mode: 0o600 });
  return path;
}
