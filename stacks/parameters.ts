/**
 * Parameters: from the command line's text to what a stack's function is given.
 *
 * @module
 */

import { z } from "zod";
import { StaddleError } from "../providers/error.ts";
import type { Json, JsonObject } from "../providers/provider.ts";
import { type Complaint, describe, formatPath } from "./refuse.ts";
import type { StackDefinition } from "./stack.ts";
import { didYouMean } from "./suggest.ts";

/** A parameter, for help and completion. */
export interface ParameterDescription {
  /** As it stands in `--param name=value`. */
  readonly name: string;
  /** Whether a stack cannot be evaluated without it. */
  readonly required: boolean;
  /** For example `integer`, `"small" | "large"`, `string[]`. */
  readonly type: string;
  /** The zod type's `describe` text. */
  readonly description?: string;
  /** What it is unless given. */
  readonly default?: Json;
  /** The parameter's JSON schema. */
  readonly schema: JsonObject;
}

/** Parameters of a stack, parsed. */
export interface ParsedParameters {
  /** For the stack's function. */
  readonly values: Readonly<Record<string, unknown>>;
  /** For the topology. */
  readonly json: JsonObject;
}

/**
 * Parses parameters: text is taken as it is where the stack's type takes text, else it is read as
 * JSON (`3`, `true`, `["a","b"]`).
 *
 * @throws {StaddleError} for the first that is missing, not known, or not valid.
 */
export function parseParameters(
  definition: StackDefinition,
  given: Readonly<Record<string, Json>>,
): ParsedParameters {
  const shape = definition.parameters;
  const names = Object.keys(shape);
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(shape, name)) continue;
    throw new StaddleError({
      code: "stack.unknown-parameter",
      summary: `stack ${definition.name} has no parameter "${name}"`,
      where: definition.at === undefined ? [] : [definition.at],
      help: names.length === 0 ? "it takes none" : didYouMean(name, names),
    });
  }
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const schema = shape[name]!;
    const text = Object.hasOwn(given, name) ? given[name] : undefined;
    values[name] = parseOne(definition, name, schema, text);
  }
  return { values: Object.freeze(values), json: asJson(definition, values) };
}

function parseOne(
  definition: StackDefinition,
  name: string,
  schema: z.ZodType,
  given: Json | undefined,
): unknown {
  const first = schema.safeParse(given);
  if (first.success) return first.data;
  if (typeof given !== "string") throw invalid(definition, name, schema, given, first.error);
  let json: unknown;
  try {
    json = JSON.parse(given);
  } catch {
    throw invalid(definition, name, schema, given, first.error);
  }
  const second = schema.safeParse(json);
  if (second.success) return second.data;
  throw invalid(definition, name, schema, json, second.error);
}

function invalid(
  definition: StackDefinition,
  name: string,
  schema: z.ZodType,
  given: unknown,
  error: z.ZodError,
): StaddleError {
  const found: Complaint = describe(error.issues[0]!, schema, given);
  const path = formatPath([name, ...(found.path ?? [])]);
  const missing = given === undefined;
  const { type, description } = describeOne(name, schema);
  return new StaddleError({
    code: missing ? "stack.missing-parameter" : "stack.invalid-parameter",
    summary: missing
      ? `stack ${definition.name} needs the parameter "${name}"`
      : `parameter ${path}: ${found.message}`,
    where: definition.at === undefined ? [] : [definition.at],
    details: description === undefined ? [] : [`${name}: ${description}`],
    help: `pass --param ${name}=${example(type)}`,
  });
}

/** What a value of a type looks like on a command line. */
function example(type: string): string {
  if (type === "integer" || type === "number") return "3";
  if (type === "boolean") return "true";
  if (type === "string[]") return `'["a","b"]'`;
  if (type.endsWith("[]")) return `'[…]'`;
  if (type === "object") return `'{"…":…}'`;
  const choice = /^"([^"]+)"/.exec(type);
  return choice === null ? "…" : choice[1]!;
}

function asJson(
  definition: StackDefinition,
  values: Readonly<Record<string, unknown>>,
): JsonObject {
  try {
    const json = JSON.parse(JSON.stringify(values));
    if (Object.values(values).every((value) => typeof value !== "function")) return json;
  } catch {
    // A bigint or a cycle: said below.
  }
  throw new StaddleError({
    code: "stack.invalid-stack",
    summary: `stack ${definition.name}: a parameter's type yields something that is not JSON`,
    where: definition.at === undefined ? [] : [definition.at],
    help: "let parameters be text, numbers, booleans, lists and plain objects, and convert them " +
      "inside the stack's function",
  });
}

/** Every parameter of a stack, for help. */
export function describeParameters(definition: StackDefinition): readonly ParameterDescription[] {
  return Object.entries(definition.parameters).map(([name, schema]) => describeOne(name, schema));
}

function describeOne(name: string, schema: z.ZodType): ParameterDescription {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  const { description, default: standard } = json;
  return {
    name,
    required: !schema.safeParse(undefined).success,
    type: typeOf(json as JsonObject),
    ...(description === undefined ? {} : { description }),
    ...(standard === undefined ? {} : { default: standard as Json }),
    schema: json as JsonObject,
  };
}

function typeOf(schema: JsonObject): string {
  if (Array.isArray(schema.enum)) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) return choices.map((one) => typeOf(one as JsonObject)).join(" | ");
  if (schema.type === "array") {
    const items = typeof schema.items === "object" ? typeOf(schema.items as JsonObject) : "any";
    return items.includes(" ") ? `(${items})[]` : `${items}[]`;
  }
  return typeof schema.type === "string" ? schema.type : "any";
}
