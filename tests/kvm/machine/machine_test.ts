import assert from "node:assert/strict";
import fc from "fast-check";
import type { Json, JsonObject, Resource } from "../../../providers/provider.ts";
import { parseXml, serializeXml } from "../../../providers/kvm/xml/mod.ts";
import {
  liveCalls,
  machineFingerprint,
  machineKind,
  machineXml,
  patchMachine,
} from "../../../providers/kvm/kinds/machine/mod.ts";
import { golden } from "../../support/golden.ts";
import {
  changedSince,
  completed,
  DISK,
  FACTS,
  lookup,
  machine,
  MARK,
  NIC,
  observed,
} from "./fixtures.ts";

const FULL: JsonObject = {
  title: "Front end",
  description: "Serves the shop",
  vcpus: 2,
  maxVcpus: 4,
  maxMemory: "512MiB",
  boot: { kernel: "lab/image.kernel", cmdline: "console=ttyS0" },
  disks: [DISK, { name: "data", volume: "lab/volume.data", bus: "scsi" }],
  nics: [NIC, { name: "lan", bridge: "br0", mac: "52:54:11:22:33:45", link: "down" }],
  seed: "lab/seed.web",
  consoleLog: "/var/log/web.log",
  graphics: "vnc",
};

function changesOf(before: Resource, after: Resource, running: boolean) {
  return machineKind.diff(after, observed(before, { running }), {
    previous: before.spec,
    lookup: lookup(),
  });
}

Deno.test("a machine of three lines gets the defaults that a person expects", () => {
  golden(import.meta.url, "minimal.xml", machineXml(completed(machine({ vcpus: 1 })), MARK));
});

Deno.test("a machine with everything declared", () => {
  golden(import.meta.url, "full.xml", machineXml(completed(machine(FULL)), MARK));
});

Deno.test("each changed field says how it will be applied", async (t) => {
  const cases: [field: string, before: JsonObject, after: JsonObject, on: string, off: string][] = [
    ["title", { title: "a" }, { title: "b" }, "live", "live"],
    ["description", { description: "a" }, { description: "b" }, "live", "live"],
    ["vcpus", { vcpus: 1, maxVcpus: 4 }, { vcpus: 3, maxVcpus: 4 }, "live", "live"],
    ["vcpus", { vcpus: 3, maxVcpus: 4 }, { vcpus: 1, maxVcpus: 4 }, "next-boot", "live"],
    ["vcpus", { vcpus: 2 }, { vcpus: 4 }, "next-boot", "live"],
    ["maxVcpus", { vcpus: 1, maxVcpus: 2 }, { vcpus: 1, maxVcpus: 4 }, "next-boot", "live"],
    ["memory", { maxMemory: "512MiB" }, { maxMemory: "512MiB", memory: "300MiB" }, "live", "live"],
    ["memory", {}, { memory: "300MiB" }, "next-boot", "live"],
    ["maxMemory", {}, { maxMemory: "300MiB" }, "next-boot", "live"],
    ["machine", { machine: "pc-q35-7.2" }, { machine: "pc-q35-7.1" }, "next-boot", "live"],
    [
      "cpu.mode",
      { cpu: { mode: "maximum" } },
      { cpu: { mode: "host-model" } },
      "next-boot",
      "live",
    ],
    [
      "boot.cmdline",
      FULL,
      { ...FULL, boot: { kernel: "lab/image.kernel", cmdline: "x" } },
      "next-boot",
      "live",
    ],
    ["disks[root]", {}, { disks: [DISK] }, "live", "live"],
    ["disks[root]", { disks: [DISK] }, {}, "live", "live"],
    ["disks[root]", {}, { disks: [{ ...DISK, bus: "sata" }] }, "next-boot", "live"],
    ["nics[nic0]", {}, { nics: [NIC] }, "live", "live"],
    ["nics[nic0]", { nics: [NIC] }, {}, "live", "live"],
    [
      "nics[nic0].network",
      { nics: [NIC] },
      { nics: [{ ...NIC, network: "lab/network.back" }] },
      "live",
      "live",
    ],
    ["nics[nic0].link", { nics: [NIC] }, { nics: [{ ...NIC, link: "down" }] }, "live", "live"],
    [
      "nics[nic0].model",
      { nics: [NIC] },
      { nics: [{ ...NIC, model: "e1000" }] },
      "next-boot",
      "live",
    ],
    [
      "nics[nic0].mac",
      { nics: [NIC] },
      { nics: [{ ...NIC, mac: "52:54:00:00:00:01" }] },
      "next-boot",
      "live",
    ],
    ["seed", {}, { seed: "lab/seed.web" }, "next-boot", "live"],
    ["seed", { seed: "lab/seed.web" }, {}, "next-boot", "live"],
    ["graphics", {}, { graphics: "vnc" }, "next-boot", "live"],
    ["agent", {}, { agent: false }, "next-boot", "live"],
    ["console", {}, { console: false }, "next-boot", "live"],
    ["autostart", {}, { autostart: true }, "live", "live"],
    ["firmware", {}, { firmware: "uefi" }, "next-boot", "live"],
  ];
  for (const [path, before, after, on, off] of cases) {
    await t.step(`${path}: ${on} while it runs`, () => {
      for (const [running, expected] of [[true, on], [false, off]] as const) {
        const found = changesOf(machine(before), machine(after), running);
        assert.deepEqual(found.map((change) => [change.path, change.disruption]), [[
          path,
          expected,
        ]]);
      }
      const now = machine({ ...after, whenRestartNeeded: "now" });
      const [change] = changesOf(machine(before), now, true);
      assert.equal(change?.disruption, on === "next-boot" ? "restart" : on);
    });
  }
});

