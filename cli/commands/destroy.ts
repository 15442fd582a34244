/** `staddle destroy`: destroy everything that a stack owns. */

import { carryOutStack } from "../carry_out_stack.ts";
import type { Context } from "../context.ts";
import type { PlanFlags } from "../flags.ts";
import { refuseUnsignedRun, trustedKeyNames } from "../plan_signature.ts";
import type { RunFlags } from "../run_plan.ts";

/** Flags of `destroy`. */
export interface DestroyFlags extends PlanFlags, Omit<RunFlags, "maxDisruption"> {}

/** Plans the destruction, asks, and carries it out. */
export async function destroy(this: Context, flags: DestroyFlags, stack: string): Promise<void> {
  refuseUnsignedRun("destroy", trustedKeyNames());
  await carryOutStack(this, flags, {
    command: "destroy",
    mode: "destroy",
    stack,
    recorded: true,
  });
}
