/** What importing meets in tests: objects as a host would show them, and the plan of a stack over them. */

import type { JsonObject, Observed } from "../../providers/provider.ts";
import { type MadePlan, makePlan, validateTopology } from "../../planner/mod.ts";
import type { StackRecord } from "../../state/mod.ts";
import { fingerprints, kinds } from "../../providers/kvm/kinds/mod.ts";
import { getPath, parseXml, readMark } from "../../providers/kvm/xml/mod.ts";
import { buildTopology } from "../../stacks/build.ts";
import type { StackDefinition } from "../../stacks/mod.ts";

/** An object of a host named `lab`, from its XML. */
export function seen(kind: string, xml: string, source: JsonObject = {}, pool?: string): Observed {
  const root = parseXml(xml);
  const name = getPath(root, "./name") ?? "";
  const uuid = getPath(root, "./uuid");
  const mark = readMark(root);
  const all = { xml, active: false, autostart: false, persistent: true, ...source };
  return {
    kind,
    host: "lab",
    key: pool === undefined ? name : `${pool}/${name}`,
    ...(uuid === undefined ? {} : { uuid }),
    ...(mark === undefined ? {} : { mark }),
    fingerprint: fingerprints.get(kind)!(all),
    source: all,
  };
}

/** The plan of a stack over a host. */
export function planOf(
  definition: StackDefinition,
  observed: readonly Observed[],
  record?: StackRecord,
): MadePlan {
  const { topology, errors } = validateTopology(buildTopology(definition), kinds);
  if (errors.length > 0) throw errors[0];
  return makePlan({
    topology,
    kinds,
    observed: { lab: observed },
    facts: {},
    mode: "apply",
    ...(record === undefined ? {} : { record }),
  });
}
