/** `staddle apply`: make the hosts what a stack says, or carry a saved plan out. */

import { dirname, resolve } from "node:path";
import { StaddleError } from "../../providers/error.ts";
import type { Context } from "../context.ts";
import type { PlanFlags } from "../flags.ts";
import { Hosts } from "../hosts.ts";
import { locateStack, storeLocation } from "../location.ts";
import { looksLikePlan } from "../plan_file.ts";
import { throwAll } from "../render/error_text.ts";
import { againText, throwWithPlan } from "../refused.ts";
import { checkDisruption, requireConsent, type RunFlags, runPlan } from "../run_plan.ts";
import { LazyProvider, lockAndPlan, openSession } from "../session.ts";
import { listenForStop } from "../signals.ts";
import { whoAmI } from "../who_am_i.ts";

/** Flags of `apply`. */
export interface ApplyFlags extends PlanFlags, RunFlags {}

/** Applies a stack or a saved plan. */
export async function apply(this: Context, flags: ApplyFlags, argument: string): Promise<void> {
  if (await looksLikePlan(argument)) return await applySaved(this, flags, argument);
  locateStack(argument);
  requireConsent(this, flags, "apply");
  using stop = listenForStop();
  const options = { ...flags, stack: argument, mode: "apply", signal: stop.cancel } as const;
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
    again: againText("apply", argument, flags),
  });
}

/** Carries out the very steps of a saved plan, unless something that it touches has moved. */
async function applySaved(context: Context, flags: ApplyFlags, path: string): Promise<void> {
  refusePlanning(flags, path);
  const { loadPlan } = await import("../plan_file.ts");
  const { plan } = await loadPlan(path);
  checkDisruption(plan, flags.maxDisruption);
  using stop = listenForStop();
  await using provider = new LazyProvider();
  void provider.load();
  const baseDirectory = folderOf(plan.stack.source, path);
  await using hosts = new Hosts(provider.load, { signal: stop.cancel, baseDirectory });
  const { openStore } = await import("../../state/mod.ts");
  await using store = openStore(storeLocation(baseDirectory));
  await using lease = await store.lock(plan.stack.name, whoAmI());
  const [{ kinds }, { findStale }] = await Promise.all([
    import("../../providers/kvm/kinds/mod.ts"),
    import("../stale.ts"),
  ]);
  // Says more than that the record has moved, which the applier looks at next.
  throwAll(await findStale(plan, hosts, kinds));
  await runPlan(context, plan, {
    flags,
    store,
    lease,
    hosts,
    provider: provider.load,
    baseDirectory,
    stop,
    reviewed: true,
    again: `plan again, and apply that plan${
      plan.stack.source === undefined ? "" : `: staddle plan ${plan.stack.source} --out ${path}`
    }`,
  });
}

/** A saved plan is what it is: nothing about it is decided anew. */
function refusePlanning(flags: ApplyFlags, path: string): void {
  const given = (["param", "target", "exclude"] as const).filter((name) => flags[name]?.length);
  if (given.length === 0) return;
  throw new StaddleError({
    code: "usage.saved-plan",
    summary: `${path} is a saved plan: it is carried out as it stands, without ${
      given.map((name) => `--${name}`).join(", ")
    }`,
    help: "give them to staddle plan",
  });
}

/** The folder of the stack's file if it is still there, else that of the plan. */
function folderOf(source: string | undefined, planPath: string): string {
  if (source !== undefined) {
    try {
      Deno.statSync(source);
      return dirname(resolve(source));
    } catch {
      // Run from elsewhere, or the stack is gone: the plan needs neither.
    }
  }
  return dirname(resolve(planPath));
}
