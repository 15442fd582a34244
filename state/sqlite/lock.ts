/**
 * Who may write: a lease in the file, and a sign of life beside it.
 *
 * A lease is a row with a token that rises with every lease and a time at which it expires unless it
 * is renewed. Whoever finds it expired may take it over; the run that lost it notices by the token,
 * which every write compares inside its own transaction. So two runs can never both write, however
 * long one of them was stopped.
 *
 * Waiting for the expiry of a run that was killed would be a nuisance, so each lease also has a file
 * of its own on which its process holds an exclusive `flock`. The kernel gives that up when the
 * process ends, in whatever way, and at no other time: whoever can lock the file knows that the
 * process is dead, and takes over at once. This is safer than a process id: ids are used again, mean
 * nothing across PID namespaces, may be hidden, and reading /proc would need every permission. It is
 * as wide as needed, for a database in WAL mode can be used by processes of one kernel only. The name
 * holds the token, so a stopped run that wakes up never vouches for the one after it. Where the file
 * cannot be made or opened, only the expiry counts.
 *
 * @module
 */

import type { SqliteFile, SqlRow } from "./file.ts";
import type { LockHolder } from "../store.ts";

/** A row of `locks`. */
interface LockRow {
  readonly token: number;
  readonly held: boolean;
  readonly who: string;
  /** ms since 1970, as is `expires`. */
  readonly since: number;
  readonly expires: number;
  /** Name of the sign of life, in the folder of the database. */
  readonly life: string | undefined;
}

/** A lease that was just taken. */
export interface Grant {
  readonly token: number;
  /** The open sign of life; closing it gives the `flock` up. */
  readonly life: Deno.FsFile | undefined;
}

function toLockRow(row: SqlRow): LockRow {
  return {
    token: Number(row.token),
    held: row.held === 1,
    who: String(row.who),
    since: Number(row.since),
    expires: Number(row.expires),
    life: typeof row.life === "string" ? row.life : undefined,
  };
}

function lockRow(file: SqliteFile, stack: string): LockRow | undefined {
  const row = file.get("SELECT * FROM locks WHERE stack = ?", stack);
  return row === undefined ? undefined : toLockRow(row);
}

function lifePath(file: SqliteFile, stack: string, token: number): string {
  return `${file.path}-lock-${encodeURIComponent(stack)}-${token}`;
}

/** True if the process that took this lease is certainly gone. */
function isDead(file: SqliteFile, stack: string, row: LockRow): boolean {
  if (row.life === undefined) return false;
  try {
    using life = Deno.openSync(lifePath(file, stack, row.token), { read: true });
    // Shared: two processes that ask at once do not take each other for the holder.
    return life.tryLockSync(false);
  } catch {
    return false; // Missing or not ours to open: nothing is known, so the expiry decides.
  }
}

function isHeld(file: SqliteFile, stack: string, row: LockRow, now: number): boolean {
  return row.held && row.expires > now && !isDead(file, stack, row);
}

/** ISO 8601 in UTC; damage may have left a number that is no time. */
function iso(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? "an unknown time" : date.toISOString();
}

function toHolder(row: LockRow): LockHolder {
  return { who: row.who, since: iso(row.since), expires: iso(row.expires) };
}

/** Who holds the lock. Inside a transaction. */
export function holderOf(file: SqliteFile, stack: string, now: number): LockHolder | undefined {
  const row = lockRow(file, stack);
  return row !== undefined && isHeld(file, stack, row, now) ? toHolder(row) : undefined;
}

/** Whoever has the row, expired or not: for the message to a run that lost its lease. */
export function lastHolder(file: SqliteFile, stack: string): LockHolder | undefined {
  const row = lockRow(file, stack);
  return row === undefined || !row.held ? undefined : toHolder(row);
}

