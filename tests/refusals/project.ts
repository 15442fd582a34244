/**
 * A folder with a stack, and the command line run in it as its author would.
 *
 * @module
 */

import assert from "node:assert/strict";
import { begin, DENO_ARGS, type Ended, ended } from "../cli/staddle.ts";

/** A stack's folder. */
export interface Project extends AsyncDisposable {
  readonly folder: string;
  path(name: string): string;
  write(name: string, text: string): Promise<void>;
  /** The words that run `staddle ARGS`. */
  words(args: readonly string[]): string[];
  /** Begins `staddle ARGS` in the folder. */
  begin(args: readonly string[], env?: Record<string, string>): Deno.ChildProcess;
  /** Runs `staddle ARGS` in the folder. */
  run(args: readonly string[], env?: Record<string, string>): Promise<Ended>;
  /** Fails unless the folder holds what it was given and nothing else. */
  checkUntouched(): Promise<void>;
}

/** Makes the folder with these files. */
export async function makeProject(files: Readonly<Record<string, string>>): Promise<Project> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "staddle-refusal-" }));
  const given = new Set<string>();
  const project: Project = {
    folder,
    path: (name) => `${folder}/${name}`,
    async write(name, text) {
      given.add(name);
      await Deno.writeTextFile(`${folder}/${name}`, text);
    },
    words: (args) => [Deno.execPath(), ...DENO_ARGS, ...args],
    begin: (args, env) => begin(args, env, folder),
    run: (args, env) => ended(begin(args, env, folder)),
    async checkUntouched() {
      const names: string[] = [];
      for await (const { name } of Deno.readDir(folder)) names.push(name);
      assert.deepEqual(names.sort(), [...given].sort(), "the stack's folder was touched");
    },
    async [Symbol.asyncDispose]() {
      await Deno.remove(folder, { recursive: true });
    },
  };
  for (const [name, text] of Object.entries(files)) await project.write(name, text);
  return project;
}

/** A stack file around the body of its function. `lab` is its host. */
export function stackText(body: string, host: string, before = ""): string {
  return `import { stack } from "staddle";
${before}
export default stack("bad", (s) => {
  const lab = s.host("lab", ${host});
  ${body}
});
`;
}

/** What differs from machine to machine and run to run, by its meaning. */
export function steady(text: string, names: Readonly<Record<string, string>>): string {
  let shown = text;
  for (const [value, name] of Object.entries(names)) shown = shown.replaceAll(value, name);
  return shown
    .replaceAll(/SHA256:[A-Za-z0-9+/]{43}/g, "SHA256:<fingerprint>")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>")
    .replaceAll(/\S+@\S+ \(\d+\)/g, "<who>");
}
