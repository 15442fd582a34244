/**
 * Bad input: refused when planned, with the path in the stack and what would be valid. No host is asked
 * for more than its facts, and nothing is made.
 */

import assert from "node:assert/strict";
import type { HostFacts } from "../../../providers/kvm/facts.ts";
import { StaddleError } from "../../../providers/error.ts";
import type { HostScope } from "../../../stacks/mod.ts";
import { golden } from "../../support/golden.ts";
import { FACTS } from "./fixtures.ts";
import { type Made, make, plan, shop } from "./stack_world.ts";

const NO_FIRMWARE: HostFacts = {
  ...FACTS,
  emulators: {
    ...FACTS.emulators,
    aarch64: {
      path: "/usr/bin/qemu-system-aarch64",
      domainTypes: ["qemu"],
      machines: [{ name: "virt", canonical: "virt-7.2" }],
      efi: false,
    },
  },
};

/** What is declared, as an author may, whatever the types say. */
const CASES: readonly [name: string, declare: (lab: HostScope) => unknown][] = [
  ["an unknown field", (lab) => lab.vm("web", { memory: "1GiB", vcpu: 2 } as never)],
  [
    "an unknown field of a device",
    (lab) =>
      lab.vm("web", {
        memory: "1GiB",
        disks: [{ file: "/srv/a.img", cahce: "none" }],
      } as never),
  ],
  ["a wrong unit", (lab) => lab.vm("web", { memory: "2GB" })],
  ["a wrong unit inside", (lab) => lab.vm("web", { memory: "2GiB", memTune: { softLimit: "1g" } })],
  ["memory above the maximum", (lab) => lab.vm("web", { memory: "4GiB", maxMemory: "2GiB" })],
  [
    "an unknown CPU feature",
    (lab) =>
      lab.vm("web", {
        memory: "1GiB",
        cpu: { mode: "host-model", features: [{ name: "avx2x", policy: "require" }] },
      }),
  ],
  [
    "two boot orders",
    (lab) =>
      lab.vm("web", {
        memory: "1GiB",
        bootOrder: ["hd"],
        disks: [{ file: "/srv/a.img", bootOrder: 1 }],
      }),
  ],
  [
    "two devices at one place of the boot order",
    (lab) =>
      lab.vm("web", {
        memory: "1GiB",
        disks: [{ file: "/srv/a.img", bootOrder: 1 }, { file: "/srv/b.img", bootOrder: 1 }],
      }),
  ],
  ["a NIC without a network", (lab) => lab.vm("web", { memory: "1GiB", nics: [{}] })],
  [
    "a volume that two running machines use",
    (lab) => {
      const pool = lab.pool("store", { path: "/srv/store" });
      const volume = lab.volume("data", { pool, size: "1GiB" });
      lab.vm("a", { memory: "1GiB", disks: [{ volume }] });
      lab.vm("b", { memory: "1GiB", disks: [{ volume }] });
    },
  ],
  ["UEFI on a host without it", (lab) => lab.vm("web", { memory: "1GiB", firmware: "uefi" })],
  [
    "KVM for a foreign architecture",
    (lab) => lab.vm("web", { memory: "1GiB", arch: "aarch64", accel: "require-kvm" }),
  ],
  ["KVM on a host without it", (lab) => lab.vm("web", { memory: "1GiB", accel: "require-kvm" })],
  [
    "an architecture that the host cannot emulate",
    (lab) => lab.vm("web", { memory: "1GiB", arch: "riscv64" }),
  ],
  [
    "an action that QEMU has not",
    (lab) => lab.vm("web", { memory: "1GiB", onPoweroff: "preserve", onCrash: "rename-restart" }),
  ],
  [
    "actions that QEMU has not together",
    (lab) => lab.vm("web", { memory: "1GiB", onPoweroff: "restart", onReboot: "destroy" }),
  ],
  [
    "what libvirt would drop or change in silence",
    (lab) =>
      lab.vm("web", {
        memory: "1GiB",
        features: { apic: false, apicEoi: true },
        videos: [{ name: "a", model: "vga", vram: 1000 }],
        sounds: [{ name: "b", model: "ich7", codec: "micro" }],
        serials: [{ name: "c", type: "pty", tls: true }],
        clock: { offset: "utc", timers: [{ name: "hpet", track: "guest" }] },
      }),
  ],
  [
    "a pin of a vCPU that is not there",
    (lab) => lab.vm("web", { memory: "1GiB", cpuTune: { vcpuPins: [{ vcpu: 3, cpus: "0" }] } }),
  ],
  ["an unknown machine type", (lab) => lab.vm("web", { memory: "1GiB", machine: "pc-q35-99.9" })],
  [
    "what belongs to another field, through the escape hatch",
    (lab) => lab.vm("web", { memory: "1GiB", xml: [{ path: "./vcpu/@current", value: 2 }] }),
  ],
];

/** Where a declaration stands in this file says nothing of the refusal. */
function withoutPlaces(text: string): string {
  return text.replaceAll(/\S*bad_input_test\.ts:\d+:\d+/g, "stack.ts:5:7")
    .replaceAll(/^ +\d+ \| .*\n?/gm, "");
}

/** What is declared anew of what the host has by now. */
const CHANGES: readonly (readonly [
  name: string,
  before: (lab: HostScope) => unknown,
  after: (lab: HostScope) => unknown,
])[] = [
  ["a disk that would shrink", withDisk("20GiB"), withDisk("10GiB")],
  ["a volume that would shrink", withVolume("20GiB"), withVolume("10GiB")],
];

function withDisk(size: string) {
  return (lab: HostScope) => {
    const pool = lab.pool("store", { path: "/srv/store" });
    lab.vm("web", { memory: "1GiB", disks: [{ size, pool }] });
  };
}

function withVolume(size: string) {
  return (lab: HostScope) =>
    lab.volume("data", { pool: lab.pool("store", { path: "/srv/store" }), size });
}

function refusal(declare: (lab: HostScope) => unknown, made?: Made): string {
  try {
    const { errors, plan: refused } = plan(shop(declare), made, NO_FIRMWARE);
    assert.equal(refused.steps.length, 0, "a plan that is refused has no steps");
    return errors.map((error) => error.render()).join("\n");
  } catch (error) {
    if (error instanceof StaddleError) return error.render();
    throw error;
  }
}

Deno.test("golden: bad input is refused when planned, with the path and what would be valid", () => {
  const texts = [
    ...CASES.map(([name, declare]) => [name, refusal(declare)] as const),
    ...CHANGES.map(([name, before, after]) =>
      [name, refusal(after, make(shop((lab) => void before(lab))))] as const
    ),
  ].map(([name, text]) => {
    assert.match(text, /^error\[/, `${name} was accepted`);
    return `# ${name}\n${withoutPlaces(text)}\n`;
  });
  golden(import.meta.url, "bad_input.txt", texts.join("\n"));
});
