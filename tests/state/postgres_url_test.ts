import assert from "node:assert/strict";
import { StaddleError } from "../../providers/error.ts";
import { postgresAddress } from "../../state/postgres/url.ts";

const none = () => undefined;

function environment(values: Record<string, string>): (name: string) => string | undefined {
  return (name) => values[name];
}

Deno.test("what a URL says comes before the environment, and that before what is usual", () => {
  const variable = environment({
    PGHOST: "db",
    PGPORT: "6543",
    PGUSER: "eve",
    PGDATABASE: "records",
    PGPASSWORD: "secret",
    PGSSLMODE: "disable",
  });
  assert.deepEqual(postgresAddress("postgres://", variable), {
    host: "db",
    port: 6543,
    user: "eve",
    database: "records",
    password: "secret",
    schema: "staddle",
    ssl: false,
    location: "postgres://eve@db:6543/records",
  });
  const url = "postgresql://ann:p%40ss%2Fw@other:1234/mine?schema=team_b&sslmode=require";
  assert.deepEqual(postgresAddress(url, variable), {
    host: "other",
    port: 1234,
    user: "ann",
    database: "mine",
    password: "p@ss/w",
    schema: "team_b",
    ssl: { rejectUnauthorized: false },
    location: "postgres://ann@other:1234/mine, schema team_b",
  });
  assert.deepEqual(postgresAddress("postgres://", environment({ USER: "bob" })), {
    host: "localhost",
    port: 5432,
    user: "bob",
    database: "bob",
    password: undefined,
    schema: "staddle",
    ssl: "prefer",
    location: "postgres://bob@localhost:5432/bob",
  });
  assert.equal(postgresAddress("postgres://a@[::1]/x", none).host, "::1");
  assert.equal(postgresAddress("postgres://a@[::1]/x", none).location, "postgres://a@[::1]:5432/x");
  assert.deepEqual(
    postgresAddress("postgres://a@/x?host=%2Frun%2Fpostgresql", none).location,
    "postgres: x on /run/postgresql, port 5432, as a",
  );
});

Deno.test("sslmode asks of the server's certificate what libpq asks", async () => {
  const ca = await Deno.makeTempFile({ prefix: "staddle-ca-" });
  try {
    await Deno.writeTextFile(ca, "the authority");
    const ssl = (query: string) => postgresAddress(`postgres://a@b/c?${query}`, none).ssl;
    assert.equal(ssl("sslmode=disable"), false);
    assert.equal(ssl("sslmode=prefer"), "prefer");
    assert.deepEqual(ssl("sslmode=require"), { rejectUnauthorized: false });
    assert.deepEqual(ssl("sslmode=verify-full"), { rejectUnauthorized: true });
    assert.deepEqual(ssl(`sslmode=verify-full&sslrootcert=${ca}`), {
      ca: "the authority",
      rejectUnauthorized: true,
    });
    for (const mode of ["require", "verify-ca"]) {
      const { checkServerIdentity, ...rest } = ssl(`sslmode=${mode}&sslrootcert=${ca}`) as {
        checkServerIdentity: () => undefined;
      };
      assert.deepEqual(rest, { ca: "the authority", rejectUnauthorized: true });
      assert.equal(checkServerIdentity(), undefined);
    }
  } finally {
    await Deno.remove(ca);
  }
});

Deno.test("the password comes from the password file as libpq reads it", async () => {
  const file = await Deno.makeTempFile({ prefix: "staddle-pgpass-" });
  try {
    await Deno.writeTextFile(
      file,
      [
        "# host:port:database:user:password",
        "db:5432:records:eve:not this one",
        "d\\:b:*:*:ann:p\\:a\\\\ss",
        "db:6543:*:ann:right",
        "localhost:*:*:*:by socket",
        "*:*:*:*:last",
      ].join("\n"),
    );
    const variable = environment({ PGPASSFILE: file });
    const password = (url: string) => postgresAddress(url, variable).password;
    await Deno.chmod(file, 0o600);
    assert.equal(password("postgres://ann@db:6543/x"), "right");
    assert.equal(password("postgres://ann:given@db:6543/x"), "given");
    assert.equal(password("postgres://eve@db/records"), "not this one");
    assert.equal(password("postgres://eve@db/other"), "last");
    assert.equal(password("postgres://eve@db/other?host=%2Ftmp"), "by socket");
    assert.equal(password("postgres://ann@x/y?host=d%3Ab"), "p:a\\ss");
    await Deno.chmod(file, 0o644);
    assert.equal(password("postgres://eve@db/other"), undefined, "others may read it");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("a URL that means nothing, or might mean less than it says, is refused", () => {
  const refused = {
    "postgres://a@b/c?sslmod=verify-full": 'unknown parameter "sslmod"',
    "postgres://a@b/c?sslmode=verify": "sslmode is none of disable, allow",
    "postgres://a@b/c?schema=x;drop": "schema must be of small letters",
    "postgres://a@b/c?sslmode=require&sslrootcert=/nowhere/ca": "sslrootcert cannot be read",
    "postgres://a:b@c:port/d": "it is not a URL",
  };
  for (const [url, reason] of Object.entries(refused)) {
    assert.throws(() => postgresAddress(url, none), (error: unknown) => {
      assert(error instanceof StaddleError);
      assert.equal(error.code, "state.bad-location");
      assert(error.message.includes(reason), error.message);
      return true;
    });
  }
});
