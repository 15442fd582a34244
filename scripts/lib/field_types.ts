/**
 * The types of a machine's fields, written from its table.
 *
 * A stack's author could be given what zod infers, but then each check of a stack would infer it
 * anew from every file of the table: seconds for what is read in milliseconds where it is written out.
 *
 *     deno task types
 *
 * @module
 */

import type { z } from "zod";
import { machineTable } from "../../providers/kvm/kinds/machine/table.ts";
import type { List, Table } from "../../providers/kvm/table/mod.ts";

/** The file that holds them. */
export const fieldTypesFile: string = new URL(
  "../../stacks/types/machine_fields.ts",
  import.meta.url,
).pathname;

const head = `/**
 * The fields of a machine as a topology has them.
 *
 * Written by \`deno task types\` from the machine's table: do not edit.
 *
 * @module
 */`;

/** The text of the file, in the form that \`deno fmt\` gives it. */
export function fieldTypes(): Promise<string> {
  const named: string[] = [];
  const members = Object.entries(machineTable as Table).map(([field, entry]) => {
    const { type, optional, doc } = open(entry.schema);
    const name = entry.entry === "list" || type._zod.def.type === "object"
      ? interfaceName(field, entry.entry === "list")
      : undefined;
    if (name === undefined) return member(field, typeOf(type), optional, doc);
    const object = entry.entry === "list" ? elementOf(entry, type) : type;
    const about = entry.entry === "list" ? `One of a machine's \`${field}\`.` : doc;
    const fields = "fields" in entry ? entry.fields : {};
    named.push(`${comment(about)}export interface ${name} ${typeOf(object, fields)}`);
    return member(field, entry.entry === "list" ? `readonly ${name}[]` : name, optional, doc);
  });
  const whole = `/** Every field of a machine. */\nexport interface MachineFields {${
    members.join("")
  }}`;
  return formatted([head, whole, ...named].join("\n\n") + "\n");
}

type Definition = z.core.$ZodTypeDef & {
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly in?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly options?: readonly z.ZodType[];
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, string | number>>;
  readonly keyType?: z.ZodType;
  readonly valueType?: z.ZodType;
};

function definition(schema: z.ZodType): Definition {
  return schema._zod.def as Definition;
}

/** A schema without what makes it optional, and with the doc text that stands on either. */
function open(
  schema: z.ZodType,
): { readonly type: z.ZodType; readonly optional: boolean; readonly doc: string | undefined } {
  const { type, innerType, in: input } = definition(schema);
  const doc = schema.description;
  if (type === "optional") {
    const inner = open(innerType!);
    return { type: inner.type, optional: true, doc: doc ?? inner.doc };
  }
  if (type === "pipe") {
    // What is written goes in; what comes out is the planner's.
    const inner = open(input!);
    return { ...inner, doc: doc ?? inner.doc };
  }
  return { type: schema, optional: false, doc };
}

function elementOf(list: List, schema: z.ZodType): z.ZodType {
  const { element } = definition(schema);
  if (element === undefined) throw new Error(`the list at ${list.path} is no array`);
  return open(element).type;
}

/** `disks` has entries of `DiskFields`. */
function interfaceName(field: string, list: boolean): string {
  const one = list ? field.replace(/ies$/, "y").replace(/s$/, "") : field;
  return `${one[0]!.toUpperCase()}${one.slice(1)}Fields`;
}

function member(name: string, type: string, optional: boolean, doc: string | undefined): string {
  return `\n${comment(doc)}readonly ${name}${optional ? "?" : ""}: ${type};`;
}

function comment(doc: string | undefined): string {
  if (doc === undefined || doc === "") return "";
  const text = doc.replaceAll("*/", "*\\/");
  if (text.length <= 88) return `/** ${text} */\n`;
  const lines = text.replaceAll(/(.{1,88})(?: |$)/g, " * $1\n");
  return `/**\n${lines} */\n`;
}

/** @param fields Entries of an object that the table knows: their doc texts count where it has none. */
function typeOf(schema: z.ZodType, fields: Table = {}): string {
  const inner = open(schema).type;
  const def = definition(inner);
  switch (def.type) {
    case "string":
    case "number":
    case "boolean":
    case "null":
    case "unknown":
      return def.type;
    case "enum":
      return Object.values(def.entries!).map((value) => JSON.stringify(value)).join(" | ");
    case "literal":
      return def.values!.map((value) => JSON.stringify(value)).join(" | ");
    case "union":
      return def.options!.map((option) => typeOf(option)).join(" | ");
    case "array": {
      const element = typeOf(def.element!);
      return `readonly ${element.includes("|") ? `(${element})` : element}[]`;
    }
    case "record":
      return `{ readonly [key: ${typeOf(def.keyType!)}]: ${typeOf(def.valueType!)} }`;
    case "object": {
      const members = Object.entries(def.shape!).map(([name, field]) => {
        const { type, optional, doc } = open(field);
        return member(name, typeOf(type), optional, doc ?? fields[name]?.schema.description);
      });
      return `{${members.join("")}}`;
    }
    default:
      throw new Error(`no type is known for zod's ${def.type}: add it here`);
  }
}

async function formatted(text: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "--ext=ts", "--line-width=100", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout } = await child.output();
  if (!success) throw new Error("deno fmt does not take the types that were written");
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) await Deno.writeTextFile(fieldTypesFile, await fieldTypes());
