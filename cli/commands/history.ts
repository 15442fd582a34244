/** `staddle history`: the runs of a stack. */

import type { Context } from "../context.ts";
import { withRecord } from "../recorded.ts";
import { historyText, type Revision, revisionText } from "../render/history_text.ts";
import { findRun } from "../revisions.ts";

/** Flags of `history`. */
export interface HistoryFlags {
  readonly json?: boolean;
  readonly limit: number;
}

/** Shows the runs, or one of them in full. */
export async function history(
  this: Context,
  flags: HistoryFlags,
  stack: string,
  revision?: string,
): Promise<void> {
  const { terminal } = this;
  if (revision !== undefined) {
    const { name, found } = await withRecord(stack, async (name, store) => {
      const run = await findRun(store, name, revision);
      const [journal, kept] = await Promise.all([
        store.journal(name, run.id),
        store.revision(name, run.id),
      ]);
      return { name, found: { run, journal, kept: kept !== undefined } satisfies Revision };
    });
    const shown = flags.json
      ? JSON.stringify(found, null, 2)
      : revisionText(name, found, terminal.style);
    return terminal.print(shown);
  }
  const { name, runs } = await withRecord(
    stack,
    async (name, store) => ({ name, runs: await store.runs(name, flags.limit) }),
  );
  terminal.print(
    flags.json ? JSON.stringify(runs, null, 2) : historyText(name, runs, terminal.style),
  );
}
