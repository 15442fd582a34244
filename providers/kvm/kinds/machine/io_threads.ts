/**
 * The I/O threads of a domain: a count, and numbers where they are not 1, 2, 3 …
 *
 * @module
 */

import { type Binding, custom } from "../../table/mod.ts";
import {
  children,
  getElement,
  getPath,
  removeElement,
  setPath,
  type XmlElement,
} from "../../xml/mod.ts";

/** Numbers of the I/O threads, ascending. Those that have no element get the lowest free ones. */
export function ioThreadIds(domain: XmlElement): number[] {
  const named = getElement(domain, "./iothreadids");
  const ids = new Set(
    named === undefined
      ? []
      : children(named, "iothread").map((item) => Number(item.attributes.get("id"))),
  );
  const count = Number(getPath(domain, "./iothreads") ?? 0);
  for (let id = 1; ids.size < count; id++) ids.add(id);
  return [...ids].sort((a, b) => a - b);
}

/** Which threads come and go for another count: the highest numbers go, the lowest free ones come. */
export function ioThreadSteps(
  ids: readonly number[],
  count: number,
): { readonly add: number[]; readonly drop: number[] } {
  const add: number[] = [];
  for (let id = 1; ids.length + add.length < count; id++) if (!ids.includes(id)) add.push(id);
  return { add, drop: ids.slice(count).reverse() };
}

/** How many I/O threads there are. */
export const ioThreadCount: Binding = custom(
  "./iothreads",
  (domain) => {
    const ids = ioThreadIds(domain);
    return ids.length === 0 ? undefined : ids.length;
  },
  (domain, value) => {
    const { drop } = ioThreadSteps(ioThreadIds(domain), Number(value ?? 0));
    const named = getElement(domain, "./iothreadids");
    for (const item of named === undefined ? [] : children(named, "iothread")) {
      if (!drop.includes(Number(item.attributes.get("id")))) continue;
      removeElement(domain, "./iothreadids", item);
    }
    setPath(domain, "./iothreads", value === undefined || value === 0 ? undefined : `${value}`);
  },
);
