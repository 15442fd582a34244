/**
 * Commands that are killed while they talk with a bucket.
 *
 * @module
 */

import assert from "node:assert/strict";
import { begin, ended } from "../cli/staddle.ts";
import type { BucketServer } from "./servers/bucket.ts";

/** A moment of a command: a request arrives, or its answer is due. */
export interface KillPoint {
  /** Counted from 1. */
  readonly request: number;
  readonly moment: "before" | "after";
}

/**
 * The points at which a command is killed: all of them, one after the other until the reader stops, with
 * `STADDLE_SWEEP=1`, and else the one that is given.
 */
export function* killPoints(sample: KillPoint): Generator<KillPoint> {
  if (Deno.env.get("STADDLE_SWEEP") !== "1") return yield sample;
  for (let request = 1;; request++) {
    yield { request, moment: "before" };
    yield { request, moment: "after" };
  }
}

/**
 * Runs a command and kills it at a point, given as text. undefined: it made no such request, and has ended
 * well.
 */
export async function killedAt(
  bucket: BucketServer,
  args: readonly string[],
  env: Record<string, string>,
  point: KillPoint,
): Promise<string | undefined> {
  let requests = 0;
  let reached: string | undefined;
  const child = begin(args, env);
  bucket.watch = async (moment, { method }) => {
    if (moment === "before") requests++;
    if (reached !== undefined || requests !== point.request || moment !== point.moment) return;
    reached = `${moment} ${method} ${requests}`;
    child.kill("SIGKILL");
    await child.status;
  };
  const { code, stderr } = await ended(child);
  bucket.watch = undefined;
  assert(reached !== undefined || code === 0, stderr);
  return reached;
}
