/** `staddle plan`: what applying a stack would do. */

import { hasChanges, summarize } from "../../planner/summary.ts";
import type { Context } from "../context.ts";
import type { PlanFlags } from "../flags.ts";
import { planText } from "../render/plan_text.ts";
import { makeSessionPlan, openSession } from "../session.ts";
import { throwAll } from "../render/error_text.ts";
import { listenForStop } from "../signals.ts";

/** Flags of `plan`. */
export interface PlanCommandFlags extends PlanFlags {
  readonly out?: string;
  readonly json?: boolean;
  readonly detailedExitcode?: boolean;
  readonly destroy?: boolean;
  readonly compact?: boolean;
  readonly full?: boolean;
}

/** Exit status for changes, by `--detailed-exitcode`. */
const CHANGES = 2;

/** Plans, shows the plan and saves it if that is wanted. */
export async function plan(this: Context, flags: PlanCommandFlags, stack: string): Promise<void> {
  const { terminal } = this;
  using stop = listenForStop();
  const options = {
    ...flags,
    stack,
    mode: flags.destroy ? "destroy" : "apply",
    recorded: flags.destroy,
    signal: stop.cancel,
  } as const;
  await using session = await openSession(options);
  const { plan, errors } = await makeSessionPlan(session, options);
  if (flags.json) {
    const { renderPlanJson } = await import("../../planner/plan_json.ts");
    const timestamp = new Date().toISOString();
    terminal.print(renderPlanJson(plan, { timestamp, errored: errors.length > 0 }).trimEnd());
  } else {
    const compact = flags.compact ? true : flags.full ? false : undefined;
    const nothing = errors.length > 0 && !hasChanges(plan) && plan.drift.length === 0;
    if (!nothing) {
      terminal.print(planText(plan, { style: terminal.style, compact, summary: summarize(plan) }));
    }
  }
  throwAll(errors);
  if (flags.out !== undefined) {
    const { savePlan } = await import("../plan_file.ts");
    await savePlan(flags.out, plan);
    if (!flags.json) {
      terminal.print(`\nSaved. To carry it out as it stands: staddle apply ${flags.out}`);
    }
  }
  if (flags.detailedExitcode && hasChanges(plan)) this.setExitCode(CHANGES);
}
