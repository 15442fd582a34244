/**
 * A stack's record under its lock, for the commands that change nothing but the record.
 *
 * @module
 */

import type { Lease, StackRecord, Store } from "../../state/store.ts";
import { storeLocation } from "../location.ts";
import { locateStack } from "../location.ts";
import { nameOf, requireRecorded } from "../open_stack.ts";
import { listenForStop, type Stop } from "../signals.ts";
import { whoAmI } from "../who_am_i.ts";

/** A store, and which stack in it is meant. */
export interface NamedStack extends AsyncDisposable {
  readonly name: string;
  /** Whether it was given by its name, so that nothing but a record says that there is one. */
  readonly byName: boolean;
  /** Folder that the stack's relative paths start from. */
  readonly folder: string;
  readonly store: Store;
  readonly stop: Stop;
}

/** Opens the store of a stack that is given by its file, folder or name. Its record is not looked at. */
export async function openNamed(stack: string): Promise<NamedStack> {
  const location = locateStack(stack, { recorded: true });
  const stop = listenForStop();
  try {
    const [{ openStore }, name] = await Promise.all([
      import("../../state/mod.ts"),
      nameOf(location, stop.cancel),
    ]);
    const store = openStore(storeLocation(location.folder));
    return {
      name,
      byName: location.kind === "name",
      folder: location.folder,
      store,
      stop,
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        stop[Symbol.dispose]();
      },
    };
  } catch (error) {
    stop[Symbol.dispose]();
    throw error;
  }
}

/** A record that may be changed. */
export interface LockedRecord {
  readonly record: StackRecord;
  readonly lease: Lease;
}

/**
 * Takes a stack's lock and gives its record to a function.
 *
 * @throws {StaddleError} `stack.not-found`, `state.locked`.
 */
export async function withLock<Result>(
  { name, store }: Pick<NamedStack, "name" | "store">,
  use: (locked: LockedRecord) => Promise<Result>,
): Promise<Result> {
  await requireRecorded(name, store);
  await using lease = await store.lock(name, whoAmI());
  const record = await store.load(name);
  if (record !== undefined) return await use({ record, lease });
  await requireRecorded(name, store); // It went away between the two looks: that says so.
  throw new Error(`stack "${name}" is listed, and has no record`);
}
