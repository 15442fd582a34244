/**
 * What two XML texts differ in, place by place.
 *
 * @module
 */

import {
  child,
  children,
  parseXml,
  remove,
  textOf,
  writeMark,
  type XmlElement,
} from "../../providers/kvm/xml/mod.ts";

/**
 * The places in which two domains differ, Staddle's own mark aside: attributes and texts, elements that
 * have neither, and elements whose order changed. Several of one name are counted from 1.
 */
export function differences(before: string, after: string): string[] {
  const [from, to] = [parseXml(before), parseXml(after)];
  for (const root of [from, to]) {
    writeMark(root, undefined);
    const metadata = child(root, "metadata");
    // Where there was none, the mark brought it.
    if (metadata !== undefined && children(metadata).length === 0) remove(root, metadata);
  }
  const found: string[] = [];
  compare(found, from, to, ".");
  return found;
}

function compare(found: string[], from: XmlElement, to: XmlElement, path: string): void {
  for (const name of new Set([...from.attributes.keys(), ...to.attributes.keys()])) {
    if (from.attributes.get(name) !== to.attributes.get(name)) found.push(`${path}/@${name}`);
  }
  if (textOf(from).trim() !== textOf(to).trim()) found.push(path);
  const kept: [string[], string[]] = [[], []];
  const names = new Set([...children(from), ...children(to)].map(({ name }) => name));
  for (const name of names) {
    const [before, after] = [children(from, name), children(to, name)];
    const most = Math.max(before.length, after.length);
    for (let index = 0; index < most; index++) {
      const place = `${path}/${name}${most > 1 ? `[${index + 1}]` : ""}`;
      const [was, is] = [before[index], after[index]];
      if (was !== undefined && is !== undefined) compare(found, was, is, place);
      else leaves(found, (was ?? is)!, place);
    }
  }
  for (const [index, root] of [from, to].entries()) {
    const both = (name: string) => child(from, name) !== undefined && child(to, name) !== undefined;
    kept[index]!.push(...children(root).map(({ name }) => name).filter(both));
  }
  if (kept[0].length === kept[1].length && kept[0].join() !== kept[1].join()) {
    found.push(`${path} (order)`);
  }
}

/** Everything that an element which one side lacks says. */
function leaves(found: string[], item: XmlElement, path: string): void {
  const before = found.length;
  for (const name of item.attributes.keys()) found.push(`${path}/@${name}`);
  if (textOf(item).trim() !== "") found.push(path);
  const inside = children(item);
  for (const [index, one] of inside.entries()) {
    leaves(found, one, `${path}/${one.name}${inside.length > 1 ? `[${index + 1}]` : ""}`);
  }
  if (found.length === before) found.push(path);
}
