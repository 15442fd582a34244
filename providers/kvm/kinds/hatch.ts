/**
 * What a table lacks: places in libvirt's XML that the author names, with what must stand there.
 *
 * Only what a patch says is owned: an element keeps every attribute and child that the patch does not
 * mention. A patch that is declared no more leaves its place as it is; `value: null` clears it.
 *
 * @module
 */

import { z } from "zod";
import type { JsonObject } from "../../provider.ts";
import { patches, type Table } from "../table/mod.ts";
import { patchSchema, refuseTwice } from "./patch.ts";
import { type DeclaredPatch, ownedPlaces, ownerOfPatch } from "./hatch_places.ts";
import {
  cloneXml,
  containsElement,
  ensureElement,
  getElement,
  getPath,
  mergeElement,
  parsePath,
  parseXml,
  serializeXml,
  setPath,
  type XmlElement,
  type XmlPath,
} from "../xml/mod.ts";

type Owned = ReturnType<typeof ownedPlaces>[number];

/** Namespaces that libvirt knows, by the prefix that it writes them with. */
const NAMESPACES: Readonly<Record<string, string>> = {
  dnsmasq: "http://libvirt.org/schemas/network/dnsmasq/1.0",
  qemu: "http://libvirt.org/schemas/domain/qemu/1.0",
};

/** A patch as it is declared. */
export interface Patch {
  readonly path: string;
  readonly value?: string | null | undefined;
  readonly element?: string | undefined;
}

function attempted<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

function elementOf(patch: Patch): XmlElement | undefined {
  if (patch.element === undefined) return undefined;
  const { element } = patch;
  return attempted(() => parseXml(element));
}

/** What is wrong with a patch, by its member; what another field owns is told apart from that. */
export function* faultsOfPatch(
  declared: Patch,
): Iterable<readonly [member: string, message: string]> {
  const path = attempted(() => parsePath(declared.path));
  if (path === undefined) {
    yield ["path", "must be a place such as ./os/bios/@useserial or ./devices/hub[@type='usb']"];
    return;
  }
  if (path.steps.length === 0 && path.attribute === undefined) {
    yield ["path", "is the whole of it: name a place inside"];
  }
  if (declared.element === undefined || declared.value !== undefined) return;
  const element = elementOf(declared);
  const last = path.steps.at(-1);
  if (element === undefined) yield ["element", "must be one well-formed XML element"];
  else if (path.attribute !== undefined || last === undefined) {
    yield ["element", "cannot stand at an attribute: give a value"];
  } else if (element.name !== last.name) {
    yield ["element", `is <${element.name}>, and the path leads to <${last.name}>`];
  } else if (
    last.attribute !== undefined && element.attributes.get(last.attribute) !== last.value
  ) {
    yield ["element", `must have ${last.attribute}='${last.value}', as its path says`];
  }
}

const patch = patchSchema.superRefine((declared, context) => {
  for (const [field, message] of faultsOfPatch(declared)) {
    context.addIssue({ code: "custom", path: [field], message });
  }
});

function patchOf(declared: JsonObject): Patch {
  return declared as unknown as Patch;
}

function declareNamespaces(root: XmlElement, { steps }: XmlPath): void {
  for (const { name } of steps) {
    const [prefix] = name.includes(":") ? name.split(":") : [];
    const uri = prefix === undefined ? undefined : NAMESPACES[prefix];
    if (uri !== undefined) root.attributes.set(`xmlns:${prefix}`, uri);
  }
}

/** The element as it stands, in one line without the white space between its tags. */
function compact(found: XmlElement): string {
  const copy = cloneXml(found);
  return serializeXml(copy).trim().replace(/>\s+</g, "><");
}

/** Patches with everything that can be told of them. */
export function patchList(doc: string) {
  return z.array(patch).superRefine(refuseTwice).optional().describe(doc);
}

/** Patches of an element: an object's, or that of one device. */
export function hatch<Schema extends z.ZodType>(schema: () => Schema) {
  return patches({
    schema,
    path: ".",
    keyOf: (declared) => String(declared.path),
    wanted: (declared) => {
      const { value, element } = patchOf(declared);
      return element === undefined ? value ?? undefined : element.trim().replace(/>\s+</g, "><");
    },
    read: (root, declared) => {
      const { path, value } = patchOf(declared);
      const leaf = typeof value === "string" || path.includes("/@");
      if (leaf && parsePath(path).attribute !== undefined) return getPath(root, path);
      if (typeof value === "string") return getPath(root, path);
      const found = getElement(root, path);
      return found && compact(found);
    },
    holds: (root, declared) => {
      const { path, value } = patchOf(declared);
      if (value !== undefined) return (getPath(root, path) ?? null) === value;
      const found = getElement(root, path);
      const wanted = elementOf(patchOf(declared));
      return found !== undefined && wanted !== undefined && containsElement(found, wanted);
    },
    write: (root, declared) => {
      const { path, value } = patchOf(declared);
      if (value !== undefined) {
        if (value !== null) declareNamespaces(root, parsePath(path));
        setPath(root, path, value ?? undefined);
        return;
      }
      declareNamespaces(root, parsePath(path));
      mergeElement(ensureElement(root, path), elementOf(patchOf(declared))!);
    },
    change: "restart",
  });
}

const byTable = new WeakMap<Table, readonly Owned[]>();

/** Refuses patches of devices that write what a field of the device owns. */
export function refuseOwned(
  fields: Table,
  entries: readonly unknown[],
  context: z.RefinementCtx,
): void {
  for (const [index, entry] of entries.entries()) {
    const { xml } = entry as { readonly xml?: readonly DeclaredPatch[] };
    for (const [place, patch] of (xml ?? []).entries()) {
      let owned = byTable.get(fields);
      if (owned === undefined) byTable.set(fields, owned = ownedPlaces(fields));
      const owner = ownerOfPatch(patch, owned);
      if (owner === undefined || owner === "adopt") continue;
      context.addIssue({
        code: "custom",
        path: [index, "xml", place, "path"],
        message: `${patch.path} belongs to the field "${owner}": declare that instead`,
      });
    }
  }
}
