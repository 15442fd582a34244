/**
 * Evaluates a stack file: what goes in are parameters and addresses, what comes out is a topology.
 *
 * @module
 */

import { type Topology, topologySchema } from "../planner/topology.ts";
import { StaddleError, StaddleErrors } from "../providers/error.ts";
import type { Json } from "../providers/provider.ts";
import type { ParameterDescription } from "./parameters.ts";
import type { Identity } from "./recorder.ts";
import type { ForeignStack } from "./foreign_stack.ts";
import { show } from "./refuse.ts";
import { differences } from "./sandbox/difference.ts";
import { placed } from "./sandbox/places.ts";
import { type Limits, runDeno } from "./sandbox/process.ts";
import { findProject, type Project, sha256, staddleUrl } from "./sandbox/project.ts";
import type { RunRequest } from "./sandbox/report.ts";
import { type Outcome, PackageNotCached, runStack, type Success } from "./sandbox/stack_process.ts";
import { checkTypes } from "./sandbox/type_check.ts";
import { graphFlags, type LocalModule, type Walk, walkModules } from "./sandbox/walk.ts";
import { makeWorkspace, type Workspace } from "./sandbox/workspace.ts";

export type { LocalModule } from "./sandbox/walk.ts";
export type { ParameterDescription } from "./parameters.ts";

/** How a stack is evaluated. */
export interface EvaluateOptions {
  /** Parameters; text, as it comes from a command line, is converted as the stack's types ask for. */
  readonly parameters?: Readonly<Record<string, Json>>;
  /** Addresses of the record, by `<address of the machine>#<nic name>`: they stay. */
  readonly reservations?: Readonly<Record<string, string>>;
  /** What renamed resources keep, by their address now. */
  readonly identities?: Readonly<Record<string, Identity>>;
  /** What is known of other stacks, by name. */
  readonly references?: Readonly<Record<string, ForeignStack>>;
  /**
   * Seconds of processor time after which it is stopped; 10 unless given. By the clock it has six times
   * as long, for other work may keep the machine busy.
   */
  readonly processorTime?: number;
  /** JavaScript heap in MiB; 512 unless given. */
  readonly memoryLimitMb?: number;
  /** Whether types are checked; true unless given. */
  readonly typeCheck?: boolean;
  /** Ends the evaluation when it is aborted. */
  readonly signal?: AbortSignal;
  /** Called once the processes run: until they end, there is time for other work. */
  readonly begun?: () => void;
}

/** An evaluated stack. */
export interface Evaluation {
  /** What the stack declares; places are relative to its project. */
  readonly topology: Topology;
  /** SHA-256 over all modules and the lock: equal digests mean an equal stack. */
  readonly digest: string;
  /** Every local file that the stack consists of, Staddle's own included. */
  readonly modules: readonly LocalModule[];
}

/** A stack as its file describes it. */
export interface StackDescription {
  /** Name of the stack. */
  readonly name: string;
  /** Its parameters, in the order of their declaration. */
  readonly parameters: readonly ParameterDescription[];
}

/** Milliseconds that a cold type check may take on a slow machine. */
const checkTimeout = 120_000;

/**
 * Evaluates a stack, twice at once with different clocks, in processes without permissions; beside
 * that its modules are walked and its types are checked. Nothing that the stack says counts before
 * the walk has agreed.
 *
 * @throws {StaddleError} or {StaddleErrors} that name the place in the stack.
 *
 * @example
 * ```ts ignore
 * const { topology } = await evaluate("shop.ts", { parameters: { replicas: "3" } });
 * ```
 */
export function evaluate(stackFile: string, options: EvaluateOptions = {}): Promise<Evaluation> {
  return inSandbox(stackFile, options, async (tools) => {
    const { project } = tools;
    const { parameters = {}, reservations = {}, identities = {}, references = {} } = options;
    const given = { parameters, reservations, identities, references };
    const request = { mode: "evaluate", ...given } as const;
    const first = tools.run({ ...request, shifted: false });
    const second = tools.run({ ...request, shifted: true });
    const walked = tools.walk();
    const types = options.typeCheck === false ? undefined : tools.check(walked);
    options.begun?.();
    const { modules } = await walked;
    const outcome = await first;
    if (!outcome.ok) throw await explain(outcome, types);
    const topology = topologyOf(project, outcome.report);
    refuseImpure(project, topology, outcome.text, await second);
    const typeError = await types;
    if (typeError !== undefined) throw typeError;
    return { topology, digest: digestOf(project, modules), modules };
  });
}

