/**
 * Machines that are off and whose memory libvirt has saved: their next start restores it, with the
 * definition that they ran with then, whatever was defined since.
 *
 * @module
 */

import type { FieldChange, JsonObject, Observed } from "../../../provider.ts";
import { parseXml, readRestartDue } from "../../xml/mod.ts";

/** The definition that the next start restores; undefined where nothing is saved, or the machine runs. */
export function savedXml({ source }: Observed): string | undefined {
  return source.active !== true && typeof source.savedXml === "string"
    ? source.savedXml
    : undefined;
}

/** What the machine runs with, or its next start restores. */
export function startedXml(observed: Observed): string | undefined {
  const { liveXml } = observed.source;
  return typeof liveXml === "string" ? liveXml : savedXml(observed);
}

/**
 * Whether the stack wants a machine to run that has a saved state: it is restored first, and then changed
 * as any running machine is. A restart that was cut off wants it to run too.
 */
export function resumes(spec: JsonObject, observed: Observed): boolean {
  if (savedXml(observed) === undefined) return false;
  return spec.power === "on" ||
    (spec.power === undefined && readRestartDue(parseXml(String(observed.source.xml))));
}

/** Fields that are no part of what is restored. */
const APART = new Set(["name", "autostart", "power"]);

/** A change of the definition does nothing until the saved state was restored and the guest shut down. */
export function behindSavedState(change: FieldChange): FieldChange {
  const { path, disruption } = change;
  return disruption === "replace" || APART.has(path)
    ? change
    : { ...change, disruption: "next-boot" };
}

/** What a person should know of a saved state. */
export function savedNotes(spec: JsonObject, observed: Observed): string[] {
  const { active, savedError } = observed.source;
  if (active !== true && typeof savedError === "string") {
    return [
      `the saved state of machine "${observed.key}" cannot be read (${savedError}), and its next start ` +
      "fails or begins without it; to begin anew, drop it: virsh managedsave-remove " +
      observed.key,
    ];
  }
  if (savedXml(observed) === undefined) return [];
  const { key } = observed;
  return [
    resumes(spec, observed)
      ? `machine "${key}" goes on from its saved state, with the definition that it ran with then`
      : `a saved state of machine "${key}" will be restored at its next start, with the old ` +
        "definition; to start with the new one, drop it and what the guest had in memory: " +
        `virsh managedsave-remove ${key}`,
  ];
}
