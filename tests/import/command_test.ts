/** `staddle import` as people run it, against libvirt's in-memory driver. */

import assert from "node:assert/strict";
import { staddle } from "../cli/staddle.ts";
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

      const again = await staddle(["import", "test:///default", "--out", out]);
      assert.equal(again.code, 1);
      assert.match(again.stderr, /error\[import\.file-exists\]/);
      assert.equal(await Deno.readTextFile(`${out}/stack.ts`), text);

      const other = await staddle(["import", "test:///default", "nosuch", "--out", folder]);
      assert.equal(other.code, 1);
      assert.match(
        other.stderr,
        /error\[import\.no-such-machine\]: the host has no machine "nosuch"/,
      );
      assert.match(other.stderr, /machines that are there: test/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
