/**
 * A plan as a comment on a pull request.
 *
 * @module
 */

import type { Plan, Summary } from "../../planner/plan.ts";
import { hasChanges } from "../../planner/summary.ts";
import { partText } from "./part_text.ts";
import { noChanges, planText, summaryLine } from "./plan_text.ts";
import { type Block, blocks } from "./plan_view.ts";

/** GitHub cuts a comment beyond this many characters. */
export const COMMENT_LIMIT = 65_535;

/** How a comment is written. */
export interface MarkdownOptions {
  readonly summary: Summary;
  /** Most characters; what does not fit is left out from the most detailed part on. */
  readonly limit?: number;
}

/** The hidden first line by which an earlier comment on the same stack is found again. */
export function commentMarker(stack: string): string {
  return `<!-- staddle-plan: ${stack.replace(/--+|[<>]/g, "-")} -->`;
}

/** The whole comment. The summary is never left out. */
export function planMarkdown(plan: Plan, options: MarkdownOptions): string {
  const limit = options.limit ?? COMMENT_LIMIT;
  const head = headText(plan, options.summary);
  if (!hasChanges(plan) && plan.drift.length === 0) return `${head}\n`;
  const lists = listsText(blocks(plan, { compact: false }));
  const variants = [
    () => body(lists, fence(planText(plan, { summary: options.summary, compact: false }))),
    () => body(lists, fence(planText(plan, { summary: options.summary, compact: true }))),
    () => body(lists, "The details are too long for a comment."),
    () =>
      body(listsText(blocks(plan, { compact: true })), "The details are too long for a comment."),
  ];
  for (const variant of variants) {
    const text = `${head}\n\n${variant()}\n`;
    if (text.length <= limit) return text;
  }
  return `${head}\n\nThe plan is too long for a comment: see it with \`staddle show\`.\n`;
}

function headText(plan: Plan, summary: Summary): string {
  const verb = plan.mode === "apply" ? "" : `${plan.mode} `;
  const parts = [
    commentMarker(plan.stack.name),
    `### Staddle plan: ${verb}${code(plan.stack.name)}`,
  ];
  const doomed = plan.resources.filter(({ action }) => action === "delete" || action === "replace");
  if (doomed.length > 0) {
    const names = doomed.slice(0, 10).map(({ address }) => code(address)).join(", ");
    const more = doomed.length > 10 ? ` and ${doomed.length - 10} more` : "";
    const many = doomed.length === 1 ? "1 resource" : `${doomed.length} resources`;
    parts.push(`> [!CAUTION]\n> **${many} will be destroyed or replaced:** ${names}${more}`);
  }
  if (plan.drift.length > 0) {
    const names = plan.drift.slice(0, 10).map(({ address }) => code(address)).join(", ");
    const more = plan.drift.length > 10 ? ` and ${plan.drift.length - 10} more` : "";
    parts.push(
      `> [!NOTE]\n> Objects have changed outside of Staddle since the last apply: ${names}${more}`,
    );
  }
  if (plan.mode === "refresh") parts.push("**Refresh only: no host is touched.**");
  else parts.push(`**${hasChanges(plan) ? summaryLine(summary) : noChanges(plan)}**`);
  // In code, for a pattern may hold what Markdown reads.
  if (plan.part !== undefined) parts.push(partText(plan.part, code));
  return parts.join("\n\n");
}

const TITLES: readonly (readonly [Block["action"], string])[] = [
  ["create", "Create"],
  ["update", "Update in place"],
  ["replace", "Replace"],
  ["delete", "Destroy"],
  ["forget", "Forget"],
];

function listsText(all: readonly Block[]): string {
  return TITLES.flatMap(([action, title]) => {
    const entries = all.filter((block) => block.action === action);
    if (entries.length === 0) return [];
    const count = entries.reduce((sum, block) => sum + block.count, 0);
    return [
      [
        `**${title} (${count})**`,
        "",
        ...entries.map((block) => {
          const fields = block.action === "update" || block.action === "replace"
            ? `: ${
              block.fields.map((field) => `${field.path} (${field.disruption ?? ""})`).join(", ")
            }`
            : "";
          return `- ${code(block.address)}${fields}`;
        }),
      ].join("\n"),
    ];
  }).join("\n\n");
}

function body(lists: string, details: string): string {
  return [
    "<details><summary>Show the plan</summary>",
    ...(lists === "" ? [] : [lists]),
    details,
    "</details>",
  ].join("\n\n");
}

/** GitHub colours a line by its first character, so the symbols move there; `!` is a change. */
function fence(text: string): string {
  const lines = text.split("\n").map((line) => {
    const found = /^(\s*)(-\/\+|[+~-])([ |].*)$/.exec(line);
    if (found === null) return line.startsWith("Plan:") ? line : ` ${line}`;
    const sign = found[2] === "+" ? "+" : found[2] === "-" ? "-" : "!";
    return `${sign}${found[1]!.slice(1)}${found[2]}${found[3]}`;
  });
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((run) => run[0].length));
  const ticks = "`".repeat(longest + 1);
  return `${ticks}diff\n${lines.join("\n")}\n${ticks}`;
}

function code(text: string): string {
  const ticks = "`".repeat(
    Math.max(0, ...[...text.matchAll(/`+/g)].map((run) => run[0].length)) + 1,
  );
  return `${ticks}${text.replaceAll("\n", " ")}${ticks}`;
}