Deno.test("turning a running machine off is never called live", () => {
  const [change] = changesOf(machine({}), machine({ power: "off" }), true);
  assert.deepEqual(change, { path: "power", before: "on", after: "off", disruption: "restart" });
  const [back] = changesOf(machine({}), machine({ power: "on" }), false);
  assert.equal(back?.disruption, "live");
});

Deno.test("only declared fields are compared", () => {
  const rich = observed(machine(FULL), { running: true, autostart: true });
  assert.deepEqual(machineKind.diff(machine({ vcpus: 2 }), rich, { lookup: lookup() }), []);
});

Deno.test("an entry that was never declared here is left alone", () => {
  const host = observed(machine({ disks: [DISK], nics: [NIC] }));
  const declared = machine({});
  const context = { previous: machine({ disks: [DISK] }).spec, lookup: lookup() };
  const paths = machineKind.diff(declared, host, context).map((change) => change.path);
  assert.deepEqual(paths, ["disks[root]"]);
});

Deno.test("what refers to something that goes with its declaration goes too", () => {
  const before = machine({ ...FULL, title: "kept" });
  const after = machine({});
  const context = { previous: before.spec, lookup: lookup() };
  const paths = machineKind.diff(after, observed(before), context).map((change) => change.path);
  assert.deepEqual(paths, [
    "boot.kernel",
    "boot.cmdline",
    "disks[root]",
    "disks[data]",
    "seed",
    "nics[nic0]",
    "nics[lan]",
  ]);
  const xml = patchMachine(String(observed(before).source.xml), after, MARK, before.spec);
  assert.deepEqual(machineKind.diff(after, observed(after, { xml }), context), []);
  assert.ok(!xml.includes("ua-seed") && !xml.includes("<kernel>") && xml.includes("<title>kept"));
});

Deno.test("a machine type's alias stays at the version that it first meant", () => {
  const host = observed(machine({}));
  assert.deepEqual(machineKind.diff(machine({ machine: "q35" }), host, { lookup: lookup() }), []);
  const [change] = machineKind.diff(machine({ machine: "pc" }), host, { lookup: lookup() });
  assert.equal(change?.path, "machine");
});

