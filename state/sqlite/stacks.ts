/**
 * Which records there are in a SQLite file, and one of them as a whole.
 *
 * @module
 */

import { checkedHead, rowsDocument, strays } from "../rows/head.ts";
import { type Row, sums, text } from "../rows/sums.ts";
import type { SqliteFile } from "./file.ts";

/** Names of the stacks that have a record, also one that is damaged. Inside a transaction. */
export function stackNames(file: SqliteFile): readonly string[] {
  return file.all("SELECT stack FROM stacks UNION SELECT stack FROM parts ORDER BY stack")
    .map((row) => text(row, "stack"));
}

/** The row of a stack; undefined without a record. See `checkedHead`. Inside a transaction. */
export function headRow(file: SqliteFile, stack: string): Row | undefined {
  const head = file.get("SELECT * FROM stacks WHERE stack = ?", stack);
  const rest = head === undefined &&
    file.get("SELECT 1 FROM parts WHERE stack = ? LIMIT 1", stack) !== undefined;
  return checkedHead(file.path, stack, head, rest);
}

/** Sum of a stack's row, which holds its lineage and serial; undefined without a record. Inside a transaction. */
export function headSum(file: SqliteFile, stack: string): string | undefined {
  const row = headRow(file, stack);
  return row === undefined ? undefined : text(row, "sum");
}

/** A stack's data key as it is kept: null when readable, undefined without a record. Inside a transaction. */
export function keptKey(file: SqliteFile, stack: string): string | null | undefined {
  const row = headRow(file, stack);
  if (row === undefined) return undefined;
  return typeof row.key === "string" ? row.key : null;
}

/** All rows of a stack as they are, and those whose names are damaged; undefined if there are none. */
export function rowsOf(file: SqliteFile, stack: string): Uint8Array | undefined {
  const tables = Object.fromEntries(
    Object.keys(sums).map((name) => [
      name,
      [
        ...file.all(`SELECT * FROM ${name} WHERE stack = ?`, stack),
        ...(name === "stacks" ? strayRows(file) : []),
      ],
    ]),
  );
  const some = Object.values(tables).some((rows) => rows.length > 0);
  return some ? rowsDocument(stack, tables) : undefined;
}

/** Takes away what {@linkcode rowsOf} gives. Inside a write transaction. */
export function forgetRows(file: SqliteFile, stack: string): void {
  forget(file, stack);
  for (const row of strayRows(file)) {
    file.run("DELETE FROM stacks WHERE stack = ?", text(row, "stack"));
  }
}

function strayRows(file: SqliteFile): readonly Row[] {
  return strays(
    file.all("SELECT * FROM stacks WHERE stack NOT IN (SELECT stack FROM parts)"),
  );
}

/** Takes away all rows of a stack. Inside a write transaction. */
export function forget(file: SqliteFile, stack: string): void {
  for (const table of Object.keys(sums)) {
    file.run(`DELETE FROM ${table} WHERE stack = ?`, stack);
  }
}
