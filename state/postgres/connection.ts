/**
 * One connection to PostgreSQL.
 *
 * @module
 */

import { fragment, type Rows, type Sql, textOf } from "./sql.ts";
import type { PostgresAddress } from "./url.ts";

/** ms until a connection is there, and until a statement is answered. */
const CONNECT_TIMEOUT = 10_000;
const QUERY_TIMEOUT = 60_000;
const GOODBYE_TIMEOUT = 2000;

/** What the driver says when TLS is asked for and the server has none. */
const NO_TLS = /does not support SSL/;

/** What is used of the driver's client; the package brings no types. */
interface Client {
  connect(): Promise<void>;
  query(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: unknown[]; readonly rowCount: number | null }>;
  on(event: "error", listener: (error: Error) => void): void;
  end(): Promise<void>;
  readonly connection: { readonly stream: { destroy(): void } };
}

/** An open connection. Used by one caller at a time. */
export class PostgresConnection implements AsyncDisposable {
  readonly #client: Client;

  /** The client must be connected, and is closed with this. */
  constructor(client: Client) {
    this.#client = client;
  }

  /** Connects. Whatever the driver throws comes out as it is. */
  static async open(address: PostgresAddress): Promise<PostgresConnection> {
    if (address.ssl !== "prefer") return await connect(address, address.ssl);
    try {
      return await connect(address, { rejectUnauthorized: false });
    } catch (error) {
      if (!(error instanceof Error && NO_TLS.test(error.message))) throw error;
      return await connect(address, false);
    }
  }

  /** Calls `body` in a transaction of this mode: all of it is kept, or nothing. */
  async transaction<T>(mode: string, body: (sql: Sql) => Promise<T>): Promise<T> {
    await this.#client.query(`BEGIN ${mode}`);
    let result: T;
    try {
      result = await body(this.#sql);
    } catch (error) {
      // A connection that is gone has nothing to roll back, and says so in its own words.
      await this.#client.query("ROLLBACK").catch(() => {});
      throw error;
    }
    await this.#client.query("COMMIT");
    return result;
  }

  /** Runs statements without values. */
  async script(text: string): Promise<void> {
    await this.#client.query(text);
  }

  readonly #sql: Sql = async <R extends object>(
    parts: TemplateStringsArray,
    ...values: readonly unknown[]
  ): Promise<Rows<R>> => {
    const statement = fragment(parts, ...values);
    const { rows, rowCount } = await this.#client.query(textOf(statement), [...statement.values]);
    return Object.assign(rows as R[], { count: rowCount ?? 0 });
  };

  /** Says goodbye, if there still is somebody to say it to. */
  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#client);
  }
}

/** A server that has gone silent does not answer a goodbye either. */
async function end(client: Client): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, GOODBYE_TIMEOUT));
  await Promise.race([client.end().catch(() => {}), late]);
  clearTimeout(timer);
  client.connection.stream.destroy();
}

async function connect(
  { host, port, user, database, password }: PostgresAddress,
  ssl: Exclude<PostgresAddress["ssl"], "prefer">,
): Promise<PostgresConnection> {
  const { default: pg } = await import("pg");
  const client: Client = new pg.Client({
    host,
    port,
    user,
    database,
    // An empty one, for otherwise the driver looks for the password file in its own way.
    password: password ?? "",
    ssl,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    query_timeout: QUERY_TIMEOUT,
    keepAlive: true,
    application_name: "staddle",
  });
  // Without a listener a cut connection would end the process. Whoever uses it next is told.
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    await end(client);
    throw error;
  }
  return new PostgresConnection(client);
}