Deno.test("a saved change is pending until the guest has restarted", () => {
  const declared = machine({ vcpus: 1, cpu: { mode: "host-model" } });
  const was = machineXml(completed(machine({ vcpus: 1, cpu: { mode: "maximum" } })), MARK);
  const saved = changedSince(observed(declared, { running: true, liveXml: was }));
  assert.deepEqual(machineKind.diff(declared, saved, { lookup: lookup() }), []);
  assert.deepEqual(machineKind.notes?.(declared, lookup({ observed: saved })), [
    "pending restart: cpu.mode",
  ]);
});

Deno.test("calls that reach the running guest", () => {
  const before = machine({ maxVcpus: 4, maxMemory: "512MiB", disks: [DISK], nics: [NIC] });
  const after = machine({
    title: "new",
    vcpus: 3,
    maxVcpus: 4,
    memory: "300MiB",
    maxMemory: "512MiB",
    disks: [{ name: "data", volume: "lab/volume.data", bus: "scsi" }],
    nics: [{ ...NIC, network: "lab/network.back", link: "down" }],
    autostart: true,
  });
  const host = observed(before, { running: true });
  const changes = changesOf(before, after, true);
  golden(
    import.meta.url,
    "live_calls.json",
    JSON.stringify(liveCalls(changes, after, host), null, 2),
  );
});

Deno.test("a restart is a call of its own, and power off needs none", () => {
  const before = machine({ cpu: { mode: "maximum" } });
  const host = observed(before, { running: true });
  const after = machine({ cpu: { mode: "host-model" }, whenRestartNeeded: "now" });
  assert.deepEqual(liveCalls(changesOf(before, after, true), after, host), [{ call: "restart" }]);
  const off = machine({ cpu: { mode: "host-model" }, whenRestartNeeded: "now", power: "off" });
  assert.deepEqual(liveCalls(changesOf(before, off, true), off, host), [
    { call: "setPower", value: "off" },
  ]);
});

Deno.test("require-kvm is refused where guests do not run under KVM", () => {
  const declared = machine({ accel: "require-kvm" });
  const soft = { verdict: "kvm-soft" as const, evidence: ["/dev/kvm opens", "no vmx, no svm"] };
  const [issue] = machineKind.check(declared, lookup({ facts: { ...FACTS, accelerator: soft } }));
  assert.equal(issue?.code, "machine.no-kvm");
  assert.match(issue.message, /kvm-soft: \/dev\/kvm opens; no vmx, no svm/);
  const hard = { verdict: "kvm-hw" as const, evidence: [] };
  assert.deepEqual(
    machineKind.check(declared, lookup({ facts: { ...FACTS, accelerator: hard } })),
    [],
  );
});

Deno.test("falling back on full emulation is said", () => {
  assert.deepEqual(machineKind.notes?.(machine({}), lookup()), [
    "full emulation (TCG), since KVM does not run x86_64 guests on this host (tcg: no /dev/kvm)",
  ]);
});

Deno.test("whenRestartNeeded: never refuses the plan", () => {
  const host = observed(machine({ cpu: { mode: "maximum" } }), { running: true });
  const declared = machine({ cpu: { mode: "host-model" }, whenRestartNeeded: "never" });
  const [issue] = machineKind.check(declared, lookup({ observed: host }));
  assert.deepEqual([issue?.code, issue?.path], ["machine.restart-needed", "cpu.mode"]);
});

Deno.test("what moves by itself is no part of the fingerprint", () => {
  const host = observed(machine({}), { running: true });
  const live = String(host.source.liveXml);
  const moved = live
    .replace("<domain type='qemu'>", "<domain type='qemu' id='7'>")
    .replace("</devices>", "</devices><seclabel type='dynamic'><label>+1</label></seclabel>");
  const later = live.replace("<domain type='qemu'>", "<domain type='qemu' id='8'>");
  const print = (liveXml: string) => machineFingerprint({ ...host.source, liveXml });
  assert.equal(print(moved), print(later));
  assert.notEqual(print(later), print(later.replace("</devices>", "<x/></devices>")));
});

