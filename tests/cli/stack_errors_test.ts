/**
 * What a person reads who asks for something that a stack, a plan, this machine or Deno's permissions do not
 * allow. No host is touched.
 */

import assert from "node:assert/strict";
import { golden } from "../support/golden.ts";
import { begin, DENO_ARGS, ended } from "./staddle.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

const FILES: Readonly<Record<string, string>> = {
  "stack.ts": `import { stack } from "staddle";
export default stack("shop", () => ({ address: "10.0.0.2" }));
`,
  "images.ts": `import { stack } from "staddle";
export default stack("images", (s) => {
  const lab = s.host("lab", { uri: "test:///default" });
  const pool = lab.pool("store", { path: "/nowhere" });
  lab.image("gone", { from: "./none.qcow2", format: "qcow2", pool });
  lab.image("torn", { from: "./folder.qcow2", format: "qcow2", pool });
});
`,
  "slow.ts": `import { stack } from "staddle";
await new Promise((resolve) => setTimeout(resolve, 600_000));
export default stack("slow", () => ({}));
`,
  "node.xml": "<node/>",
};

/** Whether a process has started others. */
async function hasChildren(pid: number): Promise<boolean> {
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    if (await Deno.readTextFile(`/proc/${pid}/task/${name}/children`) !== "") return true;
  }
  return false;
}

Deno.test("what a stack, a plan or this machine does not allow is said with what to do instead", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "staddle-stack-errors-" }));
  const run = (args: readonly string[]) => ended(begin(args, {}, folder));
  const show = (
    { code, stderr }: { code: number; stderr: string },
    ...words: readonly string[]
  ) => {
    assert.notEqual(code, 0, words.join(" "));
    return `$ ${words.join(" ")}\n${stderr}${code === 1 ? "" : `status ${code}\n`}`;
  };
  try {
    for (const [name, text] of Object.entries(FILES)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await Deno.mkdir(`${folder}/folder.qcow2`);
    const saved = await run(["plan", "stack.ts", "--out", "plan.json"]);
    assert.equal(saved.code, 0, saved.stderr);

    const asked = [
      ["plan", "stack.ts", "--param", "replicas"],
      ["plan", "stack.ts", "--param", "a=1", "--param", "a=2"],
      ["plan", "stack.ts", "--out", "none/plan.json"],
      ["plan", "stack.ts", "--destroy", "--refresh-only"],
      ["plan", "images.ts"],
      ["apply", "stack.ts"],
      ["apply", "stack.ts", "--yes", "--events", "none/events"],
      ["apply", "plan.json", "--param", "a=1", "--target", "x"],
      ["apply", "plan.json", "--refresh-only"],
      ["destroy", "stack.ts", "qemu:///system"],
      ["import", `test://${folder}/node.xml`, "--out", "new"],
    ];
    const texts = await Promise.all(
      asked.map(async (args) => show(await run(args), "staddle", ...args)),
    );

    const nowhere = await ended(begin(["plan", "stack.ts"], { TMPDIR: "/nowhere" }, folder));
    texts.push(show(nowhere, "TMPDIR=/nowhere", "staddle", "plan", "stack.ts"));
    const full = new Deno.Command("sh", {
      args: [
        "-c",
        'exec "$@" > /dev/full',
        "sh",
        Deno.execPath(),
        ...DENO_ARGS,
        "plan",
        "stack.ts",
      ],
      cwd: folder,
      env: { NO_COLOR: "", CI: "", STADDLE_STATE: "" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    texts.push(show(await ended(full), "staddle", "plan", "stack.ts", ">", "/dev/full"));

    // Ctrl-C while the stack is being evaluated, in a process of its own.
    const planning = begin(["plan", "slow.ts"], {}, folder);
    while (!await hasChildren(planning.pid)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    planning.kill("SIGINT");
    texts.push(show(await ended(planning), "staddle", "plan", "slow.ts", "^C"));

    // Fewer permissions than the command needs.
    const few: [string[], string[]][] = [
      [[], ["state", "list"]],
      [["--allow-env"], ["state", "list"]],
      [["--allow-env"], ["plan", "stack.ts"]],
      [["--allow-env", "--allow-read", "--allow-write"], ["plan", "stack.ts"]],
      [["--allow-env", "--allow-read", "--allow-write"], [
        "import",
        "test:///default",
        "--out",
        "new",
      ]],
    ];
    for (const [allowed, args] of few) {
      const words = DENO_ARGS.flatMap((word) =>
        word === "-P" ? ["--no-prompt", ...allowed] : [word]
      );
      const end = await ended(
        new Deno.Command(Deno.execPath(), {
          args: [...words, ...args],
          cwd: folder,
          env: { NO_COLOR: "", CI: "", STADDLE_STATE: "" },
          stdin: "null",
          stdout: "piped",
          stderr: "piped",
        }).spawn(),
      );
      texts.push(show(end, "deno", "run", ...allowed, "mod.ts", ...args));
    }
    const shown = texts.join("\n").replaceAll(folder, "<folder>").replaceAll(ROOT, "<staddle>/");
    golden(import.meta.url, "stack_errors.txt", shown);
    assert.doesNotMatch(shown, /^\s+at (async )?\w+ \(/m, "no stack trace");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
