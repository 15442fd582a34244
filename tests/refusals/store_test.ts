/**
 * Records that cannot be used, from end to end: another run has the lock, the file is damaged, it cannot be
 * written. The host is not touched. The table in bad_input_test.ts says where else such errors are shown.
 */

import assert from "node:assert/strict";
import { libvirtObstacle, run } from "../cli/staddle.ts";
import { SqliteStore } from "../../state/mod.ts";
import { golden } from "../support/golden.ts";
import { requirement } from "../support/skip.ts";
import { makeProject, type Project, stackText, steady } from "./project.ts";

const needs = await requirement("libvirt", libvirtObstacle);

/** One name for the stack's only object: nobody else on this host has it. */
const NAME = `ref${Deno.pid.toString(36)}`;

const STACK = stackText(
  `lab.network("${NAME}", { isolated: "10.239.77.0/24" });`,
  '{ uri: "qemu:///system" }',
);

/** What `staddle apply` shows on standard error, after checks that it touched nothing. */
async function refusal(project: Project, code: number): Promise<string> {
  const { stdout, stderr, ...end } = await project.run(["apply", "stack.ts", "--yes"]);
  assert.equal(end.code, code, stdout + stderr);
  const networks = await run("virsh", "net-list", "--all", "--name");
  assert.ok(!networks.includes(NAME), "the host was touched");
  return steady(stderr, { [project.folder]: "<project>" });
}

Deno.test({
  name: "a record that another run holds",
  ...needs,
  async fn() {
    await using project = await makeProject({ "stack.ts": STACK });
    await using store = new SqliteStore(project.path(".staddle/state.db"));
    await using _lease = await store.lock("bad", "ann@desk (7)");
    golden(import.meta.url, "store-locked.txt", await refusal(project, 5));
    assert.equal(await store.load("bad"), undefined);
  },
});

Deno.test({
  name: "a record that is damaged",
  ...needs,
  async fn() {
    await using project = await makeProject({ "stack.ts": STACK });
    const file = project.path(".staddle/state.db");
    await Deno.mkdir(project.path(".staddle"));
    const damaged = "SQLite format 3\0 and then nothing that makes sense";
    await Deno.writeTextFile(file, damaged);
    golden(import.meta.url, "store-corrupt.txt", await refusal(project, 1));
    assert.equal(await Deno.readTextFile(file), damaged, "it may be of use to whoever mends it");
  },
});

const readOnly = await requirement("read-only mount", async () => {
  if (Deno.uid() !== 0) return "a read-only mount in a namespace of its own needs root";
  await run("unshare", "--mount", "true");
  return await libvirtObstacle();
});

Deno.test({
  name: "a record in a folder that cannot be written",
  ...readOnly,
  async fn() {
    await using project = await makeProject({ "stack.ts": STACK });
    const script =
      'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && exec "$@"';
    const { stdout, stderr, code } = await new Deno.Command("unshare", {
      args: [
        "--mount",
        "sh",
        "-c",
        script,
        project.folder,
        ...project.words([
          "apply",
          "stack.ts",
          "--yes",
        ]),
      ],
      env: { NO_COLOR: "1", CI: "", STADDLE_STATE: "" },
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    const shown = text.decode(stderr);
    assert.equal(code, 1, text.decode(stdout) + shown);
    golden(
      import.meta.url,
      "store-read-only.txt",
      steady(shown, { [project.folder]: "<project>" }),
    );
    assert.ok(!(await run("virsh", "net-list", "--all", "--name")).includes(NAME));
    await project.checkUntouched();
  },
});
