/**
 * The usual places of a value: an element's text, an attribute, a size with its unit.
 *
 * @module
 */

import type { Json } from "../../provider.ts";
import { child, getPath, setPath, type XmlElement } from "../xml/mod.ts";
import type { Binding } from "./field.ts";

/** Text at a path: an element's text (`./title`) or an attribute (`./vcpu/@current`). */
export function text(path: string): Binding {
  return {
    path,
    read: (element) => getPath(element, path),
    write: (element, value) => setPath(element, path, value === undefined ? undefined : `${value}`),
  };
}

/** A whole number at a path. */
export function integer(path: string): Binding {
  return {
    ...text(path),
    read: (element) => {
      const found = getPath(element, path);
      return found === undefined ? undefined : Number(found);
    },
  };
}

/** Libvirt's units of memory; `k`, `KB` and the like are read too, for XML by other hands. */
const UNIT: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  B: 1,
  KB: 1e3,
  k: 1024,
  KiB: 1024,
  MB: 1e6,
  M: 1024 ** 2,
  MiB: 1024 ** 2,
  GB: 1e9,
  G: 1024 ** 3,
  GiB: 1024 ** 3,
  TB: 1e12,
  T: 1024 ** 4,
  TiB: 1024 ** 4,
};

/** Bytes at an element with a `unit` attribute; written in KiB, as libvirt formats memory. */
export function kibibytes(path: string): Binding {
  const unitPath = `${path}/@unit`;
  return {
    path,
    read: (element) => {
      const found = getPath(element, path);
      if (found === undefined) return undefined;
      return Number(found) * (UNIT[getPath(element, unitPath) ?? "KiB"] ?? 1024);
    },
    write: (element, value) => {
      if (value === undefined) return setPath(element, path, undefined);
      setPath(element, path, `${Math.ceil(Number(value) / 1024)}`);
      setPath(element, unitPath, "KiB");
    },
  };
}

/** A value that is no part of the XML: policy, or state that the host keeps elsewhere. */
export function elsewhere(where: string): Binding {
  return { path: where, read: () => undefined, write: () => {} };
}

/** Reads and writes by functions of its own; `path` is for people. */
export function custom(
  path: string,
  read: (element: XmlElement) => Json | undefined,
  write: (element: XmlElement, value: Json | undefined) => void,
): Binding {
  return { path, read, write };
}

/** The `name` in a device's user alias `ua-<name>`, if it carries one. */
export function aliasName(device: XmlElement): string | undefined {
  const alias = child(device, "alias")?.attributes.get("name");
  return alias?.startsWith("ua-") ? alias.slice(3) : undefined;
}
