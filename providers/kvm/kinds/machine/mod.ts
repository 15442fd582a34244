/**
 * Machines: libvirt domains. The pure half; what it says is carried out in `operations/`.
 *
 * @module
 */

import {
  type Claim,
  type FieldChange,
  type FieldDoc,
  type JsonObject,
  type Kind,
  type Lookup,
  type Observed,
  PENDING_RESTART,
  type Reference,
  type Resource,
} from "../../../provider.ts";
import type { HostFacts } from "../../facts.ts";
import {
  compareTable,
  type Comparison,
  describeTable,
  pendingFields,
  readTable,
} from "../../table/mod.ts";
import { parseXml, readRestartDue, startedWith } from "../../xml/mod.ts";
import { checkMachine } from "./check.ts";
import { usualDevices, usualExtras } from "./guest.ts";
import { machineHolds } from "./holds.ts";
import { roomIn } from "./live_ports.ts";
import { machineRemoval } from "./removal.ts";
import { behindSavedState, savedNotes, savedXml, startedXml } from "./saved.ts";
import { machineSchema, type MachineSpec } from "./schema.ts";
import {
  comparedXml,
  machineSecrets,
  secretChanges,
  secretNotes,
  secretsPending,
} from "./secrets.ts";
import { machineTable } from "./table.ts";

export { machineFingerprint } from "./fingerprint.ts";
export { liveCalls } from "./live.ts";
export type { LiveCall } from "./live_call.ts";
export { removalOf, SHUTDOWN_TIMEOUT, type ShutdownRules } from "./removal.ts";
export { savedXml } from "./saved.ts";
export { type MachineInput, machineSchema, type MachineSpec } from "./schema.ts";
export { withSecretValues } from "./secrets.ts";
export { machineXml, patchMachine } from "./xml.ts";

/** Machine types by architecture, where a stack does not name one. */
const DEFAULT_MACHINE: Readonly<Record<string, string>> = {
  x86_64: "q35",
  i686: "q35",
  aarch64: "virt",
  armv7l: "virt",
  riscv64: "virt",
  ppc64: "pseries",
  ppc64le: "pseries",
  s390x: "s390-ccw-virtio",
};

/** Lists of drives with media. */
const DRIVES = ["cdroms", "floppies"] as const;

let docs: readonly FieldDoc[] | undefined;

/** The kind of libvirt domains. */
export const machineKind: Kind = {
  kind: "machine",
  schema: machineSchema,
  get fields() {
    return docs ??= describeTable(machineTable);
  },
  marked: true,
  references,
  resolve,
  key: (resource) => String(resource.spec.name),
  check: checkMachine,
  complete,
  view,
  diff,
  waits: (resource) => resource.spec.wait as JsonObject | undefined,
  claims,
  secrets: machineSecrets,
  notes,
  holds: machineHolds,
  removal: machineRemoval,
};

function specOf(resource: Resource): MachineSpec {
  return resource.spec as unknown as MachineSpec;
}

function references(resource: Resource): Reference[] {
  const spec = specOf(resource);
  const { disks, nics, seed, boot } = spec;
  const found: Reference[] = [];
  for (const [index, disk] of disks.entries()) {
    if (disk.volume === undefined) continue;
    found.push({ address: disk.volume, path: `disks[${index}].volume`, kinds: ["volume"] });
  }
  for (const list of DRIVES) {
    for (const [index, drive] of (spec[list] ?? []).entries()) {
      if (drive.volume === undefined) continue;
      const path = `${list}[${index}].volume`;
      found.push({ address: drive.volume, path, kinds: ["volume", "image"], survives: true });
    }
  }
  for (const [index, nic] of nics.entries()) {
    if (nic.network === undefined) continue;
    const path = `nics[${index}].network`;
    found.push({ address: nic.network, path, kinds: ["network"], survives: true });
  }
  if (seed !== undefined) {
    found.push({ address: seed, path: "seed", kinds: ["seed"], survives: true });
  }
  for (const name of ["kernel", "initrd"] as const) {
    const image = boot?.[name];
    // A path is a file of the host's own.
    if (image === undefined || image.startsWith("/")) continue;
    found.push({ address: image, path: `boot.${name}`, kinds: ["image"], survives: true });
  }
  return found;
}

