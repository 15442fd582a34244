/**
 * Domains as the tools that people use make them, written from libvirt's documentation.
 *
 * @module
 */

import type { CorpusDomain } from "./corpus.ts";

const folder = new URL("./machines/", import.meta.url);

/** All of them, by their files' names. */
export async function ownMachines(): Promise<CorpusDomain[]> {
  const found: CorpusDomain[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".xml")) continue;
    found.push({ path: name, xml: await Deno.readTextFile(new URL(name, folder)) });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}
