/**
 * Reference pages that are made from the tables of the kinds: `deno task docs` writes them, and a test
 * says when they are out of date. May not: say anything of a field that its table does not say.
 *
 * @module
 */

import { kinds } from "../providers/kvm/kinds/mod.ts";
import { fieldsPage } from "./fields_page.ts";
import { MACHINE, NETWORK, STORAGE } from "./topics.ts";

/** The pages by the name of their file in this folder. */
export function pages(): ReadonlyMap<string, string> {
  const of = (kind: string) => kinds.get(kind)!;
  return new Map([
    ["machine_fields.md", fieldsPage(MACHINE, [of("machine")])],
    ["network_fields.md", fieldsPage(NETWORK, [of("network")])],
    ["storage_fields.md", fieldsPage(STORAGE, ["pool", "image", "volume", "seed"].map(of))],
  ]);
}

if (import.meta.main) {
  for (const [name, text] of pages()) {
    await Deno.writeTextFile(new URL(name, import.meta.url), text);
  }
}
