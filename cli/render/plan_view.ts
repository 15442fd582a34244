/**
 * A plan laid out for reading, before it becomes text or Markdown: one block for each resource that
 * something happens to, or for each group of alike resources when there are many.
 *
 * @module
 */

import type { Disruption, FieldChange, Json } from "../../providers/provider.ts";
import type {
  Action,
  Drift,
  OutputChange,
  Plan,
  Reason,
  ResourcePlan,
} from "../../planner/plan.ts";
import { touches } from "../../planner/decide/options.ts";
import { type DiffLine, lineDiff } from "./line_diff.ts";
import { formatValue, rows, SENSITIVE } from "./values.ts";

/** The symbols that Terraform's users know; `.` is what is merely forgotten. */
export type Sign = "+" | "~" | "-" | "-/+" | "." | " ";

/** One field of a block. */
export interface FieldLine {
  readonly sign: Sign;
  readonly path: string;
  readonly text: string;
  readonly disruption?: Disruption;
  /** Lines of a text with several lines. */
  readonly lines?: readonly DiffLine[];
}

/** What happens to a resource, or to a group of alike ones. */
export interface Block {
  readonly sign: Sign;
  readonly action: Action;
  /** `lab/machine.web-0`, or `lab/machine.web-{0…249}` for a group. */
  readonly address: string;
  /** `will be created`, with the reason where it is not the obvious one. */
  readonly sentence: string;
  /** How many resources it stands for. */
  readonly count: number;
  readonly fields: readonly FieldLine[];
  readonly notes: readonly string[];
}

const SIGNS: Readonly<Record<Action, Sign>> = {
  "no-op": " ",
  create: "+",
  update: "~",
  replace: "-/+",
  delete: "-",
  forget: ".",
};

const SENTENCES: Readonly<Record<Action, string>> = {
  "no-op": "does not change",
  create: "will be created",
  update: "will be updated in place",
  replace: "must be replaced",
  delete: "will be destroyed",
  forget: "will be forgotten, and left as it is on the host",
};

const BECAUSE: Partial<Readonly<Record<Reason, string>>> = {
  renamed: "it was renamed",
  unmarked: "its mark is gone",
  "gone-from-host": "it is gone from the host",
  "not-declared": "it is no longer declared",
  "half-made": "a run was stopped while it worked on this",
  "half-deleted": "a run was stopped while it destroyed this",
  "wait-unfinished": "its wait condition has not been met",
};

/** Above this many actions a plan is shown in groups, unless the person wants it all. */
export const COMPACT_ABOVE = 60;

/** The blocks of a plan, in the plan's own order. */
export function blocks(plan: Plan, options: { readonly compact?: boolean } = {}): Block[] {
  const acting = plan.resources.filter((resource) => resource.action !== "no-op");
  const single = acting.map(block);
  return options.compact ?? acting.length > COMPACT_ABOVE ? grouped(single, acting) : single;
}

/** What people should know about resources that do not change. */
export function quietNotes(plan: Plan): { address: string; notes: readonly string[] }[] {
  return plan.resources
    .filter((resource) => resource.action === "no-op" && resource.notes.length > 0)
    .map(({ address, notes }) => ({ address, notes }));
}

function block(resource: ResourcePlan): Block {
  const because = BECAUSE[resource.reason];
  const how = resource.action === "update" && resource.disruption !== undefined
    ? ` (${resource.disruption})`
    : "";
  const imported = resource.reason === "to-import";
  const sentence = imported
    ? resource.changes.length === 0 ? "will be imported" : "will be imported and updated in place"
    : resource.reason === "wait-unfinished" || resource.reason === "half-made"
    ? resource.action === "create" ? SENTENCES.create : "will be finished"
    : SENTENCES[resource.action];
  return {
    sign: imported && resource.changes.length === 0 ? " " : SIGNS[resource.action],
    action: resource.action,
    address: resource.address,
    sentence: sentence + how + (because === undefined ? "" : `: ${because}`),
    count: 1,
    fields: resource.action === "create"
      ? rows(resource.after ?? resource.resource.spec).map((row) =>
        touches(row.path, resource.resource.sensitive ?? [])
          ? { sign: "+" as const, path: row.path, text: SENSITIVE }
          : {
            sign: "+" as const,
            path: row.path,
            text: row.text,
            lines: row.lines?.map((text) => ({ sign: " " as const, text })),
          }
      )
      : resource.changes.map((change) => changeLine(change)),
    notes: resource.notes,
  };
}

/** One changed field: `~ vcpus  2 -> 4 (live)`. */
export function changeLine(change: FieldChange): FieldLine {
  const { before, after, format } = change;
  const sign: Sign = change.disruption === "replace"
    ? "-/+"
    : before === undefined
    ? "+"
    : after === undefined
    ? "-"
    : "~";
  const line = { sign, path: change.path, disruption: change.disruption };
  if (format === "sensitive") return { ...line, text: SENSITIVE };
  if (isLongText(before) || isLongText(after)) {
    const diff = lineDiff(asText(before), asText(after));
    return { ...line, text: "(text)", lines: diff };
  }
  if (before === undefined) return { ...line, text: formatValue(after, format) };
  if (after === undefined) return { ...line, text: formatValue(before, format) };
  return { ...line, text: `${formatValue(before, format)} -> ${formatValue(after, format)}` };
}

