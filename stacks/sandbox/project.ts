/**
 * The project that a stack file belongs to: its folder, its imports, its lock.
 *
 * @module
 */

import { hash } from "node:crypto";
import { StaddleError } from "../../providers/error.ts";

/** Everything that decides what a stack may import. */
export interface Project {
  /** The stack file, symbolic links resolved. */
  readonly stackFile: string;
  /** Folder of the nearest deno.json above the stack, or the stack's own. No slash behind. */
  readonly root: string;
  /** The configuration file, if there is one. */
  readonly config: string | undefined;
  /** Its compiler options; Staddle's own where there is none. */
  readonly compilerOptions: Readonly<Record<string, unknown>>;
  /** Folder of Staddle itself. */
  readonly staddleRoot: string;
  /** Import map as a `data:` URL. */
  readonly importMap: string;
  /** The lock that applies, as text: Staddle's own and the project's. */
  readonly lock: string;
  /** File that holds that lock, when one file does. */
  readonly lockFile: string | undefined;
}

interface Configuration {
  readonly imports?: Readonly<Record<string, string>>;
  readonly scopes?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly importMap?: string;
  readonly compilerOptions?: Readonly<Record<string, unknown>>;
  readonly lock?: boolean | string | { readonly path?: string };
}

interface Lock {
  readonly version?: string;
  readonly specifiers?: Readonly<Record<string, string>>;
  readonly npm?: Readonly<Record<string, unknown>>;
}

/** URL of Staddle's folder, with a slash behind. */
export const staddleUrl: string = new URL("../../", import.meta.url).href;

/** The main module of a process that evaluates a stack. */
export const entryUrl: string = new URL("./entry.js", import.meta.url).href;

/** Finds the project of a stack file. */
export async function findProject(stackFile: string): Promise<Project> {
  const file = await realStack(stackFile);
  const own = decodeURIComponent(new URL(staddleUrl).pathname).replace(/\/$/, "");
  const staddleRoot = await Deno.realPath(own);
  const folder = file.slice(0, file.lastIndexOf("/"));
  const found = await configAbove(folder);
  const root = found?.slice(0, found.lastIndexOf("/")) ?? folder;
  const [configuration, staddle] = await Promise.all([
    found === undefined ? undefined : readConfiguration(found),
    readConfiguration(`${staddleRoot}/deno.json`),
  ]);
  const locks = await readLocks(root, configuration, staddleRoot);
  return {
    stackFile: file,
    root: root === "" ? "/" : root,
    config: found,
    compilerOptions: (configuration ?? staddle).compilerOptions ?? {},
    staddleRoot,
    importMap: importMap(file, found, configuration ?? {}, staddle, root === staddleRoot),
    ...locks,
  };
}

/** `file:` URL of an absolute path. */
export function toUrl(path: string): string {
  return `file://${encodeURI(path).replaceAll("#", "%23").replaceAll("?", "%3F")}`;
}

