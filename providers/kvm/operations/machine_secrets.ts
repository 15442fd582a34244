/**
 * The secrets of a step on a machine: their values stand in what is made here, which is handed to
 * libvirt and kept nowhere.
 *
 * @module
 */

import type { Observed, Step } from "../../provider.ts";
import { secretFor } from "../../secret.ts";
import { machineKind, withSecretValues } from "../kinds/machine/mod.ts";
import type { Domain } from "../libvirt/mod.ts";
import { getElements, parseXml } from "../xml/mod.ts";
import type { Bench } from "./bench.ts";

/** `VIR_DOMAIN_XML_SECURE`. */
const SECURE = 1;

/**
 * The step with the values of the secrets that it sets in the place of their names. What it does not
 * set is not asked for.
 *
 * @throws {StaddleError} `secret.…`.
 */
export async function withValues(bench: Bench, step: Step): Promise<Step> {
  const uses = machineKind.secrets!(step.resource).filter(({ path }) =>
    step.operation === "create" || step.changes.some((change) => setsIn(change.path, path))
  );
  if (uses.length === 0) return step;
  const values = new Map<string, string>();
  for (const use of uses) values.set(use.path, await secretFor(use, bench.secrets));
  return {
    ...step,
    resource: { ...step.resource, spec: withSecretValues(step.resource.spec, values) },
    changes: step.changes.map((change) => {
      const value = values.get(change.path);
      return value === undefined ? change : { ...change, after: value };
    }),
  };
}

/** Whether a change is of a place, or of something that holds it. */
function setsIn(changed: string, path: string): boolean {
  return changed === path || path.startsWith(`${changed}.`) || path.startsWith(`${changed}[`);
}

/**
 * What was read of a machine, its live XML with passwords where displays are to be changed live:
 * libvirt takes a password that is left out as a wish to remove it.
 */
export async function withLivePasswords(
  observed: Observed,
  domain: Domain,
  step: Step,
  bench: Bench,
): Promise<Observed> {
  const displays = step.changes.some(({ path, disruption }) =>
    path.startsWith("displays[") && disruption === "live"
  );
  if (!displays || typeof observed.source.liveXml !== "string") return observed;
  const liveXml = await domain.xml(SECURE);
  hidePasswords(liveXml, bench);
  return { ...observed, source: { ...observed.source, liveXml } };
}

/** Keeps the passwords in an XML text out of errors. */
export function hidePasswords(xml: string, bench: Bench): void {
  if (!xml.includes(" passwd=")) return;
  for (const display of getElements(parseXml(xml), "./devices/graphics")) {
    bench.hide(display.attributes.get("passwd") ?? "");
  }
}
