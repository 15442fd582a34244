/** `staddle import` as people run it, against libvirt's in-memory driver. */

import assert from "node:assert/strict";
import { staddle } from "../cli/staddle.ts";
import { golden } from "../support/golden.ts";
import { requirement } from "../support/skip.ts";

const needs = await requirement("libvirt client", () => {
  try {
    Deno.dlopen(Deno.env.get("STADDLE_LIBVIRT") || "libvirt.so.0", {}).close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
});

Deno.test({
  name: "a host's machines become a stack that imports them",
  ...needs,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "staddle-import-" });
    try {
      const out = `${folder}/shop`;
      const written = await staddle(["import", "test:///default", "--out", out]);
      assert.deepEqual([written.code, written.stderr], [0, ""]);
      assert.match(written.stdout, /^Wrote \S+\/shop\/stack\.ts: 1 machine, 1 network\. /);
      const text = await Deno.readTextFile(`${out}/stack.ts`);
      assert.match(text, /^import \{ stack \} from "staddle";\n\nexport default stack\("shop",/);
      assert.match(text, /adopt: "6695eb01-f6a4-8304-79aa-97f2502e193f"/);

      const state = { STADDLE_STATE: `${folder}/state.db` };
      const plan = await staddle(["plan", out, "--detailed-exitcode"], state);
      assert.equal(plan.code, 2, plan.stderr);
      assert.match(plan.stdout, /host\/machine\.test will be imported\n/);
      assert.match(plan.stdout, /^Plan: 2 to import, 0 to add, 0 to change, 0 to destroy\.$/m);

      // Written over only if it is said.
      await Deno.writeTextFile(`${out}/stack.ts`, "// mine\n");
      const over = await staddle(["import", "test:///default", "--out", out, "--overwrite"]);
      assert.deepEqual([over.code, over.stderr], [0, ""]);
      assert.equal(await Deno.readTextFile(`${out}/stack.ts`), text);

      const alone = await staddle([
        ...["import", "test:///default", "--network", "default", "--pool", "default-pool"],
        ...["--out", `${folder}/ground`],
      ]);
      assert.deepEqual([alone.code, alone.stderr], [0, ""]);
      assert.match(alone.stdout, /stack\.ts: 1 network, 1 pool\. /);
      assert.doesNotMatch(await Deno.readTextFile(`${folder}/ground/stack.ts`), /vm\(/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "what cannot be imported is told, and nothing is written",
  ...needs,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "staddle-import-" });
    try {
      const out = ["--out", `${folder}/new`];
      const host = "test:///default";
      await Deno.mkdir(`${folder}/there`);
      await Deno.writeTextFile(`${folder}/there/stack.ts`, "// mine\n");
      const wrong: readonly (readonly string[])[] = [
        [host, "nosuch", "nor-this", ...out],
        [host, "--network", "nosuch", ...out],
        [host, "--pool", "nosuch", ...out],
        [host, "--volume", "default-pool/nosuch", ...out],
        ["web", ...out],
        [host, "qemu+ssh://root@kvm2/system", ...out],
        [host, "--out", `${folder}/there`],
        [host, "--out", `${folder}/there/stack.ts`],
        [host, "--out", `${folder}/there/stack.ts/below`],
      ];
      const told: string[] = [];
      for (const args of wrong) {
        const { code, stdout, stderr } = await staddle(["import", ...args]);
        const show = (text: string) => text.replaceAll(folder, "DIR");
        told.push(show(`$ staddle import ${args.join(" ")}\n${stdout}${stderr}exit ${code}\n`));
      }
      golden(import.meta.url, "errors.txt", told.join("\n"));
      assert.equal(await Deno.readTextFile(`${folder}/there/stack.ts`), "// mine\n");
      await assert.rejects(Deno.stat(`${folder}/new`), Deno.errors.NotFound);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
