/**
 * One element inside another: whether all that a declared element says stands in the one that a host
 * has, and how to make it so. What the declared one does not mention stays.
 *
 * @module
 */

import { append, children, cloneXml, setText, textOf, type XmlElement } from "./tree.ts";

/** True when every attribute, text and child of `declared` stands in `actual`. */
export function containsElement(actual: XmlElement, declared: XmlElement): boolean {
  if (actual.name !== declared.name) return false;
  for (const [name, value] of declared.attributes) {
    if (!isNamespace(name) && actual.attributes.get(name) !== value) return false;
  }
  const text = textOf(declared).trim();
  if (text !== "" && text !== textOf(actual).trim()) return false;
  const taken = new Set<XmlElement>();
  return children(declared).every((wanted) => {
    const found = children(actual, wanted.name).find((item) =>
      !taken.has(item) && containsElement(item, wanted)
    );
    if (found !== undefined) taken.add(found);
    return found !== undefined;
  });
}

/** Makes `actual` contain `declared`, and changes nothing else. Their names are the same. */
export function mergeElement(actual: XmlElement, declared: XmlElement): void {
  for (const [name, value] of declared.attributes) {
    if (!isNamespace(name)) actual.attributes.set(name, value);
  }
  const text = textOf(declared).trim();
  if (text !== "" && text !== textOf(actual).trim()) setText(actual, text);
  const taken = new Set<XmlElement>();
  for (const wanted of children(declared)) {
    const found = counterpart(actual, declared, wanted, taken);
    if (found === undefined) {
      const fresh = cloneXml(wanted);
      append(actual, fresh, wanted.name);
      taken.add(fresh);
    } else {
      taken.add(found);
      mergeElement(found, wanted);
    }
  }
}

/** A namespace is declared where libvirt likes it: at the root. */
function isNamespace(attribute: string): boolean {
  return attribute.startsWith("xmlns");
}

/**
 * The child that a declared one means: one that has it all already; else the only one of its name; else
 * the one with the same first attribute, by which libvirt's elements tell themselves from their
 * likes (`timer name`, `vcpupin vcpu`, `cell id`).
 */
function counterpart(
  actual: XmlElement,
  declared: XmlElement,
  wanted: XmlElement,
  taken: ReadonlySet<XmlElement>,
): XmlElement | undefined {
  const there = children(actual, wanted.name).filter((item) => !taken.has(item));
  const same = there.find((item) => containsElement(item, wanted));
  if (same !== undefined) return same;
  if (there.length === 1 && children(declared, wanted.name).length === 1) {
    const [first] = wanted.attributes;
    if (first === undefined || !isKey(first[0])) return there[0];
  }
  const [first] = wanted.attributes;
  if (first === undefined) return undefined;
  return there.find((item) => item.attributes.get(first[0]) === first[1]);
}

/** Attributes that tell an element from its likes, wherever libvirt uses them. */
function isKey(attribute: string): boolean {
  return ["name", "id", "vcpu", "vcpus", "iothread", "iothreads", "index", "dev"].includes(
    attribute,
  );
}
