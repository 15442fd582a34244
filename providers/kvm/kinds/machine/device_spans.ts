/**
 * What spans several devices of a machine, known from the declaration alone.
 *
 * @module
 */

import type { Clash } from "./spans.ts";

type Entry = Readonly<Record<string, unknown>>;

/** The fields that are looked at. */
export interface DeviceSpanning {
  readonly arch?: string;
  readonly machine?: string;
  readonly console?: boolean;
  readonly graphics?: string;
  readonly disks: readonly Entry[];
  readonly cdroms?: readonly Entry[];
  readonly controllers?: readonly Entry[];
  readonly displays?: readonly Entry[];
  readonly serials?: readonly Entry[];
  readonly videos?: readonly Entry[];
  readonly watchdogs?: readonly Entry[];
}

/** What does not fit together. */
export function* deviceClashes(machine: DeviceSpanning): Iterable<Clash> {
  yield* targets(machine);
  yield* buses(machine);
  yield* controllers(machine);
  yield* names(machine);
  yield* primaries(machine);
  yield* watchdogActions(machine);
  const { graphics, displays = [], serials = [] } = machine;
  if (graphics !== undefined && displays.length > 0 && graphics !== displays[0]!.type) {
    yield {
      path: ["graphics"],
      message: `is "${graphics}", and the first display is ${
        displays[0]!.type
      }: declare displays alone`,
    };
  }
  for (const [index, { type }] of displays.entries()) {
    const first = displays.findIndex((other) => other.type === type);
    if (first === index) continue;
    const path = ["displays", index, "type"];
    yield { path, message: `${type} is displays[${first}] too: a machine has one of each type` };
  }
  if (machine.console === false && serials.length > 0) {
    yield {
      path: ["console"],
      message: "false takes every serial port away, and serials declares some: leave it out",
    };
  }
}

/** QEMU knows one action for all of them. */
function* watchdogActions({ watchdogs = [] }: DeviceSpanning): Iterable<Clash> {
  const first = watchdogs.find(({ action }) => action !== undefined);
  for (const [index, { action }] of watchdogs.entries()) {
    if (action === undefined || action === first!.action) continue;
    const message = `is "${action}", and another is to "${
      first!.action
    }": all watchdogs do the same`;
    yield { path: ["watchdogs", index, "action"], message };
  }
}

function* targets({ disks }: DeviceSpanning): Iterable<Clash> {
  const seen = new Map<unknown, number>();
  for (const [index, { target }] of disks.entries()) {
    if (target === undefined) continue;
    const other = seen.get(target);
    if (other !== undefined) {
      yield {
        path: ["disks", index, "target"],
        message: `${target} is that of disks[${other}] too`,
      };
    }
    seen.set(target, index);
  }
}

/** Machine types of the PCI Express kind have no IDE controller. */
function* buses({ arch = "x86_64", machine, disks, cdroms = [] }: DeviceSpanning): Iterable<Clash> {
  const type = machine ?? (arch === "x86_64" || arch === "i686" ? "q35" : arch);
  if (/^(pc(-i440fx.*)?|isapc|ppc64.*)$/.test(type)) return;
  for (const [list, entries] of Object.entries({ disks, cdroms })) {
    for (const [index, { bus }] of entries.entries()) {
      if (bus !== "ide") continue;
      const path = [list, index, "bus"];
      yield { path, message: `the machine type ${type} has no IDE: write "sata"` };
    }
  }
}

function* controllers({ controllers = [] }: DeviceSpanning): Iterable<Clash> {
  const seen = new Map<string, number>();
  for (const [index, { type, index: number }] of controllers.entries()) {
    if (type === "pci" && number === undefined) continue;
    const key = `${type}${number ?? 0}`;
    const other = seen.get(key);
    if (other !== undefined) {
      const path = ["controllers", index, "index"];
      yield { path, message: `${type} controller ${number ?? 0} is controllers[${other}] too` };
    }
    seen.set(key, index);
  }
}

/** libvirt makes the first video device the primary one where none is, and refuses a second one. */
function* primaries({ videos = [] }: DeviceSpanning): Iterable<Clash> {
  const first = videos.findIndex(({ primary }) => primary === true);
  if (first < 0 && videos[0]?.primary === false) {
    const message = "the first is the primary one where none is: declare primary: true of another";
    yield { path: ["videos", 0, "primary"], message };
  }
  for (const [index, { primary }] of videos.entries()) {
    if (primary !== true || index === first) continue;
    const message = `videos[${first}] is the primary one too: a machine has one`;
    yield { path: ["videos", index, "primary"], message };
  }
}

/** Lists whose devices libvirt knows by no alias. */
const NAMELESS = new Set(["displays", "smartcards"]);

/** A device's name is its alias, and those are unique in a machine. */
function* names(machine: DeviceSpanning): Iterable<Clash> {
  const seen = new Map<string, string>();
  for (const [list, entries] of Object.entries(machine)) {
    if (!Array.isArray(entries) || NAMELESS.has(list)) continue;
    const own = new Set<string>();
    for (const [index, entry] of (entries as readonly Entry[]).entries()) {
      const { name } = entry;
      // Twice in one list is said by the list itself.
      if (typeof name !== "string" || own.has(name)) continue;
      own.add(name);
      const other = seen.get(name);
      if (other !== undefined) {
        const message = `${other} has the name ${name} too: each device has one of its own`;
        yield { path: [list, index, "name"], message };
      } else seen.set(name, `${list}[${index}]`);
    }
  }
}
