import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject } from "../../../providers/provider.ts";
import {
  liveCalls,
  machineKind,
  machineXml,
  patchMachine,
} from "../../../providers/kvm/kinds/machine/mod.ts";
import { parseXml } from "../../../providers/kvm/xml/mod.ts";
import { changedSince, completed, FACTS, lookup, machine, MARK, observed } from "./fixtures.ts";
import { CASES } from "./platform_cases.ts";

const context = (before: JsonObject) => ({ previous: machine(before).spec, lookup: lookup() });

Deno.test("each changed field says how it will be applied", async (t) => {
  for (const { paths, before, after, running } of CASES) {
    await t.step(`${paths.join(", ")}: ${running} while it runs`, () => {
      for (const [on, expected] of [[true, running], [false, "live"]] as const) {
        const host = observed(machine(before), { running: on });
        const changes = machineKind.diff(machine(after), host, context(before));
        assert.deepEqual(
          changes.map(({ path, disruption }) => [path, disruption]),
          paths.map((path) => [path, expected]),
        );
      }
    });
  }
});

Deno.test("what is patched is there, and nothing else has moved", async (t) => {
  for (const { paths, before, after } of CASES) {
    await t.step(paths.join(", "), () => {
      const host = observed(machine(before));
      const xml = patchMachine(String(host.source.xml), machine(after), MARK, machine(before).spec);
      const patched = observed(machine(after), { xml });
      assert.deepEqual(machineKind.diff(machine(after), patched, context(before)), []);
      const back = patchMachine(xml, machine(after), MARK, machine(after).spec);
      assert.equal(back, xml, "patching twice changes nothing more");
      const devices = (text: string) => text.slice(text.indexOf("<devices>"));
      const until = (text: string) => text.slice(0, text.indexOf("</devices>"));
      assert.equal(until(devices(xml)), until(devices(String(host.source.xml))));
    });
  }
});

Deno.test("a live change is a call, and a change that waits is none", () => {
  for (const { paths, before, after, running } of CASES) {
    const host = observed(machine(before), { running: true });
    const changes = machineKind.diff(machine(after), host, context(before));
    const calls = liveCalls(changes, machine(after), host);
    assert.equal(calls.length > 0, running === "live", `${paths}: ${JSON.stringify(calls)}`);
  }
});

Deno.test("calls that change what the host grants", () => {
  const before: JsonObject = {
    ioThreads: 2,
    blkioTune: { devices: [{ path: "/dev/sda", weight: 300 }] },
    numa: { tune: { mode: "restrictive", nodes: "0" } },
  };
  const after: JsonObject = {
    ioThreads: 4,
    cpuTune: {
      shares: 512,
      emulatorQuota: -1,
      vcpuPins: [{ vcpu: 0, cpus: "0-2,^1" }],
      emulatorPin: "1",
      ioThreadPins: [{ ioThread: 4, cpus: "0" }],
    },
    blkioTune: { weight: 700, devices: [{ path: "/dev/sdb", weight: 400, readIops: 9 }] },
    memTune: { hardLimit: "1GiB", softLimit: "unlimited", swapHardLimit: "2GiB" },
    numa: { tune: { mode: "restrictive", nodes: "0-1" } },
    onCrash: "coredump-restart",
  };
  const host = observed(machine(before), { running: true });
  const changes = machineKind.diff(machine(after), host, context(before));
  assert.deepEqual(liveCalls(changes, machine(after), host), [
    { call: "addIoThread", id: 3 },
    { call: "addIoThread", id: 4 },
    { call: "pinVcpu", vcpu: 0, cpus: [0, 2] },
    { call: "pinEmulator", cpus: [1] },
    { call: "pinIoThread", id: 4, cpus: [0] },
    { call: "setScheduler", parameters: { cpu_shares: 512, emulator_quota: -1 } },
    { call: "setMemoryLimits", parameters: { hard_limit: 1048576, swap_hard_limit: 2097152 } },
    {
      call: "setBlkio",
      parameters: {
        weight: 700,
        device_weight: "/dev/sdb,400,/dev/sda,0",
        device_read_iops_sec: "/dev/sdb,9",
      },
    },
    { call: "setNuma", parameters: { numa_nodeset: "0-1" } },
    { call: "setLifecycleAction", type: 2, action: 5 },
  ]);
  const fewer = { ...machine({ ...before, ioThreads: 1 }) };
  const drop = machineKind.diff(fewer, host, context(before));
  assert.deepEqual(liveCalls(drop, fewer, host), [{ call: "deleteIoThread", id: 2 }]);
});

