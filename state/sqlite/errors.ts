/**
 * From what SQLite and the file system say to what a person can act on.
 *
 * @module
 */

import { dirname } from "node:path";
import { StaddleError } from "../../providers/error.ts";
import { corrupt } from "../errors.ts";

/** What was being done to the file, for the message. */
export type FileIntent = "read" | "write";

/** SQLite's primary result codes that are told apart (https://sqlite.org/rescode.html). */
const code = {
  error: 1,
  perm: 3,
  busy: 5,
  locked: 6,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;

/** SQLITE_IOERR_SHMSIZE: no room for the shared-memory file beside the database. */
const noRoomForSharedMemory = 4874;

/** SQLite's extended result code, where the error has one. */
export function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { errcode } = error as { errcode?: unknown };
  if (typeof errcode === "number") return errcode;
  // Opening and `exec` give the text alone.
  const message = error.message;
  if (message.includes("file is not a database")) return code.notADatabase;
  if (message.includes("database disk image is malformed")) return code.corrupt;
  if (message.includes("malformed database schema")) return code.corrupt;
  if (message.includes("unable to open database file")) return code.cannotOpen;
  if (message.includes("readonly database")) return code.readOnly;
  if (message.includes("database is locked")) return code.busy;
  if (message.includes("database or disk is full")) return code.full;
  if (message.includes("disk I/O error")) return code.io;
  return undefined;
}

/** True when a file may be readable though SQLite cannot put its helper files beside it. */
export function isUnwritable(error: unknown): boolean {
  const found = resultCode(error);
  return found === noRoomForSharedMemory ||
    (found !== undefined &&
      ((found & 0xff) === code.readOnly || (found & 0xff) === code.cannotOpen));
}

/** Turns whatever was thrown over a file into a {@linkcode StaddleError}. */
export function fileError(error: unknown, path: string, intent: FileIntent): StaddleError {
  if (error instanceof StaddleError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const verb = intent === "read" ? "read" : "write";
  const make = (code: string, why: string, help: string, details: readonly string[] = [said]) =>
    new StaddleError({
      code,
      summary: `Cannot ${verb} the record: ${why}`,
      where: [path],
      details,
      help,
      cause: error,
    });
  const readOnly = () =>
    make(
      "state.read-only",
      "the file or its folder cannot be written",
      `make ${dirname(path)} writable for this user, or name another place in STADDLE_STATE`,
    );
  const full = () =>
    make(
      "state.disk-full",
      "no space is left on the disk",
      `make room on the file system of ${dirname(path)}, then run the same command again`,
    );

  if (error instanceof Deno.errors.NotCapable) {
    return make(
      "state.not-permitted",
      "Deno was not given the permission",
      `run with -P, or with --allow-read and --allow-write for ${dirname(path)}`,
    );
  }
  const system = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  if (error instanceof Deno.errors.PermissionDenied || system === "EROFS") return readOnly();
  if (system === "ENOSPC" || system === "EDQUOT") return full();
  if (error instanceof Deno.errors.NotADirectory || system === "ENOTDIR" || system === "EEXIST") {
    return make("state.no-folder", "a part of its path is no folder", "correct STADDLE_STATE");
  }

  const found = resultCode(error);
  if (found === noRoomForSharedMemory) return full();
  switch (found === undefined ? undefined : found & 0xff) {
    case code.notADatabase:
      return corrupt(path, ["it is not a SQLite database, or its head was overwritten"], error);
    case code.corrupt:
      return corrupt(path, [said], error);
    case code.error:
      // All statements are constant: only a table that is not as it was made can refuse one.
      return corrupt(path, [said], error);
    case code.perm:
    case code.readOnly:
    case code.cannotOpen:
      return readOnly();
    case code.full:
      return full();
    case code.busy:
    case code.locked:
      return make(
        "state.busy",
        "another process keeps it busy",
        "run the same command again; if it stays so, look for a process that has the file open",
      );
    default:
      return make(
        "state.io",
        "the file system gave an error",
        "look at the disk and at the system's log, then run the same command again",
      );
  }
}
