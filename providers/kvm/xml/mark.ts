/**
 * The mark of ownership that domains and networks carry in their metadata. Pools, volumes and
 * filters have no metadata: they are owned through the record.
 *
 * @module
 */

import type { Mark } from "../../provider.ts";
import { parseXml } from "./parse.ts";
import {
  append,
  child,
  children,
  element,
  insertBefore,
  remove,
  setAttribute,
  type XmlElement,
} from "./tree.ts";

/** Namespace of the mark. */
export const MARK_NAMESPACE = "https://staddle.dev/xmlns/1";

/** Prefix that the mark is written with; it is found under any. */
export const MARK_PREFIX = "staddle";

/** The mark of a domain or network; undefined when there is none or it is not whole. */
export function readMark(root: XmlElement): Mark | undefined {
  const node = find(root);
  if (node === undefined) return undefined;
  const stack = node.attributes.get("stack");
  const address = node.attributes.get("address");
  const digest = node.attributes.get("digest");
  return stack === undefined || address === undefined || digest === undefined
    ? undefined
    : { stack, address, digest };
}

/** A mark that stands first in the metadata, as libvirt prints one of ours; nothing in it is escaped. */
const PLAIN = new RegExp(
  `^<metadata>\\s*<${MARK_PREFIX}:resource xmlns:${MARK_PREFIX}="${MARK_NAMESPACE}" ` +
    `stack="([^"&<]*)" address="([^"&<]*)" digest="([^"&<]*)"(?: [a-z]+="[^"&<]*")*/>`,
);

/** The mark in an object's XML, without parsing all of it: a host has many, and most need no parsing. */
export function readMarkInText(xml: string): Mark | undefined {
  if (!xml.includes(MARK_NAMESPACE)) return undefined;
  const start = xml.indexOf("<metadata");
  const end = xml.indexOf("</metadata>", start);
  if (start < 0 || end < 0) return undefined;
  const text = xml.slice(start, end);
  const plain = PLAIN.exec(text);
  if (plain === null) return readMark(parseXml(`<object>${text}</metadata></object>`));
  const [, stack, address, digest] = plain;
  return { stack: stack!, address: address!, digest: digest! };
}

/** Writes the mark, or takes it out when it is undefined. Other metadata stays. */
export function writeMark(root: XmlElement, mark: Mark | undefined): void {
  const old = find(root);
  if (mark === undefined) {
    const metadata = child(root, "metadata");
    if (old === undefined || metadata === undefined) return;
    remove(metadata, old);
    if (children(metadata).length === 0) remove(root, metadata);
    return;
  }
  if (old !== undefined) {
    setAttribute(old, "stack", mark.stack);
    setAttribute(old, "address", mark.address);
    setAttribute(old, "digest", mark.digest);
    return;
  }
  const { stack, address, digest } = mark;
  const attributes = { [`xmlns:${MARK_PREFIX}`]: MARK_NAMESPACE, stack, address, digest };
  append(ensureMetadata(root), element(`${MARK_PREFIX}:resource`, attributes));
}

/** Attribute of the mark on a machine that is being restarted: it has been stopped, or soon will be. */
const RESTART = "restart";
/** Attribute of the mark: counts the changes that were saved for a machine's next start. */
const GENERATION = "generation";

/**
 * Whether a restart is under way. A run that was cut off in the middle leaves the machine off: the next
 * one sees by this that it has to be started.
 */
export function readRestartDue(root: XmlElement): boolean {
  return find(root)?.attributes.get(RESTART) === "due";
}

/** Notes in the mark that something was saved for the next start, and whether that start is under way. */
export function writeGeneration(root: XmlElement, options: { readonly restart: boolean }): void {
  const mark = find(root);
  if (mark === undefined) return;
  const last = Number(mark.attributes.get(GENERATION) ?? 0);
  setAttribute(mark, GENERATION, `${last + 1}`);
  if (options.restart) setAttribute(mark, RESTART, "due");
}

const MARK = new RegExp(`<(?:[\\w.-]+:)?resource [^>]*${MARK_NAMESPACE}[^>]*>`);
const GENERATION_IN_TEXT = / generation=["'](\d+)["']/;

/**
 * Whether a machine was started with all that its configuration holds of ours: nothing was saved since.
 * It costs two searches in the texts, where a comparison parses both.
 */
export function startedWith(xml: string, liveXml: string): boolean {
  const [config, live] = [xml, liveXml].map((text) => MARK.exec(text)?.[0]);
  return config !== undefined && live !== undefined &&
    GENERATION_IN_TEXT.exec(config)?.[1] === GENERATION_IN_TEXT.exec(live)?.[1];
}

/**
 * The mark that stands there, without the note that a restart is under way, as `virDomainSetMetadata`
 * wants it: prefix and namespace are libvirt's to add, and an element that has them is refused.
 */
export function settledMark(root: XmlElement): XmlElement | undefined {
  const mark = find(root);
  if (mark === undefined) return undefined;
  const kept = [...mark.attributes].filter(([name]) =>
    name !== RESTART && name !== "xmlns" && !name.startsWith("xmlns:")
  );
  return element("resource", Object.fromEntries(kept));
}

/** The metadata of an object. libvirt puts it behind identity, before what says how the object works. */
export function ensureMetadata(root: XmlElement): XmlElement {
  const known = child(root, "metadata");
  if (known !== undefined) return known;
  const metadata = element("metadata");
  const identity = new Set(["name", "uuid", "genid", "title", "description"]);
  const next = children(root).find((item) => !identity.has(item.name));
  if (next === undefined) append(root, metadata);
  else insertBefore(root, metadata, next);
  return metadata;
}

function find(root: XmlElement): XmlElement | undefined {
  const metadata = child(root, "metadata");
  if (metadata === undefined) return undefined;
  return children(metadata).find((item) => {
    const [prefix, name] = item.name.includes(":") ? item.name.split(":") : ["", item.name];
    if (name !== "resource") return false;
    const declaration = prefix === "" ? "xmlns" : `xmlns:${prefix}`;
    const uri = item.attributes.get(declaration) ?? metadata.attributes.get(declaration) ??
      root.attributes.get(declaration);
    return uri === MARK_NAMESPACE;
  });
}