Deno.test("numbered I/O threads: the highest go, the lowest free numbers come", () => {
  const made = machineXml(completed(machine({ ioThreads: 3 })), MARK).replace(
    "<iothreads>3</iothreads>",
    "<iothreads>3</iothreads><iothreadids><iothread id='7'/><iothread id='2'/></iothreadids>",
  );
  const host = observed(machine({}), { running: true, xml: made });
  const two = machine({ ioThreads: 2 });
  const changes = machineKind.diff(two, host, { lookup: lookup() });
  assert.deepEqual(liveCalls(changes, two, host), [{ call: "deleteIoThread", id: 7 }]);
  const xml = patchMachine(made, two, MARK, undefined);
  assert.match(xml, /<iothreadids><iothread id='2'\/><\/iothreadids>/);
  const four = machine({ ioThreads: 4 });
  const more = machineKind.diff(four, host, { lookup: lookup() });
  assert.deepEqual(liveCalls(more, four, host), [{ call: "addIoThread", id: 3 }]);
});

Deno.test("a CPU that was worked out at the start is no difference", () => {
  const declared = machine({
    cpu: {
      mode: "host-model",
      check: "partial",
      features: [{ name: "x2apic", policy: "require" }],
    },
  });
  const config = machineXml(completed(declared), MARK);
  const live = config.replace("<domain ", "<domain id='3' ").replace(
    /<cpu[\s\S]*<\/cpu>/,
    "<cpu mode='custom' match='exact' check='full'><model fallback='forbid'>EPYC</model>" +
      "<feature policy='require' name='x2apic'/><feature policy='disable' name='svm'/></cpu>",
  );
  const host = changedSince(observed(declared, { running: true, xml: config, liveXml: live }));
  assert.deepEqual(machineKind.notes?.(declared, lookup({ observed: host })), []);
  const less = machine({
    cpu: { mode: "host-model", features: [{ name: "x2apic", policy: "disable" }] },
  });
  const waiting = changedSince(observed(less, { running: true, liveXml: live }));
  assert.deepEqual(machineKind.notes?.(less, lookup({ observed: waiting })), [
    "pending restart: cpu.features[x2apic].policy",
  ]);
  const other = machine({ cpu: { mode: "host-passthrough" } });
  const saved = changedSince(observed(other, { running: true, liveXml: live }));
  assert.deepEqual(machineKind.notes?.(other, lookup({ observed: saved })), [
    "pending restart: cpu.mode",
  ]);
});

Deno.test("secure boot is off where a stack says so, and not where libvirt is to choose", () => {
  const off = machine({ firmware: "uefi", secureBoot: false });
  const xml = machineXml(completed(off), MARK);
  assert.match(xml, /name='secure-boot' enabled='no'/);
  const chosen = machine({ firmware: "uefi" });
  const changed = machineKind.diff(off, observed(chosen), {
    previous: chosen.spec,
    lookup: lookup(),
  });
  assert.deepEqual(changed.map(({ path }) => path), ["secureBoot"]);
});

Deno.test("an entry that waits for the next start waits with its fields", () => {
  const cells = (memory: string) => ({
    numa: { cells: [{ cell: 0, memory, cpus: "0" }] },
    memory,
  });
  const saved = machineXml(completed(machine(cells("128MiB"))), MARK);
  const running = machineXml(completed(machine({ memory: "128MiB" })), MARK);
  const host = observed(machine({}), { running: true, xml: saved, liveXml: running });
  const after = machine({ ...cells("128MiB"), numa: { cells: [{ cell: 0, memory: "128MiB" }] } });
  assert.deepEqual(machineKind.diff(after, host, context({})), []);
  const moved = machine({
    ...cells("128MiB"),
    numa: { cells: [{ cell: 0, cpus: "0", memory: "128MiB", access: "shared" }] },
  });
  const [change] = machineKind.diff(moved, host, context({}));
  assert.deepEqual([change?.path, change?.disruption], ["numa.cells[0].access", "next-boot"]);
  // Taken out of the configuration: the running guest keeps it, and nothing is left to do.
  const back = observed(machine({}), { running: true, xml: running, liveXml: saved });
  assert.deepEqual(
    machineKind.diff(machine({ memory: "128MiB" }), back, context(cells("128MiB"))),
    [],
  );
});

