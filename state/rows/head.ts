/**
 * The row that stands for a whole record, checked: the same in every store that has rows.
 *
 * Only a stack's own rows are looked at, so that damage to one record stops no other. Its name may be
 * what was damaged; then there is none of that name, but the rest is there under it.
 *
 * @module
 */

import { corrupt } from "../errors.ts";
import { type Row, sumOfRow, sums, text, verify } from "./sums.ts";

/**
 * The row of a stack as it was found by its name; undefined without a record. `rest` tells whether other
 * rows of the record are there.
 *
 * @throws {StaddleError} `state.corrupt` for one that is changed, or is missing though the rest is there.
 */
export function checkedHead(
  location: string,
  stack: string,
  head: Row | undefined,
  rest: boolean,
): Row | undefined {
  if (head !== undefined) verify(location, head, `the row of stack "${stack}"`, sums.stacks);
  else if (rest) throw corrupt(location, [`the row of stack "${stack}" is missing`]);
  return head;
}

/** Of the rows without a rest, those that are changed: nobody finds them any more. */
export function strays(heads: readonly Row[]): readonly Row[] {
  return heads.filter((head) => text(head, "sum") !== sumOfRow(head, sums.stacks));
}

/** Rows of a record that cannot be read, by table, as they are: what is kept when they are taken away. */
export function rowsDocument(stack: string, tables: Readonly<Record<string, readonly Row[]>>) {
  // Damage may have made a number of any size of a column, or bytes.
  const plain = (_: string, value: unknown): unknown =>
    typeof value === "bigint" ? String(value) : value instanceof Uint8Array ? [...value] : value;
  return new TextEncoder().encode(JSON.stringify({ stack, tables }, plain, 2));
}
