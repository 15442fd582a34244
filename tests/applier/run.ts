/**
 * A plan applied on hosts in memory, with a real store in a folder of its own.
 *
 * @module
 */

import { join } from "node:path";
import {
  type ApplyEvent,
  type ApplyOptions,
  applyPlan,
  type ApplyResult,
} from "../../applier/mod.ts";
import type { Plan } from "../../planner/plan.ts";
import { SqliteStore } from "../../state/mod.ts";
import type {
  JournalEntry,
  Lease,
  RecordWrite,
  ResourceRecord,
  RunRecord,
  StackRecord,
} from "../../state/store.ts";
import type { FakeHosts } from "./fake_host.ts";

/** What came of it. */
export interface Applied {
  readonly result: ApplyResult;
  readonly events: readonly ApplyEvent[];
  /** Every write that was asked for, in order. */
  readonly writes: readonly RecordWrite[];
  readonly record: StackRecord | undefined;
  readonly unfinished: readonly JournalEntry[];
  readonly runs: readonly RunRecord[];
  row(address: string): ResourceRecord | undefined;
}

/** A store that lives as long as a test. */
export interface Place extends AsyncDisposable {
  readonly store: SqliteStore;
  /** Applies a plan to whatever the record is by now, its serial put right. */
  apply(
    plan: Plan,
    hosts: Pick<FakeHosts, "sessions">,
    options?: Partial<ApplyOptions> & { readonly wrap?: (lease: Lease) => Lease },
  ): Promise<Applied>;
  /** Puts rows there, as an earlier run would have. */
  given(change: RecordWrite): Promise<void>;
}

/** Makes the store. */
export function place(): Place {
  const folder = Deno.makeTempDirSync({ prefix: "staddle-applier-" });
  const store = new SqliteStore(join(folder, "state.db"));
  return {
    store,
    async given(change) {
      await using lease = await store.lock("shop", "test");
      await lease.write(change);
    },
    async apply(plan, hosts, { wrap = (lease: Lease) => lease, ...options } = {}) {
      await using lease = await store.lock("shop", "test");
      const record = await store.load("shop");
      const events: ApplyEvent[] = [];
      const writes: RecordWrite[] = [];
      const watched: Lease = {
        stack: lease.stack,
        token: lease.token,
        lost: lease.lost,
        write: (change) => {
          writes.push(change);
          return lease.write(change);
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
      const result = await applyPlan(
        { ...plan, record: { serial: record?.serial ?? 0 } },
        {
          lease: wrap(watched),
          record,
          sessions: hosts.sessions,
          baseDirectory: folder,
          who: "ann@desk (pid 7)",
          onEvent: (event) => events.push(event),
          ...options,
        },
      );
      const after = await store.load("shop");
      return {
        result,
        events,
        writes,
        record: after,
        unfinished: await store.unfinished("shop"),
        runs: await store.runs("shop", 10),
        row: (address) => after?.resources.find((row) => row.address === address),
      };
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** A signal's two ends, and a promise of the moment when something was reached. */
export function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
}
