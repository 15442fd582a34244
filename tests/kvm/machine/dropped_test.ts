import assert from "node:assert/strict";
import type { JsonObject } from "../../../providers/provider.ts";
import { machineKind } from "../../../providers/kvm/kinds/machine/mod.ts";
import { lookup, machine, observed } from "./fixtures.ts";

const HOSTDEV = { name: "vf", mac: "52:54:00:12:34:56", hostdev: "0000:3b:10.1" };

/** What libvirt 9.0 was seen to drop or change in silence, and to refuse in words of its own. */
const REFUSED: readonly [path: string, declared: JsonObject, message: RegExp][] = [
  ["videos.0.vram", video({ model: "vga", vram: 1000 }), /power of two: .* make it 1024/],
  ["videos.0.ram", video({ model: "qxl", ram: 70_000 }), /power of two: .* make it 131072/],
  ["videos.0.primary", video({ primary: false }), /the first is the primary one where none is/],
  [
    "videos.1.primary",
    video({ primary: true }, { primary: true }),
    /videos\[0\] is the primary one too/,
  ],
  ["videos.0.vram", video({ model: "none", vram: 1024 }), /model "none"/],
  ["videos.0.heads", video({ model: "none", heads: 2 }), /model "none"/],
  ["videos.0.primary", video({ model: "none", primary: false }), /model "none"/],
  ["videos.0.acceleration", video({ model: "none", acceleration: true }), /model "none"/],
  ...["ich7", "ac97", "es1370", "sb16", "pcspk", "usb"].map((model) =>
    [
      "sounds.0.codec",
      { sounds: [{ name: "a", model, codec: "micro" }] },
      /"ich6" or "ich9"/,
    ] as [string, JsonObject, RegExp]
  ),
  ["serials.0.tls", { serials: [{ name: "a", type: "pty", tls: true }] }, /goes with type "tcp"/],
  ["serials.0.tls", { serials: [{ name: "a", type: "unix", tls: false }] }, /goes with type "tcp"/],
  [
    "channels.0.tls",
    { channels: [{ name: "a", type: "unix", target: "org.example.0", tls: true }] },
    /goes with type "tcp"/,
  ],
  ["features.pseries.hptMaxPageSize", pseries(4097), /whole number of KiB: .* make it 5KiB/],
  ["features.smmTseg", { features: { smmTseg: 2 ** 20 + 1 } }, /make it 1025KiB/],
  ["features.tcgCache", { features: { tcgCache: 2 ** 20 + 1 } }, /make it 1025KiB/],
  ["features.apicEoi", { features: { apic: false, apicEoi: true } }, /apic: false leaves it out/],
  ["features.smmTseg", { features: { smm: false, smmTseg: "48MiB" } }, /goes with smm/],
  ["nics.0.offload", { nics: [{ ...HOSTDEV, offload: { host: { gso: false } } }] }, /its own/],
  ["nics.0.queues", { nics: [{ ...HOSTDEV, queues: 2 }] }, /its own/],
  ["nics.0.eventIndex", { nics: [{ ...HOSTDEV, eventIndex: true }] }, /its own/],
  [
    "clock.timers.0.track",
    timer({ name: "hpet", track: "guest" }),
    /goes with "platform" or "rtc", and this timer is "hpet"/,
  ],
  ["clock.timers.0.frequency", timer({ name: "rtc", frequency: 1000 }), /goes with "tsc"/],
  ["clock.timers.0.mode", timer({ name: "pit", mode: "native" }), /goes with "tsc"/],
  [
    "clock.timers.0.tickPolicy",
    timer({ name: "kvmclock", tickPolicy: "delay" }),
    /this timer is "kvmclock"/,
  ],
  [
    "clock.timers.0.catchup",
    timer({ name: "rtc", catchup: { slew: 120 } }),
    /goes with tickPolicy "catchup"/,
  ],
];