/** Takes the lock, or says who has it. Inside a write transaction. Times in ms. */
export function acquire(
  file: SqliteFile,
  stack: string,
  who: string,
  now: number,
  duration: number,
): Grant | LockHolder {
  const row = lockRow(file, stack);
  if (row !== undefined) {
    if (isHeld(file, stack, row, now)) return toHolder(row);
    if (row.held && row.life !== undefined) removeLife(file, stack, row.token);
  }
  const token = (row?.token ?? 0) + 1;
  // Before the row is committed: whoever sees the row finds the file locked already.
  const life = makeLife(lifePath(file, stack, token));
  try {
    insert(file, stack, {
      token,
      held: true,
      who,
      since: now,
      expires: now + duration,
      life: life === undefined ? undefined : "flock",
    });
  } catch (error) {
    discard(file, stack, { token, life });
    throw error;
  }
  return { token, life };
}

/** Takes the lock for a time that nobody renews, or says who has it. Inside a write transaction. */
export function hold(
  file: SqliteFile,
  stack: string,
  who: string,
  now: number,
  duration: number,
): { readonly taken: boolean; readonly holder: LockHolder } {
  const row = lockRow(file, stack);
  if (row !== undefined && isHeld(file, stack, row, now)) {
    return { taken: false, holder: toHolder(row) };
  }
  if (row !== undefined && row.life !== undefined) removeLife(file, stack, row.token);
  const token = (row?.token ?? 0) + 1;
  const held = { token, held: true, who, since: now, expires: now + duration, life: undefined };
  insert(file, stack, held);
  return { taken: true, holder: toHolder(held) };
}

/** Ends whatever lease there is, and says whose it was. Inside a write transaction. */
export function breakLock(file: SqliteFile, stack: string, now: number): LockHolder | undefined {
  const row = lockRow(file, stack);
  if (row === undefined || !row.held) return undefined;
  const held = isHeld(file, stack, row, now);
  release(file, stack, row.token);
  if (row.life !== undefined) removeLife(file, stack, row.token);
  return held ? toHolder(row) : undefined;
}

function insert(file: SqliteFile, stack: string, row: LockRow): void {
  file.run(
    `INSERT OR REPLACE INTO locks (stack, token, held, who, since, expires, life)
     VALUES (?, ?, 1, ?, ?, ?, ?)`,
    stack,
    row.token,
    row.who,
    row.since,
    row.expires,
    row.life ?? null,
  );
}

/** Renews the lease; false if it is another's by now. Inside a write transaction. */
export function renew(file: SqliteFile, stack: string, token: number, expires: number): boolean {
  return file.run(
    "UPDATE locks SET expires = ? WHERE stack = ? AND token = ? AND held = 1",
    expires,
    stack,
    token,
  ) === 1;
}

/** True while the lease is this token's. Inside a transaction. */
export function owns(file: SqliteFile, stack: string, token: number): boolean {
  const row = lockRow(file, stack);
  return row !== undefined && row.held && row.token === token;
}

/** Gives the lease back, if it is still this token's. Inside a write transaction. */
export function release(file: SqliteFile, stack: string, token: number): void {
  file.run("UPDATE locks SET held = 0 WHERE stack = ? AND token = ?", stack, token);
}

/** Ends the sign of life and removes its file. */
export function discard(file: SqliteFile, stack: string, grant: Grant): void {
  if (grant.life === undefined) return;
  removeLife(file, stack, grant.token);
  grant.life.close();
}

function makeLife(path: string): Deno.FsFile | undefined {
  let life: Deno.FsFile | undefined;
  try {
    life = Deno.openSync(path, { create: true, read: true, write: true, mode: 0o600 });
    if (life.tryLockSync(true)) return life;
  } catch {
    // No flock on this file system, or no room for a file: the expiry alone will do.
  }
  life?.close();
  return undefined;
}

function removeLife(file: SqliteFile, stack: string, token: number): void {
  try {
    Deno.removeSync(lifePath(file, stack, token));
  } catch {
    // Gone already, or not ours to remove. It stands for no lease any more.
  }
}
