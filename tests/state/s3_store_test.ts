import assert from "node:assert/strict";
import { generateX25519Identity } from "age-encryption";
import fc from "fast-check";
import { StaddleError } from "../../providers/error.ts";
import { documentText, parseDocument } from "../../state/documents/format.ts";
import { DocumentStore } from "../../state/documents/store.ts";
import type { AgeKeys } from "../../state/keyring.ts";
import { s3Address, s3Site } from "../../state/documents/s3_site.ts";
import type { StoreOptions } from "../../state/store_options.ts";
import { freePort } from "../support/free_port.ts";
import { golden } from "../support/golden.ts";
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

Deno.test("S3: the stacks of a bucket are found below their prefix, page by page", async () => {
  await using place = fixture();
  place.server.objects.set("team/other.json", "{}");
  place.server.objects.set("team/a b/notes.txt", "not ours");
  place.server.objects.set("team/a b/below/x.json", "{}");
  await using store = place.open();
  const names = ["shop", "blog", "a/b & 'c'", "ü", "zoo"];
  for (const name of names) {
    await using lease = await store.lock(name, "ann");
    await lease.write({ put: [row("a")] });
  }
  await using _lockedAlone = await store.lock("nothing", "ann");
  assert.deepEqual(await store.stacks(), [...names].sort());
  assert.equal((await store.load("a/b & 'c'"))?.stack, "a/b & 'c'");
});

Deno.test("S3: a write whose object was changed by other means is refused", async () => {
  await using place = fixture();
  await using store = place.open();
  await using lease = await store.lock("shop", "ann");
  await lease.write({ put: [row("a")] });
  const key = "team/a b/shop.json";
  const text = place.server.objects.get(key)!;
  place.server.objects.set(key, `${text}\n`);
  await assert.rejects(lease.write({ put: [row("b")] }), { code: "state.lease-lost" });
  assert.equal(place.server.objects.get(key), `${text}\n`);
  place.server.objects.delete(key);
  await using other = place.open();
  assert.equal(await other.load("shop"), undefined);
});

/** What a person reads. */
async function textOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(() => undefined, (thrown: unknown) => thrown);
  assert(error instanceof StaddleError, `expected a StaddleError, got ${error}`);
  return error.render().replaceAll(/:\d{4,5}\b/g, ":<port>");
}

Deno.test("S3: what keeps the bucket from being used is said", async () => {
  await using place = fixture();
  const { server } = place;
  const { endpoint, credentials: { region } } = server;
  const open = (
    url: string,
    variable: (name: string) => string | undefined = server.variable,
  ) => new DocumentStore(s3Site(s3Address(url, variable), { variable, patienceSeconds: 3 }));
  const url = `s3://records/team?endpoint=${endpoint}&region=${region}`;
  const wrong = (name: string) =>
    name === "AWS_SECRET_ACCESS_KEY" ? "something else" : server.variable(name);
  const texts: string[] = [];
  for (
    const store of [
      open(url, () => undefined),
      open(url, wrong),
      open(url.replace("records", "elsewhere")),
      open(url.replace(endpoint, `http://127.0.0.1:${freePort()}`)),
    ]
  ) {
    await using _store = store;
    texts.push(await textOf(store.lock("shop", "ann")));
  }
  assert.equal(server.complaints.splice(0).length, 1);
  server.faults.push(...Array<"busy">(30).fill("busy"));
  texts.push(await textOf(open(url).load("shop")));
  server.faults.length = 0;
  server.conditions = [];
  texts.push(await textOf(open(url).lock("shop", "ann")));
  assert.equal(await open(url).holder("shop"), undefined, "the lock was given back");
  golden(import.meta.url, "s3_errors.txt", texts.join("\n\n"));
});

for (const conditions of [[], ["if-match"], ["if-none-match"]] as const) {
  Deno.test(`S3: a server that ignores conditions is refused at the first lock; it knows ${conditions[0] ?? "none"}`, async () => {
    await using place = fixture();
    place.server.conditions = conditions;
    await using store = place.open();
    const refusal = { code: "state.no-conditional-writes" };
    await assert.rejects(store.lock("shop", "ann"), refusal);
    await assert.rejects(store.hold("shop", "ann", 60), refusal);
    assert.equal(await store.load("shop"), undefined);
    assert.equal(await store.holder("shop"), undefined);
    const tried = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => place.open().lock("shop", `user${i}`)),
    );
    assert(tried.every(({ status }) => status === "rejected"), "no two runs could write at once");
    assert.equal(await store.load("shop"), undefined);
  });
}

Deno.test("S3: a document with a character changed anywhere reads as it was, or is refused", async () => {
  await using place = fixture();
  await using store = place.open();
  {
    await using lease = await store.lock("shop", "ann");
    await lease.write({
      put: [row("a"), row("b")],
      hosts: { lab: { name: "lab", uri: "test:///default" } },
    });
  }
  const key = "team/a b/shop.json";
  const sound = place.server.objects.get(key)!;
  const wanted = JSON.stringify(await store.load("shop"));
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: sound.length - 1 }),
      fc.integer({ min: 32, max: 126 }),
      async (at, code) => {
        const changed = sound.slice(0, at) + String.fromCharCode(code) + sound.slice(at + 1);
        place.server.objects.set(key, changed);
        const got = await store.load("shop").then(
          JSON.stringify,
          (error: StaddleError) => error.code,
        );
        if (got === wanted) return;
        refused++;
        assert.match(
          String(got),
          /^state\.(corrupt|newer-version|foreign-document)$/,
          `character ${at}: ${String.fromCharCode(code)}`,
        );
      },
    ),
    { numRuns: 200 },
  );
  assert(refused > 100, String(refused));
});

