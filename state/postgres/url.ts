/**
 * From a `postgres://` URL, and what libpq would read besides, to the options of a connection.
 *
 * @module
 */

import { badLocation } from "../bad_location.ts";

/** How the server is reached. */
export interface PostgresAddress {
  /** Host name, address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password: string | undefined;
  /** Schema that holds the tables. */
  readonly schema: string;
  /** As the TLS layer takes it. */
  readonly ssl: false | "prefer" | TlsOptions;
  /** For messages: without the password. */
  readonly location: string;
}

/** What is checked of the server's certificate. */
export interface TlsOptions {
  readonly ca?: string;
  readonly rejectUnauthorized: boolean;
  /** Replaces the check of the name, for `verify-ca`. */
  readonly checkServerIdentity?: () => undefined;
}

/** Parameters of the URL that mean something; others are refused, for a typing error could cost TLS. */
const known = ["host", "schema", "sslmode", "sslrootcert"];
const modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/**
 * Reads the URL. What it leaves out comes from `PGHOST`, `PGPORT`, `PGUSER`, `PGDATABASE`, `PGPASSWORD`,
 * `PGSSLMODE`, `PGSSLROOTCERT` and the password file (`PGPASSFILE`, or `~/.pgpass`):
 * https://www.postgresql.org/docs/current/libpq-envars.html.
 *
 * @throws {StaddleError} `state.bad-location`.
 */
export function postgresAddress(
  url: string,
  variable: (name: string) => string | undefined = (name) => Deno.env.get(name),
): PostgresAddress {
  let parsed: URL;
  try {
    // A user without a host is no URL: for a moment the host is a dot.
    parsed = new URL(url.replace(/^(\w+:\/\/[^/?#]*@)(?=[/?#]|$)/, "$1."));
  } catch {
    throw badLocation("it is not a URL; special characters in a password must be percent-encoded");
  }
  for (const name of parsed.searchParams.keys()) {
    if (!known.includes(name)) {
      throw badLocation(`it has an unknown parameter "${name}"; known are ${known.join(", ")}`);
    }
  }
  const query = (name: string) => parsed.searchParams.get(name) || undefined;
  const text = decodeURIComponent;
  const host = query("host") ??
    (text(parsed.hostname).replace(/^\.$/, "") || variable("PGHOST") || "localhost");
  const port = Number(parsed.port || variable("PGPORT") || 5432);
  const user = text(parsed.username) || variable("PGUSER") || variable("USER") ||
    variable("LOGNAME") || "postgres";
  const database = text(parsed.pathname.slice(1)) || variable("PGDATABASE") || user;
  const schema = query("schema") ?? "staddle";
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw badLocation("its schema must be of small letters, digits and underscores");
  }
  const mode = query("sslmode") ?? variable("PGSSLMODE") ?? "prefer";
  if (!modes.includes(mode)) throw badLocation(`its sslmode is none of ${modes.join(", ")}`);
  const address = { host, port, user, database };
  const where = host.startsWith("/") ? `${database} on ${host}, port ${port}` : undefined;
  const shown = host.includes(":") && where === undefined
    ? `[${host.replace(/^\[|\]$/g, "")}]`
    : host;
  return {
    ...address,
    host: host.replace(/^\[|\]$/g, ""),
    schema,
    password: text(parsed.password) || variable("PGPASSWORD") || passwordOf(address, variable),
    ssl: host.startsWith("/")
      ? false
      : sslOf(mode, query("sslrootcert") ?? variable("PGSSLROOTCERT")),
    location:
      (where === undefined
        ? `postgres://${user}@${shown}:${port}/${database}`
        : `postgres: ${where}, as ${user}`) + (schema === "staddle" ? "" : `, schema ${schema}`),
  };
}

function sslOf(mode: string, rootCertificate: string | undefined): PostgresAddress["ssl"] {
  if (mode === "disable") return false;
  if (mode === "allow" || mode === "prefer") return "prefer";
  let ca: string | undefined;
  if (rootCertificate !== undefined && rootCertificate !== "system") {
    try {
      ca = Deno.readTextFileSync(rootCertificate);
    } catch (error) {
      throw badLocation(
        `its sslrootcert cannot be read: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
  // As libpq has it: `require` with a root certificate checks it as `verify-ca` does.
  if (mode === "require" && ca === undefined) return { rejectUnauthorized: false };
  const certificate = ca === undefined ? {} : { ca };
  if (mode === "verify-full") return { ...certificate, rejectUnauthorized: true };
  return {
    ...certificate,
    rejectUnauthorized: true,
    checkServerIdentity: () => undefined,
  };
}

/** https://www.postgresql.org/docs/current/libpq-pgpass.html */
function passwordOf(
  { host, port, database, user }: Pick<PostgresAddress, "host" | "port" | "database" | "user">,
  variable: (name: string) => string | undefined,
): string | undefined {
  const home = variable("HOME");
  const path = variable("PGPASSFILE") ?? (home === undefined ? undefined : `${home}/.pgpass`);
  if (path === undefined) return undefined;
  let lines: readonly string[];
  try {
    // As libpq does: a file that others may read is not used.
    if (((Deno.statSync(path).mode ?? 0) & 0o077) !== 0) return undefined;
    lines = Deno.readTextFileSync(path).split("\n");
  } catch {
    return undefined; // No file, or none that can be read: the server may need no password.
  }
  const wanted = [host.startsWith("/") ? "localhost" : host, String(port), database, user];
  for (const line of lines) {
    if (line.startsWith("#")) continue;
    const fields = [...line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g)].slice(0, 5)
      .map(([, field]) => field!.replaceAll(/\\(.)/g, "$1"));
    if (fields.length < 5) continue;
    if (wanted.every((value, i) => fields[i] === "*" || fields[i] === value)) return fields[4];
  }
  return undefined;
}
