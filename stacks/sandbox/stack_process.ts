/**
 * One evaluation of a stack in a process without permissions.
 *
 * @module
 */

import { StaddleError, StaddleErrors } from "../../providers/error.ts";
import type { DenoResult, Limits } from "./process.ts";
import { runDeno } from "./process.ts";
import { entryUrl, type Project } from "./project.ts";
import { type Print, readReport, type Report, type RunRequest, type Thrown } from "./report.ts";
import { graphFlags } from "./walk.ts";
import type { Workspace } from "./workspace.ts";

/** A report that is no failure. */
export type Success = Extract<Report, { status: "done" | "described" }>;

/** How an evaluation went. */
export type Outcome =
  | {
    readonly ok: true;
    readonly report: Success;
    /** The report as it was written, to compare two. */
    readonly text: string;
  }
  | {
    readonly ok: false;
    readonly error: StaddleError | StaddleErrors;
    /** True when the error came from the stack's own code rather than from a declaration. */
    readonly thrown: boolean;
  };

/** Deno lacks a package that the lock names: it was never installed here. */
export class PackageNotCached extends Error {}

/** Runs a stack once. */
export async function runStack(
  project: Project,
  workspace: Workspace,
  request: Omit<RunRequest, "mark">,
  options: { readonly limits: Limits; readonly signal: AbortSignal },
): Promise<Outcome> {
  const mark = `staddle-report-${crypto.randomUUID()}:`;
  const result = await runDeno({
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--cached-only",
      "--no-config",
      "--node-modules-dir=none",
      `--v8-flags=--max-old-space-size=${options.limits.memoryMb}`,
      ...graphFlags(project, workspace.lockFile),
      entryUrl,
    ],
    stdin: JSON.stringify({ ...request, mark } satisfies RunRequest),
    env: {
      DENO_DIR: workspace.denoDirectory,
      // A stack that asks for the time zone or the language is found out by the second evaluation.
      ...(request.shifted ? { TZ: "Pacific/Kiritimati", LANG: "tr_TR.UTF-8" } : { TZ: "UTC" }),
    },
    ...options,
  });
  const at = result.stdout.indexOf(`\n${mark}`);
  if (at < 0) return { ok: false, thrown: true, error: died(project, result, options.limits) };
  const end = result.stdout.indexOf("\n", at + 1);
  const text = result.stdout.slice(at + 1 + mark.length, end);
  const strays = [result.stdout.slice(0, at), result.stdout.slice(end + 1), result.stderr]
    .flatMap((one) => one.split("\n")).filter((line) => line !== "").map((line) => ({
      text: line,
    }));
  const report = readReport(text);
  if (report === undefined) {
    const error = new StaddleError({
      code: "stack.invalid-topology",
      summary: "the stack yields something that is no topology",
      where: [project.stackFile],
      help: "leave JavaScript's own objects as they are: JSON, Object, Array and their prototypes",
    });
    return { ok: false, thrown: false, error };
  }
  return judge(project, { ...report, prints: [...report.prints, ...strays] }, text);
}

function judge(project: Project, report: Report, text: string): Outcome {
  const { prints } = report;
  if (report.status === "thrown") {
    if (/not found in (the )?cache|--cached-only is specified/i.test(report.thrown.message)) {
      throw new PackageNotCached(report.thrown.message);
    }
    return { ok: false, thrown: true, error: thrownError(project, report.thrown, prints) };
  }
  if (report.status === "refused") {
    const errors = report.errors.map((init) => {
      const where = init.where === undefined || init.where.length === 0
        ? [project.stackFile]
        : init.where;
      return new StaddleError({
        ...init,
        where,
        details: [...init.details ?? [], ...said(prints)],
      });
    });
    const error = errors.length === 1 ? errors[0]! : new StaddleErrors(errors);
    return { ok: false, thrown: false, error };
  }
  if (prints.length > 0) {
    const places = prints.map((print) => print.at).filter((at) => at !== undefined);
    const error = new StaddleError({
      code: "stack.prints",
      summary: "the stack prints, which a description does not do",
      where: places.length === 0 ? [project.stackFile] : [...new Set(places)].slice(0, 5),
      details: said(prints),
      help:
        "return the value as an output, and remove the print; while a stack is being written, " +
        "printing shows values this way and nothing is touched",
    });
    return { ok: false, thrown: false, error };
  }
  return { ok: true, report, text };
}

/** What a stack printed, for an error's details. */
function said(prints: readonly Print[]): readonly string[] {
  return prints.slice(0, 20).flatMap(({ text }) =>
    text.split("\n").map((line) => `stack: ${line}`)
  );
}

