/**
 * The record during a run: the rows as they stand, and writes in order.
 *
 * @module
 */

import type { Lease, RecordWrite, ResourceRecord, StackRecord } from "../state/store.ts";
import type { RowChange, Rows } from "./transitions.ts";

/** The part of a write that does not depend on the rows. */
export type Aside = Omit<RecordWrite, "put" | "remove">;

/** Keeps the rows and writes them. */
export interface Recorder {
  /** As they were last written, or are being written. */
  readonly rows: Rows;
  /**
   * Writes a change, which is worked out when its turn comes. Changes that parallel steps ask for
   * while a write is under way share the next one, so that a store at a distance costs a round trip
   * for all of them together.
   */
  write(change: (rows: Rows) => RowChange, aside: () => Aside): Promise<void>;
}

interface Request {
  readonly change: (rows: Rows) => RowChange;
  readonly aside: () => Aside;
  readonly done: PromiseWithResolvers<void>;
}

/** Starts from the record that the plan was made against. */
export function recorder(lease: Lease, record: StackRecord | undefined): Recorder {
  const rows = new Map<string, ResourceRecord>(
    (record?.resources ?? []).map((row) => [row.address, row]),
  );
  let waiting: Request[] = [];
  let writing = false;

  async function flush(): Promise<void> {
    writing = true;
    try {
      while (waiting.length > 0) {
        // One turn, so that steps which ended together are written together.
        await new Promise((resolve) => setTimeout(resolve, 0));
        const batch = waiting;
        waiting = [];
        await writeBatch(batch);
      }
    } finally {
      writing = false;
    }
  }

  async function writeBatch(batch: readonly Request[]): Promise<void> {
    // What stood there before, to go back to it if the write fails; undefined stands for nothing.
    const before = new Map<string, ResourceRecord | undefined>();
    const set = (address: string, row: ResourceRecord | undefined) => {
      if (!before.has(address)) before.set(address, rows.get(address));
      if (row === undefined) rows.delete(address);
      else rows.set(address, row);
    };
    try {
      let merged: Aside = {};
      for (const { change, aside } of batch) {
        const { put, remove } = change(rows);
        for (const address of remove) set(address, undefined);
        for (const row of put) set(row.address, row);
        const more = aside();
        const journal = [...merged.journal ?? [], ...more.journal ?? []];
        merged = { ...merged, ...more, ...(journal.length > 0 ? { journal } : {}) };
      }
      const touched = [...before.keys()];
      await lease.write({
        ...merged,
        put: touched.flatMap((address) => rows.get(address) ?? []),
        remove: touched.filter((address) => !rows.has(address)),
      });
    } catch (error) {
      for (const [address, row] of before) set(address, row);
      for (const { done } of batch) done.reject(error);
      return;
    }
    for (const { done } of batch) done.resolve();
  }

  return {
    rows,
    write(change, aside) {
      const done = Promise.withResolvers<void>();
      waiting.push({ change, aside, done });
      if (!writing) void flush();
      return done.promise;
    },
  };
}
