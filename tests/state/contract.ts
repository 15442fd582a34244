/**
 * What every store must do, whatever it keeps its rows in.
 *
 * @module
 */

import assert from "node:assert/strict";
import { StaddleError } from "../../providers/error.ts";
import type { HostDeclaration, Resource } from "../../providers/provider.ts";
import type {
  JournalEntry,
  ResourceRecord,
  ResourceStatus,
  RunRecord,
  Store,
} from "../../state/store.ts";
import { RECORD_VERSION } from "../../state/store.ts";

/** A place for records, empty at first, that several stores can be opened on. */
export interface StoreFixture extends AsyncDisposable {
  open(options?: { readonly leaseSeconds?: number }): Store;
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
  assert(error instanceof StaddleError, `expected a StaddleError, got ${error}`);
  return error.code;
}

/** Registers the tests. */
export function storeContract(name: string, make: () => Promise<StoreFixture>): void {
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

  behaviour("keeps stacks apart", async (fixture) => {
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
  });

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
      assert(Math.abs(Date.parse(holder.since) - since) < 5000);
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
    await using store = fixture.open({ leaseSeconds: 2 });
    await using other = fixture.open({ leaseSeconds: 2 });
    await using lease = await store.lock("shop", "ann");
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.equal(await codeOf(other.lock("shop", "bob")), "state.locked");
    }
    assert.equal(await lease.write({ put: [row("a")] }), 1);
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
}
