import assert from "node:assert/strict";
import type { ApplyEvent, StepReference, TimelessEvent } from "../../applier/events.ts";
import type { ApplyResult } from "../../applier/result.ts";
import {
  applyLog,
  completeText,
  incompleteText,
  statusLines,
} from "../../cli/render/apply_text.ts";
import {
  applyEventLines,
  errorLines,
  outputsLine,
  planLines,
  versionLine,
} from "../../cli/render/events_json.ts";
import { StaddleError } from "../../providers/error.ts";
import type { Operation } from "../../providers/provider.ts";
import { summarize } from "../../planner/summary.ts";
import { golden } from "../support/golden.ts";
import { changing, plan } from "./plans.ts";

const at = "2026-03-01T10:00:00.000Z";
const clock = (): string => at;

function step(operation: Operation, address: string): StepReference {
  return {
    id: `${operation}:${address}`,
    operation,
    address,
    kind: /([a-z]+)\.[^/]+$/.exec(address)![1]!,
    host: address.split("/")[0]!,
    key: address,
  };
}

const volume = step("create", "lab/volume.web-root");
const machine = step("create", "lab/machine.web");
const waiting = step("wait", "lab/machine.web");
const other = step("create", "lab/volume.db-root");
const otherWait = step("wait", "lab/machine.mail");
const network = step("update", "lab/network.front");
const old = step("delete", "west/machine.old");
const gone = new StaddleError({
  code: "host.lost",
  summary: "west/machine.old cannot be destroyed: the connection to host west was lost",
  where: ["qemu+ssh://root@west/system"],
  help: "see whether the host is up, then apply again",
});
const busy = new StaddleError({ code: "pool.busy", summary: "the pool is busy" });

const events: readonly ApplyEvent[] = ([
  { type: "run_start", run: "r1", stack: "web", command: "apply", steps: 5 },
  { type: "step_start", step: volume },
  { type: "step_start", step: network },
  { type: "step_progress", step: volume, elapsed: 500, message: "sending 10 MiB", fraction: 0.1 },
  { type: "step_progress", step: volume, elapsed: 700, message: "sending 20 MiB", fraction: 0.2 },
  { type: "step_progress", step: volume, elapsed: 900, message: "sending 60 MiB", fraction: 0.6 },
  { type: "step_progress", step: volume, elapsed: 10_000 },
  { type: "step_complete", step: volume, elapsed: 12_345, notes: ["the shared pool was there"] },
  { type: "step_retry", step: network, attempt: 1, delay: 2000, error: busy },
  { type: "step_complete", step: network, elapsed: 2500, notes: [] },
  { type: "step_start", step: machine },
  { type: "step_complete", step: machine, elapsed: 812, notes: [] },
  { type: "step_start", step: waiting },
  { type: "step_start", step: old },
  { type: "step_failed", step: old, elapsed: 6000, error: gone },
  {
    type: "step_skipped",
    step: step("delete", "west/network.back"),
    reason: "upstream-failed",
    cause: "delete:west/machine.old",
  },
  {
    type: "step_skipped",
    step: step("delete", "west/pool.store"),
    reason: "host-lost",
    cause: "delete:west/machine.old",
  },
  { type: "step_complete", step: waiting, elapsed: 65_000, notes: [] },
  { type: "step_start", step: other },
  { type: "step_start", step: otherWait },
  { type: "run_stopping", reason: "cancelled", inFlight: [other, otherWait] },
  { type: "step_complete", step: other, elapsed: 700, notes: [] },
  { type: "step_skipped", step: step("create", "lab/machine.late"), reason: "stopped" },
  { type: "step_skipped", step: otherWait, reason: "stopped" },
  {
    type: "run_complete",
    run: "r1",
    result: "cancelled",
    counts: { add: 2, change: 1, destroy: 0 },
    failed: 1,
    skipped: 2,
    elapsed: 70_000,
  },
] satisfies TimelessEvent[]).map((event) => ({ ...event, at }));

