import assert from "node:assert/strict";
import { StaddleError } from "../../providers/error.ts";
import { PostgresStore, type PostgresStoreOptions } from "../../state/postgres/store.ts";
import { freePort } from "../support/free_port.ts";
import { golden } from "../support/golden.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { row, storeContract } from "./contract.ts";

/** One server for all tests of this file; each has a schema of its own. */
let server: PostgresServer;
let schemas = 0;

Deno.test.beforeAll(async () => {
  server = await postgresServer();
});
Deno.test.afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const at = "2026-01-02T03:04:05.678Z";

function fixture() {
  const schema = `staddle_${++schemas}`;
  const location = server.location(schema);
  return {
    schema,
    location,
    open: (options: PostgresStoreOptions = {}) => new PostgresStore(location, options),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

storeContract("PostgreSQL", () => Promise.resolve(fixture()));

Deno.test("PostgreSQL: a server that restarts in the middle loses nothing and does nothing twice", async () => {
  await using place = fixture();
  await using store = place.open({ patienceSeconds: 120 });
  await using lease = await store.lock("shop", "ann");
  const wrote: number[] = [];
  const writing = (async () => {
    for (let i = 0; i < 60; i++) {
      const step = `create:m${i}`;
      wrote.push(
        await lease.write({
          put: [row(`m${i}`)],
          journal: [{ run: "r1", step, address: `m${i}`, operation: "create", phase: "begin", at }],
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  for (const end of [server.stop, server.kill, server.kill]) {
    const before = wrote.length;
    while (wrote.length < before + 5) await new Promise((resolve) => setTimeout(resolve, 5));
    await end();
    await server.start();
  }
  await writing;
  assert.deepEqual(wrote, Array.from({ length: 60 }, (_, i) => i + 1));
  assert.equal((await store.load("shop"))?.serial, 60);
  assert.equal((await store.load("shop"))?.resources.length, 60);
  assert.deepEqual(
    (await store.journal("shop", "r1")).map(({ address }) => address),
    Array.from({ length: 60 }, (_, i) => `m${i}`),
  );
  assert.equal(lease.lost.aborted, false);
});

/** Passes bytes on to the server, and can cut a client off after its COMMIT, before it has the answer. */
function proxy():
  & { readonly port: number; cutNextCommit(): void; readonly cuts: number }
  & Disposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  let armed = false;
  let cuts = 0;
  async function serve(client: Deno.Conn): Promise<void> {
    const upstream = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    let cut = false;
    const close = () => {
      for (const connection of [client, upstream]) {
        if (open.delete(connection)) connection.close();
      }
    };
    open.add(client).add(upstream);
    const pass = async (from: Deno.Conn, to: Deno.Conn, look: (text: string) => boolean) => {
      const buffer = new Uint8Array(65536);
      for (;;) {
        const count = await from.read(buffer);
        if (count === null || !look(new TextDecoder().decode(buffer.subarray(0, count)))) return;
        for (let done = 0; done < count;) done += await to.write(buffer.subarray(done, count));
      }
    };
    const upward = pass(client, upstream, (text) => {
      if (armed && /commit/i.test(text)) {
        armed = false;
        cut = true;
      }
      return true;
    });
    const downward = pass(upstream, client, () => {
      if (cut) cuts++;
      return !cut;
    });
    await Promise.race([upward.catch(() => {}), downward.catch(() => {})]);
    close();
    await Promise.allSettled([upward, downward]);
  }
  void (async () => {
    for await (const client of listener) void serve(client);
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    cutNextCommit: () => armed = true,
    get cuts() {
      return cuts;
    },
    [Symbol.dispose]() {
      for (const connection of open) connection.close();
      open.clear();
      listener.close();
    },
  };
}

Deno.test("PostgreSQL: what was committed though its answer was lost is not done again", async () => {
  await using place = fixture();
  using between = proxy();
  const url = new URL(place.location);
  url.port = String(between.port);
  await using store = new PostgresStore(url.href, { patienceSeconds: 60 });
  // Makes the tables, so that the lock is the one transaction of what follows.
  await store.hold("other", "ann", 1);
  between.cutNextCommit();
  await using lease = await store.lock("shop", "ann");
  assert.equal(between.cuts, 1);
  assert.equal(lease.token, 1);
  const begin = {
    run: "r1",
    step: "create:a",
    address: "a",
    operation: "create",
    phase: "begin",
    at,
  } as const;
  between.cutNextCommit();
  assert.equal(await lease.write({ put: [row("a")], journal: [begin] }), 1);
  assert.equal(between.cuts, 2);
  assert.equal(await lease.write({ put: [row("b")] }), 2);
  assert.deepEqual(await store.journal("shop", "r1"), [begin]);
  between.cutNextCommit();
  await lease[Symbol.asyncDispose]();
  assert.equal(await store.holder("shop"), undefined);
  assert.equal(between.cuts, 3);
});

Deno.test("PostgreSQL: a later layout is refused", async () => {
  await using place = fixture();
  await using store = place.open();
  {
    await using lease = await store.lock("shop", "ann");
    await lease.write({ put: [row("a")] });
  }
  await server.query(`UPDATE ${place.schema}.layout SET version = 99`);
  await using later = place.open();
  golden(import.meta.url, "postgres_newer_layout.txt", await textOf(later.load("shop")));
  assert.match(await textOf(later.lock("shop", "ann")), /state\.newer-version/);
});

/** What a person reads, without what differs from run to run. */
async function textOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(() => undefined, (thrown: unknown) => thrown);
  assert(error instanceof StaddleError, `expected a StaddleError, got ${error}`);
  return error.render().replaceAll(/staddle_\d+/g, "<schema>").replaceAll(/:\d{4,5}\b/g, ":<port>")
    .replaceAll(server.password, "<password>");
}

const damages: Readonly<Record<string, string>> = {
  row_changed: "UPDATE resources SET body = replace(body, 'vcpus', 'vcpuz') WHERE address = 'b'",
  row_missing: "DELETE FROM resources WHERE address = 'b'",
  part_missing: "DELETE FROM parts WHERE part = 'outputs'",
  stack_renamed: "UPDATE stacks SET stack = 'shoq'",
  table_missing: "DROP TABLE resources",
  column_missing: "ALTER TABLE resources DROP COLUMN body",
};

for (const [name, sql] of Object.entries(damages)) {
  Deno.test(`PostgreSQL: a record that is damaged is refused with the reason: ${name}`, async () => {
    await using place = fixture();
    await using store = place.open();
    await using lease = await store.lock("shop", "ann");
    await lease.write({ put: [row("a"), row("b")], hosts: { lab: { name: "lab", uri: "x" } } });
    await server.query(`SET search_path = ${place.schema}; ${sql}`);
    await using other = place.open();
    golden(import.meta.url, `postgres_${name}.txt`, await textOf(other.load("shop")));
    // Without the column neither row is what it was; a name that is damaged is one more.
    const two = name === "column_missing" || name === "stack_renamed";
    assert.equal((await other.check()).length, two ? 2 : 1);
    await lease[Symbol.asyncDispose]();
    if (name === "table_missing") {
      await assert.rejects(other.setAside("shop", "bob", "/nowhere"), { code: "state.corrupt" });
      return;
    }
    const folder = await Deno.makeTempDir({ prefix: "staddle-aside-" });
    try {
      const aside = await other.setAside("shop", "bob", folder);
      assert(aside !== undefined && aside.startsWith(`${folder}/.staddle/shop.json.broken-20`));
      assert.match(await Deno.readTextFile(aside), /"resources": \[\n/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    assert.deepEqual(await other.stacks(), []);
    assert.equal(await other.load("shop"), undefined);
    await using fresh = await other.lock("shop", "bob");
    if (name === "column_missing") {
      await assert.rejects(fresh.write({ put: [row("c")] }), { help: /drop its schema/ });
      return;
    }
    assert.equal(await fresh.write({ put: [row("c")] }), 1);
    assert.deepEqual((await other.load("shop"))?.resources, [row("c")]);
  });
}

Deno.test("PostgreSQL: what keeps the server from being used is said, and no password shown", async () => {
  await using place = fixture();
  await server.query("CREATE ROLE reader LOGIN PASSWORD 'r'");
  const changed = (change: (url: URL) => void, options = {}) => {
    const url = new URL(place.location);
    change(url);
    return new PostgresStore(url.href, { patienceSeconds: 3, ...options });
  };
  const port = freePort();
  const stores = {
    wrong_password: changed((url) => url.password = "s3cret"),
    no_database: changed((url) => url.pathname = "/nowhere"),
    unreachable: changed((url) => url.port = String(port)),
    read_only: changed((url) => [url.username, url.password] = ["reader", "r"]),
    no_tls: changed((url) => url.searchParams.set("sslmode", "verify-full")),
  };
  for (const [name, store] of Object.entries(stores)) {
    await using _store = store;
    const text = await textOf(store.lock("shop", "ann"));
    assert(!text.includes("s3cret") && !text.includes(server.password));
    golden(import.meta.url, `postgres_${name}.txt`, text);
  }
});

Deno.test("PostgreSQL: by the Unix socket, and with a password from a file", async () => {
  await using place = fixture();
  const { schema } = place;
  await using bySocket = new PostgresStore(
    `postgres://${server.user}@localhost:${server.port}/postgres` +
      `?host=${encodeURIComponent(server.socket)}&schema=${schema}`,
  );
  assert.equal(
    bySocket.location,
    `postgres: postgres on ${server.socket}, port ${server.port}, as ${server.user}, schema ${schema}`,
  );
  await using lease = await bySocket.lock("shop", "ann");
  assert.equal(await lease.write({ put: [row("a")] }), 1);
  await using byPassword = place.open();
  assert.equal((await byPassword.load("shop"))?.serial, 1);
});

Deno.test("PostgreSQL: a server that takes connections and says nothing is given up", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const held: Deno.Conn[] = [];
  void (async () => {
    for await (const connection of listener) held.push(connection);
  })();
  const { port } = listener.addr as Deno.NetAddr;
  await using store = new PostgresStore(
    `postgres://ann@127.0.0.1:${port}/x?sslmode=disable`,
    { patienceSeconds: 1 },
  );
  try {
    const text = await textOf(store.load("shop"));
    golden(import.meta.url, "postgres_silent.txt", text);
  } finally {
    for (const connection of held) connection.close();
  }
});
