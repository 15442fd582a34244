/**
 * Plain data as YAML text that people can read in a plan: block style, scripts as literal blocks.
 *
 * The `yaml` package takes 130 ms to import, which every evaluation of a stack would pay, and writing
 * is the small half of YAML. What could be misread by YAML 1.1 (cloud-init) or 1.2 is quoted.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { Json, JsonObject } from "../../provider.ts";

/** Texts that are safe without quotes: no `: `, no ` #`, no digit, sign or mark in front. */
const plain = /^[A-Za-z_/](?:[\w./@+=-]| (?=[\w./@+=-]))*$/;

/** Words that YAML 1.1 reads as something else than text. */
const words = /^(?:y|n|yes|no|on|off|true|false|null|nan|inf)$/i;

/** Characters that a literal block cannot hold: PyYAML refuses controls, and reads NEL as a break. */
const unprintable =
  // deno-lint-ignore no-control-regex
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/;

/** Writes a value as a YAML document. Undefined entries of objects are left out. */
export function toYaml(value: Json): string {
  return `${block(value, "", "")}\n`;
}

/** A value behind `lead` (`key:`, `-`, or nothing), on as many lines as it needs. */
function block(value: Json, indent: string, lead: string): string {
  const space = lead === "" ? "" : " ";
  if (Array.isArray(value)) {
    if (value.length === 0) return `${lead}${space}[]`;
    const items = value.map((item: Json) => `${indent}- ${nested(item, `${indent}  `)}`);
    return `${lead}${lead === "" ? "" : "\n"}${items.join("\n")}`;
  }
  if (typeof value === "object" && value !== null) {
    const entries = entriesOf(value as JsonObject);
    if (entries.length === 0) return `${lead}${space}{}`;
    const lines = entries.map(([key, item]) => indent + entry(key, item, indent));
    return `${lead}${lead === "" ? "" : "\n"}${lines.join("\n")}`;
  }
  return `${lead}${space}${scalar(value as string | number | boolean | null, indent)}`;
}

function entry(key: string, value: Json, indent: string): string {
  return block(value, typeof value === "object" ? `${indent}  ` : indent, `${text(key)}:`);
}

/** An item behind `- `: its first line stands there, the others below. */
function nested(value: Json, indent: string): string {
  if (typeof value !== "object" || value === null) {
    return scalar(value as string | number | boolean | null, indent.slice(2));
  }
  return block(value, indent, "").slice(isEmpty(value) ? 0 : indent.length);
}

function isEmpty(value: Json): boolean {
  return Array.isArray(value) ? value.length === 0 : entriesOf(value as JsonObject).length === 0;
}

function entriesOf(value: JsonObject): [string, Json][] {
  return Object.entries(value).filter((pair): pair is [string, Json] => pair[1] !== undefined);
}

function scalar(value: string | number | boolean | null, indent: string): string {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new StaddleError({
      code: "cloudinit.number",
      summary: `Cannot write ${value} as YAML: it is no finite number`,
    });
  }
  if (typeof value !== "string") return String(value);
  return literal(value, `${indent}  `) ?? text(value);
}

/** A literal block for a text of several lines; undefined where only quotes keep it as it is. */
function literal(value: string, indent: string): string | undefined {
  const body = value.replace(/\n+$/, "");
  if (!body.includes("\n") || unprintable.test(value) || !value.isWellFormed()) return undefined;
  // A block that begins with a space or an empty line would need its indentation spelled out.
  if (/^[ \t\n]/.test(value)) return undefined;
  // Lines of white space alone would be read as part of the indentation.
  if (/^[ \t]+$/m.test(value)) return undefined;
  const tail = value.length - body.length;
  const lines = body.split("\n").map((line) => line === "" ? "" : indent + line);
  const header = tail === 0 ? "|-" : tail === 1 ? "|" : "|+";
  return `${header}\n${lines.join("\n")}${"\n".repeat(Math.max(0, tail - 1))}`;
}

function text(value: string): string {
  if (plain.test(value) && !words.test(value)) return value;
  if (!value.isWellFormed()) {
    throw new StaddleError({
      code: "cloudinit.text",
      summary: `Cannot write ${JSON.stringify(value.slice(0, 60))} as YAML: it is no valid Unicode`,
    });
  }
  // JSON's escapes are YAML's; what JSON leaves as it is and YAML does not is escaped here.
  return JSON.stringify(value).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
