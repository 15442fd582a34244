/**
 * Where a run's JSON lines go: a file, standard output, or nowhere.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import type { EventLine } from "./render/events_json.ts";
import type { Terminal } from "./terminal.ts";

/** What the person asked for. */
export interface EventFlags {
  /** A file; `-` is standard output. */
  readonly events?: string;
  /** The same as `--events -`. */
  readonly json?: boolean;
}

/** Takes lines in the order in which they happen. */
export interface EventSink extends Disposable {
  /** True when standard output carries events, so that no text may go there. */
  readonly onStdout: boolean;
  /** False when nobody wants events: then there is no need to make them. */
  readonly wanted: boolean;
  write(lines: readonly EventLine[]): void;
}

/**
 * Opens the sink. A file is emptied first; every line is written at once, so that whoever follows
 * the file sees it, and one that was killed has lost none.
 *
 * @throws {StaddleError} `events.not-writable`
 */
export function openEventSink(flags: EventFlags, terminal: Terminal): EventSink {
  const onStdout = flags.json === true || flags.events === "-";
  const path = flags.events === undefined || flags.events === "-" ? undefined : flags.events;
  const file = path === undefined ? undefined : open(path);
  const encoder = new TextEncoder();
  return {
    onStdout,
    wanted: onStdout || file !== undefined,
    write(lines) {
      for (const line of lines) {
        const text = JSON.stringify(line);
        if (onStdout) terminal.print(text);
        if (file !== undefined) writeAll(file, path!, encoder.encode(`${text}\n`));
      }
    },
    [Symbol.dispose]: () => file?.close(),
  };
}

function open(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, create: true, truncate: true, mode: 0o600 });
  } catch (error) {
    throw notWritable(path, error);
  }
}

function writeAll(file: Deno.FsFile, path: string, bytes: Uint8Array): void {
  try {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
  } catch (error) {
    throw notWritable(path, error);
  }
}

function notWritable(path: string, error: unknown): StaddleError {
  return new StaddleError({
    code: "events.not-writable",
    summary: `Cannot write events to ${path}`,
    details: [error instanceof Error ? error.message : String(error)],
    help:
      "name a file in a folder that is there, has room and may be written to; - is standard output",
    cause: error,
  });
}
