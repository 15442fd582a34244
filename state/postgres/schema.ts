/**
 * Layout of the tables in PostgreSQL: as in SQLite, with the server's clock on the locks.
 *
 * @module
 */

import { newerVersion } from "../errors.ts";
import type { PostgresConnection } from "./connection.ts";
import { name, type Sql } from "./sql.ts";

/** Brings the layout from the version before to the next. `schema` is safe to stand in a statement. */
type SchemaMigration = (schema: string) => string;

/** The place in the list, from 1, is the version that the entry makes. */
const migrations: readonly SchemaMigration[] = [
  (schema) => `
    CREATE TABLE ${schema}.stacks (
      stack text PRIMARY KEY,
      lineage text NOT NULL,
      serial bigint NOT NULL,
      version integer NOT NULL,
      resources bigint NOT NULL,
      key text,
      sum text NOT NULL
    );
    -- The last write: a transaction whose answer was lost is recognised by it when it is tried again.
    CREATE TABLE ${schema}.writes (
      stack text PRIMARY KEY,
      id text NOT NULL,
      serial bigint NOT NULL
    );
    CREATE TABLE ${schema}.resources (
      stack text NOT NULL,
      address text NOT NULL,
      status text NOT NULL,
      body text NOT NULL,
      sum text NOT NULL,
      PRIMARY KEY (stack, address)
    );
    -- part is hosts, outputs or reservations; all three are always there.
    CREATE TABLE ${schema}.parts (
      stack text NOT NULL,
      part text NOT NULL,
      body text NOT NULL,
      sum text NOT NULL,
      PRIMARY KEY (stack, part)
    );
    -- number gives the order within the stack; body is the RunRecord as JSON.
    CREATE TABLE ${schema}.runs (
      stack text NOT NULL,
      number bigint NOT NULL,
      id text NOT NULL,
      body text NOT NULL,
      sum text NOT NULL,
      PRIMARY KEY (stack, number),
      UNIQUE (stack, id)
    );
    -- body is the Revision as JSON, deflated and in base64.
    CREATE TABLE ${schema}.revisions (
      stack text NOT NULL,
      run text NOT NULL,
      body text NOT NULL,
      sum text NOT NULL,
      PRIMARY KEY (stack, run)
    );
    -- detail is a JSON string, for a text here may hold no NUL.
    CREATE TABLE ${schema}.journal (
      stack text NOT NULL,
      number bigint NOT NULL,
      run text NOT NULL,
      step text NOT NULL,
      address text NOT NULL,
      operation text NOT NULL,
      phase text NOT NULL,
      at text NOT NULL,
      detail text,
      sum text NOT NULL,
      PRIMARY KEY (stack, number)
    );
    -- A row stays after its release, for the token must rise for ever. All times are the server's.
    CREATE TABLE ${schema}.locks (
      stack text PRIMARY KEY,
      token bigint NOT NULL,
      held boolean NOT NULL,
      lease text NOT NULL,
      who text NOT NULL,
      since timestamptz NOT NULL,
      expires timestamptz NOT NULL
    );`,
];

/** Version of the present layout. */
export const POSTGRES_SCHEMA_VERSION: number = migrations.length;

/**
 * The layout's version; 0 when there is none.
 *
 * @throws {StaddleError} `state.newer-version`.
 */
export async function layoutVersion(
  sql: Sql,
  schema: string,
  location: string,
): Promise<number> {
  const [there] = await sql`SELECT to_regclass(${`${schema}.layout`}) IS NOT NULL AS there`;
  if (there?.there !== true) return 0;
  const [row] = await sql`SELECT version FROM ${name(schema, "layout")}`;
  const version = Number(row?.version ?? 0);
  if (version > migrations.length) {
    throw newerVersion(location, "record", version, migrations.length);
  }
  return version;
}

/** Makes the tables, or brings them up, in one transaction; of several processes one does it. */
export async function makeLayout(
  connection: PostgresConnection,
  schema: string,
  location: string,
): Promise<void> {
  await connection.transaction("", async (sql) => {
    await sql`SELECT pg_advisory_xact_lock(hashtext(${`staddle layout ${schema}`}))`;
    const version = await layoutVersion(sql, schema, location);
    if (version === migrations.length) return;
    if (version === 0) {
      await connection.script(`
        CREATE SCHEMA IF NOT EXISTS ${schema};
        CREATE TABLE ${schema}.layout (version integer NOT NULL);
        INSERT INTO ${schema}.layout VALUES (0);`);
    }
    for (const migrate of migrations.slice(version)) await connection.script(migrate(schema));
    await connection.script(`UPDATE ${schema}.layout SET version = ${migrations.length}`);
  });
}
