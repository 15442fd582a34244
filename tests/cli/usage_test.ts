import assert from "node:assert/strict";
import { golden } from "../support/golden.ts";
import { DENO_ARGS, run, staddle } from "./staddle.ts";

Deno.test("help, version, and every way to mistype", async () => {
  const [help, planHelp, version] = await Promise.all([
    staddle(["--help"]),
    staddle(["plan", "--help"]),
    staddle(["--version"]),
  ]);
  golden(import.meta.url, "help.txt", help.stdout);
  golden(import.meta.url, "help_plan.txt", planHelp.stdout);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  const wrong = [
    ["plna", "x"],
    ["plan"],
    ["plan", "a", "b"],
    ["plan", "a", "--exclud", "x"],
    ["apply", "a", "--max-disruption", "some"],
    ["apply", "a", "--parallelism", "0"],
    ["plan", "nosuch.ts"],
    ["plan", "tests"],
    ["apply", "nosuch.ts"],
    ["show", "nosuch.json"],
    ["completions", "tcsh"],
  ];
  const ends = await Promise.all(wrong.map((args) => staddle(args)));
  for (const { code } of ends) assert.equal(code, 1);
  golden(
    import.meta.url,
    "usage_errors.txt",
    wrong.map((args, index) => `$ staddle ${args.join(" ")}\n${ends[index]!.stderr}`).join("\n"),
  );
});

Deno.test("a pipe that closes early stops neither the command nor shows a stack trace", async () => {
  const command = [Deno.execPath(), ...DENO_ARGS, "--help"].map((word) => `'${word}'`).join(" ");
  // The reader is gone long before the first word is written.
  const text = await run("bash", "-c", `${command} 2>&1 | true; echo "\${PIPESTATUS[0]}"`);
  assert.equal(text, "0\n");
});

Deno.test("the shells' scripts are well formed, and complete commands, flags and values", async () => {
  const proposed = async (...words: string[]): Promise<string[]> =>
    (await staddle(["__complete", ...words])).stdout.trimEnd().split("\n").map((line) =>
      line.split("\t")[0]!
    );
  assert.deepEqual(await proposed("pl"), ["plan"]);
  assert.deepEqual(await proposed("plan", "--det"), ["--detailed-exitcode"]);
  assert.deepEqual(await proposed("apply", "--max-disruption", "re"), ["restart", "replace"]);
  assert.deepEqual(await proposed("completions", "z"), ["zsh"]);
  assert.deepEqual(await proposed("no", "such", "--thing"), [""]);

  const script = (await staddle(["completions", "bash"])).stdout;
  const folder = await Deno.makeTempDir();
  try {
    const wrapper = `${folder}/staddle`;
    const words = [Deno.execPath(), ...DENO_ARGS].map((word) => `'${word}'`).join(" ");
    await Deno.writeTextFile(wrapper, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
    await Deno.writeTextFile(`${folder}/completion`, script);
    const completed = await run(
      "bash",
      "-c",
      `PATH=${folder}:$PATH; source ${folder}/completion
COMP_WORDS=(staddle state li); COMP_CWORD=2; _staddle; echo "\${COMPREPLY[@]}"`,
    );
    assert.equal(completed, "list\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
