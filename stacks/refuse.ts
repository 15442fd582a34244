/**
 * Errors about a declaration: each names the resource, the path in it, the place in the source, and
 * what would be valid.
 *
 * @module
 */

import type { z } from "zod";
import { StaddleError } from "../providers/error.ts";
import { didYouMean } from "./suggest.ts";

/** The declaration that an error is about. */
export interface Subject {
  /** As it is called in messages: `machine web`. */
  readonly label: string;
  /** `file:line:column`. */
  readonly at: string | undefined;
}

/** What is wrong at one path of a declaration. */
export interface Complaint {
  readonly code: string;
  readonly path?: readonly PropertyKey[];
  readonly message: string;
  readonly help?: string;
}

/** `disks[0].size`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === "number"
        ? `${text}[${part}]`
        : text === ""
        ? String(part)
        : `${text}.${String(part)}`,
    "",
  );
}

/** Makes the error; the caller throws it. */
export function complaint(subject: Subject, what: Complaint): StaddleError {
  const path = what.path === undefined || what.path.length === 0
    ? ""
    : `: ${formatPath(what.path)}`;
  return new StaddleError({
    code: what.code,
    summary: `${subject.label}${path}: ${what.message}`,
    where: subject.at === undefined ? [] : [subject.at],
    ...(what.help === undefined ? {} : { help: what.help }),
  });
}

/** Refuses keys that are not known. */
export function checkKeys(
  subject: Subject,
  value: unknown,
  known: readonly string[],
  path: readonly PropertyKey[] = [],
): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw complaint(subject, {
      code: "stack.invalid-value",
      path,
      message: `must be an object, is ${show(value)}`,
      help: `known fields: ${known.join(", ")}`,
    });
  }
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    throw complaint(subject, {
      code: "stack.unknown-field",
      path: [...path, key],
      message: "is not a known field",
      help: didYouMean(key, known),
    });
  }
}

/** A value for a message, short. */
export function show(value: unknown): string {
  if (value === undefined) return "undefined";
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    text = Object.prototype.toString.call(value);
  }
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

type Def = {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly in?: z.ZodType;
};

function unwrap(schema: z.ZodType): Def {
  let def = schema._zod.def as unknown as Def;
  for (;;) {
    const inner = def.innerType ?? (def.type === "pipe" ? def.in : undefined);
    if (inner === undefined) return def;
    def = inner._zod.def as unknown as Def;
  }
}

/** The field names of an object schema, at a path inside it. */
export function fieldsOf(schema: z.ZodType, path: readonly PropertyKey[] = []): readonly string[] {
  let def = unwrap(schema);
  for (const part of path) {
    const next = typeof part === "number" ? def.element : def.shape?.[String(part)];
    if (next === undefined) return [];
    def = unwrap(next);
  }
  return Object.keys(def.shape ?? {});
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

/** Turns zod's own wording into ours; messages that a schema words itself stay. */
function word(issue: z.core.$ZodIssue, value: unknown): string {
  const given = `is ${show(value)}`;
  switch (issue.code) {
    case "invalid_type":
      if (value === undefined) return `is required (${issue.expected})`;
      if (issue.message.startsWith("Invalid input")) {
        return `must be ${article(issue.expected)}, ${given}`;
      }
      return issue.message;
    case "invalid_value":
      return `must be one of ${issue.values.map((one) => show(one)).join(", ")}, ${given}`;
    case "too_small":
    case "too_big":
      if (typeof value === "number" && issue.message.startsWith("Too ")) {
        return issue.code === "too_small"
          ? `must be at least ${issue.minimum}, ${given}`
          : `must be at most ${issue.maximum}, ${given}`;
      }
      return `${issue.message}; ${given}`;
    case "invalid_format":
      return issue.message.startsWith("Invalid ")
        ? `is not a valid ${issue.format}: ${show(value)}`
        : `${issue.message}; ${given}`;
    case "custom":
      return issue.message;
    default:
      return `${issue.message}; ${given}`;
  }
}

function article(type: string): string {
  const name = type === "int" ? "integer" : type;
  return `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
}

/**
 * Validates a value, or throws an error for the first issue; the others stand in its details.
 *
 * @param rename Turns a path of the value into the path that the author wrote.
 */
export function validate<T>(
  subject: Subject,
  schema: z.ZodType<T>,
  value: unknown,
  rename: (path: readonly PropertyKey[]) => readonly PropertyKey[] = (path) => path,
): T {
  const result = schema.safeParse(value, { reportInput: false });
  if (result.success) return result.data;
  const complaints = result.error.issues.map((issue) => describe(issue, schema, value, rename));
  const [first, ...rest] = complaints;
  const error = complaint(subject, first!);
  if (rest.length === 0) return raise(error);
  return raise(
    new StaddleError({
      code: error.code,
      summary: error.message,
      where: error.where,
      details: rest.map((one) => `also: ${formatPath(one.path ?? [])}: ${one.message}`),
      ...(error.help === undefined ? {} : { help: error.help }),
    }),
  );
}

function raise(error: StaddleError): never {
  throw error;
}

/** One zod issue as a complaint. */
export function describe(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  value: unknown,
  rename: (path: readonly PropertyKey[]) => readonly PropertyKey[] = (path) => path,
): Complaint {
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!;
    return {
      code: "stack.unknown-field",
      path: rename([...issue.path, key]),
      message: "is not a known field",
      help: didYouMean(key, fieldsOf(schema, issue.path)),
    };
  }
  return {
    code: "stack.invalid-value",
    path: rename(issue.path),
    message: word(issue, valueAt(value, issue.path)),
  };
}
