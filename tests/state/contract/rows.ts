/**
 * What records are made of in tests.
 *
 * @module
 */

import assert from "node:assert/strict";
import { StaddleError } from "../../../providers/error.ts";
import type { HostDeclaration, Resource } from "../../../providers/provider.ts";
import type {
  JournalEntry,
  ResourceRecord,
  ResourceStatus,
  RunRecord,
  Store,
} from "../../../state/store.ts";

/** A resource as a plan would carry it. */
export function resource(address: string, spec: Resource["spec"] = { vcpus: 1 }): Resource {
  return {
    address,
    kind: "machine",
    host: "lab",
    name: address.split(".").at(-1) ?? address,
    uuid: "6d1ac6c5-4b3c-5a51-9d8c-5b0a3c3f2a10",
    tenure: "managed",
    spec,
    dependsOn: [],
  };
}

/** A row of a record. */
export function row(address: string, status: ResourceStatus = "present"): ResourceRecord {
  return {
    address,
    kind: "machine",
    host: "lab",
    key: address.split(".").at(-1) ?? address,
    status,
    resource: resource(address),
    specDigest: "0".repeat(64),
    fingerprint: "1".repeat(64),
    needs: ["lab/network.front"],
  };
}

/** A host. */
export const lab: HostDeclaration = { name: "lab", uri: "test:///default" };

/** A line of the journal: `step` is `operation:address`. */
export function entry(run: string, step: string, phase: JournalEntry["phase"]): JournalEntry {
  const [operation = "", address = ""] = step.split(":");
  return { run, step, address, operation, phase, at: "2026-01-02T03:04:05.678Z" };
}

/** A run that began. */
export function run(id: string, more: Partial<RunRecord> = {}): RunRecord {
  return {
    id,
    stack: "shop",
    command: "apply",
    who: "ann@desk (pid 7)",
    startedAt: "2026-01-02T03:04:05.678Z",
    add: 0,
    change: 0,
    destroy: 0,
    parameters: { replicas: 2 },
    ...more,
  };
}

/** The code of the error that something ends with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(() => undefined, (thrown: unknown) => thrown);
  if (error === undefined) return "no error";
  assert(error instanceof StaddleError, `expected a StaddleError, got ${error}`);
  return error.code;
}

/** A record with something of everything. */
export async function fill(store: Store): Promise<void> {
  await using lease = await store.lock("shop", "ann");
  await lease.write({
    hosts: { lab },
    put: [row("a"), row("b", "creating")],
    outputs: { address: { value: "10.0.0.2", sensitive: true } },
    reservations: { "a#nic0": "10.0.0.2" },
    run: run("r1", { result: "done" }),
    journal: [entry("r1", "create:a", "begin"), {
      ...entry("r1", "create:a", "failed"),
      detail: "why",
    }],
    revision: { run: "r1", topology: { stack: "shop" } },
  });
  await lease.write({ run: run("r2") });
}
