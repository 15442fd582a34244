/**
 * From text to tree.
 *
 * @module
 */

import {
  parseXml as parseDocument,
  XmlCdata as Cdata,
  XmlComment as Comment,
  XmlElement as Element,
  XmlError,
  type XmlNode as Node,
  XmlProcessingInstruction as Instruction,
  XmlText as Text,
} from "@rgrove/parse-xml";
import { StaddleError } from "../../error.ts";
import type { XmlElement, XmlNode } from "./tree.ts";

const options = { includeOffsets: true, preserveCdata: true, preserveComments: true };

/**
 * Parses a document strictly and keeps every byte of it: `serializeXml(parseXml(text)) === text`
 * (only a byte order mark and carriage returns at line ends are dropped).
 *
 * @throws {StaddleError} `xml.malformed`, with line and column, when it is not well-formed.
 */
export function parseXml(text: string): XmlElement {
  let source = text;
  if (source.charCodeAt(0) === 0xfeff) source = source.slice(1);
  if (source.includes("\r")) source = source.replace(/\r\n?/g, "\n");
  let root: Element | null;
  let top: { start: number; end: number };
  try {
    root = parseDocument(source, options).root;
    if (root === null) throw new SyntaxError("there is no root element");
    top = root;
  } catch (cause) {
    throw malformed(source, cause);
  }
  return convert(root, source, {
    before: source.slice(0, top.start),
    after: source.slice(top.end),
  });
}

function convert(
  node: Element,
  source: string,
  around?: { readonly before: string; readonly after: string },
): XmlElement {
  const parsed = node.children as readonly Node[];
  const nodes: XmlNode[] = new Array(parsed.length);
  for (let index = 0; index < parsed.length; index++) {
    nodes[index] = convertNode(parsed[index]!, source);
  }
  const first = parsed[0];
  const last = parsed[parsed.length - 1];
  let startEnd: number;
  let endStart: number;
  if (first !== undefined && last !== undefined) {
    startEnd = first.start;
    endStart = last.end;
  } else if (source[Math.min(node.end, source.length) - 2] === "/") {
    startEnd = endStart = node.end;
  } else {
    startEnd = endStart = source.lastIndexOf("</", node.end);
  }
  const attributes = node.attributes;
  const map = new Map<string, string>();
  for (const name in attributes) map.set(name, attributes[name]!);
  return {
    kind: "element",
    name: node.name,
    attributes: map,
    children: nodes,
    origin: {
      name: node.name,
      attributes,
      children: nodes.slice(),
      startTag: source.slice(node.start, startEnd),
      endTag: source.slice(endStart, node.end),
      before: around?.before,
      after: around?.after,
    },
  };
}

function convertNode(node: Node, source: string): XmlNode {
  if (node instanceof Element) return convert(node, source);
  if (node instanceof Text) {
    const text = node.text;
    return { kind: "text", text, origin: { text, raw: source.slice(node.start, node.end) } };
  }
  if (node instanceof Comment) return { kind: "comment", text: node.content };
  if (node instanceof Cdata) return { kind: "cdata", text: node.text };
  if (node instanceof Instruction) {
    const raw = source.slice(node.start, node.end);
    return { kind: "instruction", name: node.name, origin: { text: node.content, raw } };
  }
  throw new StaddleError({
    code: "xml.unknown-node",
    summary: `Cannot parse XML: a ${node.type} may not stand inside an element`,
  });
}

function malformed(source: string, cause: unknown): StaddleError {
  if (cause instanceof XmlError) {
    return new StaddleError({
      code: "xml.malformed",
      summary: `Cannot parse XML: ${cause.message.split("\n")[0]}`,
      details: cause.excerpt === "" ? [] : [cause.excerpt],
      cause,
    });
  }
  return new StaddleError({
    code: "xml.malformed",
    summary: `Cannot parse XML of ${source.length} characters: ${
      cause instanceof Error ? cause.message : String(cause)
    }`,
    cause,
  });
}
