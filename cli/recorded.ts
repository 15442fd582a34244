/**
 * A stack's record, for the commands that ask no host.
 *
 * @module
 */

import type { Store } from "../state/store.ts";
import { openStack } from "./open_stack.ts";
import { listenForStop } from "./signals.ts";

/** Opens the record of a stack that is given by its file or by its name. */
export async function withRecord<Result>(
  stack: string,
  param: readonly string[] | undefined,
  use: (name: string, store: Store) => Promise<Result>,
): Promise<Result> {
  using stop = listenForStop(() => {});
  await using opened = await openStack({ stack, param, recorded: true, signal: stop.cancel });
  return await use(opened.name, opened.store);
}
