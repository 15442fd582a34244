/**
 * The mark of ownership that domains and networks carry in their metadata. Pools, volumes and
 * filters have no metadata: they are owned through the record.
 *
 * @module
 */

import type { Mark } from "../../provider.ts";
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
  append(ensureMetadata(root), markElement(mark));
}

/**
 * The mark alone, as `virDomainSetMetadata` wants it: there the namespace declaration is libvirt's
 * own business, so that only the element and its attributes are given.
 */
export function markElement(mark: Mark): XmlElement {
  return element(`${MARK_PREFIX}:resource`, {
    [`xmlns:${MARK_PREFIX}`]: MARK_NAMESPACE,
    stack: mark.stack,
    address: mark.address,
    digest: mark.digest,
  });
}

/** libvirt puts metadata behind identity, before whatever says how the object works. */
function ensureMetadata(root: XmlElement): XmlElement {
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
