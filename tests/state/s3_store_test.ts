import assert from "node:assert/strict";
import { DocumentStore } from "../../state/document_store.ts";
import { s3Address, s3Site } from "../../state/s3_site.ts";
import type { StoreOptions } from "../../state/store_options.ts";
import { row, storeContract } from "./contract.ts";
import { bucketServer } from "./servers/bucket.ts";

function fixture() {
  const server = bucketServer();
  const { endpoint, credentials: { region } } = server;
  const location = `s3://records/team/a b?endpoint=${endpoint}&region=${region}`;
  const { variable } = server;
  return {
    server,
    open: (options: StoreOptions = {}) =>
      new DocumentStore(
        s3Site(s3Address(location, variable), { variable, patienceSeconds: 20 }),
        options,
      ),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      assert.deepEqual(server.complaints, []);
    },
  };
}

storeContract("S3", () => Promise.resolve(fixture()));

Deno.test("S3: a server that is busy, or whose answer is lost, is asked again and nothing is done twice", async () => {
  await using place = fixture();
  await using store = place.open();
  place.server.faults.push("away", "busy");
  await using lease = await store.lock("shop", "ann");
  assert.equal(await lease.write({ put: [row("a")] }), 1);
  place.server.faults.push("answer lost");
  assert.equal(await lease.write({ put: [row("b")] }), 2);
  place.server.faults.push("conflict", "conflict", "answer lost", "busy");
  assert.equal(await lease.write({ put: [row("c")] }), 3);
  assert.deepEqual((await store.load("shop"))?.resources, [row("a"), row("b"), row("c")]);
});
