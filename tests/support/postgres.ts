/**
 * A PostgreSQL server of a test's own: in a temporary folder, on a loopback port and a Unix socket, run
 * by a user without rights, ended by its process id.
 *
 * @module
 */

import assert from "node:assert/strict";
import { freePort } from "./free_port.ts";

/** A running server. */
export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** Folder of the Unix socket. */
  readonly socket: string;
  /** Name of the superuser, who needs a password over TCP and none over the socket. */
  readonly user: string;
  readonly password: string;
  /** Location of a store in a schema of its own. */
  location(schema: string): string;
  /** Runs statements as superuser by psql, and gives what they print. */
  query(sql: string): Promise<string>;
  /** Ends the server at once, without a word to its clients (as a crash would). */
  kill(): Promise<void>;
  /** Asks the server to close down: its clients are told and cut off. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
}

/** The folder of the newest PostgreSQL's programs: Debian does not put them on the path. */
function programs(): string {
  const root = "/usr/lib/postgresql";
  const versions = Array.from(Deno.readDirSync(root), ({ name }) => name)
    .filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(a) - Number(b));
  const version = versions.at(-1);
  assert(version !== undefined, "PostgreSQL is missing: scripts/setup --tests installs it");
  return `${root}/${version}/bin`;
}

/** PostgreSQL refuses to run as root. */
async function unprivileged(): Promise<{ readonly uid?: number; readonly gid?: number }> {
  if (Deno.uid() !== 0) return {};
  const passwd = await Deno.readTextFile("/etc/passwd");
  const fields = passwd.split("\n").map((line) => line.split(":"));
  const user = fields.find(([name]) => name === "postgres") ??
    fields.find(([name]) => name === "nobody");
  assert(user !== undefined);
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

async function run(
  program: string,
  args: readonly string[],
  options: Deno.CommandOptions = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    ...options,
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  assert(success, `${program} ${args.join(" ")}\n${text.decode(stdout)}${text.decode(stderr)}`);
  return text.decode(stdout);
}

/** Makes a database cluster and starts a server on it; with a certificate it talks TLS as well. */
export async function postgresServer(
  certificate?: { readonly certificate: string; readonly key: string },
): Promise<PostgresServer> {
  const bin = programs();
  const owner = await unprivileged();
  const folder = await Deno.makeTempDir({ prefix: "staddle-postgres-" });
  const [data, socket] = [`${folder}/data`, `${folder}/socket`];
  const password = crypto.randomUUID();
  const user = "ann";
  const options: Deno.CommandOptions = { ...owner, cwd: folder };
  let server: Deno.ChildProcess | undefined;
  let port = freePort();

  const answers = async (): Promise<boolean> =>
    (await new Deno.Command(`${bin}/pg_isready`, {
      args: ["-q", "-h", socket, "-p", String(port), "-d", "postgres"],
      stdout: "null",
      stderr: "null",
    }).output()).code === 0;

  async function start(): Promise<void> {
    for (let attempt = 0;; attempt++) {
      const log = await Deno.open(`${folder}/log`, { create: true, append: true });
      const child = new Deno.Command(`${bin}/postgres`, {
        ...options,
        args: [
          ...["-D", data, "-p", String(port), "-k", socket, "-c", "listen_addresses=127.0.0.1"],
          ...(certificate === undefined ? [] : ["-c", "ssl=on"]),
        ],
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).spawn();
      void child.stderr.pipeTo(log.writable).catch(() => {});
      let ended = false;
      void child.status.then(() => ended = true);
      const deadline = Date.now() + 60_000;
      while (!ended && Date.now() < deadline) {
        if (await answers()) {
          server = child;
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      if (!ended) child.kill("SIGKILL");
      await child.status;
      const said = await Deno.readTextFile(`${folder}/log`);
      // Another process was quicker to take the port.
      if (attempt < 5 && server === undefined && /could not (bind|create any)/.test(said)) {
        port = freePort();
        continue;
      }
      throw new Error(`PostgreSQL does not start:\n${said}`);
    }
  }

  async function end(signal: Deno.Signal): Promise<void> {
    if (server === undefined) return;
    const child = server;
    server = undefined;
    child.kill(signal);
    await child.status;
  }

  const all: PostgresServer = {
    get port() {
      return port;
    },
    socket,
    user,
    password,
    location: (schema) =>
      `postgres://${user}:${password}@127.0.0.1:${port}/postgres?schema=${schema}`,
    query: (sql) =>
      run(`${bin}/psql`, [
        "-XAtq",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        socket,
        "-p",
        String(port),
        "-U",
        user,
        "-d",
        "postgres",
        "-c",
        sql,
      ]),
    // An immediate shutdown: no checkpoint, no goodbye; recovery from the log follows.
    kill: () => end("SIGQUIT"),
    stop: () => end("SIGINT"),
    start,
    async [Symbol.asyncDispose]() {
      await end("SIGQUIT");
      await Deno.remove(folder, { recursive: true });
    },
  };
  try {
    await Deno.mkdir(socket);
    await Deno.writeTextFile(`${folder}/password`, password);
    if (owner.uid !== undefined) {
      for (const path of [folder, socket, `${folder}/password`]) {
        await Deno.chown(path, owner.uid, owner.gid ?? null);
      }
    }
    await run(`${bin}/initdb`, [
      "-D",
      data,
      "-U",
      user,
      "--auth-local=trust",
      "--auth-host=scram-sha-256",
      `--pwfile=${folder}/password`,
      "--no-sync",
      "--encoding=UTF8",
      "--locale=C",
    ], options);
    if (certificate !== undefined) {
      for (const [name, text] of [["crt", certificate.certificate], ["key", certificate.key]]) {
        const path = `${data}/server.${name}`;
        await Deno.writeTextFile(path, text!, { mode: 0o600 });
        if (owner.uid !== undefined) await Deno.chown(path, owner.uid, owner.gid ?? null);
      }
    }
    await start();
    return all;
  } catch (error) {
    await all[Symbol.asyncDispose]();
    throw error;
  }
}
