/**
 * Carrying out a saved plan: its very steps, and nothing is evaluated.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import { StaddleError } from "../providers/error.ts";
import type { Context } from "./context.ts";
import { brokenDependents } from "./dependents.ts";
import { openEventSink } from "./event_sink.ts";
import type { PlanFlags } from "./flags.ts";
import { Hosts } from "./hosts.ts";
import { storeLocation } from "./location.ts";
import { loadPlan } from "./plan_file.ts";
import { throwAll } from "./render/error_text.ts";
import { announcePlan, checkDisruption, checkHooks, type RunFlags, runPlan } from "./run_plan.ts";
import { LazyProvider } from "./session.ts";
import { listenForStop } from "./signals.ts";
import { whoAmI } from "./who_am_i.ts";

/**
 * Carries out a saved plan, unless something that it touches has moved, or nobody whose signature is
 * asked for has signed it.
 *
 * @param keys Names of the public keys, one of which must have signed it; none: nobody needs to have.
 */
export async function applySaved(
  context: Context,
  flags: PlanFlags & RunFlags,
  path: string,
  keys: readonly string[],
): Promise<void> {
  refusePlanning(flags, path);
  const { plan, topology, digest } = await loadPlan(path, keys);
  checkDisruption(plan, flags.maxDisruption);
  checkHooks(plan, flags);
  using stop = listenForStop();
  await using provider = new LazyProvider();
  void provider.load();
  const baseDirectory = folderOf(plan.stack.source, path);
  await using hosts = new Hosts(provider.load, { signal: stop.cancel, baseDirectory });
  const { openStore } = await import("../state/mod.ts");
  await using store = openStore(storeLocation(baseDirectory));
  await using lease = await store.lock(plan.stack.name, whoAmI());
  const [{ kinds }, { findStale }] = await Promise.all([
    import("../providers/kvm/kinds/mod.ts"),
    import("./stale.ts"),
  ]);
  // Says more than that the record has moved, which the applier looks at next.
  throwAll(await findStale(plan, hosts, { kinds, signal: stop.cancel }));
  if (!flags.breakDependents) throwAll(await brokenDependents(plan, store));
  using sink = openEventSink(flags, context.terminal);
  announcePlan(plan, sink);
  await runPlan(context, plan, {
    flags,
    sink,
    stop,
    store,
    lease,
    hosts,
    provider: provider.load,
    baseDirectory,
    topology,
    planDigest: digest,
    again: `plan again, and apply that plan${
      plan.stack.source === undefined ? "" : `: staddle plan ${plan.stack.source} --out ${path}`
    }`,
  });
}

/** A saved plan is what it is: nothing about it is decided anew. */
function refusePlanning(flags: PlanFlags, path: string): void {
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
