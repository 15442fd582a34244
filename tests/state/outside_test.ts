/** The store on servers that others have written, where the environment names some: see `servers/outside.ts`. */

import assert from "node:assert/strict";
import { withinLimits } from "../../state/mod.ts";
import type { RecordDocument } from "../../state/store.ts";
import { staddle } from "../cli/staddle.ts";
import { row, storeContract } from "./contract.ts";
import { holder } from "./holder.ts";
import { fill, places, somebody } from "./places.ts";
import { outsideServers } from "./servers/outside.ts";

/** How long anything here may take on a machine that is busy with other things, in ms. */
const PATIENCE = 120_000;

for (const { name, oneStack, place } of outsideServers()) {
  storeContract(name, place, { oneStack });

  Deno.test(`${name}: of eight processes that lock at once, one gets it`, async () => {
    await using here = await place();
    for (let round = 1; round <= 5; round++) {
      await using stack = new AsyncDisposableStack();
      const all = Array.from(
        { length: 8 },
        (_, i) => stack.use(holder(here.location, `user${i}@desk`, 3600)),
      );
      const lines = await Promise.all(all.map((one) => one.line()));
      assert.equal(lines.filter((line) => line === "locked").length, 1, lines.join("\n"));
      for (const line of lines) assert.match(line, /^(locked$|state\.locked 5 Cannot lock stack)/);
      const winner = all[lines.indexOf("locked")]!;
      await winner.say(`write r${round}`);
      assert.equal(await winner.line(), `wrote ${round}`);
      await winner.say("release");
      assert.equal((await winner.process.status).code, 0);
    }
    await using store = here.open();
    assert.equal((await store.load("shop"))?.resources.length, 5);
  });

  Deno.test(`${name}: eight writers that take turns lose no write`, async () => {
    await using here = await place();
    const [writers, rounds] = [8, 3];
    await Promise.all(Array.from({ length: writers }, async (_, i) => {
      await using store = here.open();
      for (let round = 0; round < rounds; round++) {
        const begun = performance.now();
        for (;;) {
          const lease = await store.lock("shop", `user${i}`).catch((error) => error);
          if (lease.code === "state.locked") {
            assert(performance.now() - begun < PATIENCE, String(lease));
            await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 200));
            continue;
          }
          if (lease instanceof Error) throw lease;
          await lease.write({ put: [row(`r${i}-${round}`)] });
          await lease[Symbol.asyncDispose]();
          break;
        }
      }
    }));
    await using store = here.open();
    const record = await store.load("shop");
    assert.equal(record?.serial, writers * rounds);
    assert.equal(record.resources.length, writers * rounds);
  });

  Deno.test(`${name}: a process that was stopped past its lease and wakes up cannot write`, async () => {
    await using here = await place();
    await using paused = holder(here.location, "paused@desk", 3);
    assert.equal(await paused.line(), "locked");
    await paused.say("write a");
    assert.equal(await paused.line(), "wrote 1");
    paused.process.kill("SIGSTOP");

    await using store = here.open();
    const begun = performance.now();
    const take = async () => {
      for (;;) {
        const lease = await store.lock("shop", "ann@desk").catch((error) => error);
        if (!(lease instanceof Error)) return lease;
        assert.equal((lease as { code?: string }).code, "state.locked", String(lease));
        assert(performance.now() - begun < PATIENCE, "it was never taken over");
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    };
    await using lease = await take();
    assert.equal(await lease.write({ put: [row("b")] }), 2);
    paused.process.kill("SIGCONT");
    await paused.say("write c");
    const lines = [await paused.line(), await paused.line()].sort();
    assert.match(lines[0]!, /^lost state\.lease-lost 1 /);
    assert.match(lines[1]!, /^state\.lease-lost 1 /);
    assert.equal(await lease.write({ put: [row("d")] }), 3);
    const addresses = (await store.load("shop"))?.resources.map(({ address }) => address);
    assert.deepEqual(addresses, ["a", "b", "d"]);
  });

  Deno.test(`${name}: a document that is damaged is kept, and a record made anew`, async () => {
    await using here = await place();
    const folder = await Deno.makeTempDir({ prefix: "staddle-aside-" });
    try {
      await using store = here.open();
      {
        await using lease = await store.lock("shop", "ann");
        await lease.write({ put: [row("a")] });
      }
      // A server may take nothing with a serial that it has had.
      const sound = await here.read();
      const higher = sound.replace(
        /"serial": (\d+)/,
        (_, serial) => `"serial": ${Number(serial) + 1}`,
      );
      await here.damage(higher.replace("vcpus", "vcpuz"));
      await assert.rejects(store.load("shop"), { code: "state.corrupt" });
      const aside = await store.setAside("shop", "bob", folder);
      assert.match(String(aside), /shop\.json\.broken-20[-T\d]+Z$/);
      assert.equal(await store.load("shop"), undefined);
      assert.deepEqual(await store.check(), []);
      await using lease = await store.lock("shop", "bob");
      assert.equal(await lease.write({ put: [row("b")] }), 1);
      assert.deepEqual((await store.load("shop"))?.resources, [row("b")]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  Deno.test(`${name}: state migrate takes record and history there and back, state rotate changes the key`, async () => {
    await using here = await place();
    await using local = await places({ postgres: false });
    const [ann, bob] = [await somebody(), await somebody()];
    const exported = async (keys = ann.keys): Promise<RecordDocument | undefined> => {
      await using store = here.open({ keys: () => Promise.resolve(keys) });
      return await store.export("shop");
    };
    const source = local.file();
    {
      await using store = source.open();
      await fill(store, 13);
    }
    const before = await (async () => {
      await using store = source.open();
      return await store.export("shop");
    })();
    const there = await staddle(["state", "migrate", source.location, here.location], ann.env);
    assert.equal(there.code, 0, there.stderr);
    await using store = here.open();
    const wanted = withinLimits(before!, store.keeps);
    assert.deepEqual(await exported(), wanted);
    assert.doesNotMatch(await here.read(), /vcpus/, "it is encrypted");

    const env = { STADDLE_STATE: here.location, ...ann.env };
    const history = await staddle(["history", "shop"], env);
    assert.equal(history.code, 0, history.stderr);
    assert.match(history.stdout, /ann@desk/);
    const plain = await staddle(["state", "rotate", "shop", "--plain"], env);
    assert.equal(plain.code, 0, plain.stderr);
    assert.match(await here.read(), /vcpus/);
    const checked = await staddle(["state", "check", "shop"], env);
    assert.equal(checked.code, 0, checked.stdout + checked.stderr);

    const back = local.file();
    const home = await staddle(["state", "migrate", here.location, back.location], bob.env);
    assert.equal(home.code, 0, home.stderr);
    await using returned = back.open(bob.keys);
    assert.deepEqual({ ...await returned.export("shop"), serial: 0 }, { ...wanted, serial: 0 });
    assert.equal(await exported(), undefined);
  });
}
