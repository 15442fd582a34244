/**
 * Statements with their values apart from their text.
 *
 * @module
 */

import type { Row } from "../rows/sums.ts";

/** A piece of a statement: a text around numbered places, and the values for them. */
export interface Statement {
  readonly parts: readonly string[];
  readonly values: readonly unknown[];
}

/** Rows that came back, and how many were touched. */
export interface Rows<R extends object = Row> extends ReadonlyArray<R> {
  readonly count: number;
}

/** Runs a statement. */
export type Sql = <R extends object = Row>(
  parts: TemplateStringsArray,
  ...values: readonly unknown[]
) => Promise<Rows<R>>;

function isStatement(value: unknown): value is Statement {
  return typeof value === "object" && value !== null && "parts" in value && "values" in value;
}

/** A piece of a statement. Pieces among the values become part of it, everything else stays a value. */
export function fragment(
  parts: readonly string[],
  ...values: readonly unknown[]
): Statement {
  const texts = [parts[0]!];
  const flat: unknown[] = [];
  for (const [i, value] of values.entries()) {
    const after = parts[i + 1]!;
    if (!isStatement(value)) {
      flat.push(value);
      texts.push(after);
      continue;
    }
    texts[texts.length - 1] += value.parts[0]!;
    texts.push(...value.parts.slice(1));
    texts[texts.length - 1] += after;
    flat.push(...value.values);
  }
  return { parts: texts, values: flat };
}

/** Pieces with commas between. */
export function joined(pieces: readonly Statement[]): Statement {
  return fragment(["", ...pieces.map((_, i) => i + 1 < pieces.length ? ", " : "")], ...pieces);
}

/** A name, quoted. */
export function name(...path: readonly string[]): Statement {
  return {
    parts: [path.map((part) => `"${part.replaceAll('"', '""')}"`).join(".")],
    values: [],
  };
}

/** Names with commas between. */
export function names(all: readonly string[]): Statement {
  return joined(all.map((one) => name(one)));
}

/** `(…), (…)` of rows that have the same columns. */
export function values(rows: readonly Readonly<Record<string, unknown>>[]): Statement {
  return joined(rows.map((row) => {
    const columns = Object.values(row);
    return fragment(
      ["(", ...columns.map((_, i) => i + 1 < columns.length ? ", " : ")")],
      ...columns,
    );
  }));
}

/** The text with `$1`, `$2`, … in its places. */
export function textOf({ parts }: Statement): string {
  return parts.map((part, i) => i === 0 ? part : `$${i}${part}`).join("");
}
