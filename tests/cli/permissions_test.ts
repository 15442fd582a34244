import assert from "node:assert/strict";
import { requirement } from "../support/skip.ts";
import { ended, libvirtObstacle } from "./staddle.ts";

const needs = await requirement("libvirt", libvirtObstacle);

const ROOT = new URL("../../", import.meta.url).pathname;

/** Runs a command with a permission set; what is not granted fails, for nobody is asked. */
function withSet(set: string, args: readonly string[]): ReturnType<typeof ended> {
  return ended(
    new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-q",
        `-P=${set}`,
        "--no-prompt",
        `--config=${ROOT}deno.json`,
        `${ROOT}mod.ts`,
        ...args,
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
}

Deno.test({
  name: "each permission set carries the commands that it is for, and no more",
  ...needs,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "staddle-sets-" });
    try {
      await Deno.writeTextFile(
        `${folder}/stack.ts`,
        `import { stack } from "staddle";
export default stack("sets", (s) => {
  s.host("lab", { uri: "qemu:///system" }).network("sets-never-made", { isolated: "10.239.9.0/24" });
  return {};
});
`,
      );
      for (const args of [["graph", folder], ["state", "list", folder], ["history", folder]]) {
        const end = await withSet("record", args);
        assert.equal(end.code, 0, `record: ${args[0]}: ${end.stderr}`);
      }
      const looking = [["plan", folder], ["drift", folder], ["doctor"]];
      for (const args of looking) {
        const end = await withSet("plan", args);
        assert.equal(end.code, 0, `plan: ${args[0]}: ${end.stderr}`);
      }
      const refused = await withSet("record", ["plan", folder]);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /ffi/, "says which permission is missing");
      assert.doesNotMatch(refused.stderr, /^\s+at (async )?\w+ \(/m, "no stack trace");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