Deno.test("S3: a document that cannot be used is refused with the reason", async () => {
  await using place = fixture();
  await using store = place.open();
  {
    await using lease = await store.lock("shop", "ann");
    await lease.write({ put: [row("a")] });
  }
  const key = "team/a b/shop.json";
  const sound = place.server.objects.get(key)!;
  const damages = {
    truncated: sound.slice(0, 300),
    empty: "",
    changed: sound.replace("vcpus", "vcpuz"),
    newer: JSON.stringify({ ...JSON.parse(sound), version: 99 }),
    terraform: JSON.stringify({ version: 4, terraform_version: "1.9.0", serial: 3, lineage: "x" }),
  };
  const texts: string[] = [];
  for (const text of Object.values(damages)) {
    place.server.objects.set(key, text);
    texts.push((await textOf(store.load("shop"))).replaceAll(place.server.endpoint, "<server>"));
    await assert.rejects(store.lock("shop", "bob"), StaddleError);
    assert.equal((await store.check()).length, 1);
    assert.equal(place.server.objects.get(key), text, "it may be of use to whoever mends it");
  }
  golden(import.meta.url, "document_errors.txt", texts.join("\n\n"));
});

Deno.test("S3: a document that is damaged is copied to another name, and a record can be made anew", async () => {
  await using place = fixture();
  const { objects } = place.server;
  const key = "team/a b/shop.json";
  for (const damage of [(text: string) => text.slice(0, 300), () => "", () => "{ü"]) {
    await using store = place.open();
    {
      await using lease = await store.lock("shop", "ann");
      await lease.write({ put: [row("a")] });
    }
    const damaged = damage(objects.get(key)!);
    objects.set(key, damaged);
    await assert.rejects(store.load("shop"), { code: "state.corrupt" });
    const aside = await store.setAside("shop", "bob", "/nowhere");
    assert.match(String(aside), /^s3:\/\/records\/team\/a b\/shop\.json\.broken-20[-T\d]+Z$/);
    assert.equal(objects.get(aside!.replace("s3://records/", "")), damaged);
    assert.deepEqual(await store.stacks(), []);
    await using lease = await store.lock("shop", "bob");
    assert.equal(await lease.write({ put: [row("b")] }), 1);
    assert.deepEqual((await store.load("shop"))?.resources, [row("b")]);
    await lease.write({ forget: true });
  }
  await using store = place.open();
  assert.equal(await store.setAside("nothing", "bob", "/nowhere"), undefined);
});

Deno.test("S3: a document that cannot be copied stays where it is", async () => {
  await using place = fixture();
  const { objects, faults } = place.server;
  objects.set("team/a b/shop.json", "damaged");
  await using store = place.open();
  place.server.watch = (moment, request) => {
    if (moment === "before" && request.method === "GET") faults.push("conflict");
    return Promise.resolve();
  };
  await assert.rejects(store.setAside("shop", "bob", "/nowhere"), { code: "state.failed" });
  assert.deepEqual([...objects], [["team/a b/shop.json", "damaged"]]);
});

Deno.test("S3: an encrypted document that is damaged, or whose key is not given, is refused with the reason", async () => {
  await using place = fixture();
  const key = "team/a b/shop.json";
  const keysOf = async (): Promise<AgeKeys> => ({
    identities: [await generateX25519Identity()],
    recipients: [],
    origin: "STADDLE_STATE_KEY",
  });
  const ours = await keysOf();
  const withKeys = (keys: AgeKeys | undefined) => place.open({ keys: () => Promise.resolve(keys) });
  {
    await using store = withKeys(ours);
    await using lease = await store.lock("shop", "ann");
    await lease.write({ put: [row("a")] });
  }
  const sound = place.server.objects.get(key)!;
  assert.doesNotMatch(sound, /vcpus/);
  const texts: string[] = [];
  const show = async (keys: AgeKeys | undefined) => {
    await using store = withKeys(keys);
    const before = place.server.objects.get(key);
    texts.push((await textOf(store.load("shop"))).replaceAll(place.server.endpoint, "<server>"));
    assert.equal((await store.check()).length, 1);
    assert.equal(place.server.objects.get(key), before, "it may be of use to whoever mends it");
  };
  await show(undefined);
  await show(await keysOf());
  place.server.objects.set(key, sound.slice(0, sound.length / 2));
  await show(ours);
  // One character of what is sealed, under a sum that fits.
  const document = parseDocument(sound, "<document>");
  const record = String(document.record);
  const middle = record.length / 2 | 0;
  const other = record[middle] === "A" ? "B" : "A";
  const changed = record.slice(0, middle) + other + record.slice(middle + 1);
  place.server.objects.set(key, documentText({ ...document, record: changed }));
  await show(ours);
  golden(import.meta.url, "sealed_document_errors.txt", texts.join("\n\n"));
});