const result: ApplyResult = {
  run: "r1",
  result: "failed",
  counts: { add: 2, change: 1, destroy: 0 },
  done: [volume, network, machine, waiting],
  failed: [{ step: old, error: gone }],
  skipped: [{
    step: step("delete", "west/network.back"),
    reason: "upstream-failed",
    cause: "delete:west/machine.old",
  }],
  cancelled: [],
  notes: [],
  elapsed: 70_000,
};

Deno.test("a run as append-only lines", () => {
  const log = applyLog();
  golden(import.meta.url, "apply.txt", events.flatMap(log).join("\n"));
});

Deno.test("on a terminal that shows progress at its foot, progress makes no lines", () => {
  const lines = events.flatMap(applyLog({ live: true })).join("\n");
  assert.doesNotMatch(lines, /sending|Still/);
  assert.match(lines, /lab\/volume\.web-root: Creation complete after 12s/);
});

Deno.test("the end of a run that did all, in Terraform's words", () => {
  const done: ApplyResult = { ...result, result: "done", failed: [], skipped: [] };
  assert.equal(
    completeText({ mode: "apply", result: done, again: "" }),
    "Apply complete! Resources: 2 added, 1 changed, 0 destroyed.",
  );
  const counts = { import: 1, add: 0, change: 0, destroy: 0 };
  assert.equal(
    completeText({ mode: "apply", result: { ...done, counts }, again: "" }),
    "Apply complete! Resources: 1 imported, 0 added, 0 changed, 0 destroyed.",
  );
  assert.equal(
    completeText({
      mode: "destroy",
      result: { ...done, counts: { add: 0, change: 0, destroy: 4 } },
      again: "",
    }),
    "Destroy complete! Resources: 4 destroyed.",
  );
});

Deno.test("the end of a run that did not: errors, what was done, what to type next", () => {
  golden(
    import.meta.url,
    "apply_failed.txt",
    incompleteText({ mode: "apply", result, again: "staddle apply stack.ts" }),
  );
  golden(
    import.meta.url,
    "apply_cancelled.txt",
    incompleteText({
      mode: "destroy",
      result: {
        ...result,
        result: "cancelled",
        failed: [],
        skipped: [],
        cancelled: [machine, { ...machine, operation: "wait" }],
      },
      again: "staddle destroy stack.ts",
    }),
  );
});

Deno.test("the status lines show what has gone on longest, cut to the terminal", () => {
  const running = [
    { step: volume, elapsed: 3000, message: "sending 60 MiB", fraction: 0.6 },
    { step: machine, elapsed: 500 },
    { step: old, elapsed: 9000 },
  ];
  assert.deepEqual(statusLines(running, { done: 2, total: 9, most: 2, columns: 80 }), [
    "  west/machine.old: destroying [9.0s]",
    "  lab/volume.web-root: sending 60 MiB (60%) [3.0s]",
    "  2 of 9 steps done, 1 more going on",
  ]);
  for (const line of statusLines(running, { done: 2, total: 9, most: 3, columns: 20 })) {
    assert.ok(line.length < 20);
  }
});

Deno.test("events in Terraform's shapes, a JSON object a line", () => {
  const lines = [
    versionLine("0.1.0", clock),
    ...planLines(changing, summarize(changing), clock),
    ...planLines({ ...plan([]), part: { exclude: ["west/*"] } }, summarize(plan([])), clock),
    ...events.flatMap((event) => applyEventLines(event, "apply")),
    outputsLine({
      url: { value: "http://10.30.0.10", sensitive: false },
      key: { value: "hunter2", sensitive: true },
    }, clock),
    ...errorLines(gone, clock),
  ];
  const text = lines.map((line) => JSON.stringify(line)).join("\n");
  golden(import.meta.url, "events.jsonl", text);
  assert.doesNotMatch(text, /hunter2/);
  assert.equal(lines[0]!.type, "version");
  for (const line of lines) {
    assert.deepEqual(Object.keys(line).slice(0, 4), [
      "@level",
      "@message",
      "@module",
      "@timestamp",
    ]);
  }
});
