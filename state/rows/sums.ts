/**
 * The sum that a row carries over its own columns, in every store that has rows.
 *
 * @module
 */

import { hash } from "node:crypto";
import { corrupt } from "../errors.ts";

/** A row as a database gives it. */
export type Row = Readonly<Record<string, unknown>>;

/** The columns that each table's sum covers, in order. Those that are NULL are left out of it. */
export const sums = {
  stacks: ["stack", "lineage", "serial", "version", "resources", "key", "kept"],
  resources: ["stack", "address", "status", "body"],
  parts: ["stack", "part", "body"],
  runs: ["stack", "number", "id", "body"],
  revisions: ["stack", "run", "body"],
  journal: ["stack", "number", "run", "step", "address", "operation", "phase", "at", "detail"],
} as const;

/** A column as it must have been written; damage may have left anything there. */
export function text(row: Row, column: string): string {
  const value = row[column];
  return typeof value === "string" ? value : String(value);
}

/** SHA-256 (hex) over columns of a row. */
export function sumOfRow(row: Row, columns: readonly string[]): string {
  const present = columns.filter((column) => row[column] !== null && row[column] !== undefined);
  return hash("sha256", present.map((column) => text(row, column)).join("\0"));
}

/**
 * Makes sure that a row is as it was written.
 *
 * @throws {StaddleError} `state.corrupt`.
 */
export function verify(
  location: string,
  row: Row,
  what: string,
  columns: readonly string[],
): void {
  if (text(row, "sum") !== sumOfRow(row, columns)) {
    throw corrupt(location, [`${what}: its checksum does not fit`]);
  }
}
