/** A command that asks no host, under the permissions for such commands, on every store that is a server. */

import assert from "node:assert/strict";
import { openStore } from "../../state/mod.ts";
import { postgresServer } from "../support/postgres.ts";
import { row } from "./contract.ts";
import { bucketServer } from "./servers/bucket.ts";
import { stateServer } from "./servers/managed_state.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

Deno.test("`outputs` under -P=record reads a record from PostgreSQL, a bucket and GitLab", async () => {
  await using database = await postgresServer();
  await using bucket = bucketServer();
  await using gitlab = stateServer("gitlab");
  const { accessKeyId, secretAccessKey, region } = bucket.credentials;
  const url = new URL(database.location("staddle"));
  url.password = "";
  const stores: readonly Readonly<Record<string, string>>[] = [
    { STADDLE_STATE: url.href, PGPASSWORD: database.password },
    {
      STADDLE_STATE: `s3://records/team?endpoint=${bucket.endpoint}`,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: region,
    },
    {
      STADDLE_STATE: gitlab.address,
      TF_HTTP_USERNAME: gitlab.user,
      TF_HTTP_PASSWORD: gitlab.password,
    },
  ];
  for (const env of stores) {
    const before = Object.keys(env).map((name) => [name, Deno.env.get(name)] as const);
    for (const [name, value] of Object.entries(env)) Deno.env.set(name, value);
    try {
      await using store = openStore(env.STADDLE_STATE!);
      await using lease = await store.lock("shop", "ann");
      await lease.write({
        put: [row("a")],
        outputs: { address: { value: "10.0.0.2", sensitive: false } },
      });
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) Deno.env.delete(name);
        else Deno.env.set(name, value);
      }
    }
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "-P=record", "mod.ts", "outputs", "shop", "--json"],
      cwd: ROOT,
      env: { NO_COLOR: "", ...env },
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    assert.equal(code, 0, text.decode(stderr));
    assert.equal(JSON.parse(text.decode(stdout)).address.value, "10.0.0.2");
  }
  assert.deepEqual(bucket.complaints, []);
});
