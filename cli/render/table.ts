/**
 * Columns.
 *
 * @module
 */

import { plain, type Style } from "./style.ts";

/** Rows under headings, each column as wide as its widest cell; no trailing blanks. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style = plain,
): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0))
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd();
  return [style.dim(line(headings)), ...rows.map(line)].join("\n");
}
