/**
 * What is written, and what is read.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readDocument } from "../../../state/read_document.ts";
import { RECORD_VERSION, type RecordDocument } from "../../../state/store.ts";
import type { Behaviour, StoreTraits } from "./fixture.ts";
import { codeOf, entry, fill, lab, resource, row, run } from "./rows.ts";

/** Registers the tests. */
export function recordContract(behaviour: Behaviour, { oneStack = false }: StoreTraits): void {
  behaviour("knows nothing of a stack that was never written", async (fixture) => {
    await using store = fixture.open();
    assert.deepEqual(await store.stacks(), []);
    assert.equal(await store.load("shop"), undefined);
    assert.equal(await store.holder("shop"), undefined);
    assert.deepEqual(await store.unfinished("shop"), []);
    assert.deepEqual(await store.runs("shop", 10), []);
  });

  behaviour("a lock alone makes no record", async (fixture) => {
    await using store = fixture.open();
    await using _lease = await store.lock("shop", "ann");
    assert.equal(await store.load("shop"), undefined);
    assert.deepEqual(await store.stacks(), []);
  });

  behaviour("keeps what was written, for another store to read", async (fixture) => {
    const outputs = {
      address: { value: "10.0.0.2", sensitive: false },
      nothing: { value: null, sensitive: true },
    };
    const reservations = { "lab/machine.web#nic0": "10.0.0.2" };
    {
      await using store = fixture.open();
      await using lease = await store.lock("shop", "ann");
      assert.equal(
        await lease.write({
          put: [row("lab/machine.web"), row("lab/machine.db", "creating")],
          hosts: { lab },
          outputs,
          reservations,
        }),
        1,
      );
    }
    await using store = fixture.open();
    const record = await store.load("shop");
    assert(record !== undefined);
    assert.match(record.lineage, /^[0-9a-f-]{36}$/);
    assert.deepEqual(record, {
      version: RECORD_VERSION,
      stack: "shop",
      lineage: record.lineage,
      serial: 1,
      hosts: { lab },
      resources: [row("lab/machine.db", "creating"), row("lab/machine.web")],
      outputs,
      reservations,
    });
    assert.deepEqual(await store.stacks(), ["shop"]);
  });

  behaviour("changes only what a write names, and the serial rises", async (fixture) => {
    await using store = fixture.open();
    await using lease = await store.lock("shop", "ann");
    await lease.write({ put: [row("a"), row("b"), row("c")], hosts: { lab } });
    const before = await store.load("shop");
    assert.equal(await lease.write({ put: [row("b", "updating")], remove: ["c", "never"] }), 2);
    assert.deepEqual(await store.load("shop"), {
      ...before,
      serial: 2,
      resources: [row("a"), row("b", "updating")],
    });
    assert.equal(await lease.write({ remove: ["a", "b"], hosts: {} }), 3);
    assert.deepEqual(await store.load("shop"), { ...before, serial: 3, resources: [], hosts: {} });
  });

  behaviour("keeps any text and any JSON as it is", async (fixture) => {
    const spec = { text: 'Zoë\n\u0000"\\ \u{1f5a5}', list: [1.5, -0.25, null, true, { a: [] }] };
    const odd = { ...row("ho\u{1f5a5}st/ma'chine.\"x%"), resource: resource("x", spec) };
    await using store = fixture.open();
    await using lease = await store.lock("st'a\"ck/%", "ann");
    await lease.write({ put: [odd] });
    assert.deepEqual((await store.load("st'a\"ck/%"))?.resources, [odd]);
  });

  if (oneStack) {
    behaviour("keeps one stack's record, and refuses another's", async (fixture) => {
      await using store = fixture.open();
      {
        await using shop = await store.lock("shop", "ann");
        await shop.write({ put: [row("a")] });
        assert.equal(await codeOf(store.lock("blog", "bob")), "state.other-stack-there");
      }
      assert.equal(await codeOf(store.lock("blog", "bob")), "state.other-stack-there");
      assert.equal(await codeOf(store.load("blog")), "state.other-stack-there");
      assert.deepEqual((await store.load("shop"))?.resources, [row("a")]);
      {
        await using shop = await store.lock("shop", "ann");
        await shop.write({ forget: true });
      }
      await using blog = await store.lock("blog", "bob");
      assert.equal(await blog.write({ put: [row("b")] }), 1);
      assert.deepEqual(await store.stacks(), ["blog"]);
    });
  } else {behaviour("keeps stacks apart", async (fixture) => {
      await using store = fixture.open();
      await using shop = await store.lock("shop", "ann");
      await using blog = await store.lock("blog", "bob");
      await shop.write({ put: [row("a")], journal: [entry("r1", "create:a", "begin")] });
      await blog.write({ put: [row("a", "waiting")], run: { ...run("r2"), stack: "blog" } });
      assert.deepEqual(await store.stacks(), ["blog", "shop"]);
      assert.deepEqual((await store.load("shop"))?.resources, [row("a")]);
      assert.deepEqual((await store.load("blog"))?.resources, [row("a", "waiting")]);
      assert.deepEqual(await store.unfinished("blog"), []);
      assert.deepEqual(await store.runs("shop", 9), []);
      assert.notEqual((await store.load("shop"))?.lineage, (await store.load("blog"))?.lineage);
    });}

  behaviour("a write is kept whole or not at all", async (fixture) => {
    await using store = fixture.open();
    await using lease = await store.lock("shop", "ann");
    await lease.write({ put: [row("a")] });
    const before = await store.load("shop");
    const unwritable = {
      ...row("b"),
      get key(): string {
        throw new Error("no key");
      },
    };
    await assert.rejects(
      lease.write({ journal: [entry("r", "create:b", "begin")], remove: ["a"], put: [unwritable] }),
    );
    assert.deepEqual(await store.load("shop"), before);
    assert.deepEqual(await store.unfinished("shop"), []);
    assert.equal(await lease.write({ put: [row("b")] }), 2);
  });

  behaviour("gives all that it keeps as one document, and takes it back", async (fixture) => {
    await using store = fixture.open();
    assert.equal(await store.export("shop"), undefined);
    await fill(store);
    const document = await store.export("shop");
    assert(document !== undefined);
    assert.deepEqual({ ...document, lineage: "" }, {
      version: RECORD_VERSION,
      stack: "shop",
      lineage: "",
      serial: 2,
      hosts: { lab },
      resources: [row("a"), row("b", "creating")],
      outputs: { address: { value: "10.0.0.2", sensitive: true } },
      reservations: { "a#nic0": "10.0.0.2" },
      runs: [run("r1", { result: "done" }), run("r2")],
      journal: [entry("r1", "create:a", "begin"), {
        ...entry("r1", "create:a", "failed"),
        detail: "why",
      }],
      revisions: [{ run: "r1", topology: { stack: "shop" } }],
    });

    // Through a text, as by pull and push, with a change.
    const handed: RecordDocument = await readDocument(JSON.stringify(document), "hand.json");
    assert.deepEqual(handed, document);
    await using lease = await store.lock("shop", "ann");
    assert.equal(await lease.write({ replace: { ...handed, resources: [row("c")] } }), 3);
    assert.deepEqual(await store.export("shop"), {
      ...document,
      serial: 3,
      resources: [row("c")],
    });
    assert.deepEqual(await store.check("shop"), []);

    assert.equal(await codeOf(lease.write({ replace: document })), "state.older-serial");
    const alien = { ...document, serial: 9, lineage: crypto.randomUUID() };
    assert.equal(await codeOf(lease.write({ replace: alien })), "state.other-lineage");
    const blog = { ...document, stack: "blog" };
    assert.equal(await codeOf(lease.write({ replace: blog, force: true })), "state.other-stack");
    assert.equal((await store.load("shop"))?.serial, 3);
    assert.equal(await lease.write({ replace: document, force: true }), 4);
    assert.equal(await lease.write({ replace: alien, force: true }), 10);
    assert.deepEqual(await store.export("shop"), { ...alien, serial: 10 });
    assert.equal(await lease.write({ put: [row("d")] }), 11);
  });

  behaviour("forgets all that it keeps; a document put back keeps its serial", async (fixture) => {
    await using store = fixture.open();
    await fill(store);
    const document = await store.export("shop");
    await using lease = await store.lock("shop", "ann");
    assert.equal(await lease.write({ forget: true }), 0);
    assert.equal(await store.load("shop"), undefined);
    assert.equal(await store.export("shop"), undefined);
    assert.deepEqual(await store.stacks(), []);
    assert.deepEqual(await store.runs("shop", 10), []);
    assert.deepEqual(await store.journal("shop", "r1"), []);
    assert.deepEqual(await store.unfinished("shop"), []);
    assert.equal(await store.revision("shop", "r1"), undefined);
    assert.equal(await lease.write({ replace: document }), 2);
    assert.deepEqual(await store.export("shop"), document);
    assert.equal(await lease.write({ forget: true, put: [row("z")] }), 1);
    const anew = await store.load("shop");
    assert.deepEqual(anew?.resources, [row("z")]);
    assert.notEqual(anew?.lineage, document?.lineage);
  });

  behaviour("finds what does not fit together", async (fixture) => {
    await using store = fixture.open();
    assert.deepEqual(await store.check(), []);
    await using lease = await store.lock("shop", "ann");
    await lease.write({ put: [row("a")], hosts: { lab } });
    assert.deepEqual(await store.check(), []);
    await lease.write({ put: [{ ...row("b"), key: "a" }], hosts: {} });
    assert.deepEqual(await store.check("shop"), [
      'stack "shop": a is on host "lab", which the record does not know',
      'stack "shop": b is on host "lab", which the record does not know',
      'stack "shop": a and b both own machine "a" on host "lab"',
    ]);
    assert.deepEqual(await store.check("blog"), []);
  });
}
