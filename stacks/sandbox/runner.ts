/**
 * The inside of the sandbox: loads a stack, builds its topology, reports.
 *
 * @module
 */

import { StaddleError, type StaddleErrorInit, StaddleErrors } from "../../providers/error.ts";
import { buildTopology } from "../build.ts";
import { authorFrames, formatFrame } from "../call_site.ts";
import { describeParameters } from "../parameters.ts";
import { show } from "../refuse.ts";
import { isStack, type StackDefinition } from "../stack.ts";
import { type Inside, isolate } from "./isolate.ts";
import type { Report, RunRequest } from "./report.ts";

type Ending = Report extends infer One ? One extends Report ? Omit<One, "prints"> : never : never;

/**
 * Evaluates a stack as standard input asks for, writes the report to standard output, and ends the
 * process.
 *
 * @param load Imports the stack's module.
 */
export async function run(load: () => Promise<{ readonly default?: unknown }>): Promise<never> {
  const request = readRequest();
  const inside = isolate(request);
  for (const event of ["unhandledrejection", "error"] as const) {
    globalThis.addEventListener(event, (raised) => {
      raised.preventDefault();
      const cause = raised instanceof PromiseRejectionEvent
        ? raised.reason
        : (raised as ErrorEvent).error;
      end(inside, request, failure(cause));
    });
  }
  let ending: Ending;
  try {
    ending = evaluate(request, definitionIn(await load()));
  } catch (error) {
    ending = failure(error);
  }
  return end(inside, request, ending);
}

/** Reads all of standard input: the mark in it is not for the stack. */
function readRequest(): RunRequest {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let text = "";
  for (;;) {
    const size = Deno.stdin.readSync(buffer);
    if (size === null) return JSON.parse(text + decoder.decode());
    text += decoder.decode(buffer.subarray(0, size), { stream: true });
  }
}

function definitionIn(module: { readonly default?: unknown }): StackDefinition {
  if (isStack(module.default)) return module.default;
  const others = Object.entries(module).filter(([, value]) => isStack(value)).map(([name]) => name);
  throw new StaddleError({
    code: "stack.no-stack",
    summary: module.default === undefined
      ? "the file has no default export"
      : `the file's default export is no stack, it is ${show(module.default)}`,
    help: others.length > 0
      ? `it exports a stack as "${others[0]}": write "export default" in front of it`
      : 'a stack file says: export default stack("name", (s) => { … })',
  });
}

function evaluate(request: RunRequest, definition: StackDefinition): Ending {
  if (request.mode === "describe") {
    const parameters = describeParameters(definition);
    return { status: "described", name: definition.name, parameters };
  }
  const { parameters, reservations, identities, references } = request;
  const known = { parameters, reservations, identities, references };
  return { status: "done", topology: buildTopology(definition, known) };
}

function failure(error: unknown): Ending {
  if (error instanceof StaddleErrors) {
    return { status: "refused", errors: error.errors.map(initOf) };
  }
  if (error instanceof StaddleError) return { status: "refused", errors: [initOf(error)] };
  if (error instanceof Error) {
    const frames = authorFrames(error.stack).map(formatFrame);
    return { status: "thrown", thrown: { name: error.name, message: error.message, frames } };
  }
  return { status: "thrown", thrown: { name: "", message: show(error), frames: [] } };
}

function initOf(error: StaddleError): StaddleErrorInit {
  const { code, message: summary, where, details, help, exitCode } = error;
  return { code, summary, where, details, exitCode, ...(help === undefined ? {} : { help }) };
}

function end(inside: Inside, request: RunRequest, ending: Ending): never {
  const report = { ...ending, prints: inside.prints } as Report;
  inside.write(`\n${request.mark}${JSON.stringify(report)}\n`);
  return inside.exit();
}
