/** Machines for tests of the pure half: declared, resolved, as a host would show them. */

import type { JsonObject, Lookup, Mark, Observed, Resource } from "../../../providers/provider.ts";
import type { HostFacts } from "../../../providers/kvm/facts.ts";
import {
  machineFingerprint,
  machineKind,
  machineXml,
} from "../../../providers/kvm/kinds/machine/mod.ts";

export const MARK: Mark = { stack: "shop", address: "lab/machine.web", digest: "d1" };

export const FACTS: HostFacts = {
  uri: "qemu:///system",
  hostname: "lab",
  libvirtVersion: 9_000_000,
  hypervisorVersion: 7_002_000,
  arch: "x86_64",
  accelerator: { verdict: "tcg", evidence: ["no /dev/kvm"] },
  emulators: {
    x86_64: {
      path: "/usr/bin/qemu-system-x86_64",
      domainTypes: ["qemu"],
      machines: [{ name: "q35", canonical: "pc-q35-7.2" }],
      efi: false,
    },
  },
  cpus: 2,
  memory: 8 * 2 ** 30,
  freeMemory: 4 * 2 ** 30,
};

const OTHERS: Readonly<Record<string, JsonObject>> = {
  "lab/volume.web-root": { pool: "store", volume: "web-root.qcow2", format: "qcow2" },
  "lab/volume.data": { pool: "store", volume: "data.raw", format: "raw" },
  "lab/network.front": { name: "front" },
  "lab/network.back": { name: "back" },
  "lab/seed.web": { pool: "store", volume: "web-seed-0123456789ab.iso" },
  "lab/image.kernel": { pool: "store", volume: "kernel.raw", path: "/srv/store/kernel.raw" },
};

export function lookup(options: { facts?: HostFacts; observed?: Observed } = {}): Lookup {
  return {
    stack: "shop",
    resource: (address) => {
      const spec = OTHERS[address];
      return spec === undefined ? undefined : { ...bare(spec), address };
    },
    observed: () => options.observed,
    facts: () => (options.facts ?? FACTS) as unknown as JsonObject,
  };
}

/** A resource of that spec as it stands. */
export function bare(spec: JsonObject): Resource {
  return {
    address: "lab/machine.web",
    kind: "machine",
    host: "lab",
    name: "web",
    uuid: "3f1c1c9e-5d7b-5a38-9f61-2f7a4be5a001",
    tenure: "managed",
    dependsOn: [],
    spec,
  };
}

/** A resolved machine from what a topology holds. */
export function machine(declared: JsonObject): Resource {
  const spec = machineKind.schema.parse({
    name: "web",
    memory: "256MiB",
    disks: [],
    nics: [],
    ...declared,
  }) as JsonObject;
  const resource = bare(spec);
  return { ...resource, spec: machineKind.resolve(resource, lookup()) };
}

/** The machine with the defaults of a new one. */
export function completed(resource: Resource): Resource {
  return { ...resource, spec: machineKind.complete(resource, lookup()) };
}

/** The machine as its host would show it, running or not. */
export function observed(
  resource: Resource,
  state: { running?: boolean; xml?: string; liveXml?: string; autostart?: boolean } = {},
): Observed {
  const xml = state.xml ?? machineXml(completed(resource), MARK);
  const source = {
    xml,
    ...(state.running ? { liveXml: state.liveXml ?? xml } : {}),
    active: state.running === true,
    autostart: state.autostart === true,
    persistent: true,
  };
  const fingerprint = machineFingerprint(source);
  const key = String(resource.spec.name);
  return { kind: "machine", host: "lab", key, uuid: resource.uuid, fingerprint, source };
}

export const DISK: JsonObject = { name: "root", volume: "lab/volume.web-root" };
export const NIC: JsonObject = {
  name: "nic0",
  network: "lab/network.front",
  mac: "52:54:11:22:33:44",
};

/** The same, after something was saved for its next start. */
export function changedSince(machine: Observed): Observed {
  const xml = String(machine.source.xml).replace(
    /digest=(['"]\w+['"])/,
    "digest=$1 generation='1'",
  );
  return { ...machine, source: { ...machine.source, xml } };
}
