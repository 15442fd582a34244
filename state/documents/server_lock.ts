/**
 * What is said of a server's own lock.
 *
 * @module
 */

import { StaddleError } from "../../providers/error.ts";
import type { LockHolder } from "../store.ts";
import type { LockRefusal } from "./site.ts";

/** The holder of a server's lock, which says nothing of how long it lasts. */
export function holderOfLock({ who, since }: LockRefusal): LockHolder {
  return {
    who: who ?? "another program",
    since: since === undefined ? "an unknown time" : new Date(since).toISOString(),
    expires: "an unknown time",
  };
}

/** A server's lock is held, and not by a lease of ours. */
export function lockedByOther(stack: string, location: string, refusal: LockRefusal): StaddleError {
  const { id, who = "another program", since } = refusal;
  const time = since === undefined ? "" : ` since ${new Date(since).toISOString()}`;
  return new StaddleError({
    code: "state.locked",
    summary: `Cannot lock stack "${stack}": held by ${who}${time}`,
    where: [location],
    details: id === undefined ? [] : [`the server's lock has the id ${id}`],
    help:
      `wait until it is given back; if its owner is gone, staddle state unlock ${stack} frees it`,
    exitCode: 5,
  });
}
