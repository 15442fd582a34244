/** `staddle history`: the runs of a stack. */

import type { Context } from "../context.ts";
import { withRecord } from "../recorded.ts";
import { historyText } from "../render/history_text.ts";

/** Flags of `history`. */
export interface HistoryFlags {
  readonly json?: boolean;
  readonly limit: number;
}

/** Shows the runs. */
export async function history(this: Context, flags: HistoryFlags, stack: string): Promise<void> {
  const { name, runs } = await withRecord(
    stack,
    async (name, store) => ({ name, runs: await store.runs(name, flags.limit) }),
  );
  this.terminal.print(
    flags.json ? JSON.stringify(runs, null, 2) : historyText(name, runs, this.terminal.style),
  );
}