/**
 * What a stack's file says about itself: its name and its parameters.
 *
 * @throws {StaddleError} that names the place in the stack.
 */
export function describeStack(
  stackFile: string,
  options: Omit<EvaluateOptions, "parameters" | "reservations" | "typeCheck" | "begun"> = {},
): Promise<StackDescription> {
  return inSandbox(stackFile, options, async (tools) => {
    const given = { parameters: {}, reservations: {}, identities: {}, references: {} };
    const run = tools.run({ mode: "describe", ...given, shifted: false });
    await tools.walk();
    const outcome = await run;
    if (!outcome.ok) throw outcome.error;
    if (outcome.report.status !== "described") {
      throw new Error("the sandbox answered another request");
    }
    const { name, parameters } = outcome.report;
    return { name, parameters };
  });
}

/** The digest of a stack and its modules, as {@linkcode evaluate} gives it, without evaluating. */
export function stackDigest(
  stackFile: string,
  options: Pick<EvaluateOptions, "signal"> = {},
): Promise<string> {
  return inSandbox(
    stackFile,
    options,
    async (tools) => digestOf(tools.project, (await tools.walk()).modules),
  );
}

/** What can be done with a stack in its sandbox. */
interface Tools {
  readonly project: Project;
  run(request: Omit<RunRequest, "mark">): Promise<Outcome>;
  /** Waits for the walk: what it refuses is not looked at. */
  check(walked: Promise<Walk>): Promise<StaddleError | undefined>;
  walk(): Promise<Walk>;
}

/** Runs a task with a sandbox; ends every process that it began, however it ends. */
async function inSandbox<T>(
  stackFile: string,
  options: EvaluateOptions,
  task: (tools: Tools) => Promise<T>,
): Promise<T> {
  const project = await findProject(stackFile);
  try {
    try {
      return await attempt(project, options, task);
    } catch (error) {
      if (!(error instanceof PackageNotCached)) throw error;
      await install(project, options);
      return await attempt(project, options, task);
    }
  } catch (error) {
    throw error instanceof StaddleError || error instanceof StaddleErrors
      ? await placed(project, error)
      : error;
  }
}

async function attempt<T>(
  project: Project,
  options: EvaluateOptions,
  task: (tools: Tools) => Promise<T>,
): Promise<T> {
  await using workspace = await makeWorkspace(project);
  const over = new AbortController();
  const signal = options.signal === undefined
    ? over.signal
    : AbortSignal.any([options.signal, over.signal]);
  const processor = options.processorTime ?? 10;
  const limits: Limits = {
    processor,
    timeout: processor * 6_000,
    memoryMb: options.memoryLimitMb ?? 512,
  };
  const running: Promise<unknown>[] = [];
  const begin = <R>(work: Promise<R>): Promise<R> => {
    running.push(work);
    // A failure counts where it is awaited; one that nobody gets to awaits nobody.
    work.catch(() => {});
    return work;
  };
  const { lockFile } = workspace;
  const long = { timeout: checkTimeout, memoryMb: 2048 };
  try {
    return await task({
      project,
      run: (request) => begin(runStack(project, workspace, request, { limits, signal })),
      check: (walked) =>
        begin(
          walked.then(({ node }) => checkTypes(project, workspace, { node, limits: long, signal })),
        ),
      walk: () => begin(walkModules(project, { lockFile, limits: long, signal })),
    });
  } finally {
    over.abort();
    await Promise.allSettled(running);
  }
}

