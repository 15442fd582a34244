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
 * Evaluates a stack, writes the report to standard output, and ends the process.
 *
 * @param load Imports the stack's module. The specifier stands as a literal in the caller, for only
 *   then is the module part of the graph, which needs no permission to be read.
 */
export async function run(
  request: RunRequest,
  load: () => Promise<{ readonly default?: unknown }>,
): Promise<never> {
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
