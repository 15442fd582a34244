import assert from "node:assert/strict";
import { doctorText } from "../../cli/render/doctor_text.ts";
import { errorText, exitCodeOf } from "../../cli/render/error_text.ts";
import { graphDot } from "../../cli/render/graph_dot.ts";
import { graphMermaid } from "../../cli/render/graph_mermaid.ts";
import { graphOf } from "../../cli/render/graph_view.ts";
import { historyText, revisionText, took } from "../../cli/render/history_text.ts";
import { outputsJson, outputsText } from "../../cli/render/outputs_text.ts";
import { stateList, stateShow } from "../../cli/render/state_text.ts";
import { coloured } from "../../cli/render/style.ts";
import { shortOfRevision } from "../../cli/revisions.ts";
import { type Topology, TOPOLOGY_FORMAT } from "../../planner/topology.ts";
import { StaddleError, StaddleErrors } from "../../providers/error.ts";
import type { ResourceRecord, StackRecord } from "../../state/store.ts";
import { golden } from "../support/golden.ts";
import { machineSpec, resource } from "./plans.ts";

const refused = new StaddleError({
  code: "host.unreachable",
  summary: "Cannot reach host west: nothing answers",
  where: ["stack.ts:4:17", "qemu+ssh://root@kvm2/system"],
  details: ["ssh: connect to host kvm2 port 22: Connection refused"],
  help: "start sshd there, or leave the host out with --exclude 'west/*'",
});
const locked = new StaddleError({ code: "state.locked", summary: "It is locked", exitCode: 5 });

Deno.test("errors say what, where, what came back and what to do", () => {
  golden(import.meta.url, "error.txt", errorText(refused));
  golden(import.meta.url, "errors.txt", errorText(new StaddleErrors([refused, locked])));
  assert.ok(errorText(refused, { style: coloured }).includes("\x1b[1merror[host.unreachable]:"));
});

Deno.test("the exit status of several errors is the highest", () => {
  assert.equal(exitCodeOf(refused), 1);
  assert.equal(exitCodeOf(new StaddleErrors([refused, locked])), 5);
  assert.equal(exitCodeOf(new AggregateError([locked, new Error("x")])), 5);
  assert.equal(exitCodeOf("thrown text"), 1);
});

Deno.test("an unforeseen error shows no stack trace unless it is asked for", () => {
  const error = new TypeError("x is undefined", { cause: new RangeError("below") });
  golden(import.meta.url, "error_internal.txt", errorText(error));
  assert.doesNotMatch(errorText(error), /texts_test/);
  assert.match(errorText(error, { debug: true }), /texts_test[^]*caused by RangeError: below/);
});

const topology: Topology = {
  format: TOPOLOGY_FORMAT,
  stack: "web",
  parameters: {},
  hosts: {
    lab: { name: "lab", uri: "qemu:///system" },
    east: { name: "east", uri: "qemu+ssh://root@east/system" },
  },
  resources: [
    resource("lab/network.front", {}),
    resource("lab/volume.web-root", {}),
    { ...resource("lab/machine.web", {}), dependsOn: ["east/machine.db"] },
    resource("east/machine.db", {}),
    resource("east/tiers/image.od#d", {}),
  ],
  outputs: {},
  reservations: {},
};
const references = (address: string): { address: string; path: string; kinds: string[] }[] =>
  address === "lab/machine.web"
    ? [
      { address: "lab/volume.web-root", path: "disks[root].volume", kinds: [] },
      { address: "lab/network.front", path: "nics[nic0].network", kinds: [] },
      { address: "lab/network.front", path: "nics[nic1].network", kinds: [] },
      { address: "lab/pool.absent", path: "pool", kinds: [] },
    ]
    : [];
const kinds = new Map([[
  "machine",
  { references: ({ address }: { address: string }) => references(address) },
]]);

Deno.test("a stack's graph: hosts as boxes, an edge to each thing that is needed", () => {
  const graph = graphOf(topology, kinds);
  golden(import.meta.url, "graph.dot", graphDot(graph));
  golden(import.meta.url, "graph.mmd", graphMermaid(graph));
});

