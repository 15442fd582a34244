/**
 * Uses a record where the disk gives trouble, and prints as JSON what came of each use:
 * `disk_process.ts FILE`. To be run in a mount namespace of its own.
 *
 * @module
 */

import { StaddleError } from "../../providers/error.ts";
import { SqliteStore } from "../../state/mod.ts";
import { row } from "./contract.ts";

const [file = ""] = Deno.args;

async function outcome(use: () => Promise<unknown>): Promise<string> {
  try {
    return `ok: ${await use()}`;
  } catch (error) {
    return error instanceof StaddleError ? error.render() : `${error}`;
  }
}

await using store = new SqliteStore(file);
const load = await outcome(async () => {
  const record = await store.load("shop");
  return record === undefined ? "no record" : `serial ${record.serial}`;
});
const lock = await outcome(async () => {
  await using lease = await store.lock("shop", "ann");
  // Until the disk is full, or for ever if it never is.
  for (let i = 0; i < 4000; i++) {
    await lease.write({ put: [{ ...row(`lab/machine.m${i}`), key: "x".repeat(4000) }] });
  }
  return "locked and written";
});
const after = await outcome(async () => {
  const record = await store.load("shop");
  // Every write up to the one that was refused is there, whole.
  if (record === undefined) return "no record";
  return record.resources.length === record.serial ? "whole" : "torn";
});
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify({ load, lock, after })));
