/** `staddle state list` and `state show`: the record of what a stack owns. */

import type { StackRecord } from "../../state/store.ts";
import type { Context } from "../context.ts";
import { storeLocation } from "../location.ts";
import { withRecord } from "../recorded.ts";
import { stateList, stateShow } from "../render/state_text.ts";
import { noSuchResource } from "../state/errors.ts";

/** Flags of `state list` and `state show`. */
export interface StateFlags {
  readonly json?: boolean;
}

/** Lists what a stack owns, or the recorded stacks. */
export async function list(this: Context, flags: StateFlags, stack?: string): Promise<void> {
  const { terminal } = this;
  if (stack === undefined) {
    const { openStore } = await import("../../state/mod.ts");
    await using store = openStore(storeLocation("."));
    const names = await store.stacks();
    if (flags.json) terminal.print(JSON.stringify(names));
    else terminal.print(names.length > 0 ? names.join("\n") : "No stack is recorded here.");
    return;
  }
  const { name, record } = await load(stack);
  if (flags.json) {
    terminal.print(JSON.stringify(record?.resources ?? [], null, 2));
  } else {
    terminal.print(
      record === undefined ? `Stack "${name}" owns nothing.` : stateList(record, terminal.style),
    );
  }
}

/** Shows what is recorded of a resource. */
export async function show(
  this: Context,
  flags: StateFlags,
  stack: string,
  address: string,
): Promise<void> {
  const { name, record } = await load(stack);
  const entry = record?.resources.find((resource) => resource.address === address);
  if (entry === undefined) throw noSuchResource(name, address, record?.resources ?? []);
  this.terminal.print(
    flags.json ? JSON.stringify(entry, null, 2) : stateShow(entry, this.terminal.style),
  );
}

function load(
  stack: string,
): Promise<{ name: string; record: StackRecord | undefined }> {
  return withRecord(
    stack,
    async (name, store) => ({ name, record: await store.load(name) }),
  );
}
