/**
 * Reference pages and JSON schemas that are made from the tables of the kinds: `deno task docs` writes them, and a test
 * says when they are out of date. May not: say anything of a field that its table does not say.
 *
 * @module
 */

import { kinds } from "../providers/kvm/kinds/mod.ts";
import { fieldsPage } from "./fields_page.ts";
import { jsonSchema } from "./json_schema.ts";
import { MACHINE, NETWORK, STORAGE } from "./topics.ts";

/** Pages and schemas by the names of their files, from this folder on. */
export function pages(): ReadonlyMap<string, string> {
  const of = (kind: string) => kinds.get(kind)!;
  return new Map([
    ["machine_fields.md", fieldsPage(MACHINE, [of("machine")])],
    ["network_fields.md", fieldsPage(NETWORK, [of("network")])],
    ["storage_fields.md", fieldsPage(STORAGE, ["pool", "image", "volume", "seed"].map(of))],
    ...Array.from(kinds, ([name, kind]) => [`schemas/${name}.json`, jsonSchema(kind)] as const),
  ]);
}

if (import.meta.main) {
  await Deno.mkdir(new URL("schemas", import.meta.url), { recursive: true });
  for (const [name, text] of pages()) {
    await Deno.writeTextFile(new URL(name, import.meta.url), text);
  }
}
