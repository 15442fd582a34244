/**
 * What a machine needs from its host and from other resources: refused when planned.
 *
 * @module
 */

import type { Issue, Lookup, Resource } from "../../../provider.ts";
import type { HostFacts } from "../../facts.ts";
import { compareTable } from "../../table/mod.ts";
import { unknownFeature } from "./cpu_features.ts";
import { checkDropped } from "./dropped.ts";
import { checkLifecycle } from "./lifecycle_actions.ts";
import { roomIn } from "./live_ports.ts";
import type { MachineSpec } from "./schema.ts";
import { comparedXml, secretChanges } from "./secrets.ts";
import { checkSharedMemory } from "./shared_memory.ts";
import { machineTable } from "./table.ts";
import { checkTooNew } from "./too_new.ts";

/** Issues of a resolved machine. */
export function checkMachine(resource: Resource, lookup: Lookup): Issue[] {
  const spec = resource.spec as unknown as MachineSpec;
  const facts = lookup.facts(resource.host) as unknown as HostFacts | undefined;
  return [
    ...checkReferences(spec),
    ...checkName(resource, lookup),
    ...checkRestart(resource, lookup),
    ...checkSharedMemory(resource, lookup),
    ...checkDropped(resource, lookup),
    ...(facts === undefined ? [] : [
      ...checkAccelerator(spec, facts),
      ...checkFirmware(spec, facts),
      ...checkMachineType(spec, facts),
      ...checkCpuFeatures(spec, facts),
      ...checkLifecycle(resource, lookup, facts),
      ...checkTooNew(resource.spec, facts.libvirtVersion),
    ]),
  ];
}

function* checkReferences(spec: MachineSpec): Iterable<Issue> {
  for (const name of ["kernel", "initrd"] as const) {
    const path = spec.boot?.[name];
    if (path === undefined || path.startsWith("/")) continue;
    yield {
      code: "machine.boot-path-unknown",
      path: `boot.${name}`,
      message: `the path of ${path} on the host is not known`,
      help: "declare the path of the pool that holds the image",
    };
  }
  if (spec.wait?.for === "lease" && !spec.nics.some((nic) => nic.network !== undefined)) {
    yield {
      code: "machine.wait-without-network",
      path: "wait",
      message: "a lease is held by a NIC on a network, and there is none",
      help: 'add a NIC with a network, or wait for "running"',
    };
  }
  if (spec.wait?.for === "port" && spec.nics.every((nic) => nic.ip === undefined)) {
    yield {
      code: "machine.wait-without-address",
      path: "wait",
      message: "a port is reached at a reserved address, and no NIC has one",
      help: "put a NIC on a network with a subnet, or declare its ip",
    };
  }
}

/** libvirt renames only what is off and has no saved state. */
function* checkName(resource: Resource, lookup: Lookup): Iterable<Issue> {
  const observed = lookup.observed(resource.address);
  const { name, power, whenRestartNeeded } = resource.spec;
  if (observed === undefined || observed.uuid !== resource.uuid || observed.key === name) return;
  const called = `the domain is named "${observed.key}" on the host`;
  if (observed.source.saved === true) {
    yield {
      code: "machine.rename-saved-state",
      path: "name",
      message: `${called} and has a saved state, and libvirt renames no domain that has one`,
      help: `start it, or drop the saved state: virsh managedsave-remove ${observed.key}; or ` +
        `declare name: "${observed.key}"`,
    };
  } else if (observed.source.active === true && whenRestartNeeded !== "now" && power !== "off") {
    yield {
      code: "machine.rename-running",
      path: "name",
      message: `${called} and runs, and libvirt renames only what is off: a new name cannot be ` +
        "saved for the guest's next start",
      help: 'write whenRestartNeeded: "now", or shut the guest down first; or declare ' +
        `name: "${observed.key}"`,
    };
  }
}

