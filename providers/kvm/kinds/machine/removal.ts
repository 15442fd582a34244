/**
 * How a machine is stopped for good. What its guest has not yet written is lost when the plug is pulled:
 * that is right where everything that it writes to goes with it, and nowhere else.
 *
 * @module
 */

import type { JsonObject, Observed, Removal, Resource, Step } from "../../../provider.ts";
import { getElements, getPath, parseXml, type XmlElement } from "../../xml/mod.ts";
import { filesBySource, sourceOf } from "./disk_sources.ts";

/** Seconds within which a guest must have shut down, unless declared. */
export const SHUTDOWN_TIMEOUT = 90;

/** How a guest is shut down, as declared. */
export interface ShutdownRules {
  /** Seconds. */
  readonly timeout?: number;
  /** Power it off when the time is up. */
  readonly force?: boolean;
}

/** What a machine's delete step carries. */
export interface MachineRemoval {
  readonly stop: "shutdown" | "power-off";
  /** With `shutdown`. */
  readonly shutdown?: ShutdownRules;
}

/** What a delete step says; a guest is shut down where it says nothing. */
export function removalOf({ removal }: Step): MachineRemoval {
  return removal === undefined ? { stop: "shutdown" } : removal as unknown as MachineRemoval;
}

/** How a machine is to be stopped, and what a person should know of it. */
export function machineRemoval(
  { spec }: Resource,
  context: { readonly observed: Observed; readonly going: readonly Observed[] },
): Removal {
  const { xml, liveXml, active } = context.observed.source;
  const staying = stayingOf(parseXml(String(liveXml ?? xml)), context.going);
  if (staying.length === 0) return { how: { stop: "power-off" }, ...savedNote(context.observed) };
  const shutdown = spec.shutdown as ShutdownRules | undefined;
  const how = { stop: "shutdown", ...(shutdown === undefined ? {} : { shutdown }) };
  if (active !== true) return { how: how as unknown as JsonObject, ...savedNote(context.observed) };
  const { timeout = SHUTDOWN_TIMEOUT, force = false } = shutdown ?? {};
  const [first, ...others] = staying;
  const what = `${first}${others.length === 0 ? "" : ` and ${others.length} more`}`;
  return {
    how: how as unknown as JsonObject,
    note:
      `the guest is shut down first, for ${what} outlive${others.length === 0 ? "s" : ""} it; ` +
      `${force ? "it is powered off" : "the step fails"} if that takes more than ${timeout} s`,
  };
}

/** What goes with a machine that is off. */
function savedNote(observed: Observed): Pick<Removal, "note"> {
  const { saved, active } = observed.source;
  return saved !== true || active === true ? {} : {
    note: "its saved state goes with it, and what the guest had in memory",
  };
}

/** What the guest can write to and this plan does not take away, by names for people. */
function stayingOf(domain: XmlElement, going: readonly Observed[]): string[] {
  const goes = filesBySource(going);
  const disks = getElements(domain, "./devices/disk")
    .filter((disk) =>
      disk.attributes.get("device") !== "cdrom" && getElements(disk, "./source").length > 0 &&
      !has(disk, "readonly") && !has(disk, "transient")
    )
    .map((disk) => sourceOf(disk) ?? "a disk");
  const folders = getElements(domain, "./devices/filesystem")
    .filter((folder) => !has(folder, "readonly"))
    .map((folder) => getPath(folder, "./source/@dir") ?? "a file system of the host");
  const modules = getElements(domain, "./devices/memory")
    .map((module) => getPath(module, "./source/path"))
    .filter((path) => path !== undefined);
  const devices = getElements(domain, "./devices/hostdev")
    .filter((device) => device.attributes.get("type") !== "mdev")
    .map((device) => `a ${device.attributes.get("type") ?? ""} device of the host`);
  return [...disks.filter((name) => !goes.has(name)), ...folders, ...modules, ...devices];
}

function has(element: XmlElement, child: string): boolean {
  return getElements(element, `./${child}`).length > 0;
}
