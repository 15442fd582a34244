/**
 * From what PostgreSQL and the network say to what a person can act on, and to what is worth another try.
 *
 * @module
 */

import { StaddleError } from "../../providers/error.ts";
import { corrupt } from "../errors.ts";

/**
 * SQLSTATEs after which the same transaction may succeed: the server goes down, comes up or is full, or
 * two transactions met (https://www.postgresql.org/docs/current/errcodes-appendix.html).
 */
const passing = new Set(["40001", "40P01", "53300", "57P01", "57P02", "57P03", "57P05"]);

/** What the system says when a connection is not to be had, or was cut. */
const cut = new Set([
  "EAI_AGAIN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
  "EPIPE",
  "ETIMEDOUT",
]);

/** What the driver says of the same; it gives no code. */
const cutText =
  /^(Connection terminated|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed)/;

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "";
}

/** Whether the same may succeed in a moment. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  return passing.has(code) || code.startsWith("08") || cut.has(code) ||
    (error instanceof Error && cutText.test(error.message));
}

/** Turns what the driver threw into a {@linkcode StaddleError}. */
export function postgresError(error: unknown, location: string): StaddleError {
  if (error instanceof StaddleError) return error;
  const sqlState = codeOf(error);
  const said = error instanceof Error ? error.message : String(error);
  const make = (code: string, summary: string, help: string) =>
    new StaddleError({
      code,
      summary: `Cannot use the record in PostgreSQL: ${summary}`,
      where: [location],
      details: [sqlState === "" || said.includes(sqlState) ? said : `${said} (${sqlState})`],
      help,
      cause: error,
    });
  if (error instanceof Deno.errors.NotCapable) {
    return make(
      "state.not-permitted",
      "Deno was not given the permission",
      "run with -P, or with --allow-net for the server",
    );
  }
  // The driver says the last when the server asks for a password and there is none.
  if (sqlState.startsWith("28") || /password must be/.test(said)) {
    return make(
      "state.not-authorised",
      "the server does not let this user in",
      "give the password in PGPASSWORD or ~/.pgpass (mode 0600), and look at pg_hba.conf",
    );
  }
  if (sqlState === "3D000") {
    return make(
      "state.no-database",
      "the database does not exist",
      "make it with createdb, or correct STADDLE_STATE",
    );
  }
  if (sqlState === "42501" || sqlState === "25006") {
    return make(
      "state.read-only",
      "this user may not write there",
      "let a user who may create a schema use it once, and grant the rest by GRANT",
    );
  }
  if (sqlState === "53100") {
    return make("state.disk-full", "the server's disk is full", "make room there");
  }
  if (sqlState.startsWith("42") || sqlState.startsWith("22") || sqlState.startsWith("23")) {
    // All statements are constant: only tables that are not as they were made can refuse one.
    const help =
      "put a backup in its place, or drop its schema and make the records anew from the " +
      "hosts: staddle state rebuild STACK";
    return corrupt(location, [`${said} (${sqlState})`], error, help);
  }
  if (isPassing(error)) {
    return make(
      "state.unreachable",
      "the server does not answer",
      "look whether it runs and can be reached, then run the same command again; what was done is " +
        "read from the hosts",
    );
  }
  if (/certificate|self.signed|SSL|TLS|altnames|UnknownIssuer/i.test(said)) {
    return make(
      "state.tls",
      "the connection cannot be encrypted as sslmode asks",
      "name the authority in sslrootcert, or correct sslmode",
    );
  }
  return make("state.failed", "the server refused", "look at the server's log");
}
