/**
 * What every store says in the same words.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import type { LockHolder } from "./store.ts";

/** Another run holds the stack's lock. */
export function locked(stack: string, location: string, holder: LockHolder): StaddleError {
  return new StaddleError({
    code: "state.locked",
    summary: `Cannot lock stack "${stack}": held by ${holder.who} since ${holder.since}`,
    where: [location],
    details: [`its lease reaches to ${holder.expires}, and is renewed while that run lives`],
    help:
      "wait until that run has ended; the lock of a run that died comes free with its lease, or by " +
      `staddle state unlock ${stack}`,
    exitCode: 5,
  });
}

/** A place that holds one record holds another stack's. */
export function otherStackThere(stack: string, location: string, there: string): StaddleError {
  return new StaddleError({
    code: "state.other-stack-there",
    summary: `Cannot use the record for stack "${stack}": it is that of stack "${there}"`,
    where: [location],
    help: "give each stack an address of its own in STADDLE_STATE",
  });
}

/** The lease is no longer ours. */
export function leaseLost(
  stack: string,
  location: string,
  holder: LockHolder | undefined,
): StaddleError {
  return new StaddleError({
    code: "state.lease-lost",
    summary: `Cannot write the record of stack "${stack}": this run has lost its lock`,
    where: [location],
    details: [
      holder === undefined
        ? "the lock was released by someone else"
        : `taken over by ${holder.who} at ${holder.since}`,
    ],
    help:
      "this run stops here; when the other has ended, plan again: it reads what is on the hosts",
  });
}

/** A record or layout that a later Staddle wrote. */
export function newerVersion(
  location: string,
  what: string,
  found: number,
  known: number,
): StaddleError {
  return new StaddleError({
    code: "state.newer-version",
    summary:
      `Cannot use the ${what}: it has version ${found}, and this Staddle knows up to ${known}`,
    where: [location],
    help: "use the Staddle that wrote it, or a later one; nothing was changed",
  });
}

/** Damage: what was stored is not what is read. `help`: what to do where only all records can be mended. */
export function corrupt(
  location: string,
  details: readonly string[],
  cause?: unknown,
  help?: string,
): StaddleError {
  const file = location.startsWith("/");
  return new StaddleError({
    code: "state.corrupt",
    summary: `Cannot read the record: ${file ? "its file" : "it"} is damaged`,
    where: [location],
    details,
    help: help ?? (file ? "put a backup of the file in its place, " : "") +
        "push what staddle state pull printed once (staddle state push STACK FILE --force), or make " +
        "the record anew from the hosts: staddle state rebuild STACK --force",
    cause,
  });
}
