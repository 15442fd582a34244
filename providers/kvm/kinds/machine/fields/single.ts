/**
 * Devices of which a machine has one at most: a group of fields at one element. The field that says
 * that it is there goes with its declaration, and takes the whole element with it.
 *
 * @module
 */

import type { Binding } from "../../../table/mod.ts";
import { child, children, remove, type XmlElement } from "../../../xml/mod.ts";

/** Wraps a binding so that writing nothing takes the element `name` out of its parent. */
export function carrying(parent: string, name: string, binding: Binding): Binding {
  return {
    path: binding.path,
    read: binding.read,
    write: (domain: XmlElement, value) => {
      if (value !== undefined) return binding.write(domain, value);
      const owner = parent === "." ? domain : child(domain, parent);
      if (owner === undefined) return;
      for (const item of children(owner, name)) remove(owner, item);
    },
  };
}
