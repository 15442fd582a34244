import assert from "node:assert/strict";
import { recorder } from "../../applier/recorder.ts";
import type { Lease, RecordWrite, ResourceRecord, StackRecord } from "../../state/store.ts";
import { resource } from "./fake_host.ts";

function row(address: string, status: ResourceRecord["status"] = "present"): ResourceRecord {
  const wanted = resource(address);
  const { kind, host, name } = wanted;
  return { address, kind, host, key: name, status, resource: wanted, specDigest: "", needs: [] };
}

function record(...resources: ResourceRecord[]): StackRecord {
  return {
    version: 1,
    stack: "shop",
    lineage: "",
    serial: 1,
    hosts: {},
    resources,
    outputs: {},
    reservations: {},
  };
}

/** A lease that keeps what it was told to write, and refuses what `refuse` says. */
function leaseOf(
  writes: RecordWrite[],
  refuse: (write: RecordWrite) => boolean = () => false,
): Lease {
  return {
    stack: "shop",
    token: 1,
    lost: new AbortController().signal,
    write: async (change) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (refuse(change)) throw new Error("refused");
      return writes.push(change);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const line = (step: string) => ({
  run: "r",
  step,
  address: "x",
  operation: "create",
  phase: "begin" as const,
  at: "",
});

Deno.test("changes that are asked for together are written together, each after those before", async () => {
  const writes: RecordWrite[] = [];
  const { rows, write } = recorder(leaseOf(writes), record(row("lab/pool.a"), row("lab/pool.b")));
  const seen: unknown[] = [];
  await Promise.all([
    write(() => ({ put: [row("lab/pool.c")], remove: ["lab/pool.a"] }), () => ({
      journal: [line("1")],
    })),
    write((now) => {
      seen.push(now.has("lab/pool.a"), now.get("lab/pool.c")?.status);
      return { put: [row("lab/pool.c", "deleting")], remove: ["lab/pool.never"] };
    }, () => ({ journal: [line("2")], outputs: {} })),
  ]);
  assert.deepEqual(seen, [false, "present"]);
  assert.deepEqual(writes, [{
    journal: [line("1"), line("2")],
    outputs: {},
    put: [row("lab/pool.c", "deleting")],
    remove: ["lab/pool.a", "lab/pool.never"],
  }]);
  assert.deepEqual([...rows.keys()].sort(), ["lab/pool.b", "lab/pool.c"]);
});

Deno.test("a refused write leaves the rows as they were, and fails for all who shared it", async () => {
  const writes: RecordWrite[] = [];
  let refuse = true;
  const before = [row("lab/pool.a"), row("lab/pool.b")];
  const { rows, write } = recorder(leaseOf(writes, () => refuse), record(...before));
  const outcomes = await Promise.allSettled([
    write(() => ({ put: [row("lab/pool.a", "deleting")], remove: ["lab/pool.b"] }), () => ({})),
    write(() => ({ put: [row("lab/pool.c")], remove: [] }), () => ({})),
  ]);
  assert.deepEqual(outcomes.map(({ status }) => status), ["rejected", "rejected"]);
  assert.deepEqual([...rows.values()], before);
  refuse = false;
  await write(() => ({ put: [row("lab/pool.d")], remove: [] }), () => ({}));
  assert.deepEqual(writes, [{ put: [row("lab/pool.d")], remove: [] }]);
});
