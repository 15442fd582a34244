/**
 * What every store must do, whatever it keeps its rows in.
 *
 * @module
 */

import assert from "node:assert/strict";
import { generateX25519Identity } from "age-encryption";
import { StaddleError } from "../../providers/error.ts";
import type { HostDeclaration, Resource } from "../../providers/provider.ts";
import { type AgeKeys, recipientsOf } from "../../state/keyring.ts";
import { readDocument } from "../../state/read_document.ts";
import { rotate } from "../../state/rotate.ts";
import type {
  JournalEntry,
  Lease,
  RecordDocument,
  ResourceRecord,
  ResourceStatus,
  RunRecord,
  Store,
} from "../../state/store.ts";
import { RECORD_VERSION } from "../../state/store.ts";
import type { StoreOptions } from "../../state/store_options.ts";

/** A place for records, empty at first, that several stores can be opened on. */
export interface StoreFixture extends AsyncDisposable {
  open(options?: StoreOptions): Store;
}

/** In what a store differs from the others. */
export interface StoreTraits {
  /** A place holds the record of one stack. */
  readonly oneStack?: boolean;
}

/** A resource as a plan would carry it. */
export function resource(address: string, spec: Resource["spec"] = { vcpus: 1 }): Resource {
  return {
    address,
    kind: "machine",
    host: "lab",
    name: address.split(".").at(-1) ?? address,
    uuid: "6d1ac6c5-4b3c-5a51-9d8c-5b0a3c3f2a10",
    tenure: "managed",
    spec,
    dependsOn: [],
  };
}

/** A row of a record. */
export function row(address: string, status: ResourceStatus = "present"): ResourceRecord {
  return {
    address,
    kind: "machine",
    host: "lab",
    key: address.split(".").at(-1) ?? address,
    status,
    resource: resource(address),
    specDigest: "0".repeat(64),
    fingerprint: "1".repeat(64),
    needs: ["lab/network.front"],
  };
}

const lab: HostDeclaration = { name: "lab", uri: "test:///default" };

function entry(run: string, step: string, phase: JournalEntry["phase"]): JournalEntry {
  const [operation = "", address = ""] = step.split(":");
  return { run, step, address, operation, phase, at: "2026-01-02T03:04:05.678Z" };
}

function run(id: string, more: Partial<RunRecord> = {}): RunRecord {
  return {
    id,
    stack: "shop",
    command: "apply",
    who: "ann@desk (pid 7)",
    startedAt: "2026-01-02T03:04:05.678Z",
    add: 0,
    change: 0,
    destroy: 0,
    parameters: { replicas: 2 },
    ...more,
  };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(() => undefined, (thrown: unknown) => thrown);
  if (error === undefined) return "no error";
  assert(error instanceof StaddleError, `expected a StaddleError, got ${error}`);
  return error.code;
}

