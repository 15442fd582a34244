/**
 * The least planner that can go on from any record: it compares what is wanted with the objects on
 * the hosts, and trusts the record for what is owned and nothing more.
 *
 * @module
 */

import { ownerOf } from "../../planner/leftover.ts";
import { type Plan, PLAN_FORMAT, type ResourcePlan } from "../../planner/plan.ts";
import type { JsonObject, Resource, Step } from "../../providers/provider.ts";
import type { StackRecord } from "../../state/store.ts";
import { sameJson } from "../../planner/digest.ts";
import { fingerprintOf } from "./file_hosts.ts";
import { planned, resource, step } from "./fake_host.ts";

/** One thing that is wanted. */
export interface Wanted {
  readonly address: string;
  readonly key: string;
  readonly spec: JsonObject;
  readonly needs: readonly string[];
  readonly waits?: boolean;
}

/** Makes the plan. A change of `spec.format` under the same key is made by deleting first. */
export function smallPlan(
  wanted: readonly Wanted[],
  record: StackRecord | undefined,
  objects: ReadonlyMap<string, JsonObject>,
): Plan {
  const rows = new Map((record?.resources ?? []).map((row) => [row.address, row]));
  const steps: Step[] = [];
  const lines: ResourcePlan[] = [];
  const declared = new Set(wanted.map(({ address }) => address));
  const nameOf = (host: string, kind: string, key: string) => `${host}~${kind}~${key}`;
  const upkeep = (address: string) => [`create:${address}`, `update:${address}`];

  for (const { address, key, spec, needs, waits } of wanted) {
    const target: Resource = resource(address, spec);
    const row = rows.get(address);
    const there = objects.get(nameOf(target.host, target.kind, key));
    const same = there !== undefined && sameJson(there, spec);
    const more = { needs, key, ...(same ? { fingerprint: fingerprintOf(there) } : {}) };
    const first = needs.flatMap(upkeep);
    const old = row !== undefined && row.key !== key &&
        objects.has(nameOf(row.host, row.kind, row.key))
      ? row
      : undefined;
    const remade = there !== undefined && !same && row?.key === key &&
      row.resource.spec.format !== spec.format;
    if (remade) {
      const remove = step(`delete:${address}#old`, [], { resource: row.resource, key });
      steps.push(
        remove,
        step(`create:${address}`, [...first, remove.id], { resource: target, key }),
      );
    } else if (there === undefined || (!same && row?.status === "creating")) {
      steps.push(step(`create:${address}`, first, { resource: target, key }));
    } else if (!same) {
      steps.push(step(`update:${address}`, first, { resource: target, key }));
    }
    if (old !== undefined) {
      steps.push(
        step(`delete:${address}#old`, upkeep(address), { resource: old.resource, key: old.key }),
      );
    }
    const touched = steps.some((step) => step.address === address && step.operation !== "delete");
    if (waits === true && (touched || row?.status === "waiting")) {
      steps.push(step(`wait:${address}`, upkeep(address), { resource: target, key }));
    }
    lines.push(planned(touched ? "create" : "no-op", target, more));
  }
  for (const row of rows.values()) {
    if (declared.has(row.address)) continue;
    const line = { address: row.address, key: row.key };
    // The object may have been taken back by the address that it belonged to.
    const back = wanted.some((w) => w.key === row.key && w.address === ownerOf(row.address));
    if (back || !objects.has(nameOf(row.host, row.kind, row.key))) {
      lines.push(planned("forget", row.resource, line));
      continue;
    }
    const users = [...rows.values()].filter(({ needs }) => needs.includes(row.address));
    lines.push(planned("delete", row.resource, line));
    steps.push(step(
      `delete:${row.address}`,
      [
        ...users.flatMap(({ address }) => [`delete:${address}`, `update:${address}`]),
        // A leftover goes when its successor is there.
        ...(ownerOf(row.address) === row.address ? [] : upkeep(ownerOf(row.address))),
      ],
      { address: row.address, resource: row.resource, key: row.key },
    ));
  }
  const ids = new Set(steps.map(({ id }) => id));
  return {
    format: PLAN_FORMAT,
    mode: wanted.length === 0 ? "destroy" : "apply",
    stack: { name: "shop", parameters: {} },
    record: { serial: record?.serial ?? 0 },
    hosts: { a: { name: "a", uri: "test:///a" }, b: { name: "b", uri: "test:///b" } },
    resources: lines,
    drift: [],
    outputs: [{ name: "count", action: "create", after: wanted.length, sensitive: false }],
    steps: steps.map((step) => ({ ...step, needs: step.needs.filter((need) => ids.has(need)) })),
    reservations: {},
  };
}
