import assert from "node:assert/strict";
import { StaddleError } from "../../providers/error.ts";
import { DocumentStore } from "../../state/documents/store.ts";
import { httpAddress, httpSite } from "../../state/documents/http_site.ts";
import type { StoreOptions } from "../../state/store_options.ts";
import { freePort } from "../support/free_port.ts";
import { golden } from "../support/golden.ts";
import { row, storeContract } from "./contract.ts";
import { stateServer } from "./servers/managed_state.ts";

const none = () => undefined;

function fixture(flavour: Parameters<typeof stateServer>[0]) {
  const server = stateServer(flavour);
  return {
    server,
    open: (options: StoreOptions = {}) =>
      new DocumentStore(
        httpSite(httpAddress(server.location, none), { patienceSeconds: 20 }),
        options,
      ),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

for (const flavour of ["gitlab", "verbs"] as const) {
  storeContract(`HTTP (${flavour})`, () => Promise.resolve(fixture(flavour)), { oneStack: true });
}

Deno.test("HTTP: what is sent to GitLab is a state with serial and lineage, under its lock", async () => {
  await using place = fixture("gitlab");
  const { server } = place;
  await using store = place.open();
  {
    await using lease = await store.lock("shop", "ann@desk (pid 7)");
    await lease.write({ put: [row("a")] });
    await lease.write({ put: [row("b")] });
    const { ID, Who } = server.lock!;
    assert.match(String(ID), /^staddle-[0-9a-f-]{36}$/);
    assert.equal(Who, "ann@desk (pid 7)");
    const posts = server.requests.filter((line) =>
      line.startsWith("POST") && !line.includes("/lock")
    );
    assert.equal(posts.length, 3);
    for (const post of posts) assert(post.endsWith(`?ID=${ID} 200`), post);
  }
  assert.equal(server.lock, undefined);
  const states = server.versions.map((text) => JSON.parse(text));
  assert.deepEqual(states.map(({ serial }) => serial), [1, 2, 3, 4]);
  assert.equal(new Set(states.slice(1).map(({ lineage }) => lineage)).size, 1);
  assert.equal(states.at(-1).lineage, (await store.load("shop"))?.lineage);
  for (const { version } of states) assert.equal(version, 1);
  assert(server.requests.every((line) => !line.endsWith(" 401")));
});

Deno.test("HTTP: a server that does not look at the lock's id is not written to by a run that lost it", async () => {
  await using place = fixture("verbs, careless");
  await using store = place.open();
  const lease = await store.lock("shop", "ann");
  await lease.write({ put: [row("a")] });
  await using other = place.open();
  await other.unlock("shop");
  await using next = await other.lock("shop", "bob");
  const before = place.server.versions.length;
  await assert.rejects(lease.write({ put: [row("b")] }), { code: "state.lease-lost" });
  assert.equal(place.server.versions.length, before);
  assert.equal(await next.write({ put: [row("c")] }), 2);
  await lease[Symbol.asyncDispose]();
  assert.equal((await other.holder("shop"))?.who, "bob");
  assert.notEqual(place.server.lock, undefined);
});

for (const flavour of ["gitlab", "verbs"] as const) {
  Deno.test(`HTTP (${flavour}): locks that were left behind are taken over when it is certain that nobody has them`, async () => {
    await using place = fixture(flavour);
    const { server } = place;
    await using store = place.open();
    {
      await using lease = await store.lock("shop", "ann");
      await lease.write({ put: [row("a")] });
    }
    const last = JSON.parse(server.versions.at(-1)!).staddle.lease;
    assert.equal(last.held, false);
    const info = { Operation: "", Info: "", Who: "ann", Version: "", Path: "" };
    const now = () => new Date().toISOString();
    // Killed after its lease was given back in the document, and before the server's lock was.
    server.lock = { ...info, ID: last.id, Created: now() };
    await (await store.lock("shop", "bob"))[Symbol.asyncDispose]();
    assert.equal(server.lock, undefined);
    // Killed after it took the server's lock, and before it wrote its lease: known by its age.
    const longSince = new Date(Date.now() - 3_600_000).toISOString();
    server.lock = { ...info, ID: `staddle-${crypto.randomUUID()}`, Created: longSince };
    await (await store.lock("shop", "bob"))[Symbol.asyncDispose]();
    assert.equal(server.lock, undefined);
    // The same a moment ago may be a run that lives.
    server.lock = { ...info, ID: `staddle-${crypto.randomUUID()}`, Created: now() };
    await assert.rejects(store.lock("shop", "bob"), { code: "state.locked", exitCode: 5 });
    // Another program's lock is never taken, however old.
    server.lock = { ...info, ID: "terraform", Who: "eve@den", Created: "2026-01-02T03:04:05.000Z" };
    const text = await textOf(store.lock("shop", "bob"));
    golden(import.meta.url, `http_locked_${flavour}.txt`, text.replaceAll(/\b20\S+Z/g, "<time>"));
    const broken = await store.unlock("shop");
    assert.equal(broken?.who, flavour === "gitlab" ? "gitlab-user" : "eve@den");
    assert.equal(server.lock, undefined);
    await (await store.lock("shop", "bob"))[Symbol.asyncDispose]();
  });
}

Deno.test("HTTP: a lock that was broken by other means stops the run that had it", async () => {
  await using place = fixture("gitlab");
  await using store = place.open();
  const lease = await store.lock("shop", "ann");
  await lease.write({ put: [row("a")] });
  place.server.lock = undefined;
  await assert.rejects(lease.write({ put: [row("b")] }), { code: "state.lease-lost" });
  await lease[Symbol.asyncDispose]();
  assert.deepEqual((await store.load("shop"))?.resources, [row("a")]);
});

for (const flavour of ["gitlab", "gitea", "verbs"] as const) {
  Deno.test(`HTTP (${flavour}): a server that fails for a moment is asked again, and nothing is done twice`, async () => {
    await using place = fixture(flavour);
    await using store = place.open();
    await using lease = await store.lock("shop", "ann");
    place.server.faults.push("broken", "broken");
    assert.equal(await lease.write({ put: [row("a")] }), 1);
    place.server.faults.push("answer lost");
    assert.equal(await lease.write({ put: [row("b")] }), 2);
    assert.deepEqual((await store.load("shop"))?.resources, [row("a"), row("b")]);
    assert.equal(lease.lost.aborted, false);
  });
}

Deno.test("HTTP: an older version that was put back at GitLab is not gone on from", async () => {
  await using place = fixture("gitlab");
  const { server } = place;
  await using store = place.open();
  await (await store.lock("shop", "ann"))[Symbol.asyncDispose]();
  const older = server.versions.at(-1)!;
  await (await store.lock("shop", "ann"))[Symbol.asyncDispose]();
  server.versions.push(older);
  const text = await textOf(store.lock("shop", "bob"));
  golden(import.meta.url, "http_serial_taken.txt", text);
  assert.equal(server.lock, undefined);
});

for (const flavour of ["gitlab", "gitea", "verbs"] as const) {
  Deno.test(`HTTP (${flavour}): a document that is damaged is kept in a file, and a record can be made anew`, async () => {
    await using place = fixture(flavour);
    const { server } = place;
    const folder = await Deno.makeTempDir({ prefix: "staddle-aside-" });
    const sound = await (async () => {
      await using store = place.open();
      await using lease = await store.lock("shop", "ann");
      for (const name of ["a", "b", "c"]) await lease.write({ put: [row(name)] });
      return server.versions.at(-1)!;
    })();
    const damages = [
      // A serial that GitLab has had.
      sound.replace(/"serial": \d+/, '"serial": 1'),
      "\uFEFF" + sound.slice(0, 200),
      "",
    ];
    try {
      for (const damaged of damages) {
        server.versions.push(damaged);
        await using store = place.open();
        await assert.rejects(store.load("shop"), { code: "state.corrupt" });

        // Whose lock it is, a damaged document does not tell; the server does.
        server.lock = { ID: "terraform", Who: "eve@den", Created: "2026-01-02T03:04:05.000Z" };
        await assert.rejects(store.setAside("shop", "bob", folder), { code: "state.locked" });
        const held = await store.holder("shop");
        assert.equal(held?.who, flavour === "gitlab" ? "gitlab-user" : "eve@den");
        assert.equal((await store.unlock("shop"))?.who, held.who);
        assert.equal(server.lock, undefined);
        await assert.rejects(store.holder("shop"), { code: "state.corrupt" });

        const aside = await store.setAside("shop", "bob", folder);
        assert(aside?.startsWith(`${folder}/.staddle/shop.json.broken-20`), aside);
        const kept = await Deno.readFile(aside!);
        assert.deepEqual(kept, new TextEncoder().encode(damaged));
        assert.equal(server.lock, undefined);
        await using lease = await store.lock("shop", "bob");
        assert.equal(await lease.write({ put: [row("d")] }), 1);
        assert.deepEqual((await store.load("shop"))?.resources, [row("d")]);
        await lease.write({ forget: true });
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** What a person reads. */
async function textOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(() => undefined, (thrown: unknown) => thrown);
  assert(error instanceof StaddleError, `expected a StaddleError, got ${error}`);
  return error.render().replaceAll(/:\d{4,5}\b/g, ":<port>");
}

Deno.test("HTTP: what keeps the server from being used is said, and no password shown", async () => {
  await using place = fixture("verbs");
  const { server } = place;
  const open = (location: string, values: Record<string, string> = {}) =>
    new DocumentStore(
      httpSite(httpAddress(location, (name) => values[name]), { patienceSeconds: 3 }),
    );
  const texts: string[] = [];
  for (
    const store of [
      open(server.address),
      open(server.location.replace("shop", "blog")),
      open(server.location, { TF_HTTP_LOCK_METHOD: "POKE" }),
      open(`https://ann:secret@127.0.0.1:${freePort()}/state`),
    ]
  ) {
    await using _store = store;
    texts.push(await textOf(store.lock("shop", "ann")));
  }
  {
    await using store = place.open();
    await using lease = await store.lock("shop", "ann");
    await lease.write({ put: [row("a")] });
    texts.push(await textOf(store.lock("blog", "ann")));
    await assert.rejects(store.setAside("blog", "ann", "/nowhere"), {
      code: "state.other-stack-there",
    });
  }
  assert(!texts.some((text) => text.includes("secret") || text.includes(server.password)));
  golden(import.meta.url, "http_errors.txt", texts.join("\n\n"));
});

Deno.test("HTTP: addresses and methods are Terraform's, and GitLab's are known", () => {
  const gitlab = "https://git.example.org/api/v4/projects/7/terraform/state/shop";
  assert.deepEqual(httpAddress(gitlab.replace("//", "//ann:p%40ss@"), none), {
    url: gitlab,
    updateMethod: "POST",
    lockUrl: `${gitlab}/lock`,
    lockMethod: "POST",
    unlockUrl: `${gitlab}/lock`,
    unlockMethod: "DELETE",
    authorization: `Basic ${btoa("ann:p@ss")}`,
    location: gitlab,
  });
  const gitea = "https://git.example.org/api/packages/team/terraform/state/shop";
  const { lockUrl, lockMethod, unlockUrl, unlockMethod } = httpAddress(gitea, none);
  assert.deepEqual([lockUrl, lockMethod, unlockUrl, unlockMethod], [
    `${gitea}/lock`,
    "POST",
    `${gitea}/lock`,
    "DELETE",
  ]);
  const values: Record<string, string> = {
    TF_HTTP_USERNAME: "bob",
    TF_HTTP_PASSWORD: "pw",
    TF_HTTP_UPDATE_METHOD: "PUT",
    TF_HTTP_LOCK_ADDRESS: "https://locks.example.org/shop",
    TF_HTTP_LOCK_METHOD: "PUT",
    TF_HTTP_UNLOCK_METHOD: "DELETE",
  };
  assert.deepEqual(httpAddress("https://state.example.org/shop", (name) => values[name]), {
    url: "https://state.example.org/shop",
    updateMethod: "PUT",
    lockUrl: "https://locks.example.org/shop",
    lockMethod: "PUT",
    unlockUrl: "https://locks.example.org/shop",
    unlockMethod: "DELETE",
    authorization: `Basic ${btoa("bob:pw")}`,
    location: "https://state.example.org/shop",
  });
  const plain = httpAddress("http://state.example.org/shop", none);
  assert.deepEqual(
    [plain.lockUrl, plain.lockMethod, plain.unlockMethod, plain.authorization],
    ["http://state.example.org/shop", "LOCK", "UNLOCK", undefined],
  );
});
