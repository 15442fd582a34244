/**
 * Fields of the usual kinds, optional all: a word, a number, a switch at one place of a device.
 *
 * @module
 */

import { z } from "zod";
import type { Json, JsonObject } from "../../../../provider.ts";
import {
  type Binding,
  type ChangeClass,
  type Field,
  field,
  integer,
  kibibytes,
  text,
} from "../../../table/mod.ts";
import { getElement, getPath, setPath } from "../../../xml/mod.ts";

type Optional<T extends z.ZodType> = Field<z.ZodOptional<T>>;

/** One of some words. */
export function word<const Words extends readonly string[]>(
  path: string,
  words: Words,
  doc: string,
  change: ChangeClass = "restart",
): Optional<z.ZodEnum<{ [Word in Words[number]]: Word }>> {
  return field({
    schema: () => z.enum(words).optional().describe(doc),
    binding: text(path),
    change,
  });
}

/** Any text but the empty one. */
export function words(
  path: string,
  doc: string,
  change: ChangeClass = "restart",
): Optional<z.ZodString> {
  return field({
    schema: () => z.string().min(1).optional().describe(doc),
    binding: text(path),
    change,
  });
}

/** A whole number in bounds. */
export function whole(
  path: string,
  bounds: readonly [min: number, max: number],
  doc: string,
  change: ChangeClass = "restart",
): Optional<z.ZodInt> {
  return field({
    schema: () => z.int().min(bounds[0]).max(bounds[1]).optional().describe(doc),
    binding: integer(path),
    change,
  });
}

/** Bytes at an element with a `unit` attribute, exact to the byte. */
export function byteCount(path: string): Binding {
  const read = kibibytes(path).read;
  return {
    path,
    read: (element) =>
      getPath(element, path) !== undefined && getPath(element, `${path}/@unit`) === undefined
        ? Number(getPath(element, path))
        : read(element),
    write: (element, value) => {
      setPath(element, path, value === undefined ? undefined : `${value}`);
      if (value !== undefined) setPath(element, `${path}/@unit`, "bytes");
    },
  };
}

/** True and false, written as two words in an attribute. */
export function toggle(
  path: string,
  [on, off]: readonly [on: string, off: string],
  doc: string,
  change: ChangeClass = "restart",
): Optional<z.ZodBoolean> {
  return field({
    schema: () => z.boolean().optional().describe(doc),
    binding: {
      path,
      read: (element) => {
        const found = getPath(element, path);
        return found === undefined ? undefined : found === on;
      },
      write: (element, value) =>
        setPath(element, path, value === undefined ? undefined : value ? on : off),
    },
    change,
  });
}

/** Words for {@linkcode toggle}. */
export const ON_OFF = ["on", "off"] as const;
/** Words for {@linkcode toggle}. */
export const YES_NO = ["yes", "no"] as const;

/** True when an empty element stands there: `<readonly/>`. */
export function flag(
  path: string,
  doc: string,
  change: ChangeClass = "restart",
): Optional<z.ZodBoolean> {
  return field({
    schema: () => z.boolean().optional().describe(doc),
    binding: {
      path,
      read: (element) => getElement(element, path) === undefined ? undefined : true,
      write: (element, value) => setPath(element, path, value === true ? "" : undefined),
    },
    change,
    equal: (declared, actual) => declared === (actual ?? false),
  });
}

/** Whether everything that is declared stands in the actual value; more may stand there. */
export function subset(declared: Json, actual: Json | undefined): boolean {
  if (declared === actual) return true;
  if (typeof declared !== "object" || declared === null) return false;
  if (typeof actual !== "object" || actual === null) return false;
  if (Array.isArray(declared) !== Array.isArray(actual)) return false;
  if (Array.isArray(declared)) {
    return declared.length === (actual as readonly Json[]).length &&
      declared.every((item, index) => subset(item, (actual as readonly Json[])[index]));
  }
  return Object.entries(declared).every(([name, value]) =>
    value === undefined || subset(value, (actual as JsonObject)[name])
  );
}

/** Without the members that are undefined; undefined if nothing is left. */
export function compact(
  members: Readonly<Record<string, Json | undefined>>,
): JsonObject | undefined {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries) as JsonObject;
}

/** A binding whose value stands only in elements of one type: reads nothing from another. */
export function onlyIn(type: string, binding: Binding): Binding {
  return {
    path: binding.path,
    read: (device) => device.attributes.get("type") === type ? binding.read(device) : undefined,
    write: (device, value) => {
      if (value !== undefined) device.attributes.set("type", type);
      else if (device.attributes.get("type") !== type) return;
      binding.write(device, value);
    },
  };
}

/** A field that came with a version of libvirt; its schema stays unmade. */
export function since<Made extends Field>(version: string, made: Made): Made {
  return Object.defineProperty(made, "since", { value: version, enumerable: true });
}

/** A field with a value that goes without saying: libvirt does not write it. */
export function unsaid<Made extends Field>(value: Json, made: Made): Made {
  const equal = (declared: Json, actual: Json | undefined) => declared === (actual ?? value);
  return Object.defineProperty(made, "equal", { value: equal, enumerable: true });
}
