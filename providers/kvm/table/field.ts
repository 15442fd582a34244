/**
 * One declaration a field: its zod type and doc text, where it stands in libvirt's XML, how it
 * compares, how a change is applied. Schema, parser, generator, comparison and reference pages are
 * made from it.
 *
 * A kind's table maps the names of a spec to entries:
 *
 * - a **field** is one value at one place;
 * - a **group** is a nested object, its places relative to the same element;
 * - a **list** is an array of devices, one element each, told apart by name;
 * - **patches** are an array of places that the author names, for what the table does not know.
 *
 * @module
 */

import type { z } from "zod";
import type { Disruption, Json, JsonObject } from "../../provider.ts";
import type { XmlElement } from "../xml/mod.ts";

/** Reads a value from, and writes it into, the element that a table describes. */
export interface Binding {
  /** The place, for people: `./vcpu/@current`. */
  readonly path: string;
  /** Undefined: nothing stands there. */
  read(element: XmlElement): Json | undefined;
  /** Touches nothing but its own place. Undefined removes what stands there. */
  write(element: XmlElement, value: Json | undefined): void;
}

/** What decides how a change is applied, beyond the field itself. */
export interface ChangeContext {
  /** The configuration (inactive XML) as it stands; for a field of a device, its element. */
  readonly config: XmlElement;
  /** The live XML, when the object runs. */
  readonly live?: XmlElement;
  readonly before?: Json;
  readonly after?: Json;
  /** What is declared beside the field: of the same device, or of the object itself. */
  readonly declared?: JsonObject;
}

/** Decides how a change is applied, by the object's state. */
export interface ChangeRule {
  (context: ChangeContext): Disruption;
  /** The rule in words, for reference pages: `live on virtio and scsi, else restart`. */
  readonly when?: string;
}

/** How a change of the field is applied while the object runs. */
export type ChangeClass = Disruption | ChangeRule;

/** A rule with its words. */
export function depends(when: string, rule: (context: ChangeContext) => Disruption): ChangeRule {
  return Object.assign((context: ChangeContext) => rule(context), { when });
}

/** One value at one place. */
export interface Field<Schema extends z.ZodType = z.ZodType> {
  readonly entry: "field";
  /** Type and doc text, as declared. */
  readonly schema: Schema;
  readonly binding: Binding;
  readonly change: ChangeClass;
  /** Whether declared and actual value mean the same; the same JSON value unless given. */
  readonly equal?: (declared: Json, actual: Json | undefined) => boolean;
  readonly format?: "bytes" | "sensitive";
  /** True when the guest decides whether and when a live change is taken: live XML is no proof. */
  readonly guestDecides?: boolean;
  /**
   * True when a value that was declared and is declared no more is removed: it refers to something
   * that goes with its declaration. Other fields stay as they are.
   */
  readonly withdrawn?: boolean;
  /** Least libvirt version, where it is above the least supported one. */
  readonly since?: string;
}

/** A nested object. */
export interface Group<Schema extends z.ZodType = z.ZodType> {
  readonly entry: "group";
  readonly schema: Schema;
  readonly fields: Table;
}

/** An array of devices. */
export interface List<Schema extends z.ZodType = z.ZodType> {
  readonly entry: "list";
  readonly schema: Schema;
  /** The parent of the elements and their name, for people: `./devices/disk`. */
  readonly path: string;
  /** The elements that belong to the list, in document order. */
  select(root: XmlElement): readonly XmlElement[];
  /** The name under which an element is found again; `index` is its place among the selected. */
  nameOf(element: XmlElement, index: number): string;
  /** The name of a declared entry where that is not its `name`: a reservation's MAC address. */
  keyOf?(declared: JsonObject): string;
  /** Whether an element is the declared entry though it does not carry its name (an import). */
  matches?(element: XmlElement, declared: JsonObject): boolean;
  /**
   * True when an entry that is declared no more is taken away only if it carries its name: one that
   * merely matches may be there for the sake of other devices.
   */
  readonly removedByName?: boolean;
  /** True when the elements carry no name of ours: a machine's display, which libvirt knows by its type. */
  readonly nameless?: boolean;
  /**
   * True when libvirt adds entries of its own to a running object: one that its configuration does not have
   * need not be anybody's.
   */
  readonly grows?: boolean;
  /** A new element for a declared entry, put where it belongs. */
  insert(root: XmlElement, declared: JsonObject): XmlElement;
  remove(root: XmlElement, element: XmlElement): void;
  /** How adding and removing an entry is applied. */
  readonly change: ChangeClass;
  readonly fields: Table;
}

