/** Records that move from one kind of store to another, and back. */

import assert from "node:assert/strict";
import type { AgeKeys } from "../../state/keyring.ts";
import { type RecordDocument, withinLimits } from "../../state/mod.ts";
import { type Ended, staddle } from "../cli/staddle.ts";
import { killedAt, killPoints } from "./killed_command.ts";
import { fill, type Place, places, somebody } from "./places.ts";

async function exported(place: Place, keys?: AgeKeys): Promise<RecordDocument | undefined> {
  await using store = place.open(keys);
  return await store.export("shop");
}

function refusal(code: string, { code: status, stdout, stderr }: Ended): void {
  assert.deepEqual([status, stdout], [1, ""], stderr);
  assert(stderr.startsWith(`error[${code}]: `), stderr);
}

/** Runs that the first store keeps more of than a document does. */
const RUNS = 13;

Deno.test("state migrate: record and history come along, from SQLite to each other store and back", async () => {
  await using all = await places();
  const [ann, bob] = [await somebody(), await somebody()];
  const migrate = (from: Place, to: Place, ...more: Record<string, string>[]): Promise<Ended> =>
    staddle(
      ["state", "migrate", from.location, to.location],
      Object.assign({}, all.env, ...more),
    );
  for (const name of ["postgres", "s3", "http"] as const) {
    const [source, target] = [all.file(), all[name]];
    {
      await using store = source.open();
      await fill(store, RUNS);
    }
    const before = await exported(source);
    assert(before !== undefined && before.revisions.length === RUNS);

    // What was readable is encrypted on its way, for a key is given.
    const there = await migrate(source, target, ann.env);
    assert.equal(there.code, 0, there.stderr);
    await using kept = target.open();
    const left = RUNS - Math.min(RUNS, kept.keeps.journalled);
    assert.match(there.stdout, /^Migrated stack "shop": 12 resource\(s\), 13 run\(s\)/);
    assert.equal(/left behind/.test(there.stdout), left > 0, there.stdout);
    assert.doesNotMatch(there.stdout, /postgres:\/\/ann:/, "a password is not shown");
    assert.equal(await exported(source), undefined);
    const after = await exported(target, ann.keys);
    assert.deepEqual(after, withinLimits(before, kept.keeps));
    assert.equal(after?.revisions.length, RUNS - left);
    await assert.rejects(exported(target), { code: "state.key-missing" });

    // A wrong key, and none, are refused before anything is made.
    const back = all.file();
    refusal("state.key-wrong", await migrate(target, back, bob.env));
    refusal("state.key-missing", await migrate(target, back));
    assert.equal(await exported(back), undefined);
    assert.deepEqual(await exported(target, ann.keys), after);

    // A stack that is recorded there already is not written over, whichever record it is.
    const other = all.file();
    {
      await using store = other.open(ann.keys);
      await fill(store, 1);
    }
    const others = await exported(other, ann.keys);
    const refused = await migrate(other, target, ann.env);
    refusal("state.already-there", refused);
    assert.match(refused.stderr, /of 12 resources\n/);
    assert.deepEqual(await exported(target, ann.keys), after);
    assert.deepEqual(await exported(other, ann.keys), others);

    const home = await migrate(target, back, ann.env);
    assert.equal(home.code, 0, home.stderr);
    assert.deepEqual(await exported(back, ann.keys), after);
    assert.equal(await exported(target, ann.keys), undefined);
  }
  assert.deepEqual(all.bucket.complaints, []);
});

/** Just before the first store forgets, and just after the second one was written. */
const samples = {
  from: { request: 8, moment: "before" },
  to: { request: 6, moment: "after" },
} as const;

for (const direction of ["to", "from"] as const) {
  Deno.test(`state migrate ${direction} a bucket, killed on the way: nothing is lost, and it can be repeated`, async () => {
    await using all = await places({ postgres: false });
    const { keys, env: key } = await somebody();
    const env = { ...all.env, ...key };
    let reached = false;
    for (const point of killPoints(samples[direction])) {
      const file = all.file();
      const [source, target] = direction === "to" ? [file, all.s3] : [all.s3, file];
      {
        await using store = source.open(keys);
        await fill(store, 2);
      }
      const before = await exported(source, keys);
      const args = ["state", "migrate", source.location, target.location];
      reached = false;
      // Twice, for the second one finds the first one's copy.
      for (let time = 1; time <= 2 && await exported(source, keys) !== undefined; time++) {
        const killed = await killedAt(all.bucket, args, env, point);
        if (killed === undefined) break;
        reached = true;
        const [here, there] = [await exported(source, keys), await exported(target, keys)];
        // It is forgotten here only after it was read back there.
        assert.deepEqual(here ?? there, before, killed);
        if (there !== undefined) assert.deepEqual(there, before, killed);
        for (const place of [source, target]) {
          await using store = place.open(keys);
          await store.unlock("shop");
        }
      }
      const again = await staddle(args, env);
      if (again.code !== 0) refusal("state.nothing-to-migrate", again);
      assert.equal(await exported(source, keys), undefined);
      assert.deepEqual(await exported(target, keys), before);
      await using store = target.open(keys);
      await using lease = await store.lock("shop", "the test");
      await lease.write({ forget: true });
      if (!reached) break; // It makes no more requests than these.
    }
    assert(reached || Deno.env.get("STADDLE_SWEEP") === "1", "the point was never reached");
  });
}
