/**
 * How much history stores keep.
 *
 * @module
 */

import type { HistoryLimits, RecordDocument } from "./store.ts";

/** A database keeps every run. */
export const ROWS_KEEP: HistoryLimits = { runs: Infinity, journalled: 100 };

/** A document carries less, for every write sends all of it. */
export const DOCUMENTS_KEEP: HistoryLimits = { runs: 500, journalled: 10 };

/** What is left of a document where no more history than this is kept. */
export function withinLimits(document: RecordDocument, limits: HistoryLimits): RecordDocument {
  const dropped = new Set(document.runs.slice(0, -limits.journalled).map(({ id }) => id));
  const recent = ({ run }: { readonly run: string }) => !dropped.has(run);
  return {
    ...document,
    runs: document.runs.slice(-limits.runs),
    journal: document.journal.filter(recent),
    revisions: document.revisions.filter(recent).slice(-limits.journalled),
  };
}
