/** `staddle plan`: what applying a stack would do. */

import { hasChanges, summarize } from "../../planner/summary.ts";
import { StaddleError } from "../../providers/error.ts";
import type { Context } from "../context.ts";
import { compactness, type PlanFlags } from "../flags.ts";
import { planText } from "../render/plan_text.ts";
import { makeSessionPlan, openSession } from "../session.ts";
import { throwAll } from "../render/error_text.ts";
import { shortOfRevision } from "../revisions.ts";
import { listenForStop } from "../signals.ts";

/** Flags of `plan`. */
export interface PlanCommandFlags extends PlanFlags {
  readonly breakDependents?: boolean;
  readonly out?: string;
  readonly sign?: string;
  readonly json?: boolean;
  readonly detailedExitcode?: boolean;
  readonly destroy?: boolean;
  readonly refreshOnly?: boolean;
  readonly to?: string;
  readonly compact?: boolean;
  readonly full?: boolean;
}

/** Exit status for changes, by `--detailed-exitcode`. */
const CHANGES = 2;

/** Plans, shows the plan and saves it if that is wanted. */
export async function plan(this: Context, flags: PlanCommandFlags, stack: string): Promise<void> {
  const { terminal } = this;
  refuseContradictions(flags);
  using stop = listenForStop();
  const options = {
    ...flags,
    stack,
    mode: flags.destroy ? "destroy" : flags.refreshOnly ? "refresh" : "apply",
    recorded: flags.destroy || flags.refreshOnly || flags.to !== undefined,
    signal: stop.cancel,
  } as const;
  await using session = await openSession(options);
  const { plan, errors, topology, leftAlone } = await makeSessionPlan(session, options);
  const short = session.revision && shortOfRevision(session.revision, leftAlone);
  if (short !== undefined) terminal.warn(`${short}\n`);
  if (flags.json) {
    const { renderPlanJson } = await import("../../planner/plan_json.ts");
    const timestamp = new Date().toISOString();
    terminal.print(renderPlanJson(plan, { timestamp, errored: errors.length > 0 }).trimEnd());
  } else {
    const compact = compactness(flags);
    const nothing = errors.length > 0 && !hasChanges(plan) && plan.drift.length === 0;
    if (!nothing) {
      terminal.print(planText(plan, { style: terminal.style, compact, summary: summarize(plan) }));
    }
  }
  throwAll(errors);
  if (flags.out !== undefined) {
    const { savePlan } = await import("../plan_file.ts");
    await savePlan(flags.out, plan, { topology, sign: flags.sign });
    if (!flags.json) {
      const signed = flags.sign === undefined ? "Saved" : "Saved and signed";
      terminal.print(`\n${signed}. To carry it out as it stands: staddle apply ${flags.out}`);
    }
  }
  if (flags.detailedExitcode && hasChanges(plan)) this.setExitCode(CHANGES);
}

/** Refuses flags that do not go together. */
function refuseContradictions(flags: PlanCommandFlags): void {
  const given = (["destroy", "refreshOnly", "to"] as const).filter((name) =>
    flags[name] !== undefined && flags[name] !== false
  ).map((name) => name === "refreshOnly" ? "--refresh-only" : `--${name}`);
  if (given.length > 1) throw contradiction(`${given.join(" and ")} do not go together`);
  if (flags.to !== undefined && flags.param?.length) {
    throw contradiction("--to evaluates nothing, so that there is nothing to give a --param to");
  }
  if (flags.sign !== undefined && flags.out === undefined) {
    throw contradiction("--sign signs the file that --out names, and there is none");
  }
}

function contradiction(summary: string): StaddleError {
  return new StaddleError({
    code: "usage.bad-arguments",
    summary,
    help: "add --help to see what the command takes",
  });
}
