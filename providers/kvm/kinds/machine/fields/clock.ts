/**
 * The guest's clock, and the timers that it finds.
 *
 * @module
 */

import { z } from "zod";
import { field, group, integer, shapeOf, type Table, text } from "../../../table/mod.ts";
import { getPath } from "../../../xml/mod.ts";
import { toggle, whole, word, words, YES_NO } from "./bits.ts";
import { always } from "./common.ts";
import { distinctBy, entries } from "./entries.ts";

const catchup = {
  threshold: whole("./catchup/@threshold", [1, 2 ** 31], "Lag from which it catches up, ms."),
  slew: whole("./catchup/@slew", [1, 2 ** 31], "Most that it runs ahead by, per million."),
  limit: whole("./catchup/@limit", [1, 2 ** 31], "Lag beyond which it gives up, ms."),
} satisfies Table;

const timers = {
  name: field({
    schema: () =>
      z.enum([
        "platform",
        "hpet",
        "kvmclock",
        "pit",
        "rtc",
        "tsc",
        "hypervclock",
        "armvtimer",
      ]).describe("Which timer."),
    binding: text("./@name"),
    change: "restart",
    equal: always,
  }),
  present: toggle("./@present", YES_NO, "Whether the guest finds it."),
  tickPolicy: word(
    "./@tickpolicy",
    ["delay", "catchup", "merge", "discard"],
    "What becomes of ticks that the guest missed.",
  ),
  track: word("./@track", ["boot", "guest", "wall", "realtime"], "What the timer follows."),
  frequency: whole("./@frequency", [1, 2 ** 40], "Hertz, for tsc."),
  mode: word(
    "./@mode",
    ["auto", "native", "emulate", "paravirt", "smpsafe"],
    "How tsc is given to the guest.",
  ),
  catchup: group({
    schema: () =>
      z.strictObject(shapeOf(catchup)).optional()
        .describe("How missed ticks are caught up on, with tickPolicy catchup."),
    fields: catchup,
  }),
} satisfies Table;

/** Which members go with which timers, in the order in which libvirt looks. */
const OF_TIMERS = {
  tickPolicy: ["platform", "hpet", "pit", "rtc", "tsc", "armvtimer"],
  track: ["platform", "rtc"],
  frequency: ["tsc"],
  mode: ["tsc"],
} as const;

const timerEntry = () =>
  z.strictObject(shapeOf(timers)).superRefine((timer, context) => {
    for (const [member, names] of Object.entries(OF_TIMERS)) {
      if (timer[member as keyof typeof OF_TIMERS] === undefined) continue;
      if ((names as readonly string[]).includes(timer.name)) continue;
      const message = `goes with ${
        names.map((name) => `"${name}"`).join(" or ")
      }, and this timer ` +
        `is "${timer.name}"`;
      context.addIssue({ code: "custom", path: [member], message });
    }
    if (timer.catchup === undefined || timer.tickPolicy === "catchup") return;
    context.addIssue({
      code: "custom",
      path: ["catchup"],
      message: 'goes with tickPolicy "catchup"',
    });
  });

const OFFSETS = ["utc", "localtime", "timezone", "variable", "absolute"] as const;

const members = {
  offset: word(
    "./clock/@offset",
    OFFSETS,
    "utc; localtime: the host's zone, as Windows expects it; timezone: the zone declared; " +
      "variable: so many seconds from basis; absolute: from start.",
  ),
  timezone: words("./clock/@timezone", "Zone, for example `Europe/Vienna`."),
  adjustment: field({
    schema: () =>
      z.union([z.int(), z.literal("reset")], {
        error: 'must be a whole number of seconds, or "reset"',
      }).optional().describe(
        "Seconds from the basis; the guest may move it on. `reset`: a clock that the guest has set " +
          "starts anew with it.",
      ),
    binding: {
      path: "./clock/@adjustment",
      read: (domain) => {
        const found = getPath(domain, "./clock/@adjustment");
        return found === undefined || found === "reset" ? found : Number(found);
      },
      write: text("./clock/@adjustment").write,
    },
    change: "restart",
  }),
  basis: word("./clock/@basis", ["utc", "localtime"], "What a variable offset counts from."),
  start: field({
    schema: () =>
      z.int().min(0).optional().describe(
        "Seconds since 1970 at which an absolute clock starts.",
      ),
    binding: integer("./clock/@start"),
    change: "restart",
  }),
  timers: entries({
    schema: () =>
      z.array(timerEntry()).superRefine(distinctBy("name")).optional()
        .describe("Timers; others are left alone."),
    parent: "./clock",
    element: "timer",
    attribute: "name",
    key: "name",
    fields: timers,
  }),
} satisfies Table;

/** Which members go with which offset. */
const GOES_WITH: Readonly<Record<string, readonly string[]>> = {
  timezone: ["timezone"],
  adjustment: ["variable", "utc", "localtime"],
  basis: ["variable"],
  start: ["absolute"],
};

/** Clock. */
export const clock = {
  clock: group({
    schema: () =>
      z.strictObject(shapeOf(members)).superRefine((declared, context) => {
        for (const [name, offsets] of Object.entries(GOES_WITH)) {
          if (declared[name as keyof typeof declared] === undefined) continue;
          if (declared.offset !== undefined && offsets.includes(declared.offset)) continue;
          const message = `goes with offset ${offsets.map((word) => `"${word}"`).join(" or ")}`;
          context.addIssue({ code: "custom", path: [name], message });
        }
      }).optional().describe("Clock of the guest."),
    fields: members,
  }),
} satisfies Table;
