/**
 * Who runs this, for others to read.
 *
 * @module
 */

/** `user@machine (process id)`, for the lock and the history. */
export function whoAmI(): string {
  const uid = Deno.uid();
  const user = Deno.env.get("USER") || Deno.env.get("LOGNAME") ||
    (uid === 0 ? "root" : `uid ${uid}`);
  return `${user}@${Deno.hostname()} (${Deno.pid})`;
}