Deno.test("a place of a device takes the boot order of kinds away", () => {
  const disk = { name: "root", volume: "lab/volume.web-root" };
  const made = machineXml(completed(machine({ bootOrder: ["hd"], disks: [disk] })), MARK);
  const after = machine({ disks: [{ ...disk, bootOrder: 1 }] });
  const xml = patchMachine(made, after, MARK, undefined);
  assert.ok(!xml.includes("<boot dev=") && xml.includes("<boot order='1'/>"), xml);
  const back = patchMachine(xml, machine({ bootOrder: ["cdrom"], disks: [disk] }), MARK, undefined);
  assert.ok(back.includes("<boot dev='cdrom'/>") && !back.includes("order="), back);
});

Deno.test("what does not fit together is refused, and what would fit is said", async (t) => {
  const cases: [path: string, declared: JsonObject, message: RegExp][] = [
    ["vcpus", { vcpus: 4, maxVcpus: 2 }, /above maxVcpus, 2/],
    ["memory", { memory: "2GiB", maxMemory: "1GiB" }, /2 GiB is above maxMemory, 1 GiB/],
    ["memoryHotplug.max", { memoryHotplug: { max: "128MiB", slots: 1 } }, /no room above 256 MiB/],
    [
      "cpu.topology",
      { maxVcpus: 4, cpu: { topology: { sockets: 1, cores: 2, threads: 1 } } },
      /is 2, and maxVcpus is 4/,
    ],
    ["cpu.model", { cpu: { mode: "maximum", model: "EPYC" } }, /mode "custom"/],
    ["cpu.migratable", { cpu: { mode: "custom", migratable: true } }, /host-passthrough/],
    ["cpu.cache.level", { cpu: { cache: { mode: "disable", level: 3 } } }, /emulate/],
    [
      "cpu.features.1.name",
      {
        cpu: {
          features: [{ name: "vmx", policy: "require" }, { name: "vmx", policy: "disable" }],
        },
      },
      /"vmx" stands twice/,
    ],
    ["numa.cells", { numa: { cells: [{ cell: 0, memory: "1GiB" }] } }, /the cells have 1 GiB/],
    [
      "numa.cells.1.cpus",
      {
        maxVcpus: 2,
        numa: {
          cells: [{ cell: 0, cpus: "0-1", memory: "128MiB" }, {
            cell: 1,
            cpus: "1",
            memory: "128MiB",
          }],
        },
      },
      /vCPU 1 is in cell 0 too/,
    ],
    [
      "numa.cells.0.distances.0.cell",
      {
        numa: {
          cells: [{ cell: 0, memory: "256MiB", distances: [{ cell: 1, distance: 21 }] }],
        },
      },
      /there is no cell 1/,
    ],
    [
      "numa.cells.0.distances.0.distance",
      {
        numa: {
          cells: [{ cell: 0, memory: "256MiB", distances: [{ cell: 0, distance: 21 }] }],
        },
      },
      /a cell is at 10 from itself/,
    ],
    ["numa.tune.nodes", { numa: { tune: { nodes: "a-b" } } }, /for example "0-3,8"/],
    ["numa.tune.nodes", { numa: { tune: { placement: "auto", nodes: "0" } } }, /numad/],
    ["cpuTune.quota", { cpuTune: { quota: 5 } }, /at least 1000 microseconds, or -1/],
    [
      "cpuTune.vcpuPins.0.vcpu",
      { vcpus: 2, cpuTune: { vcpuPins: [{ vcpu: 2, cpus: "0" }] } },
      /numbered 0 to 1/,
    ],
    [
      "cpuTune.ioThreadPins.0.ioThread",
      { ioThreads: 1, cpuTune: { ioThreadPins: [{ ioThread: 2, cpus: "0" }] } },
      /numbered 1 to 1/,
    ],
    [
      "cpuTune.vcpuSchedulers.0.priority",
      { cpuTune: { vcpuSchedulers: [{ vcpus: "0", scheduler: "fifo" }] } },
      /fifo and rr/,
    ],
    [
      "memTune.swapHardLimit",
      { memTune: { hardLimit: "2GiB", swapHardLimit: "1GiB" } },
      /below hardLimit/,
    ],
    ["clock.timezone", { clock: { offset: "utc", timezone: "CET" } }, /offset "timezone"/],
    ["secureBoot", { secureBoot: true }, /firmware: "uefi"/],
    ["nvram", { firmware: "bios", nvram: "/x" }, /UEFI/],
    ["onReboot", { onPoweroff: "restart", onReboot: "destroy" }, /QEMU/],
    ["bootOrder", { bootOrder: ["hd", "hd"] }, /twice/],
    [
      "disks.0.bootOrder",
      {
        bootOrder: ["hd"],
        disks: [{ name: "root", volume: "lab/volume.web-root", bootOrder: 1 }],
      },
      /second boot order/,
    ],
    [
      "disks.1.bootOrder",
      {
        disks: [
          { name: "root", volume: "lab/volume.web-root", bootOrder: 1 },
          { name: "data", volume: "lab/volume.data", bootOrder: 1 },
        ],
      },
      /place of disks\[0\] too/,
    ],
  ];
  for (const [path, declared, message] of cases) {
    await t.step(path, () => {
      const input = { name: "web", memory: "256MiB", disks: [], nics: [], ...declared };
      const { error } = machineKind.schema.safeParse(input);
      const issue = error?.issues.find((one) => one.path.join(".") === path);
      assert.ok(issue, `${path}: ${JSON.stringify(error?.issues)}`);
      assert.match(issue.message, message);
    });
  }
});

