/**
 * Runs, their journals, and what they brought about.
 *
 * @module
 */

import assert from "node:assert/strict";
import { withinLimits } from "../../../state/history_limits.ts";
import type { RecordWrite, Revision } from "../../../state/store.ts";
import type { Behaviour } from "./fixture.ts";
import { entry, row, run } from "./rows.ts";

/** Registers the tests. */
export function historyContract(behaviour: Behaviour): void {
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
    const ended = run("r1", {
      endedAt: "2026-01-02T03:05:00.000Z",
      result: "done",
      add: 3,
      planDigest: "5e".repeat(32),
    });
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

  behaviour("one apply is one run: who, when, what was planned, how it ended", async (fixture) => {
    const applies = 12;
    {
      await using store = fixture.open();
      for (let number = 1; number <= applies; number++) {
        await using lease = await store.lock("shop", "ann");
        for (const write of writesOf(number)) await lease.write(write);
      }
    }
    await using store = fixture.open();
    const ended = Array.from({ length: applies }, (_, i) => writesOf(i + 1).at(-1)!.run!);
    assert.equal((await store.export("shop"))?.runs.length, applies);
    for (const limit of [0, 1, 5, applies, 10_000]) {
      assert.deepEqual(await store.runs("shop", limit), ended.toReversed().slice(0, limit));
    }
    // Every store keeps at least these.
    for (const { id } of ended.slice(-10)) {
      assert.deepEqual(await store.revision("shop", id), revisionOf(id));
      assert.deepEqual(
        (await store.journal("shop", id)).map(({ phase }) => phase),
        ["begin", "end"],
      );
    }
    assert.deepEqual(await store.unfinished("shop"), []);
  });

  behaviour("keeps the newest of the history, as much as it says, and no more", async (fixture) => {
    await using store = fixture.open();
    const { journalled } = store.keeps;
    await using lease = await store.lock("shop", "ann");
    const ids = Array.from({ length: journalled + 3 }, (_, i) => `r${i + 1}`);
    for (const id of ids) {
      const journal = [entry(id, "create:a", "begin"), entry(id, "create:a", "failed")];
      await lease.write({ run: run(id), journal, revision: revisionOf(id) });
    }
    const kept = await store.export("shop");
    assert.deepEqual(kept?.runs.map(({ id }) => id), ids);
    assert.deepEqual(kept?.revisions, ids.slice(3).map(revisionOf));
    assert.deepEqual([...new Set(kept?.journal.map(({ run }) => run))], ids.slice(3));
    assert.deepEqual(await store.journal("shop", "r3"), []);
    assert.equal(await store.revision("shop", "r3"), undefined);
    assert.deepEqual(await store.check(), []);

    // And of a document that has more than any store has room for.
    const runs = Array.from({ length: 505 }, (_, i) => run(`x${i + 1}`));
    const last = runs.slice(-journalled).map(({ id }) => id);
    const long = {
      ...kept!,
      runs,
      journal: last.map((id) => entry(id, "create:a", "end")),
      revisions: last.map(revisionOf),
    };
    await lease.write({ replace: long });
    const { serial: _, ...found } = (await store.export("shop"))!;
    const { serial: __, ...wanted } = withinLimits(long, store.keeps);
    assert.deepEqual(found, wanted);
    assert.equal(found.runs.length, Math.min(505, store.keeps.runs));
  });
}

function revisionOf(id: string): Revision {
  return { run: id, topology: { of: id }, plan: { steps: [`of ${id}`] } };
}

/** What an apply of one step writes, from its first write to its last one. */
function writesOf(number: number): readonly RecordWrite[] {
  const id = `r${number}`;
  const seconds = String(number).padStart(2, "0");
  const begun = run(id, {
    who: `user${number}@desk (pid ${number})`,
    startedAt: `2026-01-02T03:04:${seconds}.678Z`,
    planned: { add: 1, change: 0, destroy: 0 },
  });
  const ended = { endedAt: `2026-01-02T03:05:${seconds}.678Z`, result: "done" } as const;
  return [
    { run: begun, revision: revisionOf(id) },
    { journal: [entry(id, "create:a", "begin")], put: [row("a", "creating")] },
    { journal: [entry(id, "create:a", "end")], put: [row("a")], run: { ...begun, add: 1 } },
    { run: { ...begun, add: 1, ...ended } },
  ];
}
