/**
 * Flags that several commands share.
 *
 * @module
 */

import type { TypedFlagParameter } from "@stricli/core";
import type { Disruption } from "../providers/provider.ts";
import { StaddleError } from "../providers/error.ts";
import type { Context } from "./context.ts";

/** Flags of every command that evaluates a stack. */
export interface StackFlags {
  readonly param?: readonly string[];
}

/** Flags of every command that plans. */
export interface PlanFlags extends StackFlags {
  readonly target?: readonly string[];
  readonly exclude?: readonly string[];
}

/** Degrees of disruption, in rising order. */
export const DISRUPTIONS = [
  "live",
  "next-boot",
  "restart",
  "replace",
] as const satisfies readonly Disruption[];

/** `--param key=value`, repeated. */
export const param: TypedFlagParameter<readonly string[] | undefined, Context> = {
  kind: "parsed",
  parse: String,
  brief: "A parameter of the stack; may be repeated",
  placeholder: "key=value",
  optional: true,
  variadic: true,
};

/** `--target ADDRESS`, repeated. */
export const target: TypedFlagParameter<readonly string[] | undefined, Context> = {
  kind: "parsed",
  parse: String,
  brief: "Only what matches, and what it needs: an address, may hold *; may be repeated",
  placeholder: "address",
  optional: true,
  variadic: true,
  proposeCompletions: proposeAddresses,
};

/** `--exclude ADDRESS`, repeated. */
export const exclude: TypedFlagParameter<readonly string[] | undefined, Context> = {
  kind: "parsed",
  parse: String,
  brief: "Leave out what matches, and what needs it; 'host/*' leaves a host unread",
  placeholder: "address",
  optional: true,
  variadic: true,
  proposeCompletions: proposeAddresses,
};

/** `--json`. */
export const json: TypedFlagParameter<boolean | undefined, Context> = {
  kind: "boolean",
  brief: "Print JSON",
  optional: true,
  withNegated: false,
};

/** A flag that is there or not. */
export function toggle(brief: string): TypedFlagParameter<boolean | undefined, Context> {
  return { kind: "boolean", brief, optional: true, withNegated: false };
}

/** A flag that names a file. */
export function file(brief: string): TypedFlagParameter<string | undefined, Context> {
  return { kind: "parsed", parse: String, brief, placeholder: "file", optional: true };
}

/** `--break-dependents`. */
export const breakDependents: TypedFlagParameter<boolean | undefined, Context> = toggle(
  "Go on though another stack would break that uses outputs of this one",
);

/** `--max-disruption`. */
export const maxDisruption: TypedFlagParameter<Disruption | undefined, Context> = {
  kind: "enum",
  values: DISRUPTIONS,
  brief: "Refuse a plan with a change that disrupts more than this",
  optional: true,
};

/** `--parallelism N`. */
export const parallelism: TypedFlagParameter<number | undefined, Context> = {
  kind: "parsed",
  parse: positiveInteger,
  brief: "Most steps in flight at once",
  placeholder: "n",
  optional: true,
};

/** A whole number from 1 on. */
export function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new StaddleError({
      code: "usage.bad-number",
      summary: `"${text}" is not a whole number from 1 on`,
      help: "write it in digits, for example 4",
    });
  }
  return Number(text);
}

/** `--claim ADDRESS`, repeated. */
export const claim: TypedFlagParameter<readonly string[] | undefined, Context> = {
  kind: "parsed",
  parse: String,
  brief: "Take a volume for the stack's that nothing on the host speaks for; may hold *",
  placeholder: "address",
  optional: true,
  variadic: true,
};

/** Flags of every command that plans. */
export const planning = { param, target, exclude } as const;

/** Flags of every command that carries a plan out. */
export const running = {
  yes: toggle("Do not ask"),
  breakDependents,
  allowHooks: toggle("Run the commands that the stack wants run on this machine"),
  parallelism,
  events: file("Write events to this file, a JSON object a line; - is standard output"),
  json: toggle("Write events to standard output instead of text"),
} as const;

/** Flags of every command that shows a plan. */
export const showing = {
  compact: toggle("Group alike resources, as is done by itself when there are many"),
  full: toggle("Show every resource, however many"),
} as const;

/** Whether a plan is shown in groups; undefined leaves that to how many resources there are. */
export function compactness(
  flags: { readonly compact?: boolean; readonly full?: boolean },
): boolean | undefined {
  return flags.compact ? true : flags.full ? false : undefined;
}

async function proposeAddresses(this: Context, partial: string): Promise<readonly string[]> {
  const { recordedAddresses } = await import("./completion/addresses.ts");
  return await recordedAddresses(this.words, partial);
}
