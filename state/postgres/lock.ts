/**
 * Who may write: a row that says who has the lease, with a token that rises with every lease.
 *
 * Whoever finds it expired, by the server's clock, may take it over. Every write begins by updating the
 * row under its own token, which also keeps any other transaction on it waiting until the write is done:
 * so a lease that was taken over can never be written with, however long its process was stopped.
 *
 * @module
 */

import type { Place } from "./stacks.ts";
import { name, type Statement } from "./sql.ts";
import type { LockHolder } from "../store.ts";

interface LockRow {
  readonly who: string;
  readonly since: Date;
  readonly expires: Date;
}

function toHolder({ who, since, expires }: LockRow): LockHolder {
  return { who, since: since.toISOString(), expires: expires.toISOString() };
}

function table({ schema }: Place): Statement {
  return name(schema, "locks");
}

/** Who holds the lock. */
export async function holderOf(place: Place, stack: string): Promise<LockHolder | undefined> {
  const [row] = await place.sql<LockRow>`SELECT who, since, expires FROM ${table(place)}
    WHERE stack = ${stack} AND held AND expires > clock_timestamp()`;
  return row === undefined ? undefined : toHolder(row);
}

/** Whoever has the row, expired or not. */
export async function lastHolder(place: Place, stack: string): Promise<LockHolder | undefined> {
  const [row] = await place.sql<LockRow>`SELECT who, since, expires FROM ${table(place)}
    WHERE stack = ${stack} AND held`;
  return row === undefined ? undefined : toHolder(row);
}

/** Takes the lock, or says who has it. `id` is this lease's own. */
export async function acquire(
  place: Place,
  stack: string,
  who: string,
  id: string,
  milliseconds: number,
): Promise<{ readonly token: number } | LockHolder> {
  const { sql } = place;
  const locks = table(place);
  const [row] = await sql`
    INSERT INTO ${locks} AS locks (stack, token, held, lease, who, since, expires)
    VALUES (${stack}, 1, true, ${id}, ${who}, clock_timestamp(),
      clock_timestamp() + ${milliseconds}::float8 * interval '1 millisecond')
    ON CONFLICT (stack) DO UPDATE SET
      token = locks.token + CASE WHEN locks.lease = excluded.lease THEN 0 ELSE 1 END,
      held = true, lease = excluded.lease, who = excluded.who, since = excluded.since,
      expires = excluded.expires
    WHERE NOT locks.held OR locks.expires <= clock_timestamp() OR locks.lease = excluded.lease
    RETURNING token`;
  if (row !== undefined) return { token: Number(row.token) };
  // Nobody else can have given it back since: the refused insert has locked the row.
  return (await lastHolder(place, stack))!;
}

/** Renews the lease; false if it is another's by now. */
export async function renew(
  place: Place,
  stack: string,
  token: number,
  milliseconds: number,
): Promise<boolean> {
  const done = await place.sql`UPDATE ${table(place)}
    SET expires = clock_timestamp() + ${milliseconds}::float8 * interval '1 millisecond'
    WHERE stack = ${stack} AND token = ${token} AND held`;
  return done.count === 1;
}

/** Gives the lease back, if it is still this token's. */
export async function release(place: Place, stack: string, token: number): Promise<void> {
  await place.sql`UPDATE ${table(place)} SET held = false
    WHERE stack = ${stack} AND token = ${token}`;
}

/** Ends whatever lease there is, and says whose it was. */
export async function breakLock(place: Place, stack: string): Promise<LockHolder | undefined> {
  const [row] = await place.sql<LockRow & { readonly expired: boolean }>`
    UPDATE ${table(place)} SET held = false WHERE stack = ${stack} AND held
    RETURNING who, since, expires, expires <= clock_timestamp() AS expired`;
  return row === undefined || row.expired ? undefined : toHolder(row);
}

/** The serial that the write of this id got, if it was the last one. */
export async function serialOfWrite(
  place: Place,
  stack: string,
  id: string,
): Promise<number | undefined> {
  const [row] = await place.sql`SELECT serial FROM ${name(place.schema, "writes")}
    WHERE stack = ${stack} AND id = ${id}`;
  return row === undefined ? undefined : Number(row.serial);
}

/** Remembers a write by its id. */
export async function noteWrite(
  place: Place,
  stack: string,
  id: string,
  serial: number,
): Promise<void> {
  await place.sql`INSERT INTO ${name(place.schema, "writes")} (stack, id, serial)
    VALUES (${stack}, ${id}, ${serial})
    ON CONFLICT (stack) DO UPDATE SET id = excluded.id, serial = excluded.serial`;
}
