/** PostgreSQL over TLS, with certificates of an authority that the test makes. */

import assert from "node:assert/strict";
import { StaddleError } from "../../providers/error.ts";
import { PostgresStore } from "../../state/postgres/store.ts";
import { run } from "../cli/staddle.ts";
import { golden } from "../support/golden.ts";
import { postgresServer } from "../support/postgres.ts";

/** An authority, and a certificate for `localhost` that it has signed. */
async function certificates(folder: string): Promise<{ certificate: string; key: string }> {
  const openssl = (...args: string[]) => run("openssl", ...args);
  const at = (name: string) => `${folder}/${name}`;
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  for (const name of ["ca", "other"]) {
    await openssl(
      ...["req", "-x509", ...key, "-days", "2", "-subj", `/CN=${name}`],
      ...["-keyout", at(`${name}.key`), "-out", at(`${name}.crt`)],
    );
  }
  await openssl(
    ...["req", ...key, "-subj", "/CN=localhost", "-keyout", at("server.key"), "-out", at("csr")],
  );
  await Deno.writeTextFile(at("ext"), "subjectAltName=DNS:localhost\n");
  await openssl(
    ...["x509", "-req", "-in", at("csr"), "-CA", at("ca.crt"), "-CAkey", at("ca.key")],
    ...["-CAcreateserial", "-days", "2", "-extfile", at("ext"), "-out", at("server.crt")],
  );
  return {
    certificate: await Deno.readTextFile(at("server.crt")),
    key: await Deno.readTextFile(at("server.key")),
  };
}

Deno.test("PostgreSQL: sslmode checks the server's certificate, and what it refuses is said", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-tls-" });
  try {
    await using server = await postgresServer(await certificates(folder));
    const open = (host: string, query: string) => {
      const url = new URL(server.location("staddle"));
      url.hostname = host;
      return new PostgresStore(`${url.href}&${query}`, { patienceSeconds: 20 });
    };
    const ca = `sslrootcert=${folder}/ca.crt`;
    const good = [
      ["127.0.0.1", "sslmode=prefer"],
      ["127.0.0.1", "sslmode=require"],
      ["localhost", `sslmode=verify-full&${ca}`],
      ["127.0.0.1", `sslmode=verify-ca&${ca}`],
    ] as const;
    for (const [host, query] of good) {
      await using store = open(host, query);
      await using _lease = await store.lock("shop", "ann");
      const encrypted = await server.query(
        "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) " +
          "WHERE ssl AND application_name = 'staddle'",
      );
      assert.equal(encrypted, "1\n", query);
    }
    const bad = [
      ["127.0.0.1", `sslmode=verify-full&${ca}`],
      ["localhost", `sslmode=verify-full&sslrootcert=${folder}/other.crt`],
      ["localhost", "sslmode=verify-full"],
    ] as const;
    const texts: string[] = [];
    for (const [host, query] of bad) {
      await using store = open(host, query);
      const error = await store.lock("shop", "ann").catch((thrown: unknown) => thrown);
      assert(error instanceof StaddleError, query);
      texts.push(error.render().replaceAll(String(server.port), "<port>"));
    }
    golden(import.meta.url, "postgres_tls.txt", texts.join("\n\n"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
