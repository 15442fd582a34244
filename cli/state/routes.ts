/**
 * The commands below `staddle state`: their arguments, their help.
 *
 * @module
 */

import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import { recordedArgument } from "../arguments.ts";
import type { StateFlags } from "../commands/state.ts";
import type { CheckFlags, RebuildFlags, RotateFlags } from "../commands/state_care.ts";
import type { MoveFlags, RemoveFlags } from "../commands/state_edit.ts";
import type { LockFlags, UnlockFlags } from "../commands/state_lock.ts";
import type { MigrateFlags, PushFlags } from "../commands/state_transfer.ts";
import type { Context } from "../context.ts";
import { claim, json, param, toggle } from "../flags.ts";

const recordedAddress = {
  brief: "Address of the resource",
  parse: String,
  placeholder: "address",
  proposeCompletions: async function (this: Context, partial: string) {
    const { recordedAddresses } = await import("../completion/addresses.ts");
    return await recordedAddresses(this.words, partial);
  },
} as const;

const dryRun = toggle("Only say what would be done");
const oneRecorded = { kind: "tuple", parameters: [recordedArgument] } as const;

/** `staddle state …`. */
export const state: RouteMap<Context> = buildRouteMap<string, Context>({
  routes: {
    list: buildCommand<StateFlags, [string?], Context>({
      loader: async () => (await import("../commands/state.ts")).list,
      parameters: {
        flags: { json },
        positional: {
          kind: "tuple",
          parameters: [{ ...recordedArgument, optional: true }],
        },
      },
      docs: { brief: "List what a stack owns; without a stack, list the recorded stacks" },
    }),
    show: buildCommand<StateFlags, [string, string], Context>({
      loader: async () => (await import("../commands/state.ts")).show,
      parameters: {
        flags: { json },
        positional: { kind: "tuple", parameters: [recordedArgument, recordedAddress] },
      },
      docs: { brief: "Show what is recorded of a resource" },
    }),
    mv: buildCommand<MoveFlags, [string, string, string], Context>({
      loader: async () => (await import("../commands/state_edit.ts")).move,
      parameters: {
        flags: {
          toStack: {
            kind: "parsed",
            parse: String,
            brief: "The stack that it is to belong to: file, folder or recorded name",
            placeholder: "stack",
            optional: true,
          },
          dryRun,
        },
        positional: {
          kind: "tuple",
          parameters: [recordedArgument, { ...recordedAddress, placeholder: "source" }, {
            brief: "Its new address; <stack>:<address> in another stack",
            parse: String,
            placeholder: "destination",
          }],
        },
      },
      docs: {
        brief: "Give a resource another address, also in another stack",
        fullDescription:
          "Give a resource another address, also in another stack. It stays on the host as it is, with its " +
          "UUID, MAC addresses and name; a machine takes the disks and the seed along that are declared " +
          "in it. A scope moves with all that is below it: staddle state mv shop lab/a lab/b",
      },
    }),
    rm: buildCommand<RemoveFlags, [string, ...string[]], Context>({
      loader: async () => (await import("../commands/state_edit.ts")).remove,
      parameters: {
        flags: {
          dryRun,
          keepMark: toggle("Leave the stack's mark on what stays; no host is asked"),
        },
        positional: {
          kind: "array",
          parameter: {
            ...recordedAddress,
            brief: "The stack, then addresses; they may hold *",
            placeholder: "stack|address",
          },
          minimum: 2,
        },
      },
      docs: {
        brief: "Forget resources without destroying them",
        fullDescription:
          "Forget resources without destroying them. What they stand for stays on its host as it is; the " +
          "mark of the stack is taken off machines and networks, so that a stack which still declares " +
          "them says that they are not its own: take the declaration out, or take them over again with " +
          "staddle import. With --keep-mark no host is asked, and such a stack takes them back. A pool " +
          "has no mark: it is known by its UUID, and taken back in any case.",
      },
    }),
    pull: buildCommand<Record<never, never>, [string], Context>({
      loader: async () => (await import("../commands/state_transfer.ts")).pull,
      parameters: { positional: oneRecorded },
      docs: { brief: "Print all that is recorded of a stack, as JSON" },
    }),
    push: buildCommand<PushFlags, [string, string], Context>({
      loader: async () => (await import("../commands/state_transfer.ts")).push,
      parameters: {
        flags: {
          force: toggle("Though lineage or serial do not fit; a broken record is kept aside"),
        },
        positional: {
          kind: "tuple",
          parameters: [recordedArgument, {
            brief: "What state pull printed; - is standard input",
            parse: String,
            placeholder: "file",
          }],
        },
      },
      docs: { brief: "Put a pulled record in the place of a stack's" },
    }),
    migrate: buildCommand<MigrateFlags, [string, string, ...string[]], Context>({
      loader: async () => (await import("../commands/state_transfer.ts")).migrate,
      parameters: {
        flags: {
          keep: toggle("Leave the records in the first store as well"),
          force: toggle("Though the second store has other records of these stacks"),
        },
        positional: {
          kind: "array",
          parameter: {
            brief: "From which store, to which, as STADDLE_STATE names them; then stacks, or all",
            parse: String,
            placeholder: "from|to|stack",
          },
          minimum: 2,
        },
      },
      docs: { brief: "Move records from one store to another" },
    }),
    lock: buildCommand<LockFlags, [string], Context>({
      loader: async () => (await import("../commands/state_lock.ts")).lock,
      parameters: {
        flags: {
          for: {
            kind: "parsed",
            parse: async (text: string) =>
              (await import("../commands/state_lock.ts")).parseDuration(text),
            brief: "How long, unless it is unlocked before: 90s, 30m, 2h, 1d",
            placeholder: "time",
            default: "1h",
          },
        },
        positional: oneRecorded,
      },
      docs: { brief: "Take a stack's lock, so that nobody applies meanwhile" },
    }),
    unlock: buildCommand<UnlockFlags, [string], Context>({
      loader: async () => (await import("../commands/state_lock.ts")).unlock,
      parameters: {
        flags: { yes: toggle("Do not ask, whoever holds it") },
        aliases: { y: "yes" },
        positional: oneRecorded,
      },
      docs: { brief: "Break a stack's lock: the run that held it can write no more" },
    }),
    check: buildCommand<CheckFlags, [string?], Context>({
      loader: async () => (await import("../commands/state_care.ts")).check,
      parameters: {
        flags: { json },
        positional: { kind: "tuple", parameters: [{ ...recordedArgument, optional: true }] },
      },
      docs: { brief: "Say what is wrong with a record; without a stack, with all that are here" },
    }),
    rebuild: buildCommand<RebuildFlags, [string, ...string[]], Context>({
      loader: async () => (await import("../commands/state_care.ts")).rebuild,
      parameters: {
        flags: {
          param,
          claim,
          force: toggle("Though there is a record; one that is broken is kept aside"),
          dryRun,
        },
        positional: {
          kind: "array",
          parameter: {
            brief: "The stack's file, folder or name; URIs of further hosts behind it",
            parse: String,
            placeholder: "stack|uri",
          },
          minimum: 1,
        },
      },
      docs: {
        brief: "Make a lost record anew from what the hosts have",
        fullDescription:
          "Make a lost record anew from what the hosts have. Machines, networks and pools are found by their " +
          "derived identity and the stack's mark, volumes by their name and by the machines that use them. " +
          "No host is changed.",
      },
    }),
    rotate: buildCommand<RotateFlags, [string], Context>({
      loader: async () => (await import("../commands/state_care.ts")).rotate,
      parameters: {
        flags: {
          to: {
            kind: "parsed",
            parse: String,
            brief: "An age recipient that may read it; may be repeated; else the configured keys",
            placeholder: "recipient",
            optional: true,
            variadic: true,
          },
          plain: toggle("Leave it readable for everyone who can read the store"),
        },
        positional: oneRecorded,
      },
      docs: { brief: "Encrypt a stack's record anew, under a new key" },
    }),
  },
  docs: { brief: "Look at the record of what a stack owns, repair it, and move it" },
});
