/**
 * `state rebuild --force` over a document on a server that was damaged: what it does, and what people read.
 * The host is one in memory that has a machine with the stack's mark.
 */

import assert from "node:assert/strict";
import { fill, places } from "../state/places.ts";
import { golden } from "../support/golden.ts";
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
