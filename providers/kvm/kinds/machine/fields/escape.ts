/**
 * What the table lacks: places in the domain's XML that the author names, with what must stand there.
 *
 * Only what a patch says is owned: an element keeps every attribute and child that the patch does not
 * mention. A patch that is declared no more leaves its place as it is; `value: null` clears it.
 *
 * @module
 */

import { z } from "zod";
import type { JsonObject } from "../../../../provider.ts";
import { patches, type Table } from "../../../table/mod.ts";
import { type DeclaredPatch, ownedPlaces, ownerOfPatch } from "../escape_check.ts";
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
} from "../../../xml/mod.ts";

type Owned = ReturnType<typeof ownedPlaces>[number];

/** Namespaces that libvirt knows in a domain, by the prefix that it writes them with. */
const NAMESPACES: Readonly<Record<string, string>> = {
  qemu: "http://libvirt.org/schemas/domain/qemu/1.0",
};

/** A patch as it is declared. */
interface Patch {
  readonly path: string;
  readonly value?: string | null;
  readonly element?: string;
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

const patch = z.strictObject({
  path: z.string().describe(
    "Place in libvirt's XML: `./memory/@dumpCore`, `./bootloader`, " +
      "`./keywrap/cipher[@name='aes']`.",
  ),
  value: z.union([z.string(), z.number().transform(String), z.null()], {
    error: "must be a text, a number, or null for nothing",
  }).optional()
    .describe("Text or attribute that must stand there; null: nothing may."),
  element: z.string().optional()
    .describe("Element that must stand there, as XML; what it does not mention stays."),
}).superRefine((declared, context) => {
  const refuse = (field: string, message: string) =>
    context.addIssue({ code: "custom", path: [field], message });
  const path = attempted(() => parsePath(declared.path));
  if (path === undefined) {
    refuse("path", "must be a place such as ./os/bios/@useserial or ./devices/hub[@type='usb']");
    return;
  }
  if (path.steps.length === 0 && path.attribute === undefined) {
    refuse("path", "is the whole of it: name a place inside");
  }
  if ((declared.value === undefined) === (declared.element === undefined)) {
    refuse("path", "needs either a value or an element");
    return;
  }
  if (declared.element === undefined) return;
  const element = elementOf(declared);
  const last = path.steps.at(-1);
  if (element === undefined) refuse("element", "must be one well-formed XML element");
  else if (path.attribute !== undefined || last === undefined) {
    refuse("element", "cannot stand at an attribute: give a value");
  } else if (element.name !== last.name) {
    refuse("element", `is <${element.name}>, and the path leads to <${last.name}>`);
  } else if (
    last.attribute !== undefined && element.attributes.get(last.attribute) !== last.value
  ) {
    refuse("element", `must have ${last.attribute}='${last.value}', as its path says`);
  }
});

function refuseTwice(
  declared: readonly { readonly path: string }[],
  context: z.RefinementCtx,
): void {
  const seen = new Set<string>();
  for (const [index, { path }] of declared.entries()) {
    if (seen.has(path)) {
      context.addIssue({ code: "custom", path: [index, "path"], message: `${path} stands twice` });
    }
    seen.add(path);
  }
}

function patchOf(declared: JsonObject): Patch {
  return declared as unknown as Patch;
}

function declareNamespaces(domain: XmlElement, { steps }: XmlPath): void {
  for (const { name } of steps) {
    const [prefix] = name.includes(":") ? name.split(":") : [];
    const uri = prefix === undefined ? undefined : NAMESPACES[prefix];
    if (uri !== undefined) domain.attributes.set(`xmlns:${prefix}`, uri);
  }
}

/** The element as it stands, in one line without the white space between its tags. */
function compact(found: XmlElement): string {
  const copy = cloneXml(found);
  return serializeXml(copy).trim().replace(/>\s+</g, "><");
}

/** Patches of an element: the machine's, or that of one device. */
function hatch(doc: string) {
  return patches({
    schema: () => z.array(patch).superRefine(refuseTwice).optional().describe(doc),
    path: ".",
    keyOf: (declared) => String(declared.path),
    wanted: (declared) => {
      const { value, element } = patchOf(declared);
      return element === undefined ? value ?? undefined : element.trim().replace(/>\s+</g, "><");
    },
    read: (domain, declared) => {
      const { path, value } = patchOf(declared);
      const leaf = typeof value === "string" || path.includes("/@");
      if (leaf && parsePath(path).attribute !== undefined) return getPath(domain, path);
      if (typeof value === "string") return getPath(domain, path);
      const found = getElement(domain, path);
      return found && compact(found);
    },
    holds: (domain, declared) => {
      const { path, value } = patchOf(declared);
      if (value !== undefined) return (getPath(domain, path) ?? null) === value;
      const found = getElement(domain, path);
      return found !== undefined && containsElement(found, elementOf(patchOf(declared))!);
    },
    write: (domain, declared) => {
      const { path, value } = patchOf(declared);
      if (value !== undefined) {
        if (value !== null) declareNamespaces(domain, parsePath(path));
        setPath(domain, path, value ?? undefined);
        return;
      }
      declareNamespaces(domain, parsePath(path));
      mergeElement(ensureElement(domain, path), elementOf(patchOf(declared))!);
    },
    change: "restart",
  });
}

/** The machine's escape hatch. */
export const escape = {
  xml: hatch(
    "What no other field says: places in libvirt's XML and what must stand there. A place that " +
      "another field owns is refused.",
  ),
} satisfies Table;

/** A device's escape hatch. */
export const deviceXml = {
  xml: hatch(
    "What no other field of the device says: places in its XML, from the device on, and what must " +
      "stand there. A place that another field owns is refused.",
  ),
} satisfies Table;

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
