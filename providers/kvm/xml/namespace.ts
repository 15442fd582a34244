/**
 * Elements of a namespace of somebody else's: the same whatever prefix they are written with, and
 * wherever that is declared.
 *
 * Bare, an element is as libvirt's calls for metadata take and give it: names of its namespace have no
 * prefix, and names without any are its own.
 *
 * @module
 */

import { children, isLayout, textOf, type XmlElement, type XmlNode } from "./tree.ts";

/** Namespaces by their prefix; "" is the default one. */
export type NamespaceScope = ReadonlyMap<string, string>;

const NONE: NamespaceScope = new Map();

/** What is in scope inside an element. */
export function scopeIn(element: XmlElement, above: NamespaceScope = NONE): NamespaceScope {
  let scope: Map<string, string> | undefined;
  for (const [name, value] of element.attributes) {
    const prefix = declaredPrefix(name);
    if (prefix !== undefined) (scope ??= new Map(above)).set(prefix, value);
  }
  return scope ?? above;
}

/** The prefix that an attribute declares; undefined: it declares none. */
export function declaredPrefix(attribute: string): string | undefined {
  if (attribute === "xmlns") return "";
  return attribute.startsWith("xmlns:") ? attribute.slice(6) : undefined;
}

/** Prefix and the rest of a name. */
export function splitName(name: string): readonly [prefix: string, local: string] {
  const at = name.indexOf(":");
  return at < 0 ? ["", name] : [name.slice(0, at), name.slice(at + 1)];
}

/** The namespace of an element; undefined: it has none. */
export function namespaceOf(element: XmlElement, above: NamespaceScope = NONE): string | undefined {
  return scopeIn(element, above).get(splitName(element.name)[0]) || undefined;
}

/**
 * A copy of an element of the namespace with bare names, without white space between its tags, and with
 * every other namespace that it uses declared in it.
 */
export function bareElement(
  element: XmlElement,
  uri: string,
  above: NamespaceScope = NONE,
): XmlElement {
  const used = new Set<string>();
  const bare = strip(element, uri, above, used);
  for (const [prefix, value] of above) {
    if (prefix === "" || value === uri || !used.has(prefix)) continue;
    if (!bare.attributes.has(`xmlns:${prefix}`)) bare.attributes.set(`xmlns:${prefix}`, value);
  }
  return bare;
}

function strip(
  element: XmlElement,
  uri: string,
  above: NamespaceScope,
  used: Set<string>,
): XmlElement {
  const scope = scopeIn(element, above);
  const [prefix, local] = splitName(element.name);
  const own = [uri, undefined, ""].includes(scope.get(prefix));
  if (!own) used.add(prefix);
  const attributes = new Map<string, string>();
  for (const [name, value] of element.attributes) {
    if (declaredPrefix(name) !== undefined && (value === uri || value === "")) continue;
    used.add(splitName(name)[0]);
    attributes.set(name, value);
  }
  const nested = children(element).length > 0;
  const inside = element.children.flatMap((node): XmlNode[] => {
    if (node.kind === "element") return [strip(node, uri, scope, used)];
    if (node.kind === "text") {
      return nested && isLayout(node) ? [] : [{ kind: "text", text: node.text }];
    }
    return [node];
  });
  return { kind: "element", name: own ? local : element.name, attributes, children: inside };
}

/** A bare element with a prefix to its names, declared on it; `""`: as the default namespace. */
export function dressedElement(bare: XmlElement, uri: string, prefix: string): XmlElement {
  const dressed = dress(bare, prefix);
  const declared = [[prefix === "" ? "xmlns" : `xmlns:${prefix}`, uri] as const];
  return { ...dressed, attributes: new Map([...declared, ...dressed.attributes]) };
}

function dress(bare: XmlElement, prefix: string): XmlElement {
  return {
    kind: "element",
    name: prefix === "" || bare.name.includes(":") ? bare.name : `${prefix}:${bare.name}`,
    attributes: new Map(bare.attributes),
    children: bare.children.map((node) => node.kind === "element" ? dress(node, prefix) : node),
  };
}

/** What an element says, as a text to compare: neither prefixes, comments nor layout matter. */
export function meaningOf(
  element: XmlElement,
  uri: string,
  above: NamespaceScope = NONE,
): string {
  const scope = scopeIn(element, above);
  const [prefix, local] = splitName(element.name);
  const attributes = [...element.attributes]
    .filter(([name]) => declaredPrefix(name) === undefined)
    .map(([name, value]) => {
      const [prefix, local] = splitName(name);
      return [prefix === "" ? "" : scope.get(prefix) ?? prefix, local, value];
    }).sort((a, b) => `${a}` < `${b}` ? -1 : 1);
  return JSON.stringify([
    scope.get(prefix) || uri,
    local,
    attributes,
    textOf(element).trim(),
    children(element).map((item) => meaningOf(item, uri, scope)),
  ]);
}
