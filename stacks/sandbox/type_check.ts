/**
 * Checks a stack's types. Deno remembers what it found good: an unchanged stack costs one short
 * process, a changed one a second or so, beside the evaluation.
 *
 * @module
 */

import { basename } from "node:path";
import { StaddleError } from "../../providers/error.ts";
import { type DenoResult, type Limits, runDeno } from "./process.ts";
import type { Project } from "./project.ts";
import { graphFlags } from "./walk.ts";
import type { Workspace } from "./workspace.ts";

/** Errors beyond these are counted only. */
const mostErrors = 8;

/**
 * Libraries that hold what a stack can use, and little else: most of the time of a check goes into
 * reading Deno's usual ones, with all of Node and of the graphics of browsers.
 */
const narrow = [
  "esnext",
  "deno.ns",
  "deno.console",
  "deno.url",
  "deno.web",
  "deno.fetch",
  "deno.crypto",
];

/** Compiler options by which a project itself says what is there. */
const ownChoice = ["lib", "types", "jsx", "jsxImportSource", "jsxImportSourceTypes", "rootDirs"];

/** How a check is carried out. */
interface CheckOptions {
  readonly limits: Limits;
  readonly signal: AbortSignal;
}

/**
 * Checks the types, first with few libraries. What passes so is right; what does not is checked with
 * all of them, and the errors are those of that check.
 *
 * @param options `node`: whether modules of Node are imported, of which the few know nothing.
 * @returns An error for the first few that are found; undefined when there are none.
 */
export async function checkTypes(
  project: Project,
  workspace: Workspace,
  options: CheckOptions & { readonly node: boolean },
): Promise<StaddleError | undefined> {
  const { compilerOptions } = project;
  if (!options.node && !ownChoice.some((option) => option in compilerOptions)) {
    const config = { compilerOptions: { ...compilerOptions, lib: narrow } };
    await Deno.writeTextFile(workspace.checkConfig, JSON.stringify(config));
    const result = await check(project, workspace, workspace.checkConfig, options);
    if (result.ending === "exited" && result.code === 0) return undefined;
  }
  // Its compiler options count; its imports stand in the map. Without any, ours do.
  const config = project.config ?? `${project.staddleRoot}/deno.json`;
  const result = await check(project, workspace, config, options);
  if (result.ending === "exited" && result.code === 0) return undefined;
  return typeErrors(project, result, options.limits);
}

function check(
  project: Project,
  workspace: Workspace,
  config: string,
  { limits, signal }: CheckOptions,
): Promise<DenoResult> {
  return runDeno({
    args: [
      "check",
      "--quiet",
      "--cached-only",
      "--node-modules-dir=none",
      `--config=${config}`,
      // With a configuration Deno wants the lock to hold its imports and no others, which that of
      // Staddle cannot. What is not locked is refused by the walk, and nothing is fetched.
      ...graphFlags(project, workspace.looseLockFile).filter((flag) => flag !== "--frozen"),
      project.stackFile,
    ],
    limits,
    signal,
  });
}

function typeErrors(project: Project, result: DenoResult, limits: Limits): StaddleError {
  const found = [...result.stderr.matchAll(
    /(TS\d+) \[ERROR\]: ([\s\S]*?)\n\s+at file:\/\/(\S+?):(\d+):(\d+)/g,
  )];
  if (found.length === 0) {
    return new StaddleError({
      code: "stack.not-checked",
      summary: `cannot check the types of ${project.stackFile}`,
      details: result.ending === "timed-out"
        ? [`the check took more than ${limits.timeout / 1000} s`]
        : lines(result.stderr).slice(0, 8),
      help: "run deno check on the file",
    });
  }
  const shown = found.slice(0, mostErrors);
  const place = (match: RegExpMatchArray) =>
    `${decodeURIComponent(match[3]!)}:${match[4]}:${match[5]}`;
  return new StaddleError({
    code: "stack.type-error",
    summary: found.length === 1
      ? "the stack has a type error"
      : `the stack has ${found.length} type errors`,
    where: [...new Set(shown.map(place))],
    details: shown.flatMap((match) => {
      const [first, ...rest] = message(match[1]!, match[2]!);
      // Of several, each says which line it is about.
      return [found.length === 1 ? first! : `${basename(place(match))}: ${first}`, ...rest];
    }),
    help: "correct it: the types say what a stack may declare",
  });
}

/** The compiler's message, without its picture of the line. */
function message(code: string, text: string): readonly string[] {
  const all = lines(text);
  const caret = all.findIndex((line) => /^\s*(~+|\^)\s*$/.test(line));
  const words = caret > 0 ? all.slice(0, caret - 1) : all;
  return words.map((line, index) => (index === 0 ? `${code}: ${line}` : line));
}

function lines(text: string): readonly string[] {
  return text.split("\n").map((line) => line.trimEnd()).filter((line) =>
    line !== "" && !/^Stack backtrace|^\s+\d+: </.test(line)
  );
}
