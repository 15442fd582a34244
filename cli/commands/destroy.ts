/** `staddle destroy`: destroy everything that a stack owns. */

import { StaddleError } from "../../providers/error.ts";
import { carryOutStack } from "../carry_out_stack.ts";
import type { Context } from "../context.ts";
import type { PlanFlags } from "../flags.ts";
import { refuseUnsignedRun, trustedKeyNames } from "../plan_signature.ts";
import type { RunFlags } from "../run_plan.ts";

/** Flags of `destroy`. */
export interface DestroyFlags extends PlanFlags, Omit<RunFlags, "maxDisruption"> {
  readonly fromHost?: boolean;
  readonly claim?: readonly string[];
}

/** Plans the destruction, asks, and carries it out. */
export async function destroy(
  this: Context,
  flags: DestroyFlags,
  stack: string,
  ...uris: string[]
): Promise<void> {
  refuseUnsignedRun("destroy", trustedKeyNames());
  if (flags.fromHost) {
    const { destroyFromHosts } = await import("../destroy_from_hosts.ts");
    return await destroyFromHosts(this, flags, stack, uris);
  }
  if (uris.length > 0 || flags.claim?.length) {
    throw new StaddleError({
      code: "usage.bad-arguments",
      summary: uris.length > 0
        ? "destroy takes one stack; hosts to look for it on go with --from-host"
        : "--claim goes with --from-host",
      help: `staddle destroy ${stack} --from-host ${uris.join(" ")}`.trimEnd(),
    });
  }
  await carryOutStack(this, flags, { command: "destroy", mode: "destroy", stack, recorded: true });
}
