/**
 * Records that cannot be used any more, told from those that cannot be reached just now.
 *
 * @module
 */

import { StaddleError } from "../../providers/error.ts";
import type { StackRecord, Store } from "../../state/store.ts";

/** Errors that say that a record is of no use. */
const BROKEN = new Set(["state.corrupt", "state.key-missing", "state.key-wrong"]);

/**
 * A stack's record, and why it is of no use: its history may be damaged where the rest is sound. Every
 * other error is thrown.
 */
export async function tryLoad(
  store: Store,
  stack: string,
): Promise<{ record?: StackRecord; broken?: StaddleError }> {
  let record: StackRecord | undefined;
  try {
    record = await store.load(stack);
    await store.export(stack);
    return { record };
  } catch (error) {
    if (error instanceof StaddleError && BROKEN.has(error.code)) return { record, broken: error };
    throw error;
  }
}
