/** `staddle apply`: make the hosts what a stack says, or carry a saved plan out. */

import { StaddleError } from "../../providers/error.ts";
import { carryOutStack } from "../carry_out_stack.ts";
import type { Context } from "../context.ts";
import type { PlanFlags } from "../flags.ts";
import { looksLikePlan } from "../plan_file.ts";
import { refuseUnsignedRun, trustedKeyNames } from "../plan_signature.ts";
import type { RunFlags } from "../run_plan.ts";

/** Flags of `apply`. */
export interface ApplyFlags extends PlanFlags, RunFlags {
  readonly refreshOnly?: boolean;
  readonly requireSignature?: readonly string[];
}

/** Applies a stack or a saved plan. */
export async function apply(this: Context, flags: ApplyFlags, argument: string): Promise<void> {
  const keys = trustedKeyNames(flags.requireSignature);
  if (await looksLikePlan(argument)) {
    if (flags.refreshOnly) throw savedRefresh(argument);
    const { applySaved } = await import("../apply_saved.ts");
    return await applySaved(this, flags, argument, keys);
  }
  refuseUnsignedRun("apply", keys);
  await carryOutStack(this, flags, {
    command: "apply",
    mode: flags.refreshOnly ? "refresh" : "apply",
    stack: argument,
    // What the hosts have is taken over whether or not the stack's file is at hand.
    recorded: flags.refreshOnly === true,
    repeat: flags.refreshOnly ? ["--refresh-only"] : [],
  });
}

function savedRefresh(path: string): StaddleError {
  return new StaddleError({
    code: "usage.saved-plan",
    summary: `${path} is a saved plan: it is carried out as it stands, without --refresh-only`,
    help: "staddle plan STACK --refresh-only --out FILE saves such a plan",
  });
}
