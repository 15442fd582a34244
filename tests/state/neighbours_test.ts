/**
 * Damage to one record in a store that has several: it stops no other stack, is never taken for "no record",
 * and what is set aside is that record alone.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { SqliteStore } from "../../state/mod.ts";
import { PostgresStore } from "../../state/postgres/store.ts";
import type { Store } from "../../state/store.ts";
import { postgresServer } from "../support/postgres.ts";
import { row } from "./contract.ts";
import { fill, places } from "./places.ts";

/** What is done to the rows of stack "shop". */
const damages: Readonly<Record<string, string>> = {
  "its row changed": "UPDATE stacks SET serial = serial + 1 WHERE stack = 'shop'",
  "its row renamed": "UPDATE stacks SET stack = 'shoq' WHERE stack = 'shop'",
  "its row lost": "DELETE FROM stacks WHERE stack = 'shop'",
  "a resource changed": "UPDATE resources SET body = replace(body, 'vcpus', 'vcpuz') " +
    "WHERE stack = 'shop'",
};

async function fillBoth(store: Store): Promise<void> {
  await fill(store, 2);
  await using lease = await store.lock("blog", "bob");
  await lease.write({
    put: [row("lab/machine.blog")],
    hosts: { lab: { name: "lab", uri: "test:///default" } },
  });
}

/** Stack "shop" is damaged in a store, and "blog" is not. Gives the text that "shop" was kept in. */
async function holds(open: () => Store, folder: string): Promise<string> {
  await using store = open();
  await assert.rejects(store.load("shop"), { code: "state.corrupt" });
  assert((await store.stacks()).includes("shop"));
  assert((await store.stacks()).includes("blog"));
  const problems = await store.check();
  assert(problems.length > 0 && problems.every((one) => /shop|shoq/.test(one)), problems.join());
  assert.deepEqual(await store.check("blog"), []);
  {
    await using lease = await store.lock("blog", "bob");
    const { serial = 0 } = await store.load("blog") ?? {};
    assert.equal(await lease.write({ put: [row("lab/machine.more")] }), serial + 1);
    assert.equal((await store.export("blog"))?.resources.length, 2);
    assert.deepEqual(await store.unfinished("blog"), []);
    await lease.write({ remove: ["lab/machine.more"] });
  }
  const blog = await store.load("blog");
  const aside = await store.setAside("shop", "ann", folder);
  assert.deepEqual(await store.stacks(), ["blog"]);
  assert.deepEqual(await store.check(), []);
  assert.deepEqual(await store.load("blog"), blog);
  assert.equal(await store.load("shop"), undefined);
  return aside!;
}

/** The rows in a file that was kept: how many in each table. */
async function kept(file: string): Promise<Readonly<Record<string, number>>> {
  const { stack, tables } = JSON.parse(await Deno.readTextFile(file));
  assert.equal(stack, "shop");
  return Object.fromEntries(
    Object.entries<unknown[]>(tables).map(([name, rows]) => [name, rows.length]),
  );
}

const rowsOfShop = { resources: 2, parts: 3, runs: 2, revisions: 2, journal: 4 };

Deno.test("SQLite: damage to one record stops no other, and that one alone is set aside", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-neighbours-" });
  try {
    for (const [i, [name, sql]] of Object.entries(damages).entries()) {
      const file = `${folder}/${i}.db`;
      const open = () => new SqliteStore(file);
      {
        await using store = open();
        await fillBoth(store);
      }
      {
        using database = new DatabaseSync(file);
        database.exec(sql);
      }
      const aside = await holds(open, folder);
      const stacks = name === "its row lost" ? 0 : 1;
      assert.deepEqual(await kept(aside), { stacks, ...rowsOfShop }, name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("PostgreSQL: damage to one record stops no other, and that one alone is set aside", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-neighbours-" });
  try {
    await using server = await postgresServer();
    for (const [i, [name, sql]] of Object.entries(damages).entries()) {
      const schema = `staddle_${i}`;
      const open = () => new PostgresStore(server.location(schema));
      {
        await using store = open();
        await fillBoth(store);
      }
      await server.query(`SET search_path = ${schema}; ${sql}`);
      const aside = await holds(open, folder);
      const stacks = name === "its row lost" ? 0 : 1;
      assert.deepEqual(await kept(aside), { stacks, ...rowsOfShop }, name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("S3: damage to one record stops no other, and that one alone is set aside", async () => {
  await using all = await places({ postgres: false });
  const { objects } = all.bucket;
  {
    await using store = all.s3.open();
    await fillBoth(store);
  }
  const damaged = objects.get("team/shop.json")!.replace("vcpus", "vcpuz");
  objects.set("team/shop.json", damaged);
  const aside = await holds(() => all.s3.open(), "/nowhere");
  assert.equal(objects.get(aside.replace("s3://records/", "")), damaged);
});
