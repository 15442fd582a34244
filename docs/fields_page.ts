/**
 * A page of fields, in Markdown: how to read it, then a table a topic.
 *
 * @module
 */

import type { FieldDoc, Kind } from "../providers/provider.ts";
import type { Page, Topic } from "./topics.ts";

const COMMON = `Each row is a field, by its path in a stack:

- **Field**: \`cpu.mode\` is written \`cpu: { mode: … }\`; \`disks[].bus\` stands in each entry of the
  list \`disks\`. The row that ends in \`[]\` is the list itself: entries come and go in that way.
- **Type**: a size is a text such as \`"2GiB"\` (powers of 1024) or a whole number of bytes; \`?\` marks
  members that may be left out.
- **In libvirt's XML**: the place that is read and written; for entries of a list, from the entry's
  element on. What is no part of the XML is named in words.
- **Change**: how a change of the field reaches an object that runs: \`live\`: nothing stops;
  \`restart\`: at the next start; \`replace\`: it is made anew. Where state or host decide, the rule
  stands there. What does not run takes every change at once.
- **Since**: the least version of libvirt that knows the field, where that is above 7.0.
`;

/** A page over some kinds. */
export function fieldsPage(page: Page, kinds: readonly Kind[]): string {
  const parts = [
    "<!-- deno-fmt-ignore-file -->\n" +
    "<!-- Written by `deno task docs` from the tables in providers/kvm/kinds/. -->",
    `# ${page.title}`,
    page.intro,
    COMMON,
    ...(page.reading === undefined ? [] : [page.reading]),
  ];
  if (page.topics.length > 0) {
    const list = page.topics.map(({ title }) => `- [${title}](#${anchor(title)})`);
    const end = page.closing === undefined
      ? []
      : [`- [${page.closing.title}](#${anchor(page.closing.title)})`];
    parts.push([...list, ...end].join("\n"));
  }
  for (const topic of page.topics) {
    parts.push(`## ${topic.title}`, topic.intro);
    for (const block of blocksOf(fieldsOf(topic, kinds))) parts.push(...block);
  }
  if (page.closing !== undefined) parts.push(`## ${page.closing.title}`, page.closing.text);
  checkWhole(page, kinds);
  return `${parts.map((part) => part.trim()).filter((part) => part !== "").join("\n\n")}\n`;
}

/** A heading's anchor, as GitHub makes it. */
function anchor(title: string): string {
  return title.toLowerCase().replaceAll(/[^\w -]/g, "").replaceAll(" ", "-");
}

function topOf(path: string): string {
  return /^[A-Za-z0-9]+/.exec(path)![0];
}

function fieldsOf(topic: Topic, kinds: readonly Kind[]): readonly FieldDoc[] {
  const kind = kinds.find((one) => one.kind === (topic.kind ?? kinds[0]!.kind));
  if (kind === undefined) throw new Error(`topic "${topic.title}" is of no kind of its page`);
  if (topic.fields === undefined) return kind.fields;
  return topic.fields.flatMap((name) => {
    const found = kind.fields.filter(({ path }) => topOf(path) === name);
    if (found.length === 0) throw new Error(`${kind.kind} has no field ${name}`);
    return found;
  });
}

/** Every field stands in one topic: a page without it would not say so. */
function checkWhole(page: Page, kinds: readonly Kind[]): void {
  for (const kind of kinds) {
    const topics = page.topics.filter((topic) => (topic.kind ?? kinds[0]!.kind) === kind.kind);
    if (topics.some(({ fields }) => fields === undefined)) continue;
    const shown = topics.flatMap(({ fields }) => fields ?? []);
    const names = new Set(kind.fields.map(({ path }) => topOf(path)));
    const lost = [...names].filter((name) => shown.filter((one) => one === name).length !== 1);
    if (lost.length > 0) throw new Error(`${kind.kind}: not in one topic: ${lost.join(", ")}`);
  }
}

/** Lists of devices have a table of their own, under their name. */
function* blocksOf(fields: readonly FieldDoc[]): Iterable<readonly string[]> {
  let plain: FieldDoc[] = [];
  const tables: (readonly string[])[] = [];
  for (const [index, field] of fields.entries()) {
    const list = /^([A-Za-z]+)\[\]$/.exec(field.path)?.[1];
    if (list === undefined || field.type !== "list") {
      if (!/^[A-Za-z]+\[\]\./.test(field.path)) plain.push(field);
      continue;
    }
    const inside = fields.slice(index).filter(({ path }) => path.startsWith(`${list}[]`));
    tables.push([`### ${list}`, field.doc, tableOf(inside)]);
  }
  if (plain.length > 0) yield [tableOf(plain)];
  plain = [];
  yield* tables;
}

function tableOf(fields: readonly FieldDoc[]): string {
  const since = fields.some((field) => field.since !== undefined);
  const head = ["Field", "Type", "What it is", "In libvirt's XML", "Change"];
  const rows = fields.map((field) => [
    `<a id="${idOf(field.path)}"></a>\`${field.path}\``,
    cell(field.type === "list" ? "list" : field.type, true),
    cell(field.type === "list" ? "An entry." : field.doc),
    placeOf(field.xml),
    changeOf(field),
    ...(since ? [field.since ?? ""] : []),
  ]);
  const all = [since ? [...head, "Since"] : head];
  return [...all, all[0]!.map(() => "---"), ...rows]
    .map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function idOf(path: string): string {
  return path.replaceAll("[]", "").replaceAll(".", "-");
}

function cell(text: string, code = false): string {
  const escaped = text.replaceAll("|", "\\|").replaceAll("\n", " ");
  return code && escaped !== "list" ? `\`${escaped}\`` : escaped.replaceAll("<", "&lt;");
}

function placeOf(xml: string | undefined): string {
  if (xml === undefined || xml === ".") return "";
  return xml.startsWith(".") ? `\`${xml.replaceAll("|", "\\|")}\`` : cell(xml);
}

function changeOf({ change, when }: FieldDoc): string {
  if (change === "varies") return when ?? "varies";
  return change === "none" ? "" : change;
}