/** With `whenRestartNeeded: "never"` a running guest's restart is refused, not put off. */
function* checkRestart(resource: Resource, lookup: Lookup): Iterable<Issue> {
  const observed = lookup.observed(resource.address);
  if (resource.spec.whenRestartNeeded !== "never" || observed === undefined) return;
  const { config, live } = comparedXml(resource, observed);
  if (live === undefined) return;
  const room = roomIn(live, machineTable);
  const comparison = { spec: resource.spec, config, live, room };
  const changes = compareTable(machineTable, comparison);
  for (const change of [...changes, ...secretChanges(resource, observed, undefined, changes)]) {
    // What a new name needs is checked by itself.
    if (change.disruption !== "restart" || change.path === "name") continue;
    yield {
      code: "machine.restart-needed",
      path: change.path,
      message: "the change needs a restart of the guest, and whenRestartNeeded is never",
      help: 'take the change back, shut the guest down first, or write whenRestartNeeded: "now"',
    };
  }
}

function* checkAccelerator(spec: MachineSpec, facts: HostFacts): Iterable<Issue> {
  const arch = spec.arch ?? facts.arch;
  if (facts.emulators[arch] === undefined) {
    const known = Object.keys(facts.emulators).sort().join(", ");
    yield {
      code: "machine.arch-unknown",
      path: "arch",
      message: `the host has no emulator for ${arch}; it has ${known || "none"}`,
      help: "install the QEMU package for that architecture on the host",
    };
  }
  if (spec.accel !== "require-kvm") return;
  const { verdict, evidence } = facts.accelerator;
  if (arch !== facts.arch) {
    yield {
      code: "machine.kvm-foreign-arch",
      path: "accel",
      message: `KVM runs ${facts.arch} guests on this host, and the machine is ${arch}`,
      help: 'write accel: "tcg", or leave it out',
    };
  } else if (verdict !== "kvm-hw") {
    yield {
      code: "machine.no-kvm",
      path: "accel",
      message: `guests do not run under KVM on this host (${verdict}: ${evidence.join("; ")})`,
      help: 'write accel: "prefer-kvm" to fall back on full emulation, or use another host',
    };
  }
}

function* checkFirmware(spec: MachineSpec, facts: HostFacts): Iterable<Issue> {
  if (spec.firmware !== "uefi") return;
  const arch = spec.arch ?? facts.arch;
  if (facts.emulators[arch] === undefined || facts.emulators[arch].efi) return;
  yield {
    code: "machine.no-uefi",
    path: "firmware",
    message: `the host has no UEFI firmware for ${arch}`,
    help: "install ovmf (or qemu-efi-aarch64) on the host, or leave firmware out",
  };
}

/** An alias or a version that the host's QEMU does not have. */
function* checkMachineType(spec: MachineSpec, facts: HostFacts): Iterable<Issue> {
  const arch = spec.arch ?? facts.arch;
  const machines = facts.emulators[arch]?.machines ?? [];
  if (spec.machine === undefined || machines.length === 0) return;
  const names = new Set(
    machines.flatMap(({ name, canonical }) => canonical === undefined ? [name] : [name, canonical]),
  );
  if (names.has(spec.machine)) return;
  const family = spec.machine.replace(/-?\d[\d.]*$/, "");
  const near = [...names].filter((name) => name.startsWith(family)).sort();
  yield {
    code: "machine.type-unknown",
    path: "machine",
    message: `the host's QEMU has no machine type ${spec.machine} for ${arch}`,
    help: `it has ${(near.length > 0 ? near : [...names].sort()).slice(0, 8).join(", ")}`,
  };
}

function* checkCpuFeatures(spec: MachineSpec, facts: HostFacts): Iterable<Issue> {
  const host = { arch: spec.arch ?? facts.arch, libvirtVersion: facts.libvirtVersion };
  for (const [index, { name }] of (spec.cpu?.features ?? []).entries()) {
    const near = unknownFeature(name, host);
    if (near === undefined) continue;
    yield {
      code: "machine.cpu-feature-unknown",
      path: `cpu.features[${index}].name`,
      message: `the host's libvirt knows no CPU feature ${name}`,
      help: near.length === 0
        ? "see the features that it knows: virsh cpu-models, virsh domcapabilities"
        : `did you mean ${near.join(" or ")}?`,
    };
  }
}
