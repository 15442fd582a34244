/**
 * What a kind may look up while a step is carried out: its resource is resolved, so nothing more.
 *
 * @module
 */

import type { JsonObject, Lookup, Step } from "../../provider.ts";
import type { HostFacts } from "../facts.ts";

/** A lookup that knows the host's facts at most. */
export function emptyLookup(step: Step, facts?: HostFacts): Lookup {
  return {
    stack: step.mark.stack,
    resource: () => undefined,
    observed: () => undefined,
    facts: (host) => host === step.host ? facts as unknown as JsonObject | undefined : undefined,
  };
}
