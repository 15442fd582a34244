/** `state rotate` on every kind of store: the old key opens nothing any more, and a kill loses nothing. */

import assert from "node:assert/strict";
import { type AgeKeys, recipientsOf } from "../../state/keyring.ts";
import type { RecordDocument } from "../../state/mod.ts";
import { begin, ended, staddle } from "../cli/staddle.ts";
import { postgresServer } from "../support/postgres.ts";
import { killedAt, killPoints } from "./killed_command.ts";
import { fill, type Place, places, type Somebody, somebody } from "./places.ts";

/** A record, whatever its serial is. */
async function opened(place: Place, keys: AgeKeys | undefined): Promise<RecordDocument> {
  await using store = place.open(keys);
  const document = await store.export("shop");
  assert(document !== undefined);
  return { ...document, serial: 0 };
}

async function rotation(to: Somebody): Promise<string[]> {
  const [recipient] = await recipientsOf(to.keys);
  assert(recipient !== undefined);
  return ["state", "rotate", "shop", "--to", recipient];
}

const stores = ["sqlite", "postgres", "s3", "http"] as const;

Deno.test("state rotate, on every kind of store: the new key opens the record, the old one does not", async () => {
  await using all = await places();
  for (const name of stores) {
    const place = all[name];
    const [ann, bob] = [await somebody(), await somebody()];
    {
      await using store = place.open(ann.keys);
      await fill(store, 3);
    }
    const before = await opened(place, ann.keys);
    const env = { ...all.env, STADDLE_STATE: place.location };
    const args = await rotation(bob);

    const refused = await staddle(args, { ...env, ...bob.env });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^error\[state\.key-wrong\]/, name);
    assert.deepEqual(await opened(place, ann.keys), before, name);

    const done = await staddle(args, { ...env, ...ann.env });
    assert.equal(done.code, 0, done.stderr);
    assert.deepEqual(await opened(place, bob.keys), before, name);
    await assert.rejects(opened(place, ann.keys), { code: "state.key-wrong" }, name);
    await assert.rejects(opened(place, undefined), { code: "state.key-missing" }, name);
  }
});

/**
 * After a kill: the record is whole, under exactly one of the keys; whoever has that one can rotate it, and
 * nothing is lost by then.
 */
async function recovers(
  place: Place,
  before: RecordDocument,
  env: Record<string, string>,
  [from, to]: readonly [Somebody, Somebody],
): Promise<void> {
  const both = await Promise.allSettled([from, to].map(({ keys }) => opened(place, keys)));
  const documents = both.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
  assert.deepEqual(documents, [before]);
  const owner = both[0]?.status === "fulfilled" ? from : to;
  {
    await using store = place.open(owner.keys);
    await store.unlock("shop");
  }
  const again = await staddle(await rotation(to), { ...env, ...owner.env });
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(await opened(place, to.keys), before);
  await assert.rejects(opened(place, from.keys), { code: "state.key-wrong" });
}

Deno.test("state rotate in a bucket, killed at a request: whole under one of the keys, and repeated", async () => {
  await using all = await places({ postgres: false });
  let [from, to] = [await somebody(), await somebody()];
  {
    await using store = all.s3.open(from.keys);
    await fill(store, 3);
  }
  const before = await opened(all.s3, from.keys);
  const env = { ...all.env, STADDLE_STATE: all.s3.location };
  let killed: string | undefined;
  // The write has arrived, and the command does not know it yet.
  for (const point of killPoints({ request: 8, moment: "after" })) {
    killed = await killedAt(
      all.bucket,
      await rotation(to),
      { ...env, ...from.env },
      point,
    );
    if (killed === undefined) break;
    await recovers(all.s3, before, env, [from, to]);
    [from, to] = [to, await somebody()];
  }
  assert(killed !== undefined || Deno.env.get("STADDLE_SWEEP") === "1", "it was never killed");
});

Deno.test("state rotate in PostgreSQL, killed inside its transaction: under the old key, and repeated", async () => {
  await using server = await postgresServer();
  await using all = await places({ postgres: server });
  const people = [await somebody(), await somebody()] as const;
  {
    await using store = all.postgres.open(people[0].keys);
    await fill(store, 3);
  }
  const before = await opened(all.postgres, people[0].keys);
  // Others may read the table, and whoever writes it waits.
  const blocker = server.query(
    "BEGIN; LOCK TABLE staddle.revisions IN SHARE MODE; SELECT pg_sleep(600)",
  ).catch(() => {});
  const until = async (condition: string): Promise<void> => {
    const sql = `SELECT count(*) FROM pg_locks WHERE relation = 'staddle.revisions'::regclass AND `;
    for (const deadline = Date.now() + 60_000; await server.query(sql + condition) === "0\n";) {
      assert(Date.now() < deadline, condition);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const env = { ...all.env, STADDLE_STATE: all.postgres.location };
  try {
    await until("granted AND mode = 'ShareLock'");
    const child = begin(await rotation(people[1]), { ...env, ...people[0].env });
    try {
      await until("NOT granted");
    } finally {
      child.kill("SIGKILL");
      await ended(child);
    }
  } finally {
    await server.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)'",
    );
    await blocker;
  }
  assert.deepEqual(await opened(all.postgres, people[0].keys), before);
  await recovers(all.postgres, before, env, people);
});

Deno.test("state rotate in SQLite, killed as the file grows: whole under one of the keys, and repeated", async () => {
  await using all = await places({ postgres: false });
  const people = [await somebody(), await somebody()] as const;
  const { sqlite } = all;
  {
    await using store = sqlite.open(people[0].keys);
    await fill(store, 40);
  }
  const before = await opened(sqlite, people[0].keys);
  const env = { ...all.env, STADDLE_STATE: sqlite.location };
  // Open meanwhile, so that the log of what is written stays.
  await using watcher = sqlite.open(people[0].keys);
  await watcher.load("shop");
  const size = () => Deno.statSync(`${sqlite.location}-wal`).size;
  const first = size();
  const child = begin(await rotation(people[1]), { ...env, ...people[0].env });
  let over = false;
  const status = child.status.then(() => over = true);
  // The lease is a page or two.
  while (!over && size() < first + 60_000) await new Promise((resolve) => setTimeout(resolve, 0));
  if (!over) child.kill("SIGKILL");
  await Promise.all([status, ended(child)]);
  await recovers(sqlite, before, env, people);
});
