/**
 * The tree of an XML document, and how it is changed.
 *
 * The tree is plain and mutable. White space between elements never has to be looked after: it
 * stands in the source of what was parsed, and the serialiser lays out what was added.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";

/** An element. Names keep their prefix (`staddle:resource`); `xmlns…` are attributes like others. */
export interface XmlElement {
  /** Discriminates the nodes. */
  readonly kind: "element";
  /** Qualified name. */
  name: string;
  /** In the order of the source; what is added comes last. */
  readonly attributes: Map<string, string>;
  /** In order. */
  readonly children: XmlNode[];
  /** How it stood in the text that it was parsed from; absent on an element made here. */
  readonly origin?: ElementOrigin;
}

/** Character data, entities resolved. */
export interface XmlText {
  /** Discriminates the nodes. */
  readonly kind: "text";
  /** The characters, entities resolved. */
  text: string;
  /** How it stood in the text that it was parsed from. */
  readonly origin?: TextOrigin;
}

/** A comment. */
export interface XmlComment {
  /** Discriminates the nodes. */
  readonly kind: "comment";
  /** The characters, entities resolved. */
  text: string;
}

/** A CDATA section. */
export interface XmlCdata {
  /** Discriminates the nodes. */
  readonly kind: "cdata";
  /** The characters, entities resolved. */
  text: string;
}

/** A processing instruction. */
export interface XmlInstruction {
  /** Discriminates the nodes. */
  readonly kind: "instruction";
  /** Qualified name. */
  readonly name: string;
  /** How it stood in the text that it was parsed from. */
  readonly origin: TextOrigin;
}

/** Whatever may stand in an element. */
export type XmlNode = XmlElement | XmlText | XmlComment | XmlCdata | XmlInstruction;

/** The source of a node that holds text: its bytes stay as long as the text does. */
export interface TextOrigin {
  /** The characters, entities resolved. */
  readonly text: string;
  /** As it stood there, entities and all. */
  readonly raw: string;
}

/** The source of an element, from which the serialiser sees what was changed. */
export interface ElementOrigin {
  /** Qualified name. */
  readonly name: string;
  /** The attributes as they were parsed, without a prototype. */
  readonly attributes: Readonly<Record<string, string>>;
  /** In order. */
  readonly children: readonly XmlNode[];
  /** `<disk type='file'>`, or `<disk/>` if there was nothing inside. */
  readonly startTag: string;
  /** `</disk>`, empty after `<disk/>`. */
  readonly endTag: string;
  /** What stood before the root: declaration, comments. */
  readonly before?: string;
  /** What stood behind the root. */
  readonly after?: string;
}

/** Attributes for {@linkcode element}; those that are undefined are left out. */
export type AttributeInit = Readonly<Record<string, string | number | undefined>>;

/** A child for {@linkcode element}: a string is text, undefined is left out. */
export type ChildInit = XmlNode | string | number | undefined | false;

/**
 * Makes an element.
 *
 * @example
 * ```ts
 * import { element, serializeXml } from "./mod.ts";
 *
 * const pool = element("pool", { type: "dir" }, element("name", {}, "store"));
 * console.assert(serializeXml(pool) === "<pool type='dir'>\n  <name>store</name>\n</pool>\n");
 * ```
 */
export function element(
  name: string,
  attributes: AttributeInit = {},
  ...children: readonly ChildInit[]
): XmlElement {
  const map = new Map<string, string>();
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) map.set(key, String(value));
  }
  const nodes: XmlNode[] = [];
  for (const child of children) {
    if (child === undefined || child === false) continue;
    nodes.push(
      typeof child === "object" ? child : { kind: "text", text: String(child) },
    );
  }
  return { kind: "element", name, attributes: map, children: nodes };
}

/** The first child element of that name. */
export function child(parent: XmlElement, name: string): XmlElement | undefined {
  for (const node of parent.children) {
    if (node.kind === "element" && node.name === name) return node;
  }
  return undefined;
}