/** What libvirt keeps, or means by saying nothing. */
const TAKEN: readonly JsonObject[] = [
  video({ model: "vga", vram: 16_384 }),
  video({ model: "none" }),
  video({ model: "qxl", ram: 65_536, vram64: 30_000 }),
  video({}, { primary: false }),
  video({ primary: false }, { primary: true }),
  { sounds: [{ name: "a", model: "ich6", codec: "micro" }] },
  { serials: [{ name: "a", type: "tcp", host: "127.0.0.1", port: 5555, tls: false }] },
  { tpm: { backend: "emulator", persistentState: false } },
  pseries("64KiB"),
  { features: { apic: true, apicEoi: false } },
  { features: { smmTseg: "48MiB" } },
  { nics: [{ ...HOSTDEV, virtio: { packed: true } }] },
  timer({ name: "rtc", track: "wall", tickPolicy: "catchup", catchup: { slew: 120 } }),
  timer({ name: "tsc", frequency: 1_000_000, mode: "native" }),
];

function video(...videos: readonly JsonObject[]): JsonObject {
  return {
    videos: videos.map((one, index) => ({ name: `v${index}`, model: "virtio", ...one })),
  };
}

function pseries(hptMaxPageSize: string | number): JsonObject {
  return { features: { pseries: { hptMaxPageSize } } };
}

function timer(one: JsonObject): JsonObject {
  return { clock: { offset: "utc", timers: [one] } };
}

const parse = (declared: JsonObject) =>
  machineKind.schema.safeParse({
    name: "web",
    memory: "256MiB",
    disks: [],
    nics: [],
    ...declared,
  });

Deno.test("what libvirt drops or changes in silence is refused, and what it keeps is said", async (t) => {
  for (const [path, declared, message] of REFUSED) {
    await t.step(`${path}: ${JSON.stringify(declared)}`, () => {
      const found = parse(declared).error?.issues ?? [];
      const messages = found.filter((issue) => issue.path.join(".") === path)
        .map((issue) => issue.message);
      assert.equal(messages.length, 1, JSON.stringify(found));
      assert.match(messages[0]!, message);
    });
  }
});

Deno.test("what libvirt keeps is taken", async (t) => {
  for (const declared of TAKEN) {
    await t.step(JSON.stringify(declared), () => {
      assert.deepEqual(parse(declared).error?.issues ?? [], []);
    });
  }
});

Deno.test("what libvirt means by saying nothing is no difference, and is not written", () => {
  const quiet: readonly (readonly [JsonObject, RegExp])[] = [
    [video({}, { primary: false }), /primary=/],
    [{ tpm: { backend: "emulator", persistentState: false } }, /persistent_state=/],
  ];
  for (const [declared, written] of quiet) {
    const resource = machine(declared);
    const made = observed(resource);
    assert.doesNotMatch(String(made.source.xml), written);
    assert.deepEqual(machineKind.diff(resource, made, { lookup: lookup() }), []);
  }
  const kept = observed(machine({ tpm: { backend: "emulator", persistentState: true } }));
  const dropped = machine({ tpm: { backend: "emulator", persistentState: false } });
  assert.deepEqual(machineKind.diff(dropped, kept, { lookup: lookup() }).map(({ path }) => path), [
    "tpm.persistentState",
  ]);
});

Deno.test("what would be dropped for what the host has is refused when planned", () => {
  const issues = (declared: JsonObject, on?: JsonObject) =>
    machineKind.check(
      machine(declared),
      lookup(on === undefined ? {} : { observed: observed(machine(on)) }),
    ).map(({ code, path, help }) => [code, path, help]);
  const pin = (vcpu: number) => ({ cpuTune: { vcpuPins: [{ vcpu, cpus: "0" }] } });
  assert.deepEqual(issues(pin(1)), [
    [
      "machine.pin-without-vcpu",
      "cpuTune.vcpuPins[1].vcpu",
      "declare maxVcpus: 2, or pin vCPU 0",
    ],
  ]);
  assert.deepEqual(issues(pin(0)), []);
  assert.deepEqual(issues(pin(3), { vcpus: 1, maxVcpus: 4 }), []);
  assert.deepEqual(issues(pin(4), { vcpus: 1, maxVcpus: 4 }).map(([, , help]) => help), [
    "declare maxVcpus: 5, or pin 0 to 3",
  ]);
  const tseg = { features: { smmTseg: "48MiB" } };
  assert.deepEqual(issues(tseg, {}), []);
  assert.deepEqual(issues(tseg, { features: { smm: true } }), []);
  assert.deepEqual(issues(tseg, { features: { smm: false } }).map(([code]) => code), [
    "machine.tseg-without-smm",
  ]);
});
