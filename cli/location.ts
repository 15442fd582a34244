/**
 * Where a stack's file and its record are.
 *
 * @module
 */

import { dirname, join, resolve } from "node:path";
import { StaddleError } from "../providers/error.ts";

/** What the argument `STACK` names. */
export type StackLocation =
  | {
    readonly kind: "file";
    /** Absolute path of the stack's file. */
    readonly file: string;
    /** As the person wrote it. */
    readonly shown: string;
    /** Absolute path of its folder: relative paths of the stack start here. */
    readonly folder: string;
  }
  | {
    readonly kind: "name";
    /** Name of a recorded stack. */
    readonly name: string;
    /** The current folder: the record stands below it unless `STADDLE_STATE` says otherwise. */
    readonly folder: string;
  };

/** Name of a stack's file when its folder is given. */
const STACK_FILE = "stack.ts";

/**
 * Finds the stack's file.
 *
 * @param options.recorded whether the name of a recorded stack is good as well.
 * @throws {StaddleError} `stack.not-found`
 */
export function locateStack(
  argument: string,
  options: { readonly recorded?: boolean } = {},
): StackLocation {
  const info = stat(argument);
  if (info?.isFile) return file(argument);
  if (info?.isDirectory) {
    const inside = join(argument, STACK_FILE);
    if (stat(inside)?.isFile) return file(inside);
    throw new StaddleError({
      code: "stack.not-found",
      summary: `Cannot find the stack: the folder ${argument} has no ${STACK_FILE}`,
      help: "name the stack's file itself",
    });
  }
  if (options.recorded && /^[\w.-]+$/.test(argument) && !/\.[cm]?[jt]s$/.test(argument)) {
    return { kind: "name", name: argument, folder: resolve(".") };
  }
  throw new StaddleError({
    code: "stack.not-found",
    summary: `Cannot find the stack: there is no file ${argument}`,
    help: "name a TypeScript file, or a folder that holds stack.ts",
  });
}

function file(path: string): StackLocation {
  const absolute = resolve(path);
  return { kind: "file", file: absolute, shown: path, folder: dirname(absolute) };
}

function stat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}

/** The store's location: `STADDLE_STATE`, or a file beside the stack. */
export function storeLocation(folder: string): string {
  const named = Deno.env.get("STADDLE_STATE") ?? "";
  return named !== "" ? named : join(folder, ".staddle", "state.db");
}
