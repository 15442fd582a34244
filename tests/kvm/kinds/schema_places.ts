/**
 * Every place of libvirt's domain XML, from the RelaxNG schema that libvirt installs; and which of them a
 * table owns.
 *
 * @module
 */

import type { Table } from "../../../providers/kvm/table/mod.ts";
import { children, parseXml, textOf, type XmlElement } from "../../../providers/kvm/xml/mod.ts";

/** Where libvirt keeps its schemas. */
export const SCHEMAS = "/usr/share/libvirt/schemas";

/** Texts and attributes, as paths: `./memory`, `./memory/@unit`. */
export function schemaPlaces(file = "domain.rng"): string[] {
  const defines = new Map<string, XmlElement[]>();
  const loaded = new Set<string>();
  let start: XmlElement | undefined;
  const load = (name: string): void => {
    if (loaded.has(name)) return;
    loaded.add(name);
    collect(parseXml(Deno.readTextFileSync(`${SCHEMAS}/${name}`)));
  };
  const collect = (parent: XmlElement): void => {
    for (const item of children(parent)) {
      if (item.name === "start") start ??= item;
      else if (item.name === "div") collect(item);
      else if (item.name === "include") {
        load(item.attributes.get("href")!);
        collect(item);
      } else if (item.name === "define") {
        const name = item.attributes.get("name")!;
        defines.set(name, [...defines.get(name) ?? [], item]);
      }
    }
  };
  load(file);
  const found = new Set<string>();
  const walk = (parent: XmlElement, path: string, within: readonly string[]): void => {
    for (const item of children(parent)) {
      if (item.name === "ref") {
        const name = item.attributes.get("name")!;
        // What stands in itself, a chain of backing files, is walked once.
        if (within.includes(name)) continue;
        for (const define of defines.get(name) ?? []) walk(define, path, [...within, name]);
      } else if (item.name === "element") {
        for (const name of namesOf(item)) walk(item, path === "" ? "." : `${path}/${name}`, within);
      } else if (item.name === "attribute") {
        for (const name of namesOf(item)) found.add(`${path}/@${name}`);
      } else if (item.name === "text" || item.name === "data") found.add(path);
      else walk(item, path, within);
    }
  };
  walk(start!, "", []);
  return [...found].sort();
}

function namesOf(item: XmlElement): string[] {
  const name = item.attributes.get("name");
  if (name !== undefined) return [name];
  return children(item).flatMap((part) =>
    part.name === "name"
      ? [textOf(part)]
      : part.name === "anyName"
      ? ["*"]
      : part.name === "choice"
      ? namesOf(part)
      : []
  );
}

/** Places of a table, bare of what tells likes apart. */
export function tablePlaces(table: Table, base = "."): Set<string> {
  const found = new Set<string>();
  const at = (path: string) => base + path.replaceAll(/\[[^\]]*\]/g, "").slice(1);
  for (const entry of Object.values(table)) {
    if (entry.entry === "field") {
      const places = entry.binding.path.split(", ").filter((path) => path.startsWith("."));
      for (const path of places) found.add(at(path));
    } else if (entry.entry !== "patches") {
      const inside = entry.entry === "list" ? at(entry.path) : base;
      for (const path of tablePlaces(entry.fields, inside)) found.add(path);
    }
  }
  return found;
}

/** Whether a place is one that a pattern stands for: `**` for all below, `*` for one step. */
export function matchesPlace(pattern: string, place: string): boolean {
  const source = pattern.split("/").map((step) => {
    if (step === "**") return ".*";
    return step.replaceAll(/[.]/g, "\\.").replaceAll("*", "[^/]+");
  }).join("/").replaceAll("/.*", "(/.*)?");
  return new RegExp(`^${source}$`).test(place);
}
