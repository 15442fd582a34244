/**
 * Addresses that are recorded for the stack on the command line.
 *
 * @module
 */

import { dirname } from "node:path";
import { storeLocation } from "../location.ts";

/** Recorded addresses that begin with `partial`; none when nothing is recorded. */
export async function recordedAddresses(
  words: readonly string[],
  partial: string,
): Promise<readonly string[]> {
  const folder = stackFolder(words);
  const { openStore } = await import("../../state/mod.ts");
  await using store = openStore(storeLocation(folder));
  const addresses: string[] = [];
  for (const stack of await store.stacks()) {
    const record = await store.load(stack);
    for (const { address } of record?.resources ?? []) {
      if (address.startsWith(partial)) addresses.push(address);
    }
  }
  return [...new Set(addresses)].sort();
}

/** The folder of the first word that names a stack's file or folder; else the current one. */
function stackFolder(words: readonly string[]): string {
  for (const word of words) {
    if (word.startsWith("-")) continue;
    try {
      const info = Deno.statSync(word);
      if (info.isDirectory) return word;
      if (/\.[cm]?[jt]s$/.test(word)) return dirname(word);
    } catch {
      continue; // No file of that name.
    }
  }
  return ".";
}