const permissions: Readonly<Record<string, readonly [what: string, help: string]>> = {
  read: [
    "reads a file",
    'import it (with { type: "text" } or "json") from the stack\'s project, or ' +
    "pass its content as a parameter",
  ],
  write: ["writes a file", "return what it would write as an output"],
  env: ["reads the environment", "pass the value as a parameter: --param name=value"],
  net: ["uses the network", "look the value up beforehand and pass it as a parameter"],
  run: ["starts a process", "run it beforehand and pass what it says as a parameter"],
  sys: ["asks about this machine", "pass the value as a parameter: --param name=value"],
  ffi: ["loads a library", "a stack only describes; remove it"],
};

function thrownError(project: Project, thrown: Thrown, prints: readonly Print[]): StaddleError {
  const { name, message, frames } = thrown;
  const where = frames.length === 0 ? [project.stackFile] : frames.slice(0, 5);
  const details = said(prints);
  const denied = /^Requires (\w+) access(?: to (.+?))?(?:, (?:run again|specify)|$)/m.exec(message);
  // Without the permission, and without PATH, a program is not even found.
  const spawns = /^Failed to spawn '(.*)'/.exec(message);
  const known = permissions[spawns === null ? denied?.[1] ?? "" : "run"];
  const object = spawns === null ? denied?.[2] : `"${spawns[1]}"`;
  if (known !== undefined) {
    return new StaddleError({
      code: "stack.permission",
      summary: `the stack ${known[0]}${object === undefined ? "" : ` (${object})`}: a stack is ` +
        "evaluated without permissions",
      where,
      details,
      help: known[1],
    });
  }
  if (/^(Array buffer allocation failed|Invalid array buffer length)/.test(message)) {
    return outOfMemory(project, where);
  }
  return new StaddleError({
    code: "stack.throws",
    summary: `the stack throws${name === "" ? "" : ` ${name}`}: ${message.split("\n")[0]}`,
    where,
    details: [...message.split("\n").slice(1, 8), ...details],
    help: "correct the line that is named first",
  });
}

function outOfMemory(project: Project, where?: readonly string[]): StaddleError {
  return new StaddleError({
    code: "stack.out-of-memory",
    summary: "the stack needs more memory than it is given",
    where: where ?? [project.stackFile],
    help: "look for a loop that never ends, or for data that does not belong into a stack",
  });
}

/** What happened to a process that ended without a report. */
function died(project: Project, result: DenoResult, limits: Limits): StaddleError {
  const { ending, code, signal, stderr } = result;
  const where = [project.stackFile];
  if (ending === "timed-out" || ending === "out-of-processor") {
    const { processor, timeout } = limits;
    const computing = processor === undefined ? "" : `${processor} s of computing or `;
    return new StaddleError({
      code: "stack.timeout",
      summary: `the stack does not come to an end: stopped after ${computing}${timeout / 1000} s`,
      where,
      help: "look for a loop that never ends, or an await of something that never comes",
    });
  }
  if (ending === "too-much-output") {
    return new StaddleError({
      code: "stack.too-much-output",
      summary: "the stack writes without end",
      where,
      help: "a stack prints nothing: return values as outputs",
    });
  }
  if (/not found in (the )?cache|--cached-only is specified/i.test(stderr)) {
    throw new PackageNotCached(stderr);
  }
  const memory = /out of memory|memory allocation of|allocation failed|Cannot allocate memory/i;
  if (memory.test(stderr)) return outOfMemory(project);
  if (/Top-level await promise never resolved/.test(stderr)) {
    return new StaddleError({
      code: "stack.never-settles",
      summary: "the stack awaits something that never comes",
      where,
      help: "a stack needs no await: every handle has its values at once",
    });
  }
  // V8 and Rust end a process by these when they get no memory and cannot say so.
  if (signal !== null && ["SIGTRAP", "SIGABRT", "SIGSEGV", "SIGILL", "SIGBUS"].includes(signal)) {
    return outOfMemory(project);
  }
  if (signal !== null) {
    return new StaddleError({
      code: "stack.killed",
      summary: `the process that evaluates the stack was ended by ${signal}`,
      where,
      help: "if the machine is short of memory, free some; then try again",
    });
  }
  if (stderr.trim() === "") {
    return new StaddleError({
      code: "stack.exits",
      summary: `the stack ends the process that evaluates it (status ${code})`,
      where,
      help: "throw an error instead: its message is shown with the place in the stack",
    });
  }
  return new StaddleError({
    code: "stack.not-evaluated",
    summary: `the stack could not be evaluated (status ${code})`,
    where,
    details: stderr.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "")
      .slice(0, 10),
    help: "correct what Deno says about it",
  });
}
