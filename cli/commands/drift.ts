/** `staddle drift`: what has changed on the hosts since the last apply. */

import { PENDING_RESTART } from "../../providers/provider.ts";
import type { Context } from "../context.ts";
import type { PlanFlags } from "../flags.ts";
import { partText } from "../render/part_text.ts";
import { driftText } from "../render/plan_text.ts";
import { makeSessionPlan, openSession } from "../session.ts";
import { throwAll } from "../render/error_text.ts";
import { listenForStop } from "../signals.ts";

/** Flags of `drift`. */
export interface DriftFlags extends PlanFlags {
  readonly json?: boolean;
  readonly detailedExitcode?: boolean;
}

/** Exit status for drift, by `--detailed-exitcode`. */
const CHANGES = 2;

/** Shows drift. What is planned is no concern of this command, and no reason to fail. */
export async function drift(this: Context, flags: DriftFlags, stack: string): Promise<void> {
  const { terminal } = this;
  using stop = listenForStop();
  const options = { ...flags, stack, mode: "apply", recorded: true, signal: stop.cancel } as const;
  await using session = await openSession(options);
  const { plan, errors, hostErrors, record } = await makeSessionPlan(session, options);
  const pending = plan.resources.flatMap(({ address, notes }) =>
    notes.filter((note) => note.startsWith(PENDING_RESTART)).map((note) => ({ address, note }))
  );
  if (flags.json) {
    const { part } = plan;
    const found = { stack: session.name, part, drift: plan.drift, pending };
    terminal.print(JSON.stringify(found, null, 2));
  } else if (record === undefined) {
    terminal.print(`Stack "${session.name}" has not been applied yet.`);
  } else if (plan.drift.length > 0) {
    terminal.print(driftText(plan.drift, terminal.style));
  } else if (hostErrors.length === 0) {
    terminal.print("No drift. The hosts are as they were last applied.");
  }
  if (!flags.json && pending.length > 0) {
    terminal.print(["", ...pending.map(({ address, note }) => `${address}: ${note}`)].join("\n"));
  }
  if (!flags.json && plan.part !== undefined && record !== undefined) {
    terminal.print(partText(plan.part));
  }
  // What is wrong with the plan is no concern here; what was not read or not found is.
  throwAll([...hostErrors, ...errors.filter(({ code }) => code === "plan.no-match")]);
  if (flags.detailedExitcode && plan.drift.length > 0) this.setExitCode(CHANGES);
}