/** SHA-256 of a text or bytes, hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}

async function realStack(stackFile: string): Promise<string> {
  const help = "give the path of a TypeScript file that exports a stack";
  let file: string;
  try {
    file = await Deno.realPath(stackFile);
  } catch (cause) {
    throw new StaddleError({
      code: "stack.no-file",
      summary: `cannot read the stack ${stackFile}: ${
        cause instanceof Deno.errors.NotFound
          ? "there is no such file"
          : cause instanceof Error
          ? cause.message
          : String(cause)
      }`,
      help,
      cause,
    });
  }
  const { isFile } = await Deno.stat(file);
  if (!isFile) {
    throw new StaddleError({
      code: "stack.no-file",
      summary: `cannot read the stack ${stackFile}: it is not a file`,
      help,
    });
  }
  return file;
}

async function configAbove(folder: string): Promise<string | undefined> {
  for (let at = folder;; at = at.slice(0, at.lastIndexOf("/"))) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const path = `${at}/${name}`;
      const isFile = await Deno.stat(path).then((info) => info.isFile, () => false);
      if (isFile) return path;
    }
    if (at === "") return undefined;
  }
}

async function readConfiguration(path: string): Promise<Configuration> {
  const configuration = await readJson<Configuration>(path);
  if (configuration.importMap === undefined) return configuration;
  const map = new URL(configuration.importMap, `file://${encodeURI(path)}`);
  if (map.protocol !== "file:") return configuration;
  const { imports, scopes } = await readJson<Configuration>(decodeURIComponent(map.pathname));
  return { ...configuration, imports, scopes };
}

async function readJson<T>(path: string): Promise<T> {
  const text = await Deno.readTextFile(path);
  try {
    return JSON.parse(withoutComments(text)) as T;
  } catch (cause) {
    throw new StaddleError({
      code: "stack.invalid-config",
      summary: `cannot read ${path}`,
      details: [cause instanceof Error ? cause.message : String(cause)],
      help: "deno.json is JSON; comments and commas at the end of a list are allowed",
      cause,
    });
  }
}

/** JSON from JSON with comments and trailing commas; text in quotes stays. */
export function withoutComments(text: string): string {
  return text
    .replace(
      /("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
      (_, quoted?: string) => quoted ?? " ",
    )
    .replace(
      /("(?:\\.|[^"\\])*")|,(\s*[}\]])/g,
      (_, quoted?: string, close?: string) => quoted ?? close ?? "",
    );
}

/** Targets and keys that are paths become URLs, for the map stands in no folder. */
function absolute(
  imports: Readonly<Record<string, string>> = {},
  base: string,
): Record<string, string> {
  const path = (text: string) => /^\.{0,2}\//.test(text) ? new URL(text, base).href : text;
  return Object.fromEntries(
    Object.entries(imports).map(([key, target]) => [path(key), path(target)]),
  );
}

function importMap(
  stackFile: string,
  config: string | undefined,
  project: Configuration,
  staddle: Configuration,
  same: boolean,
): string {
  const base = config === undefined ? staddleUrl : `file://${encodeURI(config)}`;
  const own = absolute(staddle.imports, staddleUrl);
  // The language alone: the command line must not be part of a stack's graph.
  const language = {
    staddle: `${staddleUrl}stacks/mod.ts`,
    "staddle/modules/": `${staddleUrl}stacks/modules/`,
  };
  const scopes = Object.fromEntries(
    Object.entries(project.scopes ?? {}).map(([scope, imports]) => [
      new URL(scope, base).href,
      absolute(imports, base),
    ]),
  );
  const map = {
    imports: {
      zod: own.zod,
      ...absolute(project.imports, base),
      ...language,
      // What `entry.js` imports.
      "staddle:stack": toUrl(stackFile),
    },
    scopes: same ? scopes : { ...scopes, [staddleUrl]: { ...own, ...language } },
  };
  return `data:application/json,${encodeURIComponent(JSON.stringify(map))}`;
}

async function readLocks(
  root: string,
  configuration: Configuration | undefined,
  staddleRoot: string,
): Promise<{ readonly lock: string; readonly lockFile: string | undefined }> {
  const ownFile = `${staddleRoot}/deno.lock`;
  const own = await readOptional(ownFile);
  const { lock: setting } = configuration ?? {};
  const named = typeof setting === "string"
    ? setting
    : typeof setting === "object"
    ? setting.path
    : undefined;
  const projectFile = named === undefined
    ? `${root}/deno.lock`
    : named.startsWith("/")
    ? named
    : `${root}/${named}`;
  const project = configuration === undefined || setting === false || projectFile === ownFile
    ? undefined
    : await readOptional(projectFile);
  if (own === undefined) {
    throw new StaddleError({
      code: "sandbox.no-lock",
      summary: `Staddle's own lock, ${ownFile}, is missing: what a stack may import is not known`,
      help: "restore it from the repository, or run deno install there",
    });
  }
  if (project === undefined) return { lock: own, lockFile: ownFile };
  const [a, b] = [JSON.parse(own) as Lock, JSON.parse(project) as Lock];
  const merged = {
    version: a.version,
    specifiers: { ...b.specifiers, ...a.specifiers },
    npm: { ...b.npm, ...a.npm },
  };
  return { lock: JSON.stringify(merged), lockFile: undefined };
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
