/**
 * Metadata of other programs, in the XML of domains and networks: an element a namespace. What the
 * stack does not declare stays, whoever it belongs to; Staddle's own mark cannot be declared.
 *
 * @module
 */

import type { z } from "zod";
import type { Json, JsonObject } from "../../provider.ts";
import { field, type List, list } from "../table/mod.ts";
import {
  append,
  bareElement,
  child,
  children,
  declaredPrefix,
  dressedElement,
  element,
  ensureMetadata,
  MARK_NAMESPACE,
  meaningOf,
  namespaceOf,
  type NamespaceScope,
  parseXml,
  remove,
  scopeIn,
  serializeXml,
  splitName,
  type XmlElement,
} from "../xml/mod.ts";
import { metadataEntry } from "./metadata_entry.ts";

/** Metadata of one namespace as it is declared. */
export type MetadataSpec = z.output<typeof metadataEntry> & JsonObject;

/** What is in scope around an element of metadata: libvirt may keep declarations further up. */
const around = new WeakMap<XmlElement, NamespaceScope>();

function namespaceAt(item: XmlElement): string | undefined {
  return namespaceOf(item, around.get(item));
}

function bareAt(item: XmlElement): XmlElement {
  return bareElement(item, namespaceAt(item) ?? "", around.get(item));
}

function oneLine(item: XmlElement): string {
  return serializeXml(item).trim().replace(/>\s+</g, "><");
}

/** Elements of other programs' namespaces. */
function foreign(root: XmlElement): XmlElement[] {
  const metadata = child(root, "metadata");
  if (metadata === undefined) return [];
  const scope = scopeIn(metadata, scopeIn(root));
  return children(metadata).filter((item) => {
    around.set(item, scope);
    const namespace = namespaceAt(item);
    return namespace !== undefined && namespace !== MARK_NAMESPACE;
  });
}

function declaredElement({ namespace, element }: MetadataSpec): XmlElement {
  return bareElement(parseXml(element), namespace);
}

/** The prefix that a namespace's element has, else the one that it is to have. */
export function prefixOf(declared: MetadataSpec, present: XmlElement | undefined): string {
  const stands = present === undefined ? "" : splitName(present.name)[0];
  if (stands !== "") return stands;
  if (declared.prefix !== undefined) return declared.prefix;
  const { name } = declaredElement(declared);
  return /^xml/i.test(name) ? "app" : name;
}

/** The element as libvirt's calls take it: bare, in one line. */
export function bareText(declared: MetadataSpec): string {
  return oneLine(declaredElement(declared));
}

/** The element of a namespace in the XML of an object. */
export function metadataOf(root: XmlElement, namespace: string): XmlElement | undefined {
  return foreign(root).find((item) => namespaceAt(item) === namespace);
}

function writeElement(item: XmlElement, value: Json | undefined): void {
  const namespace = namespaceAt(item) ?? "";
  const [prefix] = splitName(item.name);
  const wanted = dressedElement(
    bareElement(parseXml(String(value)), namespace),
    namespace,
    prefix,
  );
  item.name = wanted.name;
  item.attributes.clear();
  for (const [name, text] of wanted.attributes) item.attributes.set(name, text);
  item.children.splice(0, item.children.length, ...wanted.children);
}

const fields = {
  namespace: field({
    schema: () => metadataEntry.shape.namespace,
    binding: { path: "./@xmlns", read: namespaceAt, write: () => {} },
    change: "live",
    equal: () => true,
  }),
  prefix: field({
    schema: () => metadataEntry.shape.prefix,
    binding: {
      path: "the element's name",
      read: (item) => splitName(item.name)[0] || undefined,
      write: () => {},
    },
    change: "live",
    equal: () => true,
  }),
  element: field({
    schema: () => metadataEntry.shape.element,
    binding: { path: ".", read: (item) => oneLine(bareAt(item)), write: writeElement },
    change: "live",
    equal: sameElement,
  }),
};

function sameElement(declared: Json, actual: Json | undefined): boolean {
  if (declared === actual) return true;
  if (actual === undefined) return false;
  const stands = parseXml(String(actual));
  const wanted = parseXml(String(declared));
  // What stands was read bare; what is declared may name its namespace.
  const own = namespaceOf(wanted) ?? "";
  return meaningOf(wanted, own) === meaningOf(stands, own);
}

/** The list of metadata, by namespace. */
export function metadataList<Schema extends z.ZodType>(schema: () => Schema): List<Schema> {
  return list({
    schema,
    path: "./metadata",
    select: foreign,
    nameOf: (item) => namespaceAt(item) ?? "",
    keyOf: (declared) => String(declared.namespace),
    insert: (root, declared) => {
      const entry = declared as MetadataSpec;
      const prefix = prefixOf(entry, undefined);
      const made = element(`${prefix}:x`, { [`xmlns:${prefix}`]: entry.namespace });
      append(ensureMetadata(root), made);
      return made;
    },
    remove: (root, item) => {
      const metadata = child(root, "metadata");
      if (metadata === undefined) return;
      remove(metadata, item);
      if (children(metadata).length === 0) remove(root, metadata);
    },
    change: "live",
    fields,
  });
}

/** What is wrong with metadata beyond what its schema sees, by its member. */
export function* faultsOfMetadata(
  declared: { readonly namespace: string; readonly prefix?: string; readonly element: string },
): Iterable<readonly [member: string, message: string]> {
  const { namespace } = declared;
  if (namespace === MARK_NAMESPACE) {
    yield ["namespace", "is that of Staddle's own mark, which is not to be declared"];
    return;
  }
  let item: XmlElement;
  try {
    item = parseXml(declared.element);
  } catch {
    yield ["element", "must be one well-formed XML element"];
    return;
  }
  const own = namespaceOf(item);
  if (own !== undefined && own !== namespace) {
    yield ["element", `<${item.name}> is of the namespace ${own}, and the entry of ${namespace}`];
    return;
  }
  const fault = namesFault(item, declared, new Map());
  if (fault !== undefined) yield ["element", fault];
}

/** The first name that libvirt could not set, or that stands for nothing. */
function namesFault(
  item: XmlElement,
  declared: { readonly namespace: string; readonly prefix?: string },
  above: NamespaceScope,
): string | undefined {
  const { namespace, prefix: own } = declared;
  const scope = scopeIn(item, above);
  const [prefix] = splitName(item.name);
  if (prefix !== "" && !scope.has(prefix)) {
    return `<${item.name}>: its prefix is not declared: write names of the namespace without one`;
  }
  for (const [name, value] of item.attributes) {
    const [prefix] = splitName(name);
    const declares = declaredPrefix(name);
    if (declares === "" && value !== namespace) {
      return `${name}='${value}': declare other namespaces with a prefix`;
    }
    if (declares !== undefined && declares === own && value !== namespace) {
      return `${name}='${value}': ${own} is the prefix of ${namespace}`;
    }
    if (declares !== undefined || prefix === "" || prefix === "xml") continue;
    if (!scope.has(prefix)) return `${name}: its prefix is not declared`;
    if (scope.get(prefix) === namespace) {
      return `${name}: libvirt sets no attributes of the namespace: write it without its prefix`;
    }
  }
  for (const inside of children(item)) {
    const fault = namesFault(inside, declared, scope);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
