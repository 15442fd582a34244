/**
 * How values of a spec are written for people: sizes as `2 GiB`, secrets not at all, list entries
 * by their names.
 *
 * @module
 */

import type { FieldChange, Json, JsonObject } from "../../providers/provider.ts";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** A size in bytes as people write it, never rounded: the largest unit that leaves it whole. */
export function formatBytes(bytes: number): string {
  for (let power = UNITS.length - 1; power > 0; power--) {
    if (bytes !== 0 && bytes % 1024 ** power === 0) {
      return `${bytes / 1024 ** power} ${UNITS[power]}`;
    }
  }
  return `${bytes} B`;
}

/** Shown in place of a secret. */
export const SENSITIVE = "(sensitive value)";

/** One value on one line. */
export function formatValue(value: Json | undefined, format?: FieldChange["format"]): string {
  if (value === undefined) return "(none)";
  if (format === "sensitive") return SENSITIVE;
  if (value === null) return "null";
  if (typeof value === "number") return format === "bytes" ? formatBytes(value) : String(value);
  if (typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) {
    return `[${value.map((entry) => formatValue(entry, format)).join(", ")}]`;
  }
  const entries = Object.entries(value as JsonObject).filter(([, entry]) => entry !== undefined);
  if (entries.length === 0) return "{}";
  return `{ ${
    entries.map(([key, entry]) => `${key}: ${formatValue(entry, formatOf(key, format))}`).join(", ")
  } }`;
}

/** Fields that hold bytes in every kind; a change says so itself, a whole spec cannot. */
const BYTE_FIELDS: ReadonlySet<string> = new Set(["memory", "maxMemory", "capacity", "size"]);

function formatOf(key: string, inherited?: FieldChange["format"]): FieldChange["format"] {
  return inherited ?? (BYTE_FIELDS.has(key) ? "bytes" : undefined);
}

/** A field of a spec, ready to print. */
export interface Row {
  /** Path in the spec, as a field change writes it: `nics[nic0]`, `dns.hosts[10.0.0.2]`. */
  readonly path: string;
  readonly text: string;
  /** Lines of a text with several lines, to be printed below. */
  readonly lines?: readonly string[];
}

/** Longest value that stays on one line; a longer object is printed field by field. */
const INLINE = 88;

/** Every field of a spec, in its own order; list entries by name. */
export function rows(spec: JsonObject, prefix = ""): Row[] {
  return Object.entries(spec).flatMap(([key, value]) =>
    value === undefined ? [] : row(prefix === "" ? key : `${prefix}.${key}`, key, value)
  );
}

function row(path: string, key: string, value: Json): Row[] {
  if (typeof value === "string" && value.includes("\n")) {
    const lines = value.replace(/\n$/, "").split("\n");
    return [{ path, text: `(${lines.length} lines)`, lines }];
  }
  if (Array.isArray(value)) {
    if (value.length > 0 && value.every(isObject)) {
      return value.flatMap((entry: Json, index) =>
        objectRow(`${path}[${entryName(entry as JsonObject, index)}]`, entry as JsonObject, true)
      );
    }
    return [{ path, text: formatValue(value) }];
  }
  if (isObject(value)) return objectRow(path, value, false);
  return [{ path, text: formatValue(value, formatOf(key)) }];
}

/** An object that fits on one line stays on it; its name stands in the path already. */
function objectRow(path: string, value: JsonObject, named: boolean): Row[] {
  const { name: _name, ...rest } = value;
  const shown = named && typeof value.name === "string" ? rest : value;
  const flat = named || Object.values(shown).every(isFlat);
  const text = formatValue(shown);
  if (flat && text.length <= INLINE && !text.includes("\\n")) return [{ path, text }];
  return rows(shown, path);
}

function isFlat(value: Json | undefined): boolean {
  return Array.isArray(value) ? !value.some(isObject) : !isObject(value);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The name by which a list's entry is known: the one that field changes use too. */
function entryName(entry: JsonObject, index: number): string {
  for (const key of ["name", "mac", "ip"]) {
    const value = entry[key];
    if (typeof value === "string" && value !== "") return value;
  }
  return String(index);
}
