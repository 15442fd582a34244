/**
 * libvirt's XML as a tree that can be patched: what is not touched keeps its text, order,
 * attributes, white space and comments byte for byte.
 *
 * Pure. It knows no element by name, except for Staddle's own mark of ownership; what elements mean
 * is the business of the kinds.
 *
 * @module
 */

export * from "./tree.ts";
export { parseXml } from "./parse.ts";
export { escapeAttribute, escapeText, serializeXml } from "./serialize.ts";
export { containsElement, mergeElement } from "./merge.ts";
export {
  ensureElement,
  getElement,
  getElements,
  getPath,
  parsePath,
  type PathStep,
  removeElement,
  setPath,
  type XmlPath,
} from "./path.ts";
export * from "./namespace.ts";
export type { Mark } from "../../provider.ts";
export {
  ensureMetadata,
  MARK_NAMESPACE,
  MARK_PREFIX,
  readMark,
  readMarkInText,
  readRestartDue,
  settledMark,
  startedWith,
  writeGeneration,
  writeMark,
} from "./mark.ts";
