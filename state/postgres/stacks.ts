/**
 * Which records there are in a PostgreSQL schema, and one of them as a whole.
 *
 * @module
 */

import { checkedHead, rowsDocument, strays } from "../rows/head.ts";
import { name as nameOf, type Sql, type Statement } from "./sql.ts";
import { type Row, sums, text } from "../rows/sums.ts";

/** Where a statement runs, and where the tables are. */
export interface Place {
  /** A connection's transaction. */
  readonly sql: Sql;
  readonly schema: string;
  readonly location: string;
}

/** Name of a table that holds rows of records. */
export type Table = keyof typeof sums;

/** A table, by its schema. */
export function table({ schema }: Place, name: Table): Statement {
  return nameOf(schema, name);
}

/** Names of the stacks that have a record, also one that is damaged. */
export async function stackNames(place: Place): Promise<readonly string[]> {
  const rows = await place.sql`
    SELECT stack COLLATE "C" AS stack FROM ${table(place, "stacks")}
    UNION SELECT stack COLLATE "C" FROM ${table(place, "parts")} ORDER BY stack`;
  return rows.map((row) => text(row, "stack"));
}

/** The row of a stack; undefined without a record. See `checkedHead`. */
export async function headRow(place: Place, stack: string): Promise<Row | undefined> {
  const { sql, location } = place;
  const [head] = await sql`SELECT * FROM ${table(place, "stacks")} WHERE stack = ${stack}`;
  const rest = head === undefined
    ? await sql`SELECT 1 FROM ${table(place, "parts")} WHERE stack = ${stack} LIMIT 1`
    : [];
  return checkedHead(location, stack, head, rest.length > 0);
}

/** A stack's data key as it is kept: null when readable, undefined without a record. */
export async function keptKey(place: Place, stack: string): Promise<string | null | undefined> {
  const row = await headRow(place, stack);
  if (row === undefined) return undefined;
  return typeof row.key === "string" ? row.key : null;
}

/** All rows of a stack as they are, and those whose names are damaged; undefined if there are none. */
export async function rowsOf(place: Place, stack: string): Promise<Uint8Array | undefined> {
  const tables: Partial<Record<Table, readonly Row[]>> = {};
  for (const name of Object.keys(sums) as Table[]) {
    tables[name] = await place.sql`SELECT * FROM ${table(place, name)} WHERE stack = ${stack}`;
  }
  tables.stacks = [...tables.stacks ?? [], ...await strayRows(place)];
  const some = Object.values(tables).some((rows) => rows.length > 0);
  return some ? rowsDocument(stack, tables) : undefined;
}

/** Takes away what {@linkcode rowsOf} gives. */
export async function forgetRows(place: Place, stack: string): Promise<void> {
  await forget(place, stack);
  for (const row of await strayRows(place)) {
    await place.sql`DELETE FROM ${table(place, "stacks")} WHERE stack = ${text(row, "stack")}`;
  }
}

async function strayRows(place: Place): Promise<readonly Row[]> {
  return strays(
    await place.sql`SELECT * FROM ${table(place, "stacks")} AS head WHERE NOT EXISTS
      (SELECT 1 FROM ${table(place, "parts")} AS part WHERE part.stack = head.stack)`,
  );
}

/** Takes away all rows of a stack. */
export async function forget(place: Place, stack: string): Promise<void> {
  for (const name of Object.keys(sums) as Table[]) {
    await place.sql`DELETE FROM ${table(place, name)} WHERE stack = ${stack}`;
  }
}
