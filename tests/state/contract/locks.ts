/**
 * Who may write, and until when.
 *
 * @module
 */

import assert from "node:assert/strict";
import { StaddleError } from "../../../providers/error.ts";
import type { Lease } from "../../../state/store.ts";
import type { Behaviour } from "./fixture.ts";
import { codeOf, row } from "./rows.ts";

/** Registers the tests. */
export function lockContract(behaviour: Behaviour): void {
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
}