Deno.test("the runs of a stack", () => {
  const run = {
    stack: "web",
    who: "ann@desk (4711)",
    parameters: {},
    add: 3,
    change: 0,
    destroy: 0,
  } as const;
  golden(
    import.meta.url,
    "history.txt",
    historyText("web", [
      {
        ...run,
        id: "b1c2d3e4-0000",
        command: "apply",
        startedAt: "2026-03-01T10:00:00.000Z",
        endedAt: "2026-03-01T10:01:05.100Z",
        result: "done",
        planned: { import: 1, add: 3, change: 0, destroy: 0 },
        import: 1,
      },
      {
        ...run,
        id: "a1c2d3e4-0000",
        command: "destroy",
        part: { target: ["lab/machine.web"] },
        startedAt: "2026-02-01T10:00:00Z",
      },
    ]),
  );
  assert.equal(historyText("web", []), 'Stack "web" has no recorded runs.');
  const failed = {
    ...run,
    id: "c1c2d3e4-0000",
    command: "apply",
    parameters: { replicas: 2 },
    planDigest: "3f2a9c0d1e2b4a5c6d7e8f90112233445566778899aabbccddeeff0011223344",
    planned: { add: 4, change: 1, destroy: 0 },
    startedAt: "2026-03-01T10:00:00.000Z",
    endedAt: "2026-03-01T10:01:05.100Z",
    result: "failed",
  } as const;
  const line = (step: string, phase: "begin" | "end" | "failed", second: number) => ({
    run: failed.id,
    step,
    address: step.slice(step.indexOf(":") + 1),
    operation: step.slice(0, step.indexOf(":")),
    phase,
    at: new Date(Date.UTC(2026, 2, 1, 10, 0, second)).toISOString(),
    ...(phase === "failed" ? { detail: "kvm.pool-full: the pool has no room" } : {}),
  });
  const journal = [
    line("create:lab/volume.web-root", "begin", 1),
    line("create:lab/network.front", "begin", 1),
    line("create:lab/network.front", "end", 3),
    line("create:lab/volume.web-root", "failed", 20),
    line("update:lab/machine.db", "begin", 21),
  ];
  golden(
    import.meta.url,
    "revision.txt",
    [
      revisionText("web", { run: failed, journal, kept: true }),
      revisionText("web", { run: { ...failed, planDigest: undefined }, journal: [], kept: false }),
      revisionText("web", {
        run: { ...failed, result: "done", part: { target: ["lab/*"], exclude: ["lab/pool.a"] } },
        journal: [],
        kept: true,
      }),
    ].join("\n\n"),
  );
  const { result: _, ...killed } = failed;
  golden(
    import.meta.url,
    "way_back.txt",
    [
      shortOfRevision(failed, []),
      shortOfRevision({ ...failed, result: "cancelled" }, []),
      shortOfRevision(killed, ["lab/machine.web", "lab/volume.web-root"]),
      shortOfRevision({ ...failed, command: "destroy" }, []),
      shortOfRevision({ ...failed, result: "done" }, ["lab/network.front"]),
    ].join("\n\n"),
  );
  assert.equal(shortOfRevision({ ...failed, result: "done" }, []), undefined);
  assert.deepEqual([412, 12_400, 185_000].map(took), ["0.4s", "12s", "3m05s"]);
});

const entry: ResourceRecord = {
  address: "lab/machine.web-0",
  kind: "machine",
  host: "lab",
  key: "web-0",
  status: "present",
  resource: resource("lab/machine.web-0", machineSpec(0)),
  specDigest: "d",
  fingerprint: "f00d",
  needs: ["lab/network.front", "lab/volume.web-0-root"],
};
const record: StackRecord = {
  version: 1,
  stack: "web",
  lineage: "l",
  serial: 3,
  hosts: {},
  resources: [entry, { ...entry, address: "lab/pool.staddle", key: "staddle", status: "creating" }],
  outputs: {
    addresses: { value: ["10.30.0.10"], sensitive: false },
    key: { value: "hunter2", sensitive: true },
    counts: { value: { web: 1, db: null }, sensitive: false },
  },
  reservations: {},
};

Deno.test("the record of a stack and of a resource", () => {
  golden(import.meta.url, "state_list.txt", stateList(record));
  golden(import.meta.url, "state_show.txt", stateShow(entry));
});

Deno.test("outputs hide secrets as text, and have Terraform's shape as JSON", () => {
  golden(import.meta.url, "outputs.txt", outputsText(record.outputs));
  assert.equal(outputsText({}), "No outputs.");
  assert.deepEqual(outputsJson(record.outputs), {
    addresses: { sensitive: false, type: ["tuple", ["string"]], value: ["10.30.0.10"] },
    key: { sensitive: true, type: "string", value: "hunter2" },
    counts: {
      sensitive: false,
      type: ["object", { web: "number", db: "dynamic" }],
      value: { web: 1, db: null },
    },
  });
});

Deno.test("a host's checkup: evidence, remedies, the sum", () => {
  const ok = { name: "libvirt", status: "ok", evidence: ["libvirt 9.0.0, QEMU 7.2.0"] } as const;
  const warn = {
    name: "accelerator",
    status: "warn",
    evidence: ["tcg: guests are emulated", "/dev/kvm is not there"],
    remedy: "turn virtualisation on in the firmware,\nor be patient",
  } as const;
  const fail = {
    name: "networks",
    status: "fail",
    evidence: ["dnsmasq is missing"],
    remedy: "apt install dnsmasq-base",
  } as const;
  golden(
    import.meta.url,
    "doctor.txt",
    doctorText({ uri: "qemu:///system", checks: [ok, warn, fail] }),
  );
  assert.match(
    doctorText({ uri: "x", checks: [ok, warn] }),
    /^Fit for Staddle, with 1 warning\.$/m,
  );
  assert.match(doctorText({ uri: "x", checks: [ok] }), /^Fit for Staddle\.$/m);
});
