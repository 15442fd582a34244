/**
 * One run of a stack on one host: what `staddle apply` and `staddle destroy` do, from a topology that is
 * data already.
 *
 * @module
 */

import { applyPlan, type ApplyResult } from "../../applier/mod.ts";
import {
  factsForeseen,
  factsNeeded,
  heedingUsers,
  type MadePlan,
  makePlan,
  readRequests,
  type Topology,
} from "../../planner/mod.ts";
import { kvm } from "../../providers/kvm/mod.ts";
import { kinds } from "../../providers/kvm/kinds/mod.ts";
import type { HostSession, JsonObject } from "../../providers/provider.ts";
import type { SecretSource } from "../../providers/secret.ts";
import { type Lease, SqliteStore } from "../../state/mod.ts";
import { STACK } from "./stacks.ts";

/** What is to be on the host: a topology, or nothing of it any more. */
export interface Goal {
  readonly mode: "apply" | "destroy";
  readonly topology: Topology;
}

/** A stack's host and record, open. */
export interface Workshop extends AsyncDisposable {
  readonly store: SqliteStore;
  readonly session: HostSession;
  plan(goal: Goal): Promise<MadePlan>;
  /** Plans and applies under the stack's lock. */
  apply(goal: Goal, options?: ApplyHooks): Promise<ApplyResult>;
}

/** What the program that is killed puts between. */
export interface ApplyHooks {
  readonly parallelism?: number;
  /** The lease that the run writes through. */
  lease?(lease: Lease): Lease;
  /** The plan was made and nothing has begun. */
  ready?(): void;
}

/** Opens a workshop. `folder` holds the record and the images. */
export async function openWorkshop(
  folder: string,
  topology: Topology,
  secrets?: SecretSource,
): Promise<Workshop> {
  const provider = kvm({ secrets });
  const store = new SqliteStore(`${folder}/.staddle/state.db`);
  const signal = new AbortController().signal;
  const [name, declaration] = Object.entries(topology.hosts)[0]!;
  let session: HostSession;
  try {
    session = await provider.connect(declaration, { signal, baseDirectory: folder });
  } catch (error) {
    await store[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
    throw error;
  }

  const plan = async ({ mode, topology }: Goal): Promise<MadePlan> => {
    const record = await store.load(STACK);
    const requests = readRequests(topology, record, kinds);
    const observed = { [name]: await session.read(requests[name] ?? []) };
    const wanted = mode === "destroy" ? [] : [
      ...factsForeseen(topology, record),
      ...factsNeeded(topology, record, kinds, { observed }),
    ];
    const facts: Record<string, JsonObject> = wanted.length === 0
      ? {}
      : { [name]: await session.facts() };
    const unfinished = record === undefined ? [] : await store.unfinished(STACK);
    const input = { topology, kinds, observed, facts, record, unfinished, mode };
    return await heedingUsers(
      (known) => makePlan({ ...input, ...known }),
      async (going) => ({ [name]: await session.users!(going[name]!) }),
    );
  };

  return {
    store,
    session,
    plan,
    async apply(goal, hooks = {}) {
      const who = `crash (pid ${Deno.pid})`;
      await using lease = await store.lock(STACK, who);
      const { plan: made, errors } = await plan(goal);
      if (errors.length > 0) throw errors[0];
      hooks.ready?.();
      return await applyPlan(made, {
        lease: hooks.lease?.(lease) ?? lease,
        record: await store.load(STACK),
        sessions: () => Promise.resolve(session),
        baseDirectory: folder,
        who,
        isTransient: (error) => provider.isTransient(error),
        ...(hooks.parallelism === undefined ? {} : { parallelism: hooks.parallelism }),
      });
    },
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}
