/**
 * A plan as text, in the symbols and words that Terraform's users read.
 *
 * @module
 */

import type { Drift, Plan, Summary } from "../../planner/plan.ts";
import { hasChanges } from "../../planner/summary.ts";
import type { JsonObject } from "../../providers/provider.ts";
import {
  type Block,
  blocks,
  disruptions,
  driftBlocks,
  type FieldLine,
  outputLines,
  quietNotes,
  type Sign,
} from "./plan_view.ts";
import { partText } from "./part_text.ts";
import { plain, type Style } from "./style.ts";

/** How a plan's text is written. */
export interface PlanTextOptions {
  readonly style?: Style;
  /** Group alike resources; by default when there are many. */
  readonly compact?: boolean;
  readonly summary: Summary;
}

/** The sentence for a plan of a whole stack that does nothing. */
const NO_CHANGES = "No changes. Your infrastructure matches the configuration.";

/** The same where a plan concerns a part of the stack. */
const NO_CHANGES_OF_PART =
  "No changes. This part of your infrastructure matches the configuration.";

/** The sentence for a destruction that finds nothing to destroy. */
export const NOTHING_TO_DESTROY = "No changes. No objects need to be destroyed.";

/** The sentence for a refresh that finds everything as it was. */
export const NOTHING_OUTSIDE =
  "No changes. Your infrastructure is as it was last applied, and the record says so.";

/** The whole text of a plan, without a trailing newline. */
export function planText(plan: Plan, options: PlanTextOptions): string {
  const style = options.style ?? plain;
  const text = plan.mode === "refresh" ? refreshText(plan, style) : changesText(plan, options);
  return plan.part === undefined ? text : `${text}\n${style.warn(partText(plan.part))}`;
}

/** The sentence for a plan that does nothing. */
export function noChanges({ mode, part }: Plan): string {
  if (mode === "destroy") return NOTHING_TO_DESTROY;
  return part === undefined ? NO_CHANGES : NO_CHANGES_OF_PART;
}

function changesText(plan: Plan, options: PlanTextOptions): string {
  const style = options.style ?? plain;
  const parts: string[] = [];
  if (plan.drift.length > 0) parts.push(driftText(plan.drift, style));
  const quiet = quietNotes(plan).map(({ address, notes }) =>
    notes.map((note) => `  ${address}: ${note}`).join("\n")
  );
  if (quiet.length > 0) parts.push(["Notes:", ...quiet].join("\n"));
  if (!hasChanges(plan)) {
    parts.push(style.bold(noChanges(plan)));
    return parts.join("\n\n");
  }
  const acting = blocks(plan, { compact: options.compact });
  if (acting.length > 0) {
    const verb = plan.mode === "destroy" ? "destroy" : "apply";
    parts.push(
      `Staddle will ${verb} stack "${plan.stack.name}"${parametersText(plan.stack.parameters)}:`,
    );
    parts.push(...acting.map((block) => blockText(block, style)));
  }
  const outputs = outputLines(plan.outputs);
  if (outputs.length > 0) {
    parts.push(["Changes to outputs:", ...fieldTexts(outputs, style, "  ")].join("\n"));
  }
  parts.push(summaryText(plan, options.summary, style));
  return parts.join("\n\n");
}

function refreshText(plan: Plan, style: Style): string {
  if (plan.resources.length === 0) return style.bold(NOTHING_OUTSIDE);
  const parts = plan.drift.length > 0 ? [driftText(plan.drift, style)] : [];
  const drifted = new Set(plan.drift.map(({ address }) => address));
  const rest = plan.resources.map(({ address }) => address).filter((one) => !drifted.has(one));
  if (rest.length > 0) {
    const shown = rest.slice(0, 8).join(", ");
    const more = rest.length > 8 ? ` and ${rest.length - 8} more` : "";
    parts.push(`Changed only where nothing is declared: ${shown}${more}`);
  }
  parts.push(
    style.bold("This is a refresh-only plan: the record takes these changes over.") +
      "\nNo host is touched, and what the stack declares stays as it is: where the two differ, the " +
      "next plan says so.",
  );
  return parts.join("\n\n");
}

/** The objects that differ from what was last applied. */
export function driftText(drift: readonly Drift[], style: Style = plain): string {
  return [
    "Note: Objects have changed outside of Staddle since the last apply:",
    ...driftBlocks(drift).map((block) => blockText(block, style)),
  ].join("\n\n");
}

/** `Plan: 1 to add, 0 to change, 0 to destroy.` */
export function summaryLine(summary: Summary): string {
  const imported = summary.import === undefined ? "" : `${summary.import} to import, `;
  return `Plan: ${imported}${summary.add} to add, ${summary.change} to change, ${summary.destroy} to destroy.`;
}

function summaryText(plan: Plan, summary: Summary, style: Style): string {
  const lines = disruptions(plan).map(({ disruption, address, paths }) =>
    style.warn(`${disruption}: ${address} (${paths.join(", ")})`)
  );
  const shown = lines.length > 8 ? [...lines.slice(0, 7), `… ${lines.length - 7} more`] : lines;
  if (plan.resources.every((resource) => resource.action === "no-op")) {
    return plan.steps.length > 0
      ? style.bold(summaryLine(summary))
      : "Only outputs change: applying stores their new values and touches no host.";
  }
  return [...shown, style.bold(summaryLine(summary))].join("\n");
}

function parametersText(parameters: JsonObject): string {
  const entries = Object.entries(parameters).filter(([, value]) => value !== undefined);
  if (entries.length === 0) return "";
  const text = entries.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(", ");
  return text.length > 100 ? "" : ` (${text})`;
}

function blockText(block: Block, style: Style): string {
  const paint = painter(block.sign, style);
  const count = block.count > 1 ? ` (${block.count})` : "";
  return [
    `${pad(block.sign)}${paint(block.sign)} ${style.bold(block.address)}${count} ${block.sentence}`,
    ...fieldTexts(block.fields, style, "      "),
    ...block.notes.map((note) => `        ${style.dim(`note: ${note}`)}`),
  ].join("\n");
}

/** Symbols end in the same column, whatever their width. */
function pad(sign: Sign): string {
  return " ".repeat(Math.max(0, 4 - sign.length));
}

/** Widest column of paths; longer ones push their value to the right. */
const PATH_COLUMN = 32;

function fieldTexts(fields: readonly FieldLine[], style: Style, indent: string): string[] {
  const width = Math.min(PATH_COLUMN, Math.max(0, ...fields.map((field) => field.path.length)));
  return fields.flatMap((field) => {
    const paint = painter(field.sign, style);
    const how = field.disruption === undefined ? "" : ` ${style.dim(`(${field.disruption})`)}`;
    const lines = (field.lines ?? []).map((line) =>
      `${indent}    ${painter(line.sign, style)(line.sign)}| ${line.text}`.trimEnd()
    );
    const sign = `${field.sign.length > 1 ? indent.slice(field.sign.length - 1) : indent}${
      paint(field.sign)
    }`;
    return [`${sign} ${field.path.padEnd(width)}  ${field.text}${how}`, ...lines];
  });
}

function painter(sign: Sign, style: Style): (text: string) => string {
  if (sign === "+") return style.add;
  if (sign === "-" || sign === "-/+") return style.destroy;
  if (sign === "~") return style.change;
  return (text) => text;
}
