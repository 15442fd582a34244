/**
 * What apply and destroy have in common: a stack is planned under its lock, reviewed, and carried out.
 *
 * @module
 */

import type { Context } from "./context.ts";
import { openEventSink } from "./event_sink.ts";
import type { PlanFlags } from "./flags.ts";
import { locateStack } from "./location.ts";
import { againText, throwWithPlan } from "./refused.ts";
import { requireConsent, reviewPlan, type RunFlags, runPlan } from "./run_plan.ts";
import { lockAndPlan, openSession, type SessionOptions } from "./session.ts";
import { throwAll } from "./render/error_text.ts";
import { listenForStop } from "./signals.ts";
import { usedSince } from "./used_since.ts";

/** Which command it is. */
export interface CarryOutOptions {
  readonly command: "apply" | "destroy";
  readonly mode: SessionOptions["mode"];
  /** The argument `STACK`. */
  readonly stack: string;
  /** Whether the name of a recorded stack is good as well. */
  readonly recorded: boolean;
  /** Flags of the command that the next command to type repeats. */
  readonly repeat?: readonly string[];
}

/** Plans, shows the plan, asks, and carries it out. */
export async function carryOutStack(
  context: Context,
  flags: PlanFlags & RunFlags,
  { command, mode, stack, recorded, repeat }: CarryOutOptions,
): Promise<void> {
  locateStack(stack, { recorded });
  const how = { apply: [], destroy: ["--destroy"], refresh: ["--refresh-only"] }[mode];
  requireConsent(context, flags, command, [stack, ...how]);
  using stop = listenForStop();
  const options = { ...flags, stack, mode, recorded, signal: stop.cancel };
  await using session = await openSession(options);
  using sink = openEventSink(flags, context.terminal);
  const planned = await lockAndPlan(session, options, async ({ plan, errors }) => {
    throwWithPlan(context, plan, errors, flags);
    return await reviewPlan(context, plan, { flags, sink, stop });
  });
  if (planned === undefined) return;
  await using lease = planned.lease;
  if (!flags.yes) {
    // Whoever was asked may have taken long. A step looks at its own object when it begins, but not at who
    // uses that.
    const { plan, going } = planned;
    throwAll(usedSince(plan, await session.hosts.users(plan.hosts, going)));
  }
  await runPlan(context, planned.plan, {
    flags,
    sink,
    stop,
    store: session.store,
    lease,
    hosts: session.hosts,
    provider: session.provider,
    baseDirectory: session.location.folder,
    topology: planned.topology,
    again: againText(command, stack, flags, repeat),
  });
}
