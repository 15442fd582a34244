/**
 * Walks a stack's modules and refuses those that are none of its business.
 *
 * Deno loads what stands in a static import without asking for permission, files imported as text
 * too: `import p from "/etc/passwd" with { type: "text" }` works in a process without permissions.
 * The graph that Deno itself makes of the stack says everything that can be loaded that way;
 * an import whose specifier is computed is not in it, and needs a permission that the stack has not.
 *
 * @module
 */

import { StaddleError } from "../../providers/error.ts";
import { didYouMean } from "../suggest.ts";
import { type Limits, runDeno } from "./process.ts";
import { entryUrl, type Project, sha256 } from "./project.ts";

/** A file that a stack consists of. */
export interface LocalModule {
  /** Relative to the project; `staddle:…` for Staddle's own where that is elsewhere. */
  readonly path: string;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** What a stack consists of. */
export interface Walk {
  /** Every local file, with its digest. */
  readonly modules: readonly LocalModule[];
  /** Whether a module of Node is imported. */
  readonly node: boolean;
}

interface Resolved {
  readonly specifier?: string;
  readonly error?: string;
  readonly span?: { readonly start: { readonly line: number; readonly character: number } };
}

interface Dependency {
  readonly specifier: string;
  readonly code?: Resolved;
  readonly type?: Resolved;
}

interface GraphModule {
  readonly specifier: string;
  readonly kind?: string;
  readonly local?: string;
  readonly error?: string;
  readonly dependencies?: readonly Dependency[];
}

interface Graph {
  readonly modules: readonly GraphModule[];
}

/** Flags by which every process of ours sees the same modules. */
export function graphFlags(project: Project, lockFile: string): readonly string[] {
  return ["--no-remote", `--lock=${lockFile}`, "--frozen", `--import-map=${project.importMap}`];
}

/** A proxy that nobody answers for: the walk reads what is there and asks no network. */
const noNetwork = {
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
};

/**
 * Walks the graph.
 *
 * @throws {StaddleError} naming the module that is refused, or missing, and who imports it.
 */
export async function walkModules(
  project: Project,
  options: {
    readonly lockFile: string;
    readonly limits: Limits;
    readonly signal: AbortSignal;
    /** Whether packages that the lock names may be fetched; they may not unless told so. */
    readonly mayFetch?: boolean;
  },
): Promise<Walk> {
  const result = await runDeno({
    args: [
      "info",
      "--json",
      "--no-config",
      "--node-modules-dir=none",
      ...graphFlags(project, options.lockFile),
      entryUrl,
    ],
    ...(options.mayFetch === true ? { inherit: true } : { env: noNetwork }),
    limits: options.limits,
    signal: options.signal,
  });
  if (result.ending !== "exited" || result.code !== 0) throw walkFailed(project, result.stderr);
  const graph = JSON.parse(result.stdout) as Graph;
  const files: { readonly path: string; readonly file: string }[] = [];
  for (const module of graph.modules) {
    const file = await admit(project, graph, module);
    if (file !== undefined) files.push(file);
  }
  for (const module of graph.modules) refuseUnresolved(module);
  const modules = await Promise.all(files.map(async ({ path, file }) => ({
    path,
    sha256: sha256(await Deno.readFile(file)),
  })));
  return {
    modules: modules.sort((a, b) => (a.path < b.path ? -1 : 1)),
    node: graph.modules.some(({ specifier }) => specifier.startsWith("node:")),
  };
}

/** Lets a module in, with its file if it is one, or throws. */
async function admit(
  project: Project,
  graph: Graph,
  module: GraphModule,
): Promise<{ readonly path: string; readonly file: string } | undefined> {
  const { specifier, error } = module;
  const scheme = specifier.slice(0, specifier.indexOf(":"));
  if (scheme === "file") {
    const file = decodeURIComponent(new URL(specifier).pathname);
    // What is outside is refused before it is said whether it is there.
    const path = await placeOf(project, file);
    if (path === undefined) throw outside(project, graph, specifier, file);
    if (error !== undefined) throw broken(graph, specifier, file, error);
    return { path, file };
  }
  if (scheme === "npm" && error !== undefined) throw notLocked(graph, specifier, error);
  if (scheme === "npm" || scheme === "node") return undefined;
  throw new StaddleError({
    code: "stack.import-refused",
    summary: `the stack imports ${shorten(specifier)}`,
    where: importers(graph, specifier),
    help: scheme === "data" || scheme === "blob"
      ? "write the code into a file of the project and import that"
      : "a stack imports files of its project, Staddle, and npm packages of its lock; use the npm " +
        "package, or copy the file into the project",
  });
}

/** The path under which a file counts, or undefined if it is outside. */
async function placeOf(project: Project, file: string): Promise<string | undefined> {
  const named = within(project, file);
  if (named === undefined) return undefined;
  let real: string;
  try {
    real = await Deno.realPath(file);
  } catch {
    return named;
  }
  // A link that leads out is outside, whatever its own name.
  return within(project, real) === undefined ? undefined : named;
}

function within(project: Project, file: string): string | undefined {
  const { root, staddleRoot } = project;
  for (const [folder, prefix] of [[root, ""], [staddleRoot, "staddle:"]] as const) {
    if (!file.startsWith(folder === "/" ? "/" : `${folder}/`)) continue;
    const path = file.slice(folder === "/" ? 1 : folder.length + 1);
    // Hidden files are where people keep keys, tokens and the state: no stack's modules.
    if (path.split("/").some((part) => part.startsWith("."))) continue;
    return prefix + path;
  }
  return undefined;
}

function outside(project: Project, graph: Graph, specifier: string, file: string): StaddleError {
  const hidden = file.startsWith(`${project.root}/`) && file.includes("/.");
  return new StaddleError({
    code: "stack.import-outside",
    summary: hidden
      ? `the stack imports ${file}, which is hidden`
      : `the stack imports ${file}, which is outside of its project`,
    where: importers(graph, specifier),
    details: [`the project is ${project.root}`],
    help: hidden
      ? "hidden files are no part of a project; pass what is needed as a parameter"
      : project.config === undefined
      ? "put a deno.json into the folder that holds both (its folder is the project), or pass what " +
        "is needed as a parameter"
      : "move the file into the project, or pass what is needed as a parameter",
  });
}

function broken(graph: Graph, specifier: string, file: string, error: string): StaddleError {
  if (/^Module not found/.test(error)) {
    return new StaddleError({
      code: "stack.module-not-found",
      summary: `there is no module ${file}`,
      where: importers(graph, specifier),
      help: "check the path: it is relative to the importing file, its ending written out",
    });
  }
  const syntax = /SyntaxError: (.*)/.exec(error) ?? /could not be parsed: (.*)/.exec(error);
  if (syntax !== null) {
    const at = /at file:\/\/\S+?:(\d+):(\d+)/.exec(error);
    return new StaddleError({
      code: "stack.syntax",
      summary: `the stack is not valid TypeScript: ${syntax[1]}`,
      where: [at === null ? file : `${file}:${at[1]}:${at[2]}`],
      help: "correct the line; an editor with Deno's language server shows such errors as you type",
    });
  }
  return new StaddleError({
    code: "stack.module-not-loaded",
    summary: `cannot load the module ${file}`,
    where: importers(graph, specifier),
    details: error.split("\n").slice(0, 5),
    help: "a stack imports TypeScript, JavaScript, and text or JSON with an import attribute",
  });
}

function notLocked(graph: Graph, specifier: string, error: string): StaddleError {
  return new StaddleError({
    code: "stack.package-not-locked",
    summary:
      `the package ${specifier.replace(/^npm:\/?/, "")} is not in the lock, or not in Deno's ` +
      "cache",
    where: importers(graph, specifier),
    details: error.split("\n").slice(0, 2),
    help:
      "add it to the project with deno add, which writes deno.json and deno.lock, and run deno " +
      "install",
  });
}

/** Imports that lead nowhere, for example a name that no import map knows. */
function refuseUnresolved(module: GraphModule): void {
  for (const { specifier, code, type } of module.dependencies ?? []) {
    const error = code?.error ?? (code === undefined ? type?.error : undefined);
    if (error === undefined) continue;
    const at = (code ?? type)?.span?.start;
    const file = decodeURIComponent(new URL(module.specifier).pathname);
    throw new StaddleError({
      code: "stack.module-not-found",
      summary: `the import "${specifier}" leads nowhere`,
      where: [at === undefined ? file : `${file}:${at.line + 1}:${at.character + 1}`],
      help: /^[./]/.test(specifier)
        ? "check the path: it is relative to the importing file, its ending written out"
        : `${
          didYouMean(specifier, ["staddle", "zod"])
        }; other packages stand in deno.json's imports`,
    });
  }
}

/** Where a module is imported, as `file:line:column`. */
function importers(graph: Graph, specifier: string): readonly string[] {
  const places: string[] = [];
  for (const module of graph.modules) {
    // That the sandbox imports the stack is nobody's business.
    if (module.specifier === entryUrl) continue;
    for (const { code, type } of module.dependencies ?? []) {
      const found = [code, type].find((one) => one?.specifier === specifier);
      if (found === undefined || !module.specifier.startsWith("file:")) continue;
      const file = decodeURIComponent(new URL(module.specifier).pathname);
      const at = found.span?.start;
      places.push(at === undefined ? file : `${file}:${at.line + 1}:${at.character + 1}`);
    }
  }
  return places.slice(0, 5);
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 97)}…` : text;
}

function walkFailed(project: Project, stderr: string): StaddleError {
  if (/lockfile is out of date/.test(stderr)) {
    const names = [...stderr.matchAll(/\+\s+"(npm:[^"]+)"/g)].map((match) => match[1]!);
    return new StaddleError({
      code: "stack.package-not-locked",
      summary: `the stack imports what the lock does not hold: ${names.join(", ") || "a package"}`,
      where: [project.stackFile],
      help: "add it to the project with deno add, which writes deno.json and deno.lock",
    });
  }
  return new StaddleError({
    code: "stack.modules",
    summary: `cannot read the modules of ${project.stackFile}`,
    where: [project.stackFile],
    details: stderr.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "").slice(
      0,
      8,
    ),
    help: "correct what Deno says about it",
  });
}
