/**
 * A stack by its file or by its name: evaluated, with its record at hand. No host is asked.
 *
 * @module
 */

import { nearest } from "../planner/nearest.ts";
import type { Topology } from "../planner/topology.ts";
import { StaddleError } from "../providers/error.ts";
import type { RunRecord, StackRecord, Store } from "../state/store.ts";
import { evaluateKnown } from "./evaluate_known.ts";
import { locateStack, type StackLocation, storeLocation } from "./location.ts";
import { parseParameters } from "./parameters.ts";
import { declaredByRun } from "./revisions.ts";

/** Which stack, and how it is evaluated. */
export interface OpenStackOptions {
  /** The argument `STACK`. */
  readonly stack: string;
  readonly param?: readonly string[];
  /** Whether the name of a recorded stack is good in place of a file. */
  readonly recorded?: boolean;
  /** A revision of the history whose declarations are taken; nothing is evaluated then. */
  readonly to?: string;
  readonly signal: AbortSignal;
}

/** A stack and the store that has its record. */
export interface OpenStack extends AsyncDisposable {
  readonly name: string;
  readonly location: StackLocation;
  /** Absent when the stack is known by its record alone. */
  readonly topology?: Topology;
  /** Digest of the stack's file, its modules and the lock. */
  readonly digest?: string;
  /** The run whose declarations are taken in place of the stack's file. */
  readonly revision?: RunRecord;
  readonly store: Store;
}

/**
 * Opens a stack.
 *
 * @param meanwhile is called once the evaluation's processes run, with what is probably the stack's record.
 */
export async function openStack(
  options: OpenStackOptions,
  meanwhile: (record: StackRecord | undefined) => void = () => {},
): Promise<OpenStack> {
  const location = locateStack(options.stack, { recorded: options.recorded });
  if (location.kind === "file") import("../stacks/evaluate.ts").catch(() => {}); // Seen where it is awaited.
  const { openStore } = await import("../state/mod.ts");
  const store = openStore(storeLocation(location.folder));
  try {
    const evaluated = await evaluateStack(location, store, options, meanwhile);
    return {
      location,
      store,
      ...evaluated,
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    };
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

type Evaluated = Pick<OpenStack, "name" | "topology" | "digest" | "revision">;

async function evaluateStack(
  location: StackLocation,
  store: Store,
  options: OpenStackOptions,
  meanwhile: (record: StackRecord | undefined) => void,
): Promise<Evaluated> {
  if (location.kind === "name" || options.to !== undefined) {
    const name = await nameOf(location, options.signal);
    await requireRecorded(name, store);
    const record = await store.load(name);
    meanwhile(record);
    if (options.to === undefined) return { name };
    const { run: revision, topology } = await declaredByRun(store, name, options.to);
    return { name, topology, revision };
  }
  const { evaluate } = await import("../stacks/evaluate.ts");
  const guess = await onlyRecord(store);
  let begun: (() => void) | undefined = () => meanwhile(guess);
  const { topology, digest } = await evaluateKnown(
    (known) => {
      const first = begun;
      begun = undefined;
      const parameters = parseParameters(options.param);
      return evaluate(location.file, {
        ...known,
        parameters,
        signal: options.signal,
        begun: first,
      });
    },
    store,
    guess,
  );
  return { name: topology.stack, topology, digest };
}

/** The record, if there is one alone and it can be read: most likely the one of the stack that is evaluated. */
async function onlyRecord(store: Store): Promise<StackRecord | undefined> {
  const names = await store.stacks();
  if (names.length !== 1) return undefined;
  // If it is the stack's own, it is read again when that is known, and the error told.
  return await store.load(names[0]!).catch(() => undefined);
}

/** The stack's name. A file is asked for it and no more, so that no parameters are needed. */
export async function nameOf(location: StackLocation, signal: AbortSignal): Promise<string> {
  if (location.kind === "name") return location.name;
  const { describeStack } = await import("../stacks/evaluate.ts");
  return (await describeStack(location.file, { signal })).name;
}

/**
 * Makes sure that a stack of that name is recorded.
 *
 * @throws {StaddleError} `stack.not-found`
 */
export async function requireRecorded(name: string, store: Store): Promise<void> {
  const names = await store.stacks();
  if (names.includes(name)) return;
  const near = nearest(name, names);
  const recorded = names.length > 0
    ? `recorded here: ${names.join(", ")}`
    : "no stack is recorded here: name the stack's file";
  throw new StaddleError({
    code: "stack.not-found",
    summary: `Cannot find the stack: "${name}" is neither a file nor a recorded stack`,
    where: [store.location],
    help: near === undefined ? recorded : `did you mean ${near}? ${recorded}`,
  });
}