Deno.test("what the host does not have is refused when planned", () => {
  const issues = (declared: JsonObject, facts = FACTS) =>
    machineKind.check(machine(declared), lookup({ facts })).map(({ path, help }) => [path, help]);
  assert.deepEqual(issues({ machine: "pc-q35-9.9" }), [["machine", "it has pc-q35-7.2"]]);
  assert.deepEqual(issues({ machine: "q35" }), []);
  assert.deepEqual(issues({ firmware: "uefi" })[0]?.[0], "firmware");
  const features = [{ name: "vmx", policy: "disable" }, { name: "sse42", policy: "require" }];
  assert.deepEqual(issues({ cpu: { features } }), [
    ["cpu.features[1].name", "did you mean sse4-2 or sse4.2 or sse4_2?"],
  ]);
  assert.deepEqual(issues({ cpu: { features } }, { ...FACTS, libvirtVersion: 11_000_000 }), []);
});

Deno.test("a new machine is laid out for its guest", () => {
  const disks = [{ name: "root", volume: "lab/volume.web-root" }];
  const nics = [{ name: "nic0", network: "lab/network.front", mac: "52:54:11:22:33:44" }];
  const accelerator = { verdict: "kvm-hw" as const, evidence: [] };
  const made = (declared: JsonObject, kvm = false) => {
    const facts = kvm ? { ...FACTS, accelerator } : FACTS;
    const resource = machine({ disks, nics, ...declared });
    const spec = machineKind.complete(resource, lookup({ facts }));
    return machineXml({ ...resource, spec }, MARK);
  };
  const windows = made({ os: "windows" }, true);
  for (
    const part of [
      "bus='sata'",
      "<model type='e1000e'/>",
      "<clock offset='localtime'>",
      "<timer name='hypervclock' present='yes'/>",
      "<spinlocks state='on' retries='8191'/>",
    ]
  ) assert.ok(windows.includes(part), `${part} in ${windows}`);
  assert.ok(!made({ os: "windows" }).includes("<hyperv"), "TCG knows no enlightenments");
  const mixed = made({ os: "windows", devices: "paravirtual" });
  assert.ok(mixed.includes("bus='virtio'") && mixed.includes("localtime"));
  const emulated = made({ devices: "emulated" });
  assert.ok(emulated.includes("bus='sata'") && emulated.includes("<model type='e1000'/>"));
  assert.ok(!emulated.includes("virtio"), emulated);

  // A seed stands where the guest's disks do: on SATA it needs no driver that is still to come.
  const seeded = (declared: JsonObject) => {
    const drive = /<disk type='volume' device='cdrom'>[\s\S]*?<\/disk>/;
    return drive.exec(made({ seed: "lab/seed.web", ...declared }))?.[0] ?? "";
  };
  assert.match(seeded({}), /bus='scsi'/);
  for (const declared of [{ os: "windows" }, { devices: "emulated" }]) {
    assert.match(seeded(declared), /dev='sd[bc]' bus='sata'/);
    assert.match(seeded({ ...declared, disks: [] }), declared.os ? /bus='scsi'/ : /bus='sata'/);
  }
  assert.ok(!made({ devices: "emulated", seed: "lab/seed.web" }).includes("virtio"));

  // What a display shows, and a drive for the disc with drivers.
  assert.match(made({ graphics: "vnc" }), /<model type='virtio'\/>\s*<\/video>/);
  assert.match(made({ os: "windows", graphics: "vnc" }), /<model type='vga'\/>/);
  assert.match(made({ devices: "emulated", displays: [{ name: "a", type: "vnc" }] }), /'vga'/);
  const own = [{ name: "screen", model: "bochs" }];
  assert.ok(!made({ os: "windows", graphics: "vnc", videos: own }).includes("'vga'"));
  assert.match(windows, /device='cdrom'>[\s\S]*?<alias name='ua-drivers'\/>/);
  assert.ok(!made({}).includes("cdrom"));
});

