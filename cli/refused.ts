/**
 * A plan that must not be carried out: what it would have been is shown, then why it is not.
 *
 * @module
 */

import type { Plan } from "../planner/plan.ts";
import { hasChanges, summarize } from "../planner/summary.ts";
import type { StaddleError } from "../providers/error.ts";
import type { Context } from "./context.ts";
import { throwAll } from "./render/error_text.ts";
import { planText } from "./render/plan_text.ts";

/**
 * Throws the errors, if there are any, after showing what could be planned all the same: what the
 * hosts that answered have.
 */
export function throwWithPlan(
  { terminal }: Context,
  plan: Plan,
  errors: readonly StaddleError[],
  flags: { readonly json?: boolean; readonly events?: string },
): void {
  if (errors.length === 0) return;
  const text = !flags.json && flags.events !== "-";
  if (text && (hasChanges(plan) || plan.drift.length > 0)) {
    terminal.print(planText(plan, { style: terminal.style, summary: summarize(plan) }));
    terminal.print("");
  }
  throwAll(errors);
}

/** The same command once more, for the person to type. */
export function againText(
  command: string,
  argument: string,
  flags: {
    readonly param?: readonly string[];
    readonly target?: readonly string[];
    readonly exclude?: readonly string[];
  },
  more: readonly string[] = [],
): string {
  const words = ["staddle", command, argument, ...more];
  for (const name of ["param", "target", "exclude"] as const) {
    for (const value of flags[name] ?? []) words.push(`--${name}`, value);
  }
  return words.map(quote).join(" ");
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
