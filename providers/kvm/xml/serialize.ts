/**
 * From tree to text. What was not touched keeps its bytes; what was added is laid out like its
 * siblings, in libvirt's own style: two spaces, single quotes, `<empty/>`.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import { isLayout, type XmlElement, type XmlNode } from "./tree.ts";

/** Attribute in a start tag's source: white space, name, `=`, quoted value. */
const attributeSource = /(\s+)([^\s=<>"'/]+)\s*=\s*("[^"]*"|'[^']*')/g;

// What XML 1.0 cannot hold in any spelling.
// deno-lint-ignore no-control-regex
const impossible = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]/u;

/** The text of a document, or of any element, as it would stand in a file of its own. */
export function serializeXml(root: XmlElement): string {
  const before = root.origin?.before ?? "";
  const after = root.origin?.after ?? (root.origin === undefined ? "\n" : "");
  return before + write(root, "") + after;
}

/** Character data with everything escaped that may not stand in it. */
export function escapeText(text: string): string {
  check(text);
  return /[&<>\r]/.test(text)
    ? text.replace(/[&<>\r]/g, (character) => entities[character]!)
    : text;
}

/** An attribute's value, fit for either kind of quote. Line ends and tabs survive. */
export function escapeAttribute(text: string): string {
  check(text);
  return /[&<>'"\t\n\r]/.test(text)
    ? text.replace(/[&<>'"\t\n\r]/g, (character) => entities[character]!)
    : text;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&apos;",
  '"': "&quot;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

function check(text: string): void {
  const found = impossible.exec(text);
  if (found === null) return;
  throw new StaddleError({
    code: "xml.impossible-character",
    summary: `Cannot write XML: the text ${JSON.stringify(text.slice(0, 60))} holds U+${
      found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")
    } at position ${found.index}, which XML cannot hold`,
    help: "remove the control character",
  });
}

/** `indent` is the white space before the line on which the element starts. */
function write(node: XmlElement, indent: string): string {
  const origin = node.origin;
  const sameChildren = origin !== undefined && same(origin.children, node.children);
  const body = sameChildren && origin.children.length > 0
    ? writeUntouched(node, indent)
    : writeChildren(node, indent);
  const start = startTag(node);
  if (origin !== undefined && origin.name === node.name) {
    if (body === "" && origin.endTag === "") return start;
    if (body !== "" && origin.endTag !== "") return start + body + origin.endTag;
    if (body === "" && sameChildren) return start + origin.endTag;
  }
  const open = start.endsWith("/>") ? start.slice(0, -2).trimEnd() : start.slice(0, -1);
  return body === "" ? `${open}/>` : `${open}>${body}</${node.name}>`;
}

function same(before: readonly XmlNode[], now: readonly XmlNode[]): boolean {
  if (before.length !== now.length) return false;
  for (let index = 0; index < now.length; index++) {
    if (before[index] !== now[index]) return false;
  }
  return true;
}

function writeUntouched(node: XmlElement, indent: string): string {
  let text = "";
  let inner = indent;
  for (const item of node.children) {
    if (item.kind === "text") {
      const raw = writeNode(item, inner);
      text += raw;
      inner = indentBehind(raw) ?? inner;
    } else {
      text += writeNode(item, inner);
    }
  }
  return text;
}

/** Children that were made here or differ from those that were parsed. */
function writeChildren(node: XmlElement, indent: string): string {
  const items = node.children.filter((item) => !isLayout(item));
  const hasText = items.some((item) => item.kind === "text" || item.kind === "cdata");
  if (hasText || node.children.every((item) => item.kind === "text")) {
    // Mixed content, or text alone: white space is part of it, unless it was there for layout.
    if (node.origin !== undefined && items.length === 0) {
      const wasLayout = node.origin.children.some((item) => item.kind === "element");
      if (wasLayout) return "";
    }
    return node.children.map((item) => writeNode(item, indent)).join("");
  }
  const original = node.origin?.children ?? [];
  const leads = new Map<XmlNode, string>();
  let lead = "";
  let sample: string | undefined;
  for (const item of original) {
    if (isLayout(item)) {
      lead = writeNode(item, indent);
    } else {
      leads.set(item, lead);
      sample ??= lead;
      lead = "";
    }
  }
  const hadElements = sample !== undefined;
  const fresh = sample ?? `\n${indent}  `;
  // A document without line breaks gets none: `sample` is then the empty string.
  const separator = fresh === "" ? "" : `\n${indentBehind(fresh) ?? `${indent}  `}`;
  let text = "";
  for (const item of items) {
    const before = leads.get(item) ?? separator;
    text += before + writeNode(item, indentBehind(before) ?? indent);
  }
  const close = hadElements ? lead : `\n${indent}`;
  return text + (hadElements && lead === "" && separator !== "" ? `\n${indent}` : close);
}

function writeNode(node: XmlNode, indent: string): string {
  switch (node.kind) {
    case "element":
      return write(node, indent);
    case "text":
      return node.origin?.text === node.text ? node.origin.raw : escapeText(node.text);
    case "comment":
      return `<!--${node.text}-->`;
    case "cdata":
      return `<![CDATA[${node.text}]]>`;
    case "instruction":
      return node.origin.raw;
  }
}

/** The white space behind the last line break of a piece of layout. */
function indentBehind(layout: string): string | undefined {
  const index = layout.lastIndexOf("\n");
  return index < 0 ? undefined : layout.slice(index + 1);
}

function startTag(node: XmlElement): string {
  const origin = node.origin;
  if (origin === undefined) {
    let tag = `<${node.name}`;
    for (const [name, value] of node.attributes) tag += ` ${name}='${escapeAttribute(value)}'`;
    return `${tag}>`;
  }
  if (origin.name === node.name && sameAttributes(origin.attributes, node.attributes)) {
    return origin.startTag;
  }
  const sources = new Map<string, RegExpMatchArray>();
  for (const match of origin.startTag.matchAll(attributeSource)) sources.set(match[2]!, match);
  const quote = sources.values().next().value?.[3]?.[0] ?? "'";
  let tag = `<${node.name}`;
  for (const [name, value] of node.attributes) {
    const source = sources.get(name);
    if (source === undefined) tag += ` ${name}=${quote}${escapeAttribute(value)}${quote}`;
    else if (origin.attributes[name] === value) tag += source[0];
    else {
      const own = source[3]![0];
      tag += `${source[1]}${name}=${own}${escapeAttribute(value)}${own}`;
    }
  }
  return origin.startTag.endsWith("/>") ? `${tag}/>` : `${tag}>`;
}

function sameAttributes(
  before: Readonly<Record<string, string>>,
  now: ReadonlyMap<string, string>,
): boolean {
  let count = 0;
  for (const name in before) {
    if (now.get(name) !== before[name]) return false;
    count++;
  }
  if (count !== now.size) return false;
  // Order: a map that was cleared and filled anew counts as changed.
  const names = now.keys();
  for (const name in before) {
    if (names.next().value !== name) return false;
  }
  return true;
}