function isLongText(value: Json | undefined): value is string {
  return typeof value === "string" && value.includes("\n");
}

function asText(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/**
 * Puts neighbours together whose addresses differ in numbers only and to which the same happens.
 * A field that is the same in all of them is shown as it is, any other by its first and last value.
 */
function grouped(single: readonly Block[], acting: readonly ResourcePlan[]): Block[] {
  const groups = new Map<string, Block[]>();
  single.forEach((entry, index) => {
    const shape = entry.address.replace(/\d+/g, "#");
    const host = acting[index]!.host;
    const key = [host, entry.action, shape, entry.sentence, ...entry.fields.map(signature)].join(
      "\n",
    );
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  });
  return [...groups.values()].map(merge);
}

function signature(field: FieldLine): string {
  return `${field.sign} ${field.path.replace(/\d+/g, "#")} ${field.disruption ?? ""}`;
}

function merge(group: readonly Block[]): Block {
  const first = group[0]!;
  if (group.length === 1) return first;
  return {
    ...first,
    address: mergeText(group.map((entry) => entry.address)),
    count: group.length,
    fields: first.fields.map((field, index) => {
      const all = group.map((entry) => entry.fields[index]!);
      const texts = new Set(all.map((entry) => entry.text));
      const path = mergeText(all.map((entry) => entry.path));
      if (texts.size === 1) return { ...field, path };
      return { ...field, path, text: mergeText(all.map((entry) => entry.text)), lines: undefined };
    }),
    notes: [...new Set(group.flatMap((entry) => entry.notes))],
  };
}

/** One text for many: what is equal stays, `web-{0…249}` where numbers differ, `a…z` elsewhere. */
function mergeText(texts: readonly string[]): string {
  return mergeParts(texts, /([\s",]+)/, (words) => mergeParts(words, /(\d+)/, mergeNumbers));
}

function mergeParts(
  texts: readonly string[],
  separator: RegExp,
  merge: (parts: readonly string[]) => string,
): string {
  const first = texts[0]!;
  if (texts.every((text) => text === first)) return first;
  const split = texts.map((text) => text.split(separator));
  if (split.some((parts) => parts.length !== split[0]!.length)) return `${first}…${texts.at(-1)}`;
  return split[0]!.map((_, index) => merge(split.map((parts) => parts[index]!))).join("");
}

function mergeNumbers(parts: readonly string[]): string {
  const first = parts[0]!;
  if (parts.every((part) => part === first)) return first;
  if (!parts.every((part) => /^\d+$/.test(part))) return `${first}…${parts.at(-1)}`;
  let low = Infinity;
  let high = -Infinity;
  for (const part of parts) {
    low = Math.min(low, Number(part));
    high = Math.max(high, Number(part));
  }
  return `{${low}…${high}}`;
}

/** Drift, laid out like actions. */
export function driftBlocks(drift: readonly Drift[]): Block[] {
  return drift.map((entry) => ({
    sign: entry.status === "deleted" ? "-" : "~",
    action: entry.status === "deleted" ? "delete" : "update",
    address: entry.address,
    sentence: entry.status === "deleted" ? "is gone from the host" : "has changed",
    count: 1,
    // How the field would be applied says nothing about what someone else did to it.
    fields: entry.status === "deleted" ? [] : entry.changes.map((change) => ({
      ...changeLine({ ...change, disruption: "live" }),
      disruption: undefined,
    })),
    notes: [],
  }));
}

/** Changed outputs. */
export function outputLines(outputs: readonly OutputChange[]): FieldLine[] {
  return outputs.filter((output) => output.action !== "no-op").map((output) => {
    const sign: Sign = output.action === "create" ? "+" : output.action === "delete" ? "-" : "~";
    const before = output.sensitive ? SENSITIVE : formatValue(output.before);
    const after = output.sensitive ? SENSITIVE : formatValue(output.after);
    const text = output.action === "create"
      ? after
      : output.action === "delete"
      ? before
      : output.sensitive
      ? SENSITIVE
      : `${before} -> ${after}`;
    return { sign, path: output.name, text };
  });
}

/** Changes that interrupt a guest or lose an object, most disruptive first. */
export function disruptions(
  plan: Plan,
): { disruption: Disruption; address: string; paths: string[] }[] {
  const order: readonly Disruption[] = ["replace", "restart", "next-boot"];
  return order.flatMap((disruption) =>
    plan.resources.flatMap((resource) => {
      const paths = resource.changes
        .filter((change) => change.disruption === disruption)
        .map((change) => change.path);
      return paths.length === 0 ? [] : [{ disruption, address: resource.address, paths }];
    })
  );
}
