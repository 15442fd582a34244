/**
 * The person's terminal: where text goes, whether it may have colour, and whether someone is there
 * to answer. A closed pipe (`| head`) or terminal swallows what comes after; it never stops a run.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import { coloured, plain, type Style } from "./render/style.ts";

/** Where the command line writes and whom it may ask. */
export interface Terminal {
  /** Writes text and a newline to standard output. */
  print(text: string): void;
  /** Writes text and a newline to standard error. */
  warn(text: string): void;
  /** Writes to standard error as it is: for the status line of a terminal. */
  status(text: string): void;
  /** Style of standard output. */
  readonly style: Style;
  /** Style of standard error. */
  readonly errorStyle: Style;
  /** True when a person can be asked: a terminal on both ends and no `CI`. */
  readonly interactive: boolean;
  /** True when standard error is a terminal on which lines can be redrawn. */
  readonly live: boolean;
  /** Width of the terminal in columns; 80 when it is none. */
  columns(): number;
}

/** Columns of a terminal that does not tell. */
const WIDTH = 80;

/** Choices that arguments make. */
export interface TerminalOptions {
  /** False by `--no-color`. */
  readonly colour?: boolean;
}

/** The process's own terminal. */
export function openTerminal(options: TerminalOptions = {}): Terminal {
  const out = writer(Deno.stdout, (error) => {
    throw notWritten(error);
  });
  // There is nowhere left to say it.
  const err = writer(Deno.stderr, () => {});
  const ci = isSet("CI");
  const dumb = Deno.env.get("TERM") === "dumb";
  const colour = options.colour !== false && !isSet("NO_COLOR") && !ci && !dumb;
  return {
    print: (text) => out(`${text}\n`),
    warn: (text) => err(`${text}\n`),
    status: err,
    style: colour && Deno.stdout.isTerminal() ? coloured : plain,
    errorStyle: colour && Deno.stderr.isTerminal() ? coloured : plain,
    interactive: !ci && Deno.stdin.isTerminal() && Deno.stderr.isTerminal(),
    live: !ci && !dumb && Deno.stderr.isTerminal(),
    columns: () => {
      try {
        return Deno.consoleSize().columns || WIDTH; // Some terminals say 0.
      } catch {
        return WIDTH; // No terminal at all.
      }
    },
  };
}

/** Set and not empty: the rule of https://no-color.org. */
function isSet(name: string): boolean {
  return (Deno.env.get(name) ?? "") !== "";
}

const encoder = new TextEncoder();

function writer(
  stream: { writeSync(bytes: Uint8Array): number },
  failed: (error: unknown) => void,
): (text: string) => void {
  let closed = false;
  return (text) => {
    let bytes = encoder.encode(text);
    while (!closed && bytes.length > 0) {
      try {
        bytes = bytes.subarray(stream.writeSync(bytes));
      } catch (error) {
        if (error instanceof Deno.errors.WouldBlock) {
          waitABit();
          continue;
        }
        closed = true;
        if (!(error instanceof Deno.errors.BrokenPipe || isHungUp(error))) failed(error);
      }
    }
  };
}

function notWritten(error: unknown): StaddleError {
  return new StaddleError({
    code: "output.not-written",
    summary: "Cannot write to standard output",
    details: [error instanceof Error ? error.message : String(error)],
    help:
      "make room where it goes, and run the same command again; a run that had begun has gone on to " +
      'its end: "staddle history STACK" shows it',
    cause: error,
  });
}

/** Whether the terminal at the other end is gone. */
function isHungUp(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === "EIO";
}

const cell = new Int32Array(new SharedArrayBuffer(4));

/** A pipe that was set to non-blocking by its other end is full: its reader needs a moment. */
function waitABit(): void {
  Atomics.wait(cell, 0, 0, 5);
}
