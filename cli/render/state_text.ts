/**
 * What is recorded of a stack and of one resource.
 *
 * @module
 */

import { PENDING_RESTART } from "../../providers/provider.ts";
import type { ResourceRecord, StackRecord } from "../../state/store.ts";
import { plain, type Style } from "./style.ts";
import { table } from "./table.ts";
import { rows } from "./values.ts";

/** A line for each resource that the stack owns. */
export function stateList(record: StackRecord, style: Style = plain): string {
  if (record.resources.length === 0) return `Stack "${record.stack}" owns nothing.`;
  return table(
    ["ADDRESS", "ON HOST AS", "STATUS"],
    record.resources.map(({ address, key, status, pending }) => [
      address,
      key,
      pending === undefined ? status : `${status}, ${PENDING_RESTART}${pending}`,
    ]),
    style,
  );
}

/** Everything that is recorded of a resource. */
export function stateShow(entry: ResourceRecord, style: Style = plain): string {
  const lines: [string, string][] = [
    ["kind", entry.kind],
    ["host", entry.host],
    ["on host as", entry.key],
    ["uuid", entry.resource.uuid],
    ["tenure", entry.resource.tenure],
    ["status", entry.status],
    ...(entry.pending === undefined
      ? []
      : [["pending restart", entry.pending] satisfies [string, string]]),
    ["needs", entry.needs.join(", ") || "nothing"],
    ["fingerprint", entry.fingerprint ?? "none yet"],
  ];
  const fields = rows(entry.resource.spec);
  const width = Math.max(...lines.map(([name]) => name.length));
  const fieldWidth = Math.min(32, Math.max(0, ...fields.map(({ path }) => path.length)));
  return [
    style.bold(entry.address),
    ...lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    "  as last applied:",
    ...fields.flatMap(({ path, text, lines: below }) => [
      `    ${path.padEnd(fieldWidth)}  ${text}`,
      ...(below ?? []).map((line) => `      | ${line}`.trimEnd()),
    ]),
  ].join("\n");
}