const sizes = fc.constantFrom("64MiB", "128MiB", "256MiB", "1GiB");
const disk = (name: string, volume: string): fc.Arbitrary<JsonObject> =>
  fc.record({ bus: fc.constantFrom("virtio", "scsi", "sata") }).map(({ bus }) => ({
    name,
    volume,
    bus,
  }));
const nic = (name: string, mac: string): fc.Arbitrary<JsonObject> =>
  fc.record({
    network: fc.constantFrom("lab/network.front", "lab/network.back"),
    model: fc.constantFrom("virtio", "e1000"),
    link: fc.constantFrom("up", "down"),
  }).map((fields) => ({ name, mac, ...fields }));

/** Any machine that the schema takes. */
const machines = fc.record({
  title: fc.string({ unit: "grapheme-ascii" }).map((text) => text.trim() || "t"),
  description: fc.constantFrom("one", "two & <three>", "'\""),
  vcpus: fc.integer({ min: 1, max: 4 }),
  maxVcpus: fc.integer({ min: 4, max: 8 }),
  memory: sizes,
  maxMemory: fc.constantFrom("1GiB", "2GiB"),
  cpu: fc.constantFrom<Json>({ mode: "maximum" }, { mode: "custom", model: "qemu64" }),
  disks: fc.tuple(
    fc.option(disk("root", "lab/volume.web-root")),
    fc.option(disk("data", "lab/volume.data")),
  ).map((list) => list.filter((item) => item !== null)),
  nics: fc.tuple(
    fc.option(nic("nic0", "52:54:11:22:33:44")),
    fc.option(nic("nic1", "52:54:11:22:33:45")),
  ).map((list) => list.filter((item) => item !== null)),
  graphics: fc.constantFrom("none", "vnc", "spice"),
  agent: fc.boolean(),
  console: fc.boolean(),
  firmware: fc.constantFrom("bios", "uefi"),
}, { requiredKeys: ["memory", "disks", "nics"] }) as fc.Arbitrary<JsonObject>;

Deno.test("property: a machine that was just made differs in nothing", () => {
  fc.assert(fc.property(machines, (declared) => {
    const resource = machine(declared);
    assert.deepEqual(machineKind.diff(resource, observed(resource), { lookup: lookup() }), []);
  }));
});

Deno.test("property: patching from any machine to any other leaves no difference", () => {
  fc.assert(fc.property(machines, machines, (first, second) => {
    const [before, after] = [machine(first), machine(second)];
    const was = observed(before);
    const xml = patchMachine(String(was.source.xml), after, MARK, before.spec);
    const context = { previous: before.spec, lookup: lookup() };
    assert.deepEqual(machineKind.diff(after, observed(after, { xml }), context), []);
  }));
});

Deno.test("property: what is not declared keeps its bytes and its order", () => {
  const foreign = [
    "<vsock model='virtio'>\n      <cid auto='yes'/>\n    </vsock>",
    "<watchdog model='i6300esb' action='reset'/>",
    "<!-- by hand -->",
  ];
  fc.assert(fc.property(machines, machines, fc.subarray(foreign), (first, second, extra) => {
    const [before, after] = [machine(first), machine(second)];
    const made = machineXml(completed(before), MARK)
      .replace("  </devices>", `    ${extra.join("\n    ")}\n  </devices>`);
    const patched = patchMachine(made, after, MARK, before.spec);
    let from = 0;
    for (const node of extra) {
      const at = patched.indexOf(node, from);
      assert.notEqual(at, -1, `${node} is gone`);
      from = at + node.length;
    }
    assert.equal(serializeXml(parseXml(patched)), patched);
    const again = patchMachine(patched, after, MARK, after.spec);
    assert.equal(again, patched, "patching twice changes nothing more");
  }));
});
