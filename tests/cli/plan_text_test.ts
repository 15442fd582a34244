import assert from "node:assert/strict";
import { planMarkdown } from "../../cli/render/plan_markdown.ts";
import { planText } from "../../cli/render/plan_text.ts";
import { coloured } from "../../cli/render/style.ts";
import { formatBytes, rows } from "../../cli/render/values.ts";
import { lineDiff } from "../../cli/render/line_diff.ts";
import type { Plan } from "../../planner/plan.ts";
import { summarize } from "../../planner/summary.ts";
import { golden } from "../support/golden.ts";
import { changing, creating, entry, plan, thousand, unchanged } from "./plans.ts";

const text = (of: Plan): string => planText(of, { summary: summarize(of) });
const markdown = (of: Plan, limit?: number): string =>
  planMarkdown(of, { summary: summarize(of), limit });

Deno.test("a first plan shows every field of what will be made", () => {
  golden(import.meta.url, "plan_create.txt", text(creating));
});

Deno.test("a plan shows each changed field with how it will be applied", () => {
  golden(import.meta.url, "plan_change.txt", text(changing));
});

Deno.test("a plan without changes says so in Terraform's words", () => {
  golden(import.meta.url, "plan_no_change.txt", text(unchanged));
});

Deno.test("a plan of a part says that the rest may differ", () => {
  const part = { target: ["lab/machine.web-*", "lab/network.*"], exclude: ["lab/machine.web-3"] };
  const all = (mode: Plan["mode"], of: Plan = unchanged): Plan => ({ ...of, mode, part });
  golden(
    import.meta.url,
    "plan_part.txt",
    [
      all("apply", plan([entry("lab/network.front", "create", { spec: { name: "front" } })])),
      all("apply"),
      all("destroy"),
      all("refresh", plan([])),
    ].map(text).join("\n\n\n"),
  );
  golden(import.meta.url, "plan_part.md", markdown(all("apply")));
});

Deno.test("a thousand machines stay readable: alike resources are one block", () => {
  const shown = text(thousand);
  golden(import.meta.url, "plan_thousand.txt", shown);
  assert.ok(shown.split("\n").length < 60);
  assert.match(planText(thousand, { summary: summarize(thousand), compact: false }), /web-499 /);
});

Deno.test("colour changes nothing but colour", () => {
  const painted = planText(changing, { summary: summarize(changing), style: coloured });
  // deno-lint-ignore no-control-regex -- escape sequences are what is looked for
  assert.equal(painted.replaceAll(/\x1b\[\d+m/g, ""), text(changing));
  assert.notEqual(painted, text(changing));
});

Deno.test("secrets are in no text", () => {
  for (const shown of [text(creating), text(changing), markdown(creating), markdown(changing)]) {
    assert.doesNotMatch(shown, /hunter2|"old"|"new"/);
  }
});

Deno.test("a plan that changes outputs only says that no host is touched", () => {
  const only = plan([], {
    outputs: [{ name: "url", action: "update", before: "a", after: "b", sensitive: false }],
  });
  golden(import.meta.url, "plan_outputs_only.txt", text(only));
});

Deno.test("a pull-request comment", () => {
  golden(import.meta.url, "plan_comment.md", markdown(changing));
  golden(import.meta.url, "plan_comment_no_change.md", markdown(unchanged));
});

Deno.test("a comment that would be too long loses its details before its summary", () => {
  for (const limit of [65_535, 20_000, 2_000, 600]) {
    const shown = markdown(thousand, limit);
    assert.ok(shown.length <= limit, `${shown.length} > ${limit}`);
    assert.match(shown, /\*\*Plan: 2000 to add, 0 to change, 0 to destroy\.\*\*/);
    assert.match(shown, /^<!-- staddle-plan: web -->/);
  }
});

Deno.test("sizes are written in the largest unit that is exact", () => {
  const table: [number, string][] = [
    [0, "0 B"],
    [512, "512 B"],
    [1024, "1 KiB"],
    [2 * 1024 ** 3, "2 GiB"],
    [1.5 * 1024 ** 3, "1536 MiB"],
    [1024 ** 3 + 1, "1073741825 B"],
    [3 * 1024 ** 4, "3 TiB"],
  ];
  for (const [bytes, expected] of table) assert.equal(formatBytes(bytes), expected);
});

Deno.test("fields are listed by path, entries of lists by name", () => {
  const spec = {
    memory: 1024 ** 2,
    nics: [{ name: "nic0", mac: "m" }],
    dns: { enabled: true, hosts: [{ ip: "10.0.0.2", names: ["a"] }] },
    empty: [],
    absent: undefined,
  };
  assert.deepEqual(rows(spec).map(({ path, text }) => `${path} = ${text}`), [
    "memory = 1 MiB",
    'nics[nic0] = { mac: "m" }',
    "dns.enabled = true",
    'dns.hosts[10.0.0.2] = { ip: "10.0.0.2", names: ["a"] }',
    "empty = []",
  ]);
});

Deno.test("lines are compared by their longest common subsequence", () => {
  const signs = (before: string, after: string): string =>
    lineDiff(before, after, 1).map((line) => line.sign + line.text).join("|");
  assert.equal(signs("a\nb\nc\n", "a\nx\nc\n"), " a|-b|+x| c");
  assert.equal(signs("", "a\n"), "+a");
  assert.equal(signs("a\n", ""), "-a");
  assert.equal(signs("1\n2\n3\n4\n5\n", "1\n2\n3\n4\n6\n"), " … 3 unchanged| 4|-5|+6");
});
