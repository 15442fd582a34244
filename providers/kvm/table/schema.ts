/**
 * The schema of a whole table.
 *
 * @module
 */

import { z } from "zod";
import type { Table } from "./field.ts";

type Declared = Readonly<Record<string, { readonly schema: z.ZodType }>>;
type Shape<T extends Declared> = { -readonly [Name in keyof T]: T[Name]["schema"] };

/** A table's declared object, and what it is normalised to. */
export type TableSchema<T extends Declared> = z.ZodType<
  z.output<z.ZodObject<Shape<T>, z.core.$strict>>,
  z.input<z.ZodObject<Shape<T>, z.core.$strict>>
>;

/**
 * Validates what a table describes, strictly, making the schemas of those fields alone that are
 * declared or `required`.
 */
export function tableSchema<T extends Table>(
  table: T,
  options: {
    readonly required: readonly (keyof T & string)[];
    /** What spans fields; called when each field by itself is right. */
    readonly refine?: (
      value: z.output<TableSchema<T>>,
      context: z.core.$RefinementCtx<unknown>,
    ) => void;
  },
): TableSchema<T> {
  const anything = z.unknown();
  // As an object schema would have it, for who asks which fields there are.
  Object.defineProperty(anything._zod.def, "shape", { value: lazyShape(table) });
  const schema = anything.transform((input, context) => {
    if (typeof input !== "object" || input === null || Array.isArray(input)) {
      context.addIssue({ code: "invalid_type", expected: "object", input });
      return z.NEVER;
    }
    const declared = input as Readonly<Record<string, unknown>>;
    const keys = Object.keys(declared).filter((key) => !Object.hasOwn(table, key));
    if (keys.length > 0) {
      context.addIssue({ code: "unrecognized_keys", keys, input: { ...declared } });
    }
    const result: Record<string, unknown> = {};
    for (const [name, { schema }] of present(table, declared, options.required)) {
      const parsed = schema.safeParse(declared[name]);
      if (parsed.success) {
        if (parsed.data !== undefined) result[name] = parsed.data;
        continue;
      }
      for (const issue of parsed.error.issues) {
        context.issues.push({ ...issue, path: [name, ...issue.path] } as z.core.$ZodRawIssue);
      }
    }
    if (context.issues.length > 0) return z.NEVER;
    options.refine?.(result as z.output<TableSchema<T>>, context);
    return result;
  });
  return schema as unknown as TableSchema<T>;
}

function lazyShape(table: Table): Readonly<Record<string, z.ZodType>> {
  const names = Object.keys(table).map((name) =>
    [name, { enumerable: true, get: () => table[name]!.schema }] as const
  );
  return Object.defineProperties({}, Object.fromEntries(names));
}

function* present(
  table: Table,
  declared: Readonly<Record<string, unknown>>,
  required: readonly string[],
): Iterable<[name: string, entry: Table[string]]> {
  for (const [name, entry] of Object.entries(table)) {
    if (declared[name] !== undefined || required.includes(name)) yield [name, entry];
  }
}
