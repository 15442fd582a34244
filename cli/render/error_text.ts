/**
 * Errors as people read them. What is no {@linkcode StaddleError} is a fault of Staddle's own and
 * says so; a stack trace is shown only to those who ask for it.
 *
 * @module
 */

import { StaddleError, StaddleErrors } from "../../providers/error.ts";
import { plain, type Style } from "./style.ts";

/** How an error is written. */
export interface ErrorTextOptions {
  readonly style?: Style;
  /** Adds stack traces and causes. */
  readonly debug?: boolean;
}

/** Where faults of Staddle's own are reported. */
export const REPORT =
  "this is a fault in Staddle: run again with --debug and report what it prints";

/** The whole text of an error, without a trailing newline. */
export function errorText(error: unknown, options: ErrorTextOptions = {}): string {
  const style = options.style ?? plain;
  const list = flatten(error);
  const texts = list.map((entry) => paint(asStaddleError(entry), style));
  if (options.debug) texts.push(trace(error));
  return texts.join("\n\n");
}

/** The exit status that an error asks for: of several, the highest. */
export function exitCodeOf(error: unknown): number {
  return Math.max(...flatten(error).map((entry) => asStaddleError(entry).exitCode));
}

/** Every error that stands in an error. */
export function flatten(error: unknown): unknown[] {
  return error instanceof AggregateError && !(error instanceof StaddleError) &&
      error.errors.length > 0
    ? error.errors.flatMap(flatten)
    : [error];
}

/** The error itself, or one that says that something unforeseen happened. */
export function asStaddleError(error: unknown): StaddleError {
  if (error instanceof StaddleError) return error;
  if (error instanceof StaddleErrors) return asStaddleError(error.errors[0]);
  if (error instanceof DOMException && error.name === "AbortError") {
    return new StaddleError({
      code: "run.cancelled",
      summary: "Cancelled before anything was changed",
      exitCode: 130,
      cause: error,
    });
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new StaddleError({
      code: "permission.missing",
      summary: "Cannot go on: Deno was not given a permission that this command needs",
      details: [error.message.replace(/, run again with.*$/, "")],
      help: "run it with the permissions that deno.json names for it: deno run -P mod.ts …",
      cause: error,
    });
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new StaddleError({
    code: "internal",
    summary: "something happened that Staddle did not foresee",
    details: text.split("\n"),
    help: REPORT,
    cause: error,
  });
}

/** Throws the errors, if there are any. */
export function throwAll(errors: readonly StaddleError[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new StaddleErrors(errors);
}

function paint(error: StaddleError, style: Style): string {
  const [first = "", ...rest] = error.render().split("\n");
  const colon = first.indexOf(":");
  const head = style.destroy(style.bold(first.slice(0, colon + 1))) +
    style.bold(first.slice(colon + 1));
  return [
    head,
    ...rest.map((line) =>
      line.startsWith("  help: ") ? `  ${style.bold("help:")}${line.slice(7)}` : line
    ),
  ].join("\n");
}

function trace(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && parts.length < 8;) {
    parts.push(at instanceof Error ? at.stack ?? String(at) : String(at));
    at = at instanceof Error ? at.cause : undefined;
  }
  return parts.join("\ncaused by ");
}
