/**
 * What happens when the guest powers off, reboots, crashes or sleeps; and where it is accounted.
 *
 * @module
 */

import { z } from "zod";
import { type ChangeClass, field, group, shapeOf, type Table, text } from "../../../table/mod.ts";
import { getPath, setPath } from "../../../xml/mod.ts";
import { since, toggle, word, words, YES_NO } from "./bits.ts";
import { uuid } from "./common.ts";

const ACTIONS = ["destroy", "restart", "preserve", "rename-restart"] as const;

/** An action, with what libvirt does where none stands. */
const action = <const Words extends readonly string[]>(
  path: string,
  words: Words,
  usual: string,
  doc: string,
  change: ChangeClass,
) =>
  field({
    schema: () => z.enum(words).optional().describe(doc),
    binding: text(path),
    change,
    equal: (declared, actual) => declared === (actual ?? usual),
  });

const pm = {
  suspendToMemory: toggle("./pm/suspend-to-mem/@enabled", YES_NO, "The guest may sleep (S3)."),
  suspendToDisk: toggle("./pm/suspend-to-disk/@enabled", YES_NO, "The guest may hibernate (S4)."),
} satisfies Table;

/** Lifecycle actions, power management, partition. */
export const power = {
  onPoweroff: action(
    "./on_poweroff",
    ACTIONS,
    "destroy",
    "What happens when the guest powers off; destroy: it is off, and its resources are free. QEMU " +
      "has destroy and restart: the others are refused when planned.",
    "live",
  ),
  onReboot: action(
    "./on_reboot",
    ACTIONS,
    "restart",
    "What happens when the guest reboots. QEMU has restart, and destroy where onPoweroff is destroy: " +
      "the others are refused when planned.",
    "live",
  ),
  onCrash: action(
    "./on_crash",
    [...ACTIONS, "coredump-destroy", "coredump-restart"],
    "destroy",
    "What happens when the guest crashes. QEMU has no rename-restart: it is refused when planned.",
    "live",
  ),
  onLockFailure: word(
    "./on_lockfailure",
    ["poweroff", "restart", "pause", "ignore"],
    "What happens when the lock of a disk is lost.",
  ),
  pm: group({
    schema: () =>
      z.strictObject(shapeOf(pm)).optional()
        .describe("Whether the guest's firmware offers it sleep."),
    fields: pm,
  }),
  partition: words(
    "./resource/partition",
    "Resource partition of the host (a cgroup) in which the machine runs, for example `/machine`.",
  ),
  fibreChannelAppId: since(
    "7.7.0",
    words(
      "./resource/fibrechannel/@appid",
      "Name by which a Fibre Channel fabric tells the machine's traffic from others'.",
    ),
  ),
  generationId: field({
    schema: () =>
      z.union([uuid, z.boolean()], { error: "must be a UUID, true or false" }).optional().describe(
        "Lets the guest notice that it was copied or put back: true for an identifier of libvirt's.",
      ),
    binding: {
      path: "./genid",
      read: (domain) => getPath(domain, "./genid"),
      write: (domain, value) =>
        setPath(
          domain,
          "./genid",
          value === undefined || value === false ? undefined : value === true ? "" : `${value}`,
        ),
    },
    change: "restart",
    equal: (declared, actual) =>
      typeof declared === "boolean" ? declared === (actual !== undefined) : declared === actual,
  }),
} satisfies Table;
