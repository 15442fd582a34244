import assert from "node:assert/strict";
import { join } from "node:path";
import { SqliteStore } from "../../state/mod.ts";
import { SqliteFile } from "../../state/sqlite/file.ts";
import { row } from "./contract.ts";
import { holder } from "./holder.ts";

function place() {
  const folder = Deno.makeTempDirSync({ prefix: "staddle-lock-" });
  return {
    folder,
    file: join(folder, ".staddle", "state.db"),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

Deno.test("eight processes at once on a stack without a record: one locks, seven say who and since when", async () => {
  await using here = place();
  await using stack = new AsyncDisposableStack();
  const holders = Array.from(
    { length: 8 },
    (_, i) => stack.use(holder(here.file, `user${i}@desk (pid ${i})`)),
  );
  const lines = await Promise.all(holders.map((one) => one.line()));
  const winner = lines.indexOf("locked");
  assert.equal(lines.filter((line) => line === "locked").length, 1, lines.join("\n"));
  for (const [i, line] of lines.entries()) {
    if (i === winner) continue;
    assert.match(
      line,
      new RegExp(
        `^state\\.locked 5 Cannot lock stack "shop": held by user${winner}@desk ` +
          `\\(pid ${winner}\\) since 20\\d\\d-\\d\\d-\\d\\dT`,
      ),
    );
    assert.equal((await holders[i]!.process.status).code, 5);
  }
  await holders[winner]!.say("write a");
  assert.equal(await holders[winner]!.line(), "wrote 1");
  await holders[winner]!.say("release");
  assert.equal((await holders[winner]!.process.status).code, 0);
  const left = await Array.fromAsync(Deno.readDir(join(here.folder, ".staddle")));
  assert.deepEqual(left.map(({ name }) => name), ["state.db"]);
});

Deno.test("processes that take turns on one stack lose no write", async () => {
  await using here = place();
  await using stack = new AsyncDisposableStack();
  const workers = Array.from({ length: 4 }, async (_, i) => {
    for (let round = 0; round < 3; round++) {
      for (;;) {
        await using one = holder(here.file, `user${i}`);
        if (await one.line() !== "locked") {
          await sleep(50);
          continue;
        }
        await one.say(`write r${i}-${round}`);
        assert.match(await one.line(), /^wrote \d+$/);
        await one.say("release");
        await one.process.status;
        break;
      }
    }
  });
  await Promise.all(workers);
  const store = stack.use(new SqliteStore(here.file));
  const record = await store.load("shop");
  assert.equal(record?.serial, 12);
  assert.equal(record?.resources.length, 12);
});

Deno.test("the lock of a process that was killed is taken over at once", async () => {
  await using here = place();
  await using store = new SqliteStore(here.file);
  const token = await (async () => {
    await using dead = holder(here.file, "dead@desk (pid 1)", 3600);
    assert.equal(await dead.line(), "locked");
    await assert.rejects(store.lock("shop", "ann"), { code: "state.locked" });
    assert.equal((await store.holder("shop"))?.who, "dead@desk (pid 1)");
    await dead.say("write a");
    assert.equal(await dead.line(), "wrote 1");
    dead.process.kill("SIGKILL");
    await dead.process.status;
    return 1;
  })();
  assert.equal(await store.holder("shop"), undefined);
  await using lease = await store.lock("shop", "ann");
  assert(lease.token > token);
  assert.equal(await lease.write({ put: [row("b")] }), 2);
});

Deno.test("a process that was stopped past its lease and wakes up cannot write", async () => {
  await using here = place();
  await using paused = holder(here.file, "paused@desk (pid 1)", 3);
  assert.equal(await paused.line(), "locked");
  await paused.say("write a");
  assert.equal(await paused.line(), "wrote 1");
  paused.process.kill("SIGSTOP");

  await using store = new SqliteStore(here.file);
  await assert.rejects(store.lock("shop", "ann"), { code: "state.locked" }); // not expired yet
  await sleep(3200);
  await using lease = await store.lock("shop", "ann@desk (pid 2)");
  assert.equal(await lease.write({ put: [row("b")] }), 2);

  paused.process.kill("SIGCONT");
  await paused.say("write c");
  const lines = [await paused.line(), await paused.line()].sort();
  const lost =
    'state.lease-lost 1 Cannot write the record of stack "shop": this run has lost its lock';
  assert.deepEqual(lines, [`lost ${lost}`, lost].sort());
  assert.equal(await lease.write({ put: [row("d")] }), 3);
  assert.deepEqual(
    (await store.load("shop"))?.resources.map(({ address }) => address),
    ["a", "b", "d"],
  );

  // The one that woke up lives on and must not vouch for, or endanger, the lease that is not its own.
  await paused.say("release");
  await paused.process.status;
  await assert.rejects(new SqliteStore(here.file).lock("shop", "eve"), { code: "state.locked" });
  assert.equal(lease.lost.aborted, false);
});

Deno.test("the heartbeat notices by itself that the lease was lost", async () => {
  await using here = place();
  await using store = new SqliteStore(here.file, { leaseSeconds: 0.3 });
  await using lease = await store.lock("shop", "ann");
  {
    using file = SqliteFile.openOrCreate(here.file);
    file.write(() => file.run("UPDATE locks SET token = token + 1, who = 'eve@den (pid 3)'"));
  }
  await new Promise((resolve) => lease.lost.addEventListener("abort", resolve));
  assert.match(
    lease.lost.reason.render(),
    new RegExp(
      '^error\\[state\\.lease-lost\\]: Cannot write the record of stack "shop": ' +
        `this run has lost its lock\n  at ${here.file}\n` +
        "  taken over by eve@den \\(pid 3\\) at 20\\S+Z\n" +
        "  help: this run stops here; when the other has ended, plan again: " +
        "it reads what is on the hosts$",
    ),
  );
});

Deno.test("a write compares the token itself, whether or not the heartbeat has noticed", async () => {
  await using here = place();
  await using store = new SqliteStore(here.file, { leaseSeconds: 3600 });
  await using lease = await store.lock("shop", "ann");
  await lease.write({ put: [row("a")] });
  using file = SqliteFile.openOrCreate(here.file);
  file.write(() => file.run("UPDATE locks SET token = token + 1, who = 'eve@den (pid 3)'"));
  await assert.rejects(lease.write({ put: [row("b")] }), { code: "state.lease-lost" });
  assert.equal(lease.lost.aborted, true);
  const record = await store.load("shop");
  assert.deepEqual(record?.resources.map(({ address }) => address), ["a"]);
  // Giving the lease back must not give the other's back.
  await lease[Symbol.asyncDispose]();
  assert.equal((await store.holder("shop"))?.who, "eve@den (pid 3)");
});