/** Fetches the packages that the lock names, once, where Deno's cache does not have them. */
async function install(project: Project, options: EvaluateOptions): Promise<void> {
  await using workspace: Workspace = await makeWorkspace(project);
  const { lockFile } = workspace;
  const signal = options.signal ?? new AbortController().signal;
  const limits = { timeout: checkTimeout, memoryMb: 1024 };
  // The walk first: only what it agrees to is looked for.
  await walkModules(project, { lockFile, limits, signal, mayFetch: true });
  const result = await runDeno({
    args: [
      "cache",
      "--quiet",
      "--no-config",
      "--node-modules-dir=none",
      ...graphFlags(project, lockFile),
      project.stackFile,
      `${staddleUrl}stacks/sandbox/runner.ts`,
    ],
    inherit: true,
    limits,
    signal,
  });
  if (result.ending === "exited" && result.code === 0) return;
  throw new StaddleError({
    code: "sandbox.packages",
    summary: "cannot fetch the npm packages that the stack's lock names",
    details: result.stderr.split("\n").filter((line) => line.trim() !== "").slice(0, 5),
    help: "run deno install in the project where the registry can be reached, then try again",
  });
}

/** An error of the stack's own code is often a type error: then that says more. */
async function explain(
  outcome: Extract<Outcome, { ok: false }>,
  types: Promise<StaddleError | undefined> | undefined,
): Promise<StaddleError | StaddleErrors> {
  if (!outcome.thrown || !(outcome.error instanceof StaddleError)) return outcome.error;
  if (outcome.error.code !== "stack.throws") return outcome.error;
  const typeError = await types;
  if (typeError?.code !== "stack.type-error") return outcome.error;
  return new StaddleErrors([typeError, outcome.error]);
}

function topologyOf(project: Project, report: Success): Topology {
  const parsed = topologySchema.safeParse(report.status === "done" ? report.topology : undefined);
  if (!parsed.success) {
    throw new StaddleError({
      code: "stack.invalid-topology",
      summary: "the stack yields something that is no topology",
      where: [project.stackFile],
      details: parsed.error.issues.slice(0, 5).map((issue) =>
        `${issue.path.join(".")}: ${issue.message}`
      ),
      help:
        "declare things by the scope that the stack's function is given, and leave JavaScript's " +
        "own objects as they are",
    });
  }
  const { root } = project;
  const inProject = (place: string) =>
    place.startsWith(`${root}/`) ? place.slice(root.length + 1) : place;
  const { resources, hostPlaces = {} } = parsed.data;
  return {
    ...parsed.data,
    hostPlaces: Object.fromEntries(
      Object.entries(hostPlaces).map(([host, place]) => [host, inProject(place)]),
    ),
    resources: resources.map((resource) =>
      resource.declaredAt === undefined
        ? resource
        : { ...resource, declaredAt: inProject(resource.declaredAt) }
    ),
  };
}

function refuseImpure(project: Project, topology: Topology, text: string, second: Outcome): void {
  if (second.ok && second.text === text) return;
  const help = "a stack is a function of its parameters alone: no clock, nothing random, no time " +
    "zone, nothing kept between calls; pass what varies as a parameter";
  if (!second.ok) {
    const { error } = second;
    const reasons = error instanceof StaddleErrors ? error.errors : [error];
    throw new StaddleError({
      code: "stack.impure",
      summary: `stack ${topology.stack} was evaluated twice, and the second time it failed`,
      where: reasons[0]?.where ?? [project.stackFile],
      details: reasons.slice(0, 3).map((one) => one.message),
      help,
    });
  }
  const found = differences(
    topology as unknown as Json,
    topologyOf(project, second.report) as unknown as Json,
  );
  if (found.length === 0) return;
  const addresses = found.map(({ path }) => /^resources\[([^\]]+)\]/.exec(path)?.[1]);
  const places = topology.resources.filter((one) => addresses.includes(one.address))
    .map((one) => one.declaredAt).filter((at) => at !== undefined)
    .map((at) => (at.startsWith("/") ? at : `${project.root}/${at}`));
  throw new StaddleError({
    code: "stack.impure",
    summary: `stack ${topology.stack} was evaluated twice, and the two differ`,
    where: places.length === 0 ? [project.stackFile] : [...new Set(places)],
    details: found.map(({ path, first, second }) =>
      `${path}: ${first === undefined ? "absent" : show(first)} and ` +
      `${second === undefined ? "absent" : show(second)}`
    ),
    help,
  });
}

function digestOf(project: Project, modules: readonly LocalModule[]): string {
  const lines = modules.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join("");
  return sha256(`${lines}${sha256(project.lock)}  deno.lock\n`);
}
