/**
 * The border between the table and the escape hatch: no place belongs to both.
 *
 * @module
 */

import type { Table } from "../table/mod.ts";
import {
  children,
  parsePath,
  parseXml,
  textOf,
  type XmlElement,
  type XmlPath,
} from "../xml/mod.ts";

/** An element on the way to a place, and what is known of its attributes. */
interface Station {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string | undefined>;
}

/** A text, an attribute, or an element with all that is in it. */
interface Place {
  readonly stations: readonly Station[];
  readonly attribute?: string;
  readonly whole: boolean;
}

/** A place of the table. */
interface Owned extends Place {
  /** The field's path in a spec. */
  readonly field: string;
}

/** A patch as far as it matters here. */
export interface DeclaredPatch {
  readonly path: string;
  readonly value?: string | null;
  readonly element?: string;
}

/**
 * The field of the table that owns a place that a patch writes; undefined: the patch may stand. Identity
 * is owned too.
 */
export function ownerOfPatch(patch: DeclaredPatch, owned: readonly Owned[]): string | undefined {
  for (const place of placesOf(patch)) {
    const owner = owned.find((other) => overlap(place, other));
    if (owner !== undefined) return owner.field;
  }
  return undefined;
}

/** The places that a table owns, with the names of their fields. */
export function ownedPlaces(table: Table): Owned[] {
  return [...collect(table, ""), { ...place("./uuid", false)!, field: "adopt" }];
}

function* collect(table: Table, prefix: string): Iterable<Owned> {
  for (const [name, entry] of Object.entries(table)) {
    const field = prefix + name;
    if (entry.entry === "group") yield* collect(entry.fields, `${field}.`);
    else if (entry.entry !== "patches") {
      const path = entry.entry === "list" ? entry.path : entry.binding.path;
      const found = place(path, entry.entry === "list");
      if (found !== undefined) yield { ...found, field };
    }
  }
}

/** Undefined for what is no place in the XML: policy, state kept elsewhere. */
function place(path: string, list: boolean): Place | undefined {
  if (!path.startsWith("./")) return undefined;
  let steps: XmlPath;
  try {
    steps = parsePath(path);
  } catch {
    return undefined;
  }
  const { attribute } = steps;
  const stations = steps.steps.map(({ name, attribute, value }): Station => ({
    name,
    attributes: new Map(attribute === undefined ? [] : [[attribute, value]]),
  }));
  // A field whose place is a device, such as the console, stands for all of it.
  const device = attribute === undefined && stations[0]?.name === "devices" && stations.length > 1;
  return { stations, ...(attribute === undefined ? {} : { attribute }), whole: list || device };
}

function placesOf(patch: DeclaredPatch): Place[] {
  const at = place(patch.path, false);
  if (at === undefined) return [];
  if (patch.value === null) return [{ ...at, whole: at.attribute === undefined }];
  if (patch.element === undefined) return [{ ...at, whole: false }];
  const element = parsed(patch.element);
  return element === undefined ? [] : [...leaves(element, at.stations.slice(0, -1))];
}

/** Undefined for what is no XML: the schema of a patch says that itself. */
function parsed(xml: string): XmlElement | undefined {
  try {
    return parseXml(xml);
  } catch {
    return undefined;
  }
}

function* leaves(element: XmlElement, above: readonly Station[]): Iterable<Place> {
  const stations = [...above, { name: element.name, attributes: element.attributes }];
  const inside = children(element);
  for (const attribute of element.attributes.keys()) yield { stations, attribute, whole: false };
  if (textOf(element).trim() !== "" || (inside.length === 0 && element.attributes.size === 0)) {
    yield { stations, whole: false };
  }
  for (const child of inside) yield* leaves(child, stations);
}

function overlap(a: Place, b: Place): boolean {
  const [short, long] = a.stations.length <= b.stations.length ? [a, b] : [b, a];
  for (const [index, station] of short.stations.entries()) {
    if (!mayBeOne(station, long.stations[index]!)) return false;
  }
  if (short.stations.length < long.stations.length) return short.whole;
  return a.whole || b.whole || a.attribute === b.attribute;
}

/** Two stations are of one element unless their names or an attribute tell them apart. */
function mayBeOne(a: Station, b: Station): boolean {
  if (a.name !== b.name) return false;
  for (const [name, value] of a.attributes) {
    const other = b.attributes.get(name);
    if (other !== undefined && value !== undefined && other !== value) return false;
  }
  return true;
}
