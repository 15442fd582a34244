/**
 * A draft as TypeScript, laid out as `deno fmt` lays it out.
 *
 * @module
 */

import { type Declaration, type Draft, type DraftValue, isReference } from "./draft.ts";

/** Columns that `deno fmt` fills unless it is told otherwise. */
const WIDTH = 80;

/** The text of a stack file. */
export function writeStack(draft: Draft): string {
  const { host } = draft;
  const lines = [
    ...comment(draft.comments ?? [], ""),
    ...(draft.comments === undefined || draft.comments.length === 0 ? [] : [""]),
    `import { stack } from "staddle";`,
    "",
    `export default stack(${quoted(draft.name)}, (s) => {`,
    `  const ${host.name} = ${
      call(`s.host`, quoted(host.name), { uri: host.uri }, `  const ${host.name} = `.length, "  ")
    };`,
  ];
  const referred = new Set(draft.declarations.flatMap(({ options }) => variablesIn(options)));
  let before: string | undefined;
  for (const declaration of draft.declarations) {
    const short = declaration.call !== "vm" && before !== undefined && before !== "vm";
    if (!short) lines.push("");
    lines.push(...declared(declaration, host.name, referred));
    before = declaration.call;
  }
  lines.push("});");
  return `${lines.join("\n")}\n`;
}

/** Variables that a value refers to. */
function variablesIn(value: DraftValue): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (isReference(value)) return [value.$variable];
  return Object.values(value as Record<string, DraftValue>).flatMap(variablesIn);
}

function declared(
  declaration: Declaration,
  host: string,
  referred: ReadonlySet<string>,
): string[] {
  const { call: method, name, options, variable, comments } = declaration;
  // What nothing refers to needs no name: a linter would find it unused.
  const head = variable === undefined || !referred.has(variable) ? "  " : `  const ${variable} = `;
  const text = call(`${host}.${method}`, quoted(name), options, head.length, "  ");
  return [...comment(comments ?? [], "  "), `${head}${text};`];
}

function comment(lines: readonly string[], indent: string): string[] {
  const width = WIDTH - indent.length - 3;
  return lines.flatMap((line) => {
    const folded: string[] = [""];
    for (const word of line.replace(/\s+/g, " ").split(" ")) {
      const last = folded[folded.length - 1]!;
      if (last !== "" && last.length + 1 + word.length > width) folded.push(word);
      else folded[folded.length - 1] = last === "" ? word : `${last} ${word}`;
    }
    return folded.map((text) => `${indent}// ${text}`.trimEnd());
  });
}

/** A call with a name and an object; `column` is where it begins, `indent` that of its line. */
function call(
  callee: string,
  name: string,
  options: Readonly<Record<string, DraftValue>>,
  column: number,
  indent: string,
): string {
  if (Object.keys(options).length === 0) return `${callee}(${name})`;
  const flat = `${callee}(${name}, ${inline(options)})`;
  // Only what is small stands in one line: a machine is easier to read field by field.
  const small = Object.values(options).every((value) => typeof value !== "object" || isRef(value));
  if (small && !callee.endsWith(".vm") && column + flat.length + 1 <= WIDTH) return flat;
  return `${callee}(${name}, ${block(options, indent)})`;
}

function isRef(value: DraftValue): boolean {
  return value !== null && isReference(value);
}

/** A value; `column` is where it begins, `indent` that of its line, `tail` what must follow it. */
function layout(value: DraftValue, column: number, indent: string, tail: number): string {
  const flat = inline(value);
  if (!isStructure(value) || column + flat.length + tail <= WIDTH) return flat;
  if (!Array.isArray(value)) return block(value as Readonly<Record<string, DraftValue>>, indent);
  const inner = `${indent}  `;
  const items = value as readonly DraftValue[];
  // A list of one object hugs it.
  if (items.length === 1 && isObject(items[0]!)) {
    return `[${block(items[0] as Readonly<Record<string, DraftValue>>, indent)}]`;
  }
  const lines = items.map((item) => `${inner}${layout(item, inner.length, inner, 1)},`);
  return `[\n${lines.join("\n")}\n${indent}]`;
}

function block(value: Readonly<Record<string, DraftValue>>, indent: string): string {
  const inner = `${indent}  `;
  const lines = Object.entries(value).map(([name, item]) => {
    if (isRef(item) && (item as { $variable: string }).$variable === name) {
      return `${inner}${name},`;
    }
    const head = `${inner}${key(name)}: `;
    const text = layout(item, head.length, inner, 1);
    // A long text stands below its name.
    const long = typeof item === "string" && head.length + text.length + 1 > WIDTH;
    return long ? `${inner}${key(name)}:\n${inner}  ${text},` : `${head}${text},`;
  });
  return `{\n${lines.join("\n")}\n${indent}}`;
}

function inline(value: DraftValue): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (isReference(value)) return value.$variable;
  if (Array.isArray(value)) return `[${value.map((item: DraftValue) => inline(item)).join(", ")}]`;
  const entries = Object.entries(value as Record<string, DraftValue>);
  if (entries.length === 0) return "{}";
  const fields = entries.map(([name, item]) =>
    isRef(item) && (item as { $variable: string }).$variable === name
      ? name
      : `${key(name)}: ${inline(item)}`
  );
  return `{ ${fields.join(", ")} }`;
}

function isStructure(value: DraftValue): boolean {
  return typeof value === "object" && value !== null && !isReference(value);
}

function isObject(value: DraftValue): boolean {
  return isStructure(value) && !Array.isArray(value);
}

function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name);
}

/** A string in double quotes, or in single ones where that saves escapes, as `deno fmt` has it. */
function quoted(text: string): string {
  const json = JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
  const doubles = text.split('"').length - 1;
  if (doubles === 0 || doubles <= text.split("'").length - 1) return json;
  return `'${json.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}