/** Addresses become names on the host: volumes `<pool>/<volume>`, images their path. */
function resolve(resource: Resource, lookup: Lookup): JsonObject {
  const spec = specOf(resource);
  const volumeKey = (address: string) => {
    const volume = lookup.resource(address)?.spec;
    return `${volume?.pool}/${volume?.volume}`;
  };
  const imagePath = (address: string) =>
    address.startsWith("/")
      ? address
      : String(lookup.resource(address)?.spec.path ?? volumeKey(address));
  const resolved = {
    ...spec,
    disks: spec.disks.map((disk) =>
      disk.volume === undefined ? disk : {
        ...disk,
        volume: volumeKey(disk.volume),
        format: disk.format ?? lookup.resource(disk.volume)?.spec.format,
      }
    ),
    ...Object.fromEntries(
      DRIVES.filter((list) => spec[list] !== undefined).map((list) => [
        list,
        spec[list]!.map((drive) =>
          drive.volume === undefined ? drive : { ...drive, volume: volumeKey(drive.volume) }
        ),
      ]),
    ),
    nics: spec.nics.map((nic) =>
      nic.network === undefined ? nic : { ...nic, network: lookup.resource(nic.network)?.spec.name }
    ),
    ...(spec.seed === undefined ? {} : { seed: volumeKey(spec.seed) }),
    ...(spec.boot === undefined ? {} : {
      boot: {
        ...spec.boot,
        kernel: imagePath(spec.boot.kernel),
        ...(spec.boot.initrd === undefined ? {} : { initrd: imagePath(spec.boot.initrd) }),
      },
    }),
  };
  return resolved as unknown as JsonObject;
}

function complete(resource: Resource, lookup: Lookup): JsonObject {
  const facts = lookup.facts(resource.host) as unknown as HostFacts | undefined;
  const spec = specOf(resource);
  const arch = spec.arch ?? facts?.arch ?? "x86_64";
  const alias = spec.machine ?? DEFAULT_MACHINE[arch];
  const known = facts?.emulators[arch]?.machines.find((machine) => machine.name === alias);
  const kvm = runsUnderKvm(spec, arch, facts);
  const usual = usualDevices(spec);
  return inTableOrder({
    ...usualExtras({ ...spec, arch }),
    console: true,
    agent: spec.devices !== "emulated",
    vcpus: 1,
    power: "on",
    ...resource.spec,
    accel: kvm ? "require-kvm" : "tcg",
    arch,
    ...(alias === undefined ? {} : { machine: known?.canonical ?? alias }),
    cpu: spec.cpu as JsonObject | undefined ?? defaultCpu(kvm, arch, facts?.libvirtVersion),
    disks: spec.disks.map((disk) => ({
      bus: disk.vhostUser === undefined ? usual.bus : "virtio",
      ...disk,
    })) as unknown as JsonObject[],
    nics: spec.nics.map((nic) =>
      nic.hostdev === undefined ? { model: usual.nic, ...nic } : nic
    ) as unknown as JsonObject[],
  });
}

/** libvirt that knows the CPU mode `maximum`. */
const MAXIMUM_SINCE = 7_001_000;

/** Fields as people read them: identity first, policy last. */
function inTableOrder(spec: JsonObject): JsonObject {
  const names = Object.keys(machineTable).filter((name) => spec[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, spec[name]]));
}

function runsUnderKvm(spec: MachineSpec, arch: string, facts: HostFacts | undefined): boolean {
  if (spec.accel === "require-kvm") return true;
  if (spec.accel === "tcg" || facts === undefined) return false;
  return facts.accelerator.verdict === "kvm-hw" && arch === facts.arch;
}

/** Under KVM the host's own CPU; else every feature that emulation has, which libvirt can say since 7.1. */
function defaultCpu(kvm: boolean, arch: string, libvirt = MAXIMUM_SINCE): JsonObject | undefined {
  if (kvm) return { mode: "host-passthrough" };
  if (libvirt < MAXIMUM_SINCE) return undefined;
  return arch === "x86_64" || arch === "i686" ? { mode: "maximum" } : undefined;
}

function notes(resource: Resource, lookup: Lookup): string[] {
  const facts = lookup.facts(resource.host) as unknown as HostFacts | undefined;
  const observed = lookup.observed(resource.address);
  if (observed !== undefined) {
    return [
      ...pendingNotes(resource, observed),
      ...savedNotes(resource.spec, observed),
      ...secretNotes(resource, observed),
    ];
  }
  const spec = specOf(resource);
  if (facts === undefined || (spec.accel ?? "prefer-kvm") !== "prefer-kvm") return [];
  const arch = spec.arch ?? facts.arch;
  if (runsUnderKvm(spec, arch, facts)) return [];
  const why = arch === facts.arch
    ? `${facts.accelerator.verdict}: ${facts.accelerator.evidence.join("; ")}`
    : `the host is ${facts.arch}`;
  return [`full emulation (TCG), since KVM does not run ${arch} guests on this host (${why})`];
}

