/**
 * A stack's record, for the commands that ask no host.
 *
 * @module
 */

import type { Store } from "../state/store.ts";
import { locateStack, storeLocation } from "./location.ts";
import { nameOf, requireRecorded } from "./open_stack.ts";
import { listenForStop } from "./signals.ts";

/** Opens the record of a stack that is given by its name or by its file. */
export async function withRecord<Result>(
  stack: string,
  use: (name: string, store: Store) => Promise<Result>,
): Promise<Result> {
  using stop = listenForStop();
  const location = locateStack(stack, { recorded: true });
  const { openStore } = await import("../state/mod.ts");
  await using store = openStore(storeLocation(location.folder));
  const name = await nameOf(location, stop.cancel);
  if (location.kind === "name") await requireRecorded(name, store);
  return await use(name, store);
}