Deno.test("a drive for drivers takes its disc while the guest runs", () => {
  const before = machine({ os: "windows" });
  const file = "/srv/virtio-win.iso";
  const after = machine({ os: "windows", cdroms: [{ name: "drivers", file }] });
  const changes = machineKind.diff(after, observed(before, { running: true }), context({}));
  assert.deepEqual(changes.map(({ path, disruption }) => [path, disruption]), [[
    "cdroms[drivers].file",
    "live",
  ]]);
});

Deno.test("root ports stay free beside the devices of a new machine", () => {
  const free = (declared: JsonObject) => {
    const xml = machineXml(completed(machine(declared)), MARK);
    const slots = (pattern: RegExp) => [...xml.matchAll(pattern)].length;
    const taken = slots(
      /<(interface|filesystem|shmem|rng|memballoon model='virtio'|sound|watchdog)[ >]/g,
    ) + slots(/bus='virtio'/g) + 2;
    return slots(/model='pcie-root-port'/g) - taken;
  };
  const shares = [1, 2, 3, 4, 5, 6].map((index) => ({
    name: `share${index}`,
    driver: "9p",
    source: "/srv",
    target: `share${index}`,
  }));
  assert.ok(free({}) >= 8);
  assert.ok(free({ filesystems: shares }) >= 8);
});

const declarations = fc.array(fc.constantFrom(...CASES), { minLength: 1, maxLength: 4 }).map(
  (cases) => Object.assign({}, ...cases.map(({ after }) => after)) as JsonObject,
).filter((declared) =>
  machineKind.schema.safeParse({ name: "web", memory: "256MiB", disks: [], nics: [], ...declared })
    .success
);

Deno.test("property: a machine that was just made differs in nothing", () => {
  fc.assert(fc.property(declarations, (declared) => {
    const resource = machine(declared);
    assert.deepEqual(machineKind.diff(resource, observed(resource), { lookup: lookup() }), []);
  }));
});

Deno.test("property: patching from any machine to any other leaves no difference", () => {
  fc.assert(fc.property(declarations, declarations, (first, second) => {
    const [before, after] = [machine(first), machine(second)];
    const xml = patchMachine(String(observed(before).source.xml), after, MARK, before.spec);
    const patched = observed(after, { xml });
    assert.deepEqual(machineKind.diff(after, patched, context(first)), []);
    assert.equal(parseXml(xml).name, "domain");
  }));
});

Deno.test("what says something of a CPU model needs one, declared or on the host", () => {
  const issues = (declared: JsonObject, on?: JsonObject) =>
    machineKind.check(
      machine(declared),
      lookup(on === undefined ? {} : { observed: observed(machine(on)) }),
    ).filter(({ code }) => code === "machine.cpu-without-model").map(({ path }) => path);
  assert.deepEqual(issues({ cpu: { mode: "custom" } }), ["cpu.mode"]);
  assert.deepEqual(issues({ cpu: { match: "strict", fallback: "forbid" } }), [
    "cpu.match",
    "cpu.fallback",
  ]);
  assert.deepEqual(issues({ cpu: { mode: "host-model", fallback: "forbid" } }), []);
  const named = { cpu: { mode: "custom", model: "qemu64" } };
  assert.deepEqual(issues({ cpu: { match: "strict" } }, named), []);
  assert.deepEqual(issues({ cpu: { model: "qemu64" } }, { cpu: { mode: "maximum" } }), [
    "cpu.model",
  ]);
});

Deno.test("a vCPU's placement stands on an element that is whole", () => {
  const xml = machineXml(completed(machine({ cpuset: "0-1" })), MARK);
  assert.match(xml, /<vcpu cpuset='0-1'>1<\/vcpu>/);
});
