import assert from "node:assert/strict";
import type { JsonObject } from "../../../providers/provider.ts";
import { type Lab, openLab, virsh } from "../operations/lab.ts";
import { requirement } from "../../support/skip.ts";
import { CASES } from "./platform_cases.ts";

const needs = await requirement("libvirt", async () => {
  await virsh("version");
  return undefined;
});

const declare = (lab: Lab, name: string, declared: JsonObject) =>
  lab.declare("machine", name, {
    name: `${lab.prefix}-${name}`,
    accel: "tcg",
    memory: "256MiB",
    disks: [],
    nics: [],
    whenRestartNeeded: "next-boot",
    ...declared,
  });

Deno.test({
  name: "the real daemon takes every field, and shows it as it was declared",
  ...needs,
  fn: async (t) => {
    await using lab = await openLab();
    for (const [index, { paths, before, after, refused }] of CASES.entries()) {
      if (refused !== undefined) continue;
      await t.step(paths.join(", "), async () => {
        const name = `f${index}`;
        const first = declare(lab, name, { ...before, power: "off" });
        await lab.create(first);
        assert.deepEqual(await lab.diff(first), []);
        const second = declare(lab, name, { ...after, power: "off" });
        const { changes } = await lab.update(second, first);
        assert.deepEqual(changes.map(({ path }) => path), paths);
        assert.deepEqual(await lab.diff(second, first), []);
        await lab.remove(second);
      });
    }
  },
});

const RUNNING: JsonObject = {
  ioThreads: 1,
  maxVcpus: 2,
  cpuTune: { vcpuPins: [{ vcpu: 0, cpus: "0-1" }] },
};

const CHANGED: JsonObject = {
  ioThreads: 2,
  maxVcpus: 2,
  cpuTune: {
    shares: 512,
    period: 100_000,
    quota: 90_000,
    emulatorPeriod: 100_000,
    emulatorQuota: -1,
    vcpuPins: [{ vcpu: 0, cpus: "1" }, { vcpu: 1, cpus: "0" }],
    emulatorPin: "0",
    ioThreadPins: [{ ioThread: 2, cpus: "1" }],
  },
  memTune: { hardLimit: "2GiB", softLimit: "1GiB" },
  onCrash: "preserve",
};

Deno.test({
  name: "what the host grants changes under a running guest, which goes on",
  ...needs,
  fn: async () => {
    await using lab = await openLab();
    const first = declare(lab, "live", RUNNING);
    await lab.create(first);
    const name = `${lab.prefix}-live`;
    const id = await virsh("domid", name);
    const second = declare(lab, "live", CHANGED);
    const { changes } = await lab.update(second, first);
    assert.deepEqual(new Set(changes.map(({ disruption }) => disruption)), new Set(["live"]));
    assert.deepEqual(await lab.diff(second, first), []);
    assert.equal(await virsh("domid", name), id, "the guest was not restarted");
    assert.match(await virsh("schedinfo", name), /cpu_shares\s*: 512/);
    assert.match(await virsh("memtune", name), /hard_limit\s*: 2097152/);
    const fewer = declare(lab, "live", { ...CHANGED, ioThreads: 1, cpuTune: { shares: 256 } });
    const { changes: later } = await lab.update(fewer, second);
    assert.ok(later.some(({ path }) => path === "ioThreads"));
    assert.equal(await virsh("domid", name), id, "the guest was not restarted");
    await lab.remove(fewer);
  },
});
