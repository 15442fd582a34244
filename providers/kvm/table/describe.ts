/**
 * A table as documentation.
 *
 * @module
 */

import { z } from "zod";
import type { FieldDoc } from "../../provider.ts";
import type { Table } from "./field.ts";

/** One entry a field; the entries of lists have `[]` in their path. */
export function describeTable(table: Table, prefix = ""): FieldDoc[] {
  return Object.entries(table).flatMap(([name, entry]): FieldDoc[] => {
    const path = prefix + name;
    if (entry.entry === "group") return describeTable(entry.fields, `${path}.`);
    const common = {
      type: typeName(entry.schema),
      doc: entry.schema.description ?? "",
      change: typeof entry.change === "function" ? "varies" as const : entry.change,
    };
    if (entry.entry === "list") {
      return [
        { ...common, path: `${path}[]`, type: "list", xml: entry.path },
        ...describeTable(entry.fields, `${path}[].`),
      ];
    }
    if (entry.entry === "patches") {
      return [{ ...common, path: `${path}[]`, type: "list", xml: entry.path }];
    }
    const since = entry.since === undefined ? {} : { since: entry.since };
    return [{ ...common, path, xml: entry.binding.path, ...since }];
  });
}

/** `integer`, `string`, `"up" | "down"`: a field's type in few words. */
function typeName(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return describe(json);
}

function describe(json: z.core.JSONSchema.BaseSchema): string {
  if (json.enum !== undefined) return json.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (json.const !== undefined) return JSON.stringify(json.const);
  const options = json.anyOf ?? json.oneOf;
  if (options !== undefined) {
    return options.map((option) => describe(option as z.core.JSONSchema.BaseSchema)).join(" | ");
  }
  return String(json.type ?? "any");
}