/** Fields that were saved and take effect at the next start. */
function pendingNotes(resource: Resource, observed: Observed): string[] {
  const started = startedXml(observed);
  if (started === undefined || startedWith(`${observed.source.xml}`, started)) return [];
  const { config, live } = comparedXml(resource, observed);
  const comparison = { spec: resource.spec, config, live: live ?? parseXml(started) };
  // What a running guest takes is changed now, and waits for nothing.
  const room = live && roomIn(live, machineTable);
  const changes = live === undefined ? [] : compareTable(machineTable, { ...comparison, room });
  const now = new Set(changes.map(({ path }) => path));
  const pending = [
    ...pendingFields(machineTable, comparison).filter((path) => !now.has(path)),
    ...secretsPending(resource, observed, comparison.live),
  ];
  return pending.length === 0 ? [] : [`${PENDING_RESTART}${pending.join(", ")}`];
}

function view(observed: Observed): JsonObject {
  const { xml, active, autostart } = observed.source;
  return {
    ...readTable(machineTable, parseXml(String(xml))),
    autostart: autostart === true,
    power: active === true ? "on" : "off",
  };
}

function diff(
  resource: Resource,
  observed: Observed,
  context: { readonly previous?: JsonObject },
): FieldChange[] {
  const { active, autostart } = observed.source;
  const { config, live } = comparedXml(resource, observed);
  const comparison = {
    spec: resource.spec,
    previous: context.previous,
    config,
    live,
    room: live && roomIn(live, machineTable),
  };
  const changes = compareTable(machineTable, comparison);
  changes.push(...secretChanges(resource, observed, context.previous, changes));
  const { autostart: wanted, power } = resource.spec;
  if (wanted !== undefined && wanted !== (autostart === true)) {
    changes.push({ path: "autostart", before: !wanted, after: wanted, disruption: "live" });
  }
  const running = active === true ? "on" : "off";
  // A restart that was cut off in the middle left it off.
  const due = active !== true && readRestartDue(config) ? "on" : undefined;
  const state = power ?? due;
  if (state !== undefined && state !== running) {
    const disruption = state === "off" ? "restart" : "live";
    changes.push({ path: "power", before: running, after: state, disruption });
  }
  changes.push(...restartsDue(resource, observed, comparison, changes));
  if (savedXml(observed) !== undefined && live === undefined) return changes.map(behindSavedState);
  return changes.map((change) => byPolicy(change, specOf(resource)));
}

/**
 * What was saved and waits for a start, where the stack wants that start now: it was declared otherwise
 * before, or the run that was to restart the guest was cut off.
 */
function restartsDue(
  resource: Resource,
  observed: Observed,
  comparison: Comparison,
  changes: readonly FieldChange[],
): FieldChange[] {
  const { spec } = resource;
  const { live } = comparison;
  if (spec.whenRestartNeeded !== "now" || live === undefined || spec.power === "off") return [];
  const known = new Set(changes.map(({ path }) => path));
  const wrong = compareTable(machineTable, { ...comparison, config: live, live: undefined });
  const fields = pendingFields(machineTable, comparison).map((path): FieldChange => ({
    path,
    ...wrong.find((change) => change.path === path),
    disruption: "restart",
  }));
  const secrets = secretsPending(resource, observed, live).map((path): FieldChange => ({
    path,
    disruption: "restart",
    format: "sensitive",
  }));
  return [...fields, ...secrets].filter(({ path }) => !known.has(path));
}

/**
 * A restart that the stack does not want now waits for the guest's next start. A name cannot be saved
 * for it: see the checks.
 */
function byPolicy(change: FieldChange, spec: MachineSpec): FieldChange {
  const { path, disruption } = change;
  if (disruption !== "restart" || path === "power" || path === "name") return change;
  return spec.whenRestartNeeded === "now" ? change : { ...change, disruption: "next-boot" };
}

function claims(resource: Resource): Claim[] {
  const { disks, nics } = specOf(resource);
  return [
    ...nics.map((nic, index): Claim => ({
      what: `MAC address ${nic.mac}`,
      path: `nics[${index}].mac`,
      scope: "stack",
    })),
    ...disks.flatMap((disk, index): Claim[] => {
      // What every machine only reads, or is made to be shared, may have many users.
      if (disk.shareable === true || disk.readonly === true) return [];
      const source = (["volume", "file", "block"] as const).find((name) =>
        disk[name] !== undefined
      );
      if (source === undefined) return [];
      const what = `${source === "block" ? "block device" : source} ${disk[source]}`;
      return [{ what, path: `disks[${index}].${source}`, scope: "host" }];
    }),
  ];
}