/** An array of places that the author names, each with what must stand there. */
export interface Patches<Schema extends z.ZodType = z.ZodType> {
  readonly entry: "patches";
  readonly schema: Schema;
  /** For people. */
  readonly path: string;
  /** What tells one patch from another. */
  keyOf(declared: JsonObject): string;
  /** What is declared, as one value; undefined: nothing may stand there. */
  wanted(declared: JsonObject): Json | undefined;
  /** What stands at the place. */
  read(root: XmlElement, declared: JsonObject): Json | undefined;
  /** Whether what is declared stands there. */
  holds(root: XmlElement, declared: JsonObject): boolean;
  /** Touches nothing but its own place. */
  write(root: XmlElement, declared: JsonObject): void;
  /** How a patch is applied. One that is declared no more stays as it is. */
  readonly change: ChangeClass;
}

/** Entries by the name that they have in a spec, in the order in which they are shown. */
export type Table = Readonly<Record<string, Field | Group | List | Patches>>;

/**
 * A schema, or what makes it when it is first asked for. A machine has some hundreds of fields and
 * a stack declares a dozen: what is not made costs nothing at each plan.
 */
export type SchemaInit<Schema extends z.ZodType> = Schema | (() => Schema);

/** What an entry is made of: all but its kind, its schema made late. */
export type EntryInit<Entry extends { readonly schema: z.ZodType }> =
  & Omit<Entry, "entry" | "schema">
  & { readonly schema: SchemaInit<Entry["schema"]> };

/** A field, its schema's type kept. */
export function field<Schema extends z.ZodType>(init: EntryInit<Field<Schema>>): Field<Schema> {
  return entryOf<Field<Schema>>("field", init);
}

/** A group, its schema's type kept. */
export function group<Schema extends z.ZodType>(init: EntryInit<Group<Schema>>): Group<Schema> {
  return entryOf<Group<Schema>>("group", init);
}

/** A list, its schema's type kept. */
export function list<Schema extends z.ZodType>(init: EntryInit<List<Schema>>): List<Schema> {
  return entryOf<List<Schema>>("list", init);
}

/** Patches, their schema's type kept. */
export function patches<Schema extends z.ZodType>(
  init: EntryInit<Patches<Schema>>,
): Patches<Schema> {
  return entryOf<Patches<Schema>>("patches", init);
}

function entryOf<Entry extends Field | Group | List | Patches>(
  kind: Entry["entry"],
  init: EntryInit<Entry>,
): Entry {
  const { schema } = init;
  let made = typeof schema === "function" ? undefined : schema;
  return {
    ...init,
    entry: kind,
    get schema() {
      return made ??= (schema as () => Entry["schema"])();
    },
  } as unknown as Entry;
}

/** The schemas of a table's entries by name: the shape of a `z.strictObject`. */
export function shapeOf<T extends Readonly<Record<string, { readonly schema: z.ZodType }>>>(
  table: T,
): { -readonly [Name in keyof T]: T[Name]["schema"] } {
  const entries = Object.entries(table).map(([name, entry]) => [name, entry.schema]);
  return Object.fromEntries(entries) as { -readonly [Name in keyof T]: T[Name]["schema"] };
}
