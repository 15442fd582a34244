/** Golden plan texts: a change of each class, many changes at once, and a limit that refuses some. */

import assert from "node:assert/strict";
import { planText } from "../../../cli/render/plan_text.ts";
import { checkDisruption } from "../../../cli/run_plan.ts";
import { summarize } from "../../../planner/mod.ts";
import type { Plan } from "../../../planner/plan.ts";
import { StaddleError } from "../../../providers/error.ts";
import type { Disruption } from "../../../providers/provider.ts";
import type { MachineOptions } from "../../../stacks/mod.ts";
import { golden } from "../../support/golden.ts";
import { make, planned, shop } from "./stack_world.ts";

/** One machine, with all that the changes below change. */
const BEFORE: MachineOptions = {
  title: "Front end",
  vcpus: 2,
  maxVcpus: 4,
  memory: "1GiB",
  maxMemory: "2GiB",
  cpu: { mode: "host-model" },
  ioThreads: 1,
  cpuTune: { shares: 1024, vcpuPins: [{ vcpu: 0, cpus: "0-1" }] },
  memTune: { softLimit: "4GiB" },
  disks: [
    { name: "root", file: "/srv/root.img", iotune: { totalIops: 500 } },
    { name: "data", file: "/srv/data.img" },
  ],
  cdroms: [{ name: "tools", file: "/srv/tools-1.iso" }],
  nics: [
    { name: "front", bridge: "br0", bandwidth: { inbound: { average: 1000 } } },
    { name: "back", bridge: "br1" },
  ],
  displays: [{ name: "screen", type: "vnc" }],
  balloon: { statsPeriod: 5 },
  onCrash: "destroy",
  autostart: false,
};

const before = shop((lab) => void lab.vm("web", BEFORE));

function changed(options: Partial<MachineOptions>): Plan {
  return planned(shop((lab) => void lab.vm("web", { ...BEFORE, ...options })), make(before));
}

const text = (plan: Plan): string => planText(plan, { summary: summarize(plan) });

Deno.test("golden: a change that nothing stops for", () => {
  golden(import.meta.url, "plan_live.txt", text(changed({ vcpus: 4 })));
});

Deno.test("golden: a change that waits for the next boot", () => {
  const plan = changed({ cpu: { mode: "maximum" } });
  golden(import.meta.url, "plan_next_boot.txt", text(plan));
});

Deno.test("golden: a change that restarts the guest now", () => {
  const plan = changed({ cpu: { mode: "maximum" }, whenRestartNeeded: "now" });
  golden(import.meta.url, "plan_restart.txt", text(plan));
});

Deno.test("golden: a change that makes a machine anew, with the volume under it", () => {
  const on = (format: "raw" | "qcow2") =>
    shop((lab) => {
      const store = lab.pool("store", { path: "/srv/store" });
      lab.vm("web", { memory: "1GiB", disks: [{ size: "5GiB", pool: store, format }] });
    });
  golden(import.meta.url, "plan_replace.txt", text(planned(on("qcow2"), make(on("raw")))));
});

const TWENTY: Partial<MachineOptions> = {
  title: "Front end of the shop",
  description: "Serves the shop",
  vcpus: 3,
  memory: "1536MiB",
  maxMemory: "8GiB",
  cpu: { mode: "host-model", features: [{ name: "vmx", policy: "disable" }] },
  ioThreads: 2,
  cpuTune: { shares: 2048, quota: 50_000, vcpuPins: [{ vcpu: 0, cpus: "1" }] },
  memTune: { softLimit: "3GiB" },
  disks: [
    { name: "root", file: "/srv/root.img", iotune: { totalIops: 900 }, cache: "none" },
    { name: "logs", file: "/srv/logs.img" },
  ],
  cdroms: [{ name: "tools", file: "/srv/tools-2.iso" }],
  nics: [{
    name: "front",
    bridge: "br2",
    link: "down",
    bandwidth: { inbound: { average: 2000 } },
  }],
  displays: [{ name: "screen", type: "vnc", listen: "0.0.0.0" }],
  balloon: { statsPeriod: 10 },
  onCrash: "restart",
  autostart: true,
  clock: { offset: "localtime" },
};

Deno.test("golden: a machine with more than twenty changes", () => {
  const plan = changed(TWENTY);
  assert.ok(plan.resources[0]!.changes.length >= 20, `${plan.resources[0]!.changes.length}`);
  golden(import.meta.url, "plan_twenty.txt", text(plan));
});

Deno.test("golden: a limit refuses what goes beyond, by the fields' names", () => {
  const refusal = (limit: Disruption) => {
    try {
      checkDisruption(changed({ ...TWENTY, whenRestartNeeded: "now" }), limit);
    } catch (error) {
      if (error instanceof StaddleError) return error.render();
      throw error;
    }
    return "accepted";
  };
  const limits = ["live", "next-boot", "restart", "replace"] as const;
  golden(
    import.meta.url,
    "max_disruption.txt",
    limits.map((limit) => `--max-disruption ${limit}\n${refusal(limit)}\n`).join("\n"),
  );
});

Deno.test("the plan from a machine to itself is empty", () => {
  for (const options of [BEFORE, { ...BEFORE, ...TWENTY }]) {
    const same = shop((lab) => void lab.vm("web", options));
    const plan = planned(same, make(same));
    assert.deepEqual(plan.steps, []);
    assert.deepEqual(plan.resources.flatMap(({ changes }) => changes), []);
  }
});
