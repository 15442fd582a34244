/**
 * Small paths into an element: `./vcpu` (its text), `./os/type/@arch` (an attribute),
 * `./devices/channel[@type='unix']/target/@name`, `./@type`, `.`. No XPath engine: steps are child
 * names, each with an optional test of one attribute; the first match counts.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import { append, children, element, remove, setText, textOf, type XmlElement } from "./tree.ts";

/** One step of a path: a child's name, and the attribute by which it is told from its likes. */
export interface PathStep {
  /** Name of the child element. */
  readonly name: string;
  /** Attribute that it must have; absent: any child of the name. */
  readonly attribute?: string;
  /** What that attribute must be. */
  readonly value?: string;
}

/** A path, taken apart. */
export interface XmlPath {
  /** From the root on, without it. */
  readonly steps: readonly PathStep[];
  /** The attribute at the end; absent: the text. */
  readonly attribute?: string;
}

const compiled = new Map<string, XmlPath>();
const stepSyntax = /^([\w.:-]+)(?:\[@([\w.:-]+)=(?:'([^']*)'|"([^"]*)")\])?$/;

/**
 * Takes a path apart.
 *
 * @throws {StaddleError} when it is none.
 */
export function parsePath(path: string): XmlPath {
  return compile(path);
}

/** Text or attribute at a path; undefined when there is none. An empty element has the text "". */
export function getPath(root: XmlElement, path: string): string | undefined {
  const { steps, attribute } = compile(path);
  const target = walk(root, steps);
  if (target === undefined) return undefined;
  return attribute === undefined ? textOf(target) : target.attributes.get(attribute);
}

/** The first element at a path (which may not end in an attribute). */
export function getElement(root: XmlElement, path: string): XmlElement | undefined {
  return walk(root, elementSteps(path));
}

/** All elements at a path: every match of its last step, in the first match of those before. */
export function getElements(root: XmlElement, path: string): XmlElement[] {
  const steps = elementSteps(path);
  const last = steps[steps.length - 1];
  if (last === undefined) return [root];
  const parent = walk(root, steps.slice(0, -1));
  return parent === undefined
    ? []
    : children(parent, last.name).filter((item) => matches(item, last));
}

/** The element at a path, made with its missing parents if it is not there. */
export function ensureElement(root: XmlElement, path: string): XmlElement {
  let current = root;
  for (const step of elementSteps(path)) {
    let next = children(current, step.name).find((item) => matches(item, step));
    if (next === undefined) {
      next = element(
        step.name,
        step.attribute === undefined ? {} : { [step.attribute]: step.value },
      );
      append(current, next, step.name);
    }
    current = next;
  }
  return current;
}

/**
 * Sets the text or attribute at a path and makes the parents that are missing.
 *
 * With undefined it removes: an attribute, or at a path without attribute the whole element. Then
 * every parent that has become empty by that (no attribute, no child but layout) goes too, up to but
 * without the root. An element that was already empty, such as `<acpi/>`, is never touched.
 */
export function setPath(root: XmlElement, path: string, value: string | undefined): void {
  const { steps, attribute } = compile(path);
  if (value !== undefined) {
    const target = ensureElement(root, elementPath(path));
    if (attribute === undefined) setText(target, value);
    else target.attributes.set(attribute, value);
    return;
  }
  const chain = [root];
  for (const step of steps) {
    const next = children(chain[chain.length - 1]!, step.name).find((item) => matches(item, step));
    if (next === undefined) return;
    chain.push(next);
  }
  const target = chain[chain.length - 1]!;
  if (attribute !== undefined) {
    if (!target.attributes.delete(attribute)) return;
    prune(chain);
    return;
  }
  chain.pop();
  const parent = chain[chain.length - 1];
  if (parent === undefined) setText(root, "");
  else if (remove(parent, target)) prune(chain);
}

/** Removes an element (found by identity at `parentPath`) and the parents that it leaves empty. */
export function removeElement(root: XmlElement, parentPath: string, target: XmlElement): boolean {
  const chain = [root];
  for (const step of elementSteps(parentPath)) {
    const next = children(chain[chain.length - 1]!, step.name).find((item) => matches(item, step));
    if (next === undefined) return false;
    chain.push(next);
  }
  if (!remove(chain[chain.length - 1]!, target)) return false;
  prune(chain);
  return true;
}

function prune(chain: XmlElement[]): void {
  for (let index = chain.length - 1; index > 0; index--) {
    const item = chain[index]!;
    const bare = item.attributes.size === 0 &&
      item.children.every((node) => node.kind === "text" && node.text.trim() === "");
    if (!bare) return;
    remove(chain[index - 1]!, item);
  }
}

function walk(root: XmlElement, steps: readonly PathStep[]): XmlElement | undefined {
  let current = root;
  for (const step of steps) {
    let found: XmlElement | undefined;
    for (const node of current.children) {
      if (node.kind === "element" && node.name === step.name && matches(node, step)) {
        found = node;
        break;
      }
    }
    if (found === undefined) return undefined;
    current = found;
  }
  return current;
}

function matches(item: XmlElement, step: PathStep): boolean {
  return step.attribute === undefined || item.attributes.get(step.attribute) === step.value;
}

function elementPath(path: string): string {
  const index = path.search(/\/@[^/\]']+$/);
  return index < 0 ? path : path.slice(0, index);
}

function elementSteps(path: string): readonly PathStep[] {
  const { steps, attribute } = compile(path);
  if (attribute !== undefined) throw bad(path, "it must lead to an element, not to an attribute");
  return steps;
}

function compile(path: string): XmlPath {
  const known = compiled.get(path);
  if (known !== undefined) return known;
  const parts = path.split("/");
  if (parts.shift() !== ".") throw bad(path, "it must start with `.`");
  let attribute: string | undefined;
  if (parts.at(-1)?.startsWith("@")) attribute = parts.pop()!.slice(1);
  const steps = parts.map((part): PathStep => {
    const match = stepSyntax.exec(part);
    if (match === null) throw bad(path, `\`${part}\` is no step`);
    const name = match[1]!;
    if (match[2] === undefined) return { name };
    return { name, attribute: match[2], value: match[3] ?? match[4] ?? "" };
  });
  const result: XmlPath = attribute === undefined ? { steps } : { steps, attribute };
  compiled.set(path, result);
  return result;
}

function bad(path: string, why: string): StaddleError {
  return new StaddleError({
    code: "xml.path",
    summary: `Cannot use the XML path ${JSON.stringify(path)}: ${why}`,
    help: "write it like ./os/type/@arch, ./vcpu or ./devices/channel[@type='unix']",
  });
}
