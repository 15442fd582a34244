import { PostgresStore } from "../../state/postgres_store.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { storeContract } from "./contract.ts";

/** One server for all tests of this file; each has a schema of its own. */
let server: PostgresServer;
let schemas = 0;

Deno.test.beforeAll(async () => {
  server = await postgresServer();
});
Deno.test.afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function fixture() {
  const location = server.location(`staddle_${++schemas}`);
  return {
    location,
    open: (options = {}) => new PostgresStore(location, options),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

storeContract("PostgreSQL", () => Promise.resolve(fixture()));
