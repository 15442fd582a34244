/**
 * The outputs of a stack.
 *
 * @module
 */

import type { Json } from "../../providers/provider.ts";
import type { StackRecord } from "../../state/store.ts";
import { formatValue, SENSITIVE } from "./values.ts";

type Outputs = StackRecord["outputs"];

/** A line for each output; secrets are not shown. */
export function outputsText(outputs: Outputs): string {
  const entries = Object.entries(outputs);
  if (entries.length === 0) return "No outputs.";
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, { value, sensitive }]) =>
    `${name.padEnd(width)} = ${sensitive ? SENSITIVE : formatValue(value)}`
  ).join("\n");
}

/** The shape of `terraform output -json`: whoever asks for JSON gets secrets too. */
export function outputsJson(
  outputs: Outputs,
): Record<string, { value: Json; sensitive: boolean; type: Json }> {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { value, sensitive }]) => [
      name,
      { sensitive, type: typeOf(value), value },
    ]),
  );
}

/** The value's type in Terraform's notation. */
export function typeOf(value: Json): Json {
  if (typeof value === "string") return "string";
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return "bool";
  if (value === null) return "dynamic";
  if (Array.isArray(value)) return ["tuple", value.map((entry: Json) => typeOf(entry))];
  return [
    "object",
    Object.fromEntries(
      Object.entries(value).filter(([, entry]) => entry !== undefined).map((
        [key, entry],
      ) => [key, typeOf(entry!)]),
    ),
  ];
}
