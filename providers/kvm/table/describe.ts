/**
 * A table as documentation.
 *
 * @module
 */

import { z } from "zod";
import type { FieldDoc } from "../../provider.ts";
import type { ChangeClass, Table } from "./field.ts";

/** One entry a field; the entries of lists have `[]` in their path. */
export function describeTable(table: Table, prefix = ""): FieldDoc[] {
  return Object.entries(table).flatMap(([name, entry]): FieldDoc[] => {
    const path = prefix + name;
    if (entry.entry === "group") return describeTable(entry.fields, `${path}.`);
    const doc = entry.schema.description ?? "";
    const change = changeOf(entry.change);
    if (entry.entry === "list") {
      return [
        { path: `${path}[]`, type: "list", doc, xml: entry.path, ...change },
        ...describeTable(entry.fields, `${path}[].`),
      ];
    }
    if (entry.entry === "patches") {
      const type = typeName(entry.schema);
      return [{ path: `${path}[]`, type, doc, xml: entry.path, ...change }];
    }
    return [{
      path,
      type: entry.format === "bytes" ? sizeName(entry.schema) : typeName(entry.schema),
      doc,
      xml: entry.binding.path,
      ...change,
      ...(entry.since === undefined ? {} : { since: entry.since }),
    }];
  });
}

function changeOf(change: ChangeClass): Pick<FieldDoc, "change" | "when"> {
  if (typeof change === "string") return { change };
  return { change: "varies", ...(change.when === undefined ? {} : { when: change.when }) };
}

/** A size is written as a text or a number of bytes; other words may stand beside. */
function sizeName(schema: z.ZodType): string {
  const others = typeName(schema).split(" | ").filter((one) => one.startsWith('"'));
  return [...others, "size"].join(" | ");
}

/** `integer`, `string`, `"up" | "down"`: a field's type in few words. */
function typeName(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return describe(json);
}

type Json = z.core.JSONSchema.BaseSchema;

function describe(json: Json): string {
  if (json.enum !== undefined) return json.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (json.const !== undefined) return JSON.stringify(json.const);
  const options = json.anyOf ?? json.oneOf ?? json.allOf;
  if (options !== undefined) {
    return [...new Set(options.map((option) => describe(option as Json)))].join(" | ");
  }
  if (json.type === "array") {
    const item = describe((json.items ?? {}) as Json);
    return item.includes(" | ") ? `(${item})[]` : `${item}[]`;
  }
  if (json.type === "object") return describeObject(json);
  if (json.type === "integer" || json.type === "number") return bounded(json);
  return String(json.type ?? "any");
}

function describeObject({ properties, required = [], additionalProperties }: Json): string {
  if (properties === undefined) {
    const value = describe((additionalProperties ?? {}) as Json);
    return `{ [name]: ${value} }`;
  }
  const members = Object.entries(properties).map(([name, member]) =>
    `${name}${required.includes(name) ? "" : "?"}: ${describe(member as Json)}`
  );
  return `{ ${members.join(", ")} }`;
}

/** Bounds that say more than that it is a number of a computer. */
function bounded({ type, minimum, maximum }: Json): string {
  const most = maximum === undefined || Math.abs(maximum) >= 2 ** 31 - 1 ? undefined : maximum;
  const least = minimum === undefined || Math.abs(minimum) >= 2 ** 31 - 1 ? undefined : minimum;
  if (most !== undefined) return `${type} ${least ?? "up"} to ${most}`;
  return least === undefined ? String(type) : `${type} from ${least}`;
}