/** The child elements, all of them or those of one name, in order. */
export function children(parent: XmlElement, name?: string): XmlElement[] {
  const found: XmlElement[] = [];
  for (const node of parent.children) {
    if (node.kind === "element" && (name === undefined || node.name === name)) found.push(node);
  }
  return found;
}

/** The text directly inside an element, exactly as it stands. */
export function textOf(parent: XmlElement): string {
  let text = "";
  for (const node of parent.children) {
    if (node.kind === "text" || node.kind === "cdata") text += node.text;
  }
  return text;
}

/** Sets the text of an element; its child elements and comments stay. Equal text keeps its bytes. */
export function setText(parent: XmlElement, text: string): void {
  if (textOf(parent) === text) return;
  const rest = parent.children.filter((node) => node.kind !== "text" && node.kind !== "cdata");
  const texts: XmlNode[] = text === "" ? [] : [{ kind: "text", text }];
  parent.children.splice(0, parent.children.length, ...texts, ...rest);
}

/** Sets an attribute, or removes it when the value is undefined. */
export function setAttribute(target: XmlElement, name: string, value: string | undefined): void {
  if (value === undefined) target.attributes.delete(name);
  else target.attributes.set(name, value);
}

/** Adds a node behind the last one, or behind the last element of `afterName` if there is one. */
export function append(parent: XmlElement, node: XmlNode, afterName?: string): void {
  if (afterName !== undefined) {
    const index = parent.children.findLastIndex((other) =>
      other.kind === "element" && other.name === afterName
    );
    if (index >= 0) {
      parent.children.splice(index + 1, 0, node);
      return;
    }
  }
  parent.children.push(node);
}

/**
 * Puts a node before another.
 *
 * @throws {StaddleError} when the other does not stand in `parent`.
 */
export function insertBefore(parent: XmlElement, node: XmlNode, before: XmlNode): void {
  parent.children.splice(indexOf(parent, before), 0, node);
}

/**
 * Puts a node in the place of another.
 *
 * @throws {StaddleError} when the other does not stand in `parent`.
 */
export function replace(parent: XmlElement, old: XmlNode, node: XmlNode): void {
  parent.children.splice(indexOf(parent, old), 1, node);
}

/** Takes a node out; false if it was not there. */
export function remove(parent: XmlElement, node: XmlNode): boolean {
  const index = parent.children.indexOf(node);
  if (index < 0) return false;
  parent.children.splice(index, 1);
  return true;
}

/** A deep copy that keeps the source, so that it serialises to the same bytes. */
export function cloneXml(root: XmlElement): XmlElement {
  const copies = new Map<XmlNode, XmlNode>();
  const copy = (node: XmlNode): XmlNode => {
    const known = copies.get(node);
    if (known !== undefined) return known;
    if (node.kind !== "element") {
      const leaf = { ...node };
      copies.set(node, leaf);
      return leaf;
    }
    const nodes = node.children.map(copy);
    const clone: XmlElement = {
      kind: "element",
      name: node.name,
      attributes: new Map(node.attributes),
      children: nodes,
      ...(node.origin === undefined
        ? {}
        : { origin: { ...node.origin, children: node.origin.children.map(copy) } }),
    };
    copies.set(node, clone);
    return clone;
  };
  return copy(root) as XmlElement;
}

/** True for text that only lays out the elements around it. */
export function isLayout(node: XmlNode): boolean {
  return node.kind === "text" && !/[^ \t\r\n]/.test(node.text);
}

function indexOf(parent: XmlElement, node: XmlNode): number {
  const index = parent.children.indexOf(node);
  if (index < 0) {
    throw new StaddleError({
      code: "xml.no-such-child",
      summary: `Cannot edit <${parent.name}>: the node to stand beside is not one of its children`,
    });
  }
  return index;
}
