/**
 * `state rebuild --force` and `state push --force` over a record that was damaged: what they do, and what
 * people read of a document on a server.
 * The host is one in memory that has a machine with the stack's mark.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { SqliteStore } from "../../state/mod.ts";
import { fill, places } from "../state/places.ts";
import { golden } from "../support/golden.ts";
import { postgresServer } from "../support/postgres.ts";
import { begin, ended } from "./staddle.ts";

const NODE = "<node><domain type='test'><name>web</name><memory>65536</memory>" +
  "<os><type>hvm</type></os><metadata><staddle:resource " +
  "xmlns:staddle='https://staddle.dev/xmlns/1' stack='shop' address='lab/machine.web' " +
  "digest='d'/></metadata></domain></node>";

Deno.test("state rebuild --force makes a record anew over a damaged document, and keeps that one", async () => {
  await using all = await places({ postgres: false });
  const folder = await Deno.makeTempDir({ prefix: "staddle-rebuild-" });
  try {
    await Deno.writeTextFile(`${folder}/node.xml`, NODE);
    const { bucket, gitlab } = all;
    const damaged: Record<string, string> = {};
    const damage = (name: string, text: string) => damaged[name] = text.replace("vcpus", "vcpuz");
    for (const place of [all.s3, all.http]) {
      await using store = place.open();
      await fill(store, 1);
    }
    bucket.objects.set("team/shop.json", damage("s3", bucket.objects.get("team/shop.json")!));
    gitlab.versions.push(damage("http", gitlab.versions.at(-1)!));

    const told = await Promise.all((["s3", "http"] as const).map(async (name) => {
      const texts: string[] = [];
      const env = { ...all.env, STADDLE_STATE: all[name].location };
      const state = async (...args: string[]) => {
        const { code, stdout, stderr } = await ended(begin(["state", ...args], env, folder));
        const status = code === 0 ? "" : `status ${code}\n`;
        texts.push(`$ staddle state ${args.join(" ")}\n${stdout}${stderr}${status}`);
        return { code, stdout, stderr };
      };
      const node = `test://${folder}/node.xml`;
      assert.equal((await state("check")).code, 1);
      assert.equal((await state("rebuild", "shop", node)).code, 1);
      const rebuilt = await state("rebuild", "shop", node, "--force");
      assert.equal(rebuilt.code, 0, rebuilt.stderr);
      assert.equal((await state("check")).code, 0);

      const aside = /^The broken record is kept in (.*)$/m.exec(rebuilt.stdout)?.[1] ?? "";
      const kept = name === "s3"
        ? bucket.objects.get(aside.replace("s3://records/", ""))
        : await Deno.readTextFile(aside);
      assert.equal(kept, damaged[name]);
      await using store = all[name].open();
      assert.equal(await store.holder("shop"), undefined);
      assert.deepEqual((await store.runs("shop", 9)).map(({ command }) => command), ["rebuild"]);
      const resources = (await store.load("shop"))?.resources;
      assert.deepEqual(resources?.map(({ address }) => address), ["lab/machine.web"]);
      return texts;
    }));
    const shown = told.flat().join("\n").replaceAll(folder, "<folder>")
      .replaceAll(new URL(bucket.endpoint).host, "<server>")
      .replaceAll(new URL(gitlab.address).host, "<server>")
      .replaceAll(/broken-20[-T\d]+Z/g, "broken-<time>");
    golden(import.meta.url, "rebuild_documents.txt", shown);
    assert.deepEqual(bucket.complaints, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("state push --force puts a backup in the place of a damaged record, and keeps that one", async () => {
  await using server = await postgresServer();
  await using all = await places({ postgres: server });
  const folder = await Deno.makeTempDir({ prefix: "staddle-push-" });
  try {
    for (const name of ["sqlite", "postgres", "s3", "http"] as const) {
      const env = { ...all.env, STADDLE_STATE: all[name].location };
      const state = (...args: string[]) => ended(begin(["state", ...args], env, folder));
      {
        await using store = all[name].open();
        await fill(store, 2);
      }
      const pulled = await state("pull", "shop");
      assert.equal(pulled.code, 0, pulled.stderr);
      await Deno.writeTextFile(`${folder}/pulled.json`, pulled.stdout);
      const sql = "UPDATE stacks SET resources = resources + 1 WHERE stack = 'shop'";
      if (name === "sqlite") {
        using database = new DatabaseSync(all.sqlite.location);
        database.exec(sql);
      } else if (name === "postgres") {
        await server.query(`SET search_path = staddle; ${sql}`);
      } else if (name === "s3") {
        all.bucket.objects.set("team/shop.json", "{");
      } else all.gitlab.versions.push("{");
      assert.equal((await state("check")).code, 1, name);
      const refused = await state("push", "shop", `${folder}/pulled.json`);
      assert.equal(refused.code, 1, name);
      assert.match(refused.stderr, /state\.corrupt[^]*state push STACK FILE --force/);
      const pushed = await state("push", "shop", `${folder}/pulled.json`, "--force");
      assert.equal(pushed.code, 0, pushed.stderr);
      assert.match(pushed.stdout, /^The broken record is kept in .*\nPushed 2 resource/);
      assert.equal((await state("check")).code, 0);
      const { serial: _, ...before } = JSON.parse(pulled.stdout);
      const { serial: __, ...after } = JSON.parse((await state("pull", "shop")).stdout);
      assert.deepEqual(after, before);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("state rebuild --force mends a record of which the history alone is damaged", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-rebuild-" });
  try {
    await Deno.writeTextFile(`${folder}/node.xml`, NODE);
    const file = `${folder}/state.db`;
    {
      await using store = new SqliteStore(file);
      await fill(store, 2);
      await using lease = await store.lock("shop", "ann");
      await lease.write({ hosts: { lab: { name: "lab", uri: `test://${folder}/node.xml` } } });
    }
    {
      using database = new DatabaseSync(file);
      database.exec("UPDATE revisions SET body = 'x' WHERE run = 'run-1'");
    }
    const state = (...args: string[]) =>
      ended(begin(["state", ...args], { STADDLE_STATE: file }, folder));
    const refused = await state("rebuild", "shop");
    assert.match(refused.stderr, /state\.broken.*\n.*\n.*the revision of run run-1/);
    const rebuilt = await state("rebuild", "shop", "--force");
    assert.equal(rebuilt.code, 0, rebuilt.stderr);
    assert.match(rebuilt.stdout, /The broken record is kept in .*state\.db\.broken-/);
    assert.equal((await state("check")).code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
