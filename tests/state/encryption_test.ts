/** Records that are encrypted: what stands in the store, whence keys come, and what is said without them. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { armor, Decrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { StaddleError } from "../../providers/error.ts";
import { environmentKeys } from "../../state/environment_keys.ts";
import { type AgeKeys, parseKeys, recipientsOf } from "../../state/keyring.ts";
import { type KeySource, rotate, SqliteStore } from "../../state/mod.ts";
import { staddle } from "../cli/staddle.ts";
import { golden } from "../support/golden.ts";
import { row } from "./contract.ts";

/** A text that no store may show, in every part of a record. */
const SECRET = "sesame-5e5a3e";

async function someKeys(origin = "STADDLE_STATE_KEY"): Promise<AgeKeys> {
  return { identities: [await generateX25519Identity()], recipients: [], origin };
}

interface Place extends AsyncDisposable {
  readonly file: string;
  open(keys: AgeKeys | undefined): SqliteStore;
}

async function place(): Promise<Place> {
  const folder = await Deno.makeTempDir({ prefix: "staddle-sealed-" });
  const file = join(folder, "state.db");
  return {
    file,
    open: (keys) => new SqliteStore(file, { keys: () => Promise.resolve(keys) }),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function fill(store: SqliteStore): Promise<void> {
  await using lease = await store.lock("shop", "ann@desk (pid 7)");
  const web = row("lab/machine.web");
  await lease.write({
    hosts: { lab: { name: "lab", uri: `qemu+ssh://${SECRET}/system` } },
    put: [{ ...web, resource: { ...web.resource, spec: { text: SECRET } } }],
    outputs: { password: { value: SECRET, sensitive: true } },
    reservations: { [`lab/machine.web#${SECRET}`]: "10.0.0.2" },
    run: {
      id: "r1",
      stack: "shop",
      command: "apply",
      who: "ann@desk (pid 7)",
      startedAt: "2026-01-02T03:04:05.678Z",
      add: 1,
      change: 0,
      destroy: 0,
      parameters: { secret: SECRET },
    },
    journal: [{
      run: "r1",
      step: "create:lab/machine.web",
      address: "lab/machine.web",
      operation: "create",
      phase: "failed",
      at: "2026-01-02T03:04:05.678Z",
      detail: `no such file: ${SECRET}`,
    }],
    revision: { run: "r1", topology: { secret: SECRET } },
  });
}

/** Everything that the file holds, as text. */
function contents(file: string): string {
  using db = new DatabaseSync(file, { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  return JSON.stringify(tables.map(({ name }) => db.prepare(`SELECT * FROM ${name}`).all()));
}

Deno.test("nothing that a stack says stands readable in the file, nor in its free pages", async () => {
  await using here = await place();
  const keys = await someKeys();
  {
    await using store = here.open(undefined);
    await fill(store);
  }
  assert.match(contents(here.file), new RegExp(SECRET));
  {
    await using store = here.open(keys);
    await using lease = await store.lock("shop", "ann");
    await rotate(lease, undefined, () => Promise.resolve(keys));
  }
  const shown = contents(here.file);
  assert(!shown.includes(SECRET));
  assert(shown.includes("lab/machine.web"), "what queries need stays");
  const bytes = new TextDecoder("latin1").decode(await Deno.readFile(here.file));
  assert(!bytes.includes(SECRET), "what was readable before must be gone from the file");
  await using store = here.open(keys);
  const document = await store.export("shop");
  assert.deepEqual(document?.outputs, { password: { value: SECRET, sensitive: true } });
  assert.deepEqual(document?.revisions, [{ run: "r1", topology: { secret: SECRET } }]);
  assert.equal(document?.journal[0]?.detail, `no such file: ${SECRET}`);
});

Deno.test("the data key is an age file that age itself can open, and is new after each rotation", async () => {
  await using here = await place();
  const [ann, bob] = [await someKeys(), await someKeys()];
  const keys: AgeKeys = { ...ann, recipients: await recipientsOf(bob) };
  await using store = here.open(keys);
  await fill(store);
  const kept = () => {
    using db = new DatabaseSync(here.file, { readOnly: true });
    return String(db.prepare("SELECT key FROM stacks").get()?.key);
  };
  const dataKey = async (text: string, { identities: [identity] }: AgeKeys) => {
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity!);
    return await decrypter.decrypt(armor.decode(text));
  };
  const before = kept();
  assert.match(before, /^-----BEGIN AGE ENCRYPTED FILE-----\n/);
  assert.equal((await dataKey(before, ann)).length, 32);
  assert.deepEqual(await dataKey(before, bob), await dataKey(before, ann));
  await using lease = await store.lock("shop", "ann");
  await rotate(lease, undefined, () => Promise.resolve(ann));
  assert.notDeepEqual(await dataKey(kept(), ann), await dataKey(before, ann));
  await assert.rejects(dataKey(kept(), bob), /no identity matched/);
});

Deno.test("a sealed text opens in its own place only", async () => {
  await using here = await place();
  const keys = await someKeys();
  {
    await using store = here.open(keys);
    await using lease = await store.lock("shop", "ann");
    await lease.write({ put: [row("a"), row("b")], hosts: {} });
  }
  {
    using db = new DatabaseSync(here.file);
    // Someone who can write the file, sums and all, but has no key, puts a's row in b's place.
    const a = db.prepare("SELECT body FROM resources WHERE address = 'a'").get()!;
    const { hash } = await import("node:crypto");
    const sum = hash("sha256", ["shop", "b", "present", String(a.body)].join("\0"));
    db.prepare("UPDATE resources SET body = ?, sum = ? WHERE address = 'b'").run(
      String(a.body),
      sum,
    );
  }
  await using store = here.open(keys);
  const error = await store.load("shop").catch((thrown: unknown) => thrown);
  assert(error instanceof StaddleError);
  golden(import.meta.url, "sealed_elsewhere.txt", error.render().replaceAll(here.file, "<file>"));
});

Deno.test("without the key, or with a wrong one, nothing is read and nothing is touched", async () => {
  await using here = await place();
  const keys = await someKeys();
  {
    await using store = here.open(keys);
    await fill(store);
  }
  const before = contents(here.file);
  const texts: string[] = [];
  const sources: readonly KeySource[] = [
    () => Promise.resolve(undefined),
    () => someKeys("STADDLE_STATE_KEY_FILE"),
    () => Promise.resolve(parseKeys("AGE-SECRET-KEY-1QQQQ", "STADDLE_STATE_KEY")),
  ];
  for (const source of sources) {
    await using store = new SqliteStore(here.file, { keys: source });
    const text = async (promise: Promise<unknown>) => {
      const error = await promise.catch((thrown: unknown) => thrown);
      assert(error instanceof StaddleError, String(error));
      return error.render().replaceAll(here.file, "<file>");
    };
    const shown = await text(store.load("shop"));
    texts.push(shown);
    assert.equal(await text(store.export("shop")), shown);
    assert.equal(await text(store.runs("shop", 1)), shown);
    assert.equal(await text(store.journal("shop", "r1")), shown);
    await using lease = await store.lock("shop", "eve");
    assert.equal(await text(lease.write({ remove: ["lab/machine.web"] })), shown);
    assert.equal(
      await text(rotate(lease, [await identityToRecipient(keys.identities[0]!)])),
      shown,
    );
    assert.deepEqual(await store.stacks(), ["shop"]);
  }
  const but = (text: string) => text.replaceAll(/\{[^{}]*"token"[^{}]*\}/g, "");
  assert.equal(but(contents(here.file)), but(before), "all but the lock is as it was");

  // Without any key what is there can still be forgotten.
  await using store = here.open(undefined);
  await using lease = await store.lock("shop", "ann");
  assert.equal(await lease.write({ forget: true }), 0);
  {
    await using other = here.open(undefined);
    assert.equal(await other.load("shop"), undefined);
  }
  assert.equal(await lease.write({ put: [row("a")] }), 1);
  await using sealed = here.open(keys);
  await lease[Symbol.asyncDispose]();
  await using again = await sealed.lock("shop", "ann");
  const refused = await again.write({ put: [row("b")] }).catch((thrown: unknown) => thrown);
  assert(refused instanceof StaddleError);
  texts.push(refused.render().replaceAll(here.file, "<file>"));
  golden(import.meta.url, "keys.txt", texts.join("\n\n"));
});

Deno.test("the key comes from a variable, a file or a command, and from one of them only", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-keys-" });
  try {
    const identity = await generateX25519Identity();
    const recipient = await identityToRecipient(identity);
    const [bob, eve] = await Promise.all(
      [1, 2].map(async () => await identityToRecipient(await generateX25519Identity())),
    );
    const file = join(folder, "key.txt");
    await Deno.writeTextFile(file, `# created: today\n# public key: ${recipient}\n${identity}\n`);
    const keys = (values: Record<string, string>) => environmentKeys((name) => values[name]);
    assert.equal(await keys({}), undefined);
    assert.equal(await keys({ STADDLE_STATE_KEY: "" }), undefined);
    const expected = { identities: [identity], recipients: [] as string[] };
    const variants: readonly (readonly [string, string])[] = [
      ["STADDLE_STATE_KEY", identity],
      ["STADDLE_STATE_KEY_FILE", file],
      ["STADDLE_STATE_KEY_COMMAND", `sed 's/today/now/' '${file}'`],
    ];
    for (const [origin, value] of variants) {
      assert.deepEqual(await keys({ [origin]: value }), { ...expected, origin });
    }
    const more = await keys({
      STADDLE_STATE_KEY: `${identity}\n${bob}`,
      STADDLE_STATE_RECIPIENTS: ` ${eve}, ${bob} `,
    });
    assert.deepEqual(await recipientsOf(more!), [recipient, bob, eve]);

    const texts: string[] = [];
    const refusals: readonly Record<string, string>[] = [
      { STADDLE_STATE_KEY: identity, STADDLE_STATE_KEY_FILE: file },
      { STADDLE_STATE_KEY_FILE: join(folder, "none") },
      { STADDLE_STATE_KEY_COMMAND: "echo no; exit 3" },
      { STADDLE_STATE_KEY: `${identity} and more` },
      { STADDLE_STATE_KEY: recipient },
      { STADDLE_STATE_KEY: identity, STADDLE_STATE_RECIPIENTS: "bob" },
    ];
    for (const values of refusals) {
      const error = await keys(values).catch((thrown: unknown) => thrown);
      assert(error instanceof StaddleError, JSON.stringify(Object.keys(values)));
      texts.push(error.render().replaceAll(folder, "<folder>"));
    }
    assert(!texts.some((text) => text.includes(identity)));
    golden(import.meta.url, "key_sources.txt", texts.join("\n\n"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a command reads an encrypted record under the permissions that it has", async () => {
  await using here = await place();
  const keys = await someKeys();
  {
    await using store = here.open(keys);
    await fill(store);
  }
  const [identity] = keys.identities;
  const sources = { STADDLE_STATE_KEY: identity!, STADDLE_STATE_KEY_COMMAND: `echo ${identity}` };
  for (const [name, value] of Object.entries(sources)) {
    const env = { STADDLE_STATE: here.file, [name]: value };
    const { code, stdout, stderr } = await staddle(["outputs", "shop", "--json"], env);
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).password.value, SECRET);
  }
  const without = await staddle(["outputs", "shop"], { STADDLE_STATE: here.file });
  assert.equal(without.code, 1);
  assert.match(without.stderr, /state\.key-missing/);
});
