/**
 * Lists that are no devices: features, timers, cells, pins. Each entry is an element that one
 * attribute tells from its likes.
 *
 * @module
 */

import type { z } from "zod";
import {
  type ChangeClass,
  type List,
  list,
  type SchemaInit,
  type Table,
} from "../../../table/mod.ts";
import {
  append,
  element,
  ensureElement,
  getElements,
  removeElement,
  type XmlElement,
} from "../../../xml/mod.ts";

/** Where the entries of a list stand. */
export interface Entries<Schema extends z.ZodType> {
  readonly schema: SchemaInit<Schema>;
  /** The element that holds them: `./cpu`. */
  readonly parent: string;
  /** The name of an entry's element. */
  readonly element: string;
  /** The attribute that tells entries apart. */
  readonly attribute: string;
  /** The member that holds it in a spec. */
  readonly key: string;
  readonly change?: ChangeClass;
  /** See the list's own. */
  readonly grows?: boolean;
  readonly fields: Table;
}

/** A list of elements that one attribute tells apart. */
export function entries<Schema extends z.ZodType>(init: Entries<Schema>): List<Schema> {
  const { schema, parent, attribute, key, change = "restart", grows = false, fields } = init;
  const path = `${parent}/${init.element}`;
  return list({
    schema,
    path,
    select: (root: XmlElement) => getElements(root, path),
    nameOf: (entry) => entry.attributes.get(attribute) ?? "",
    keyOf: (declared) => String(declared[key]),
    insert: (root, declared) => {
      const made = element(init.element, { [attribute]: String(declared[key]) });
      append(ensureElement(root, parent), made, init.element);
      return made;
    },
    remove: (root, entry) => {
      removeElement(root, parent, entry);
    },
    change,
    grows,
    fields,
  });
}

/** Refuses a list in which a key stands twice. */
export function distinctBy<Key extends string>(
  key: Key,
): (entries: readonly Readonly<Record<Key, unknown>>[], context: z.RefinementCtx) => void {
  return (list, context) => {
    const seen = new Set<unknown>();
    for (const [index, entry] of list.entries()) {
      if (seen.has(entry[key])) {
        const message = `${JSON.stringify(entry[key])} stands twice`;
        context.addIssue({ code: "custom", path: [index, key], message });
      }
      seen.add(entry[key]);
    }
  };
}
