/** `staddle destroy`: destroy everything that a stack owns. */

import type { Context } from "../context.ts";
import type { PlanFlags } from "../flags.ts";
import { locateStack } from "../location.ts";
import { againText, throwWithPlan } from "../refused.ts";
import { requireConsent, type RunFlags, runPlan } from "../run_plan.ts";
import { lockAndPlan, openSession } from "../session.ts";
import { listenForStop } from "../signals.ts";

/** Flags of `destroy`. */
export interface DestroyFlags extends PlanFlags, Omit<RunFlags, "maxDisruption"> {}

/** Plans the destruction, asks, and carries it out. */
export async function destroy(this: Context, flags: DestroyFlags, stack: string): Promise<void> {
  locateStack(stack, { recorded: true });
  requireConsent(this, flags, "destroy");
  using stop = listenForStop();
  const options = {
    ...flags,
    stack,
    mode: "destroy",
    recorded: true,
    signal: stop.cancel,
  } as const;
  await using session = await openSession(options);
  const { plan, lease } = await lockAndPlan(
    session,
    options,
    (planned) => throwWithPlan(this, planned.plan, planned.errors, flags),
  );
  await using _ = lease;
  await runPlan(this, plan, {
    flags,
    store: session.store,
    lease,
    hosts: session.hosts,
    provider: session.provider,
    baseDirectory: session.location.folder,
    stop,
    reviewed: false,
    again: againText("destroy", stack, flags),
  });
}