/** Registers the tests. */
export function storeContract(
  name: string,
  make: () => Promise<StoreFixture>,
  { oneStack = false }: StoreTraits = {},
): void {
  const behaviour = (
    what: string,
    body: (fixture: StoreFixture) => Promise<void>,
  ) =>
    Deno.test(`${name}: ${what}`, async () => {
      await using fixture = await make();
      await body(fixture);
    });

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

  behaviour("gives a stack's lock once, and says who has it and since when", async (fixture) => {
    await using store = fixture.open();
    await using other = fixture.open();
    const since = Date.now();
    const lease = await store.lock("shop", "ann@desk (pid 7)");
    for (const asked of [store, other]) {
      const error = await asked.lock("shop", "bob").then(() => undefined, (thrown) => thrown);
      assert(error instanceof StaddleError);
      assert.equal(error.code, "state.locked");
      assert.equal(error.exitCode, 5);
      assert.match(error.message, /held by ann@desk \(pid 7\) since 20\d\d-/);
      const holder = await asked.holder("shop");
      assert.equal(holder?.who, "ann@desk (pid 7)");
      assert(Math.abs(Date.parse(holder.since) - since) < 60_000);
      assert(Date.parse(holder.expires) > since);
    }
    await lease[Symbol.asyncDispose]();
    assert.equal(await other.holder("shop"), undefined);
    await using next = await other.lock("shop", "bob");
    assert(next.token > lease.token);
  });

  behaviour("refuses a write after the lease was given back", async (fixture) => {
    await using store = fixture.open();
    const lease = await store.lock("shop", "ann");
    await lease[Symbol.asyncDispose]();
    await lease[Symbol.asyncDispose]();
    assert.equal(await codeOf(lease.write({ put: [row("a")] })), "state.lease-lost");
    assert.equal(await store.load("shop"), undefined);
  });

  behaviour("closing a store gives its leases back", async (fixture) => {
    {
      await using store = fixture.open();
      await store.lock("shop", "ann");
    }
    await using store = fixture.open();
    await using lease = await store.lock("shop", "bob");
    assert.equal(lease.lost.aborted, false);
  });

  behaviour("keeps a lease alive for longer than its first term", async (fixture) => {
    // A machine that is so busy that this process stands still for a whole term proves nothing: once more,
    // with a longer one.
    for (let term = 2;; term *= 2) {
      await using store = fixture.open({ leaseSeconds: term });
      await using other = fixture.open({ leaseSeconds: term });
      await using lease = await store.lock("shop", "ann");
      let latest = performance.now();
      let stood = false;
      let kept = true;
      for (const end = latest + term * 1250; kept && performance.now() < end;) {
        await new Promise((resolve) => setTimeout(resolve, term * 100));
        const taken = await other.lock("shop", "bob").catch((error: unknown) => error);
        stood ||= performance.now() - latest > term * 300;
        latest = performance.now();
        if (taken instanceof StaddleError && taken.code === "state.locked") continue;
        assert(stood && term < 64, `the lease of ${term} s was not renewed: ${taken}`);
        await (taken as Lease)[Symbol.asyncDispose]();
        kept = false;
      }
      if (!kept) continue;
      assert.equal(await lease.write({ put: [row("a")] }), 1);
      return;
    }
  });

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

  behaviour("tells which steps began and did not end", async (fixture) => {
    await using store = fixture.open();
    await using lease = await store.lock("shop", "ann");
    await lease.write({ run: run("r1"), journal: [entry("r1", "create:a", "begin")] });
    await lease.write({
      journal: [
        entry("r1", "create:b", "begin"),
        entry("r1", "create:c", "begin"),
        { ...entry("r1", "create:b", "failed"), detail: "no space" },
        entry("r1", "create:c", "end"),
      ],
    });
    await lease.write({ run: run("r2"), journal: [entry("r2", "create:b", "begin")] });
    assert.deepEqual(await store.unfinished("shop"), [
      entry("r1", "create:a", "begin"),
      entry("r2", "create:b", "begin"),
    ]);
    await lease.write({ journal: [entry("r2", "create:b", "end")] });
    assert.deepEqual(await store.unfinished("shop"), [entry("r1", "create:a", "begin")]);
    // The run that was stopped never says more: the one that finishes its work closes the step.
    await lease.write({
      journal: [entry("r3", "update:a", "begin"), entry("r3", "update:a", "end")],
    });
    assert.deepEqual(await store.unfinished("shop"), []);
    await lease.write({ journal: [entry("r4", "update:a", "begin")] });
    assert.deepEqual(await store.unfinished("shop"), [entry("r4", "update:a", "begin")]);
  });

  behaviour("lists runs newest first, each as it was last written", async (fixture) => {
    await using store = fixture.open();
    await using lease = await store.lock("shop", "ann");
    await lease.write({ run: run("r1") });
    await lease.write({ run: run("r2", { command: "destroy" }) });
    const ended = run("r1", { endedAt: "2026-01-02T03:05:00.000Z", result: "done", add: 3 });
    await lease.write({ run: ended });
    assert.deepEqual(await store.runs("shop", 10), [run("r2", { command: "destroy" }), ended]);
    assert.deepEqual(await store.runs("shop", 1), [run("r2", { command: "destroy" })]);
  });

  behaviour("keeps what a run brought about, and its journal, beside it", async (fixture) => {
    const topology = { stack: "shop", resources: [{ address: "a", spec: { text: "ü\u0000" } }] };
    await using store = fixture.open();
    await using lease = await store.lock("shop", "ann");
    await lease.write({ run: run("r1"), journal: [entry("r1", "create:a", "begin")] });
    assert.equal(await store.revision("shop", "r1"), undefined);
    await lease.write({
      run: run("r1", { result: "done" }),
      journal: [entry("r1", "create:a", "end")],
      revision: { run: "r1", topology },
    });
    const failed = { ...entry("r2", "update:a", "failed"), detail: "no \u0000 space" };
    await lease.write({
      run: run("r2"),
      journal: [entry("r2", "update:a", "begin"), failed],
      revision: { run: "r2", topology, plan: { steps: [] } },
    });
    assert.deepEqual(await store.revision("shop", "r1"), { run: "r1", topology });
    assert.deepEqual(await store.revision("shop", "r2"), {
      run: "r2",
      topology,
      plan: { steps: [] },
    });
    assert.equal(await store.revision("shop", "r3"), undefined);
    assert.deepEqual(await store.journal("shop", "r1"), [
      entry("r1", "create:a", "begin"),
      entry("r1", "create:a", "end"),
    ]);
    assert.deepEqual(await store.journal("shop", "r2"), [entry("r2", "update:a", "begin"), failed]);
    assert.deepEqual(await store.journal("shop", "r3"), []);
  });

  /** A record with something of everything. */
  async function fill(store: Store): Promise<void> {
    await using lease = await store.lock("shop", "ann");
    await lease.write({
      hosts: { lab },
      put: [row("a"), row("b", "creating")],
      outputs: { address: { value: "10.0.0.2", sensitive: true } },
      reservations: { "a#nic0": "10.0.0.2" },
      run: run("r1", { result: "done" }),
      journal: [entry("r1", "create:a", "begin"), {
        ...entry("r1", "create:a", "failed"),
        detail: "why",
      }],
      revision: { run: "r1", topology: { stack: "shop" } },
    });
    await lease.write({ run: run("r2") });
  }

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

  behaviour("breaks a lock, and whoever held it can write no more", async (fixture) => {
    await using store = fixture.open();
    await using other = fixture.open();
    assert.equal(await other.unlock("shop"), undefined);
    const lease = await store.lock("shop", "ann@desk (pid 7)");
    await lease.write({ put: [row("a")] });
    const broken = await other.unlock("shop");
    assert.equal(broken?.who, "ann@desk (pid 7)");
    assert.equal(await other.holder("shop"), undefined);
    assert.equal(await other.unlock("shop"), undefined);
    assert.equal(await codeOf(lease.write({ put: [row("b")] })), "state.lease-lost");
    assert.equal(lease.lost.aborted, true);
    {
      await using next = await other.lock("shop", "bob");
      assert(next.token > lease.token);
      // Giving the broken lease back must not give the other's back.
      await lease[Symbol.asyncDispose]();
      assert.equal((await store.holder("shop"))?.who, "bob");
      assert.equal(await next.write({ put: [row("c")] }), 2);
    }
    assert.deepEqual((await store.load("shop"))?.resources, [row("a"), row("c")]);
  });

  behaviour("a run whose lease another has taken over cannot write", async (fixture) => {
    await using store = fixture.open({ leaseSeconds: 3600 });
    await using other = fixture.open();
    const lease = await store.lock("shop", "ann");
    await lease.write({ put: [row("a")] });
    await other.unlock("shop");
    await using next = await other.lock("shop", "bob@desk (pid 8)");
    // The heartbeat of an hour's lease has noticed nothing: the write itself is refused.
    const error = await lease.write({ put: [row("b")], remove: ["a"] })
      .then(() => undefined, (thrown: unknown) => thrown);
    assert(error instanceof StaddleError);
    assert.equal(error.code, "state.lease-lost");
    assert.match(error.details.join("\n"), /^taken over by bob@desk \(pid 8\) at 20\d\d-/);
    assert.equal(await next.write({ put: [row("c")] }), 2);
    assert.deepEqual((await store.load("shop"))?.resources, [row("a"), row("c")]);
    await lease[Symbol.asyncDispose]();
  });

  behaviour("a lease that is not renewed is taken over once it has expired", async (fixture) => {
    await using store = fixture.open();
    const holder = await store.hold("shop", "ann", 1);
    assert.equal(holder.who, "ann");
    await using other = fixture.open();
    const deadline = Date.now() + 60_000;
    for (;;) {
      const lease = await other.lock("shop", "bob").catch((error: unknown) => error);
      if (!(lease instanceof Error)) {
        await (lease as Lease)[Symbol.asyncDispose]();
        break;
      }
      assert.equal((lease as StaddleError).code, "state.locked");
      assert(Date.now() < deadline, "it was never taken over");
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  });

  behaviour("a lock can be held without a process, until it is broken", async (fixture) => {
    {
      await using store = fixture.open();
      const holder = await store.hold("shop", "ann, for the night", 3600);
      assert.equal(holder.who, "ann, for the night");
      assert(Date.parse(holder.expires) - Date.parse(holder.since) === 3_600_000);
    }
    await using store = fixture.open();
    assert.equal((await store.holder("shop"))?.who, "ann, for the night");
    assert.equal(await codeOf(store.lock("shop", "bob")), "state.locked");
    assert.equal(await codeOf(store.hold("shop", "bob", 5)), "state.locked");
    assert.equal((await store.unlock("shop"))?.who, "ann, for the night");
    await using lease = await store.lock("shop", "bob");
    assert.equal(await lease.write({ put: [row("a")] }), 1);
  });

  behaviour("finds what does not fit together", async (fixture) => {
    await using store = fixture.open();
    assert.deepEqual(await store.check(), []);
    await using lease = await store.lock("shop", "ann");
    await lease.write({ put: [row("a")], hosts: { lab } });
    assert.deepEqual(await store.check(), []);
    await lease.write({ put: [{ ...row("b"), key: "a" }], hosts: {} });
    assert.deepEqual(await store.check("shop"), [
      'a is on host "lab", which the record does not know',
      'b is on host "lab", which the record does not know',
      'a and b both own machine "a" on host "lab"',
    ]);
    assert.deepEqual(await store.check("blog"), []);
  });

  behaviour("of eight that lock at once, one gets it", async (fixture) => {
    await using stack = new AsyncDisposableStack();
    const stores = Array.from({ length: 8 }, () => stack.use(fixture.open()));
    const tried = await Promise.allSettled(
      stores.map((store, i) => store.lock("shop", `user${i}`)),
    );
    const won = tried.flatMap((one, i) => one.status === "fulfilled" ? [{ i, ...one }] : []);
    assert.equal(won.length, 1);
    for (const one of tried) {
      if (one.status === "rejected") assert.equal(one.reason.code, "state.locked");
    }
    assert.equal(await won[0]!.value.write({ put: [row("a")] }), 1);
    assert.equal((await stores[0]!.holder("shop"))?.who, `user${won[0]!.i}`);
  });

  behaviour(
    "an encrypted record reads as it was, and shows nothing without its key",
    async (fixture) => {
      const [ann, bob] = [await someKeys(), await someKeys()];
      const plain = async () => {
        await using store = fixture.open({ keys: () => Promise.resolve(undefined) });
        return await codeOf(store.load("shop"));
      };
      let before: RecordDocument | undefined;
      {
        await using store = fixture.open({ keys: () => Promise.resolve(ann) });
        await fill(store);
        before = await store.export("shop");
        assert.equal(before?.runs.length, 2);
        assert.deepEqual((await store.journal("shop", "r1"))[1]?.detail, "why");
        assert.deepEqual(await store.check(), []);
        await using lease = await store.lock("shop", "ann");
        assert.equal(await lease.write({ put: [row("c")] }), 3);
      }
      assert.equal(await plain(), "state.key-missing");
      {
        await using store = fixture.open({ keys: () => Promise.resolve(bob) });
        assert.equal(await codeOf(store.load("shop")), "state.key-wrong");
        assert.equal(await codeOf(store.export("shop")), "state.key-wrong");
        assert.equal((await store.check()).length, 1);
        await using lease = await store.lock("shop", "bob");
        assert.equal(await codeOf(lease.write({ put: [row("x")] })), "state.key-wrong");
      }
      {
        // To both, then to bob alone, then to nobody.
        await using store = fixture.open({ keys: () => Promise.resolve(ann) });
        await using lease = await store.lock("shop", "ann");
        const both = [...await recipientsOf(ann), ...await recipientsOf(bob)];
        assert.equal(await rotate(lease, both), 4);
      }
      {
        await using store = fixture.open({ keys: () => Promise.resolve(bob) });
        await using lease = await store.lock("shop", "bob");
        assert.deepEqual((await store.load("shop"))?.resources.map(({ address }) => address), [
          "a",
          "b",
          "c",
        ]);
        assert.equal(await rotate(lease, undefined, () => Promise.resolve(bob)), 5);
      }
      {
        await using store = fixture.open({ keys: () => Promise.resolve(ann) });
        assert.equal(await codeOf(store.load("shop")), "state.key-wrong");
      }
      {
        await using store = fixture.open({ keys: () => Promise.resolve(bob) });
        await using lease = await store.lock("shop", "bob");
        assert.equal(await rotate(lease, []), 6);
        assert.equal(await codeOf(lease.write({ put: [row("x")] })), "state.not-encrypted");
      }
      assert.equal(await plain(), "no error");
      await using store = fixture.open({ keys: () => Promise.resolve(undefined) });
      assert.deepEqual(await store.export("shop"), {
        ...before,
        serial: 6,
        resources: [...before!.resources, row("c")],
      });
    },
  );
}

/** Keys of someone's own. */
async function someKeys(): Promise<AgeKeys> {
  return { identities: [await generateX25519Identity()], recipients: [], origin: "the test" };
}
