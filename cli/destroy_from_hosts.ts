/**
 * `destroy --from-host`: what the hosts say is the stack's goes, whatever the record says, or whether
 * there is one.
 *
 * @module
 */

import type { Plan } from "../planner/plan.ts";
import { StaddleError } from "../providers/error.ts";
import {
  RECORD_VERSION,
  type ResourceRecord,
  type StackRecord,
  type Store,
} from "../state/store.ts";
import type { Context } from "./context.ts";
import { openEventSink } from "./event_sink.ts";
import type { PlanFlags } from "./flags.ts";
import { findOnHosts, type FoundStack } from "./from_hosts/find.ts";
import { locateStack, storeLocation } from "./location.ts";
import { nameOf } from "./open_stack.ts";
import { throwWithPlan } from "./refused.ts";
import { leftText } from "./render/claimed_text.ts";
import { NOTHING_TO_DESTROY } from "./render/plan_text.ts";
import { requireConsent, reviewPlan, type RunFlags, runPlan } from "./run_plan.ts";
import { listenForStop } from "./signals.ts";
import { whoAmI } from "./who_am_i.ts";

/** Errors that say that a record is of no use. */
const BROKEN = new Set([
  "state.corrupt",
  "state.newer-version",
  "state.key-missing",
  "state.key-wrong",
]);

/** Finds the stack on the hosts, shows what goes, asks, and destroys it. */
export async function destroyFromHosts(
  context: Context,
  flags: PlanFlags & RunFlags & { readonly claim?: readonly string[] },
  stack: string,
  uris: readonly string[],
): Promise<void> {
  const { terminal } = context;
  const location = locateStack(stack, { recorded: true });
  requireConsent(context, flags, "destroy");
  using stop = listenForStop();
  const signal = stop.cancel;
  await using stores = await Stores.open(storeLocation(location.folder));
  const name = await nameOf(location, signal);
  const { record, broken } = await stores.load(name);
  const { param, claim } = flags;
  const known = record?.hosts;
  const readable = broken === undefined ? stores.given : undefined;
  await using found = await findOnHosts({
    location,
    uris,
    param,
    claim,
    known,
    signal,
    store: readable,
  });
  using sink = openEventSink(flags, terminal);
  const left = leftText(found.left, terminal.style);
  if (left !== "" && !sink.onStdout) terminal.print(`${left}\n`);
  const whole = merged(name, record, found);
  if (whole.resources.length === 0) {
    if (!sink.onStdout) terminal.print(NOTHING_TO_DESTROY);
    return;
  }
  const planned = await planDestruction(whole, found, flags);
  throwWithPlan(context, planned.plan, planned.errors, flags);
  if (!await reviewPlan(context, planned.plan, { flags, sink, stop })) return;

  const store = broken === undefined ? stores.given : stores.aside();
  await using lease = await store.lock(name, whoAmI());
  if (broken === undefined) refuseMoved(record, await store.load(name));
  const recordedAddresses = new Set(record?.resources.map(({ address }) => address));
  const put = whole.resources.filter(({ address }) => !recordedAddresses.has(address));
  await lease.write({ put, hosts: whole.hosts });
  const written = await store.load(name);
  const { serial, lineage } = written!;
  const again = ["staddle destroy", stack, "--from-host", ...uris].join(" ");
  await runPlan(context, { ...planned.plan, record: { serial, lineage } }, {
    flags,
    sink,
    stop,
    store,
    lease,
    hosts: found.hosts,
    provider: found.provider,
    baseDirectory: location.folder,
    again,
  });
  if (broken !== undefined) {
    terminal.warn(
      `\nThe record in ${stores.given.location} cannot be used and was left as it is: ` +
        `${broken.message}\nMove it away to begin anew.`,
    );
  }
}

/** The store, and one that serves for a run where the record in the first is broken. */
class Stores implements AsyncDisposable {
  #folder: string | undefined;
  #aside: Store | undefined;

  private constructor(readonly given: Store, readonly openStore: (location: string) => Store) {}

  static async open(location: string): Promise<Stores> {
    const { openStore } = await import("../state/mod.ts");
    return new Stores(openStore(location), (path) => openStore(path));
  }

  async load(name: string): Promise<{ record?: StackRecord; broken?: StaddleError }> {
    try {
      return { record: await this.given.load(name) };
    } catch (error) {
      if (error instanceof StaddleError && BROKEN.has(error.code)) return { broken: error };
      throw error;
    }
  }

  /** A store of its own: what is written there lives as long as the run. */
  aside(): Store {
    this.#folder ??= Deno.makeTempDirSync({ prefix: "staddle-destroy-" });
    return this.#aside ??= this.openStore(`${this.#folder}/state.db`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.given[Symbol.asyncDispose]();
    await this.#aside?.[Symbol.asyncDispose]();
    if (this.#folder !== undefined) await Deno.remove(this.#folder, { recursive: true });
  }
}

/** What the record has and what the hosts have. An object that both know is the record's. */
function merged(
  stack: string,
  record: StackRecord | undefined,
  { rows, declared }: FoundStack,
): StackRecord {
  const slot = ({ host, kind, key }: ResourceRecord): string => `${host}\n${kind}\n${key}`;
  const recorded = record?.resources ?? [];
  const addresses = new Set(recorded.map(({ address }) => address));
  const objects = new Set(recorded.map(slot));
  const fresh = rows.filter((row) => !addresses.has(row.address) && !objects.has(slot(row)));
  return {
    version: RECORD_VERSION,
    stack,
    lineage: record?.lineage ?? "",
    serial: record?.serial ?? 0,
    hosts: { ...declared, ...record?.hosts },
    resources: [...recorded, ...fresh].sort((a, b) => (a.address < b.address ? -1 : 1)),
    outputs: record?.outputs ?? {},
    reservations: record?.reservations ?? {},
  };
}

async function planDestruction(
  record: StackRecord,
  { hosts }: FoundStack,
  { target, exclude }: PlanFlags,
): Promise<{ readonly plan: Plan; readonly errors: readonly StaddleError[] }> {
  const [planner, { kinds }] = await Promise.all([
    import("../planner/mod.ts"),
    import("../providers/kvm/kinds/mod.ts"),
  ]);
  const scope = { mode: "destroy", target, exclude } as const;
  const selection = planner.select(undefined, record, kinds, scope);
  const requests = planner.readRequests(undefined, record, kinds, selection);
  const { values, errors } = await hosts.read(record.hosts, requests);
  for (const error of errors.values()) throw error;
  const input = { ...scope, kinds, observed: values, facts: {}, record };
  return await planner.heedingUsers(
    (known) => planner.makePlan({ ...input, ...known }),
    (going) => hosts.users(record.hosts, going),
  );
}

/** Between the review and the lock another run may have come first. */
function refuseMoved(before: StackRecord | undefined, now: StackRecord | undefined): void {
  const same = before?.serial === now?.serial && before?.lineage === now?.lineage;
  if (same) return;
  throw new StaddleError({
    code: "apply.stale-plan",
    summary: "Cannot destroy what was shown: another run has changed the record meanwhile",
    help: "nothing was touched; run the same command again",
    exitCode: 4,
  });
}
