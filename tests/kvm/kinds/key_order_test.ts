import assert from "node:assert/strict";
import { resourceUuid } from "../../../planner/identity.ts";
import { machineKind, machineXml } from "../../../providers/kvm/kinds/machine/mod.ts";
import { networkKind, networkXml } from "../../../providers/kvm/kinds/network/mod.ts";
import { sameValue } from "../../../providers/kvm/table/mod.ts";
import type { Json, JsonObject, Kind, Lookup, Resource } from "../../../providers/provider.ts";

/** The same value with the keys of every object the other way round, as a saved plan may have them. */
function turned(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) return value.map((item) => turned(item)!);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value as JsonObject).reverse().map(([key, item]) => [key, turned(item)]),
  );
}

const lookup: Lookup = {
  stack: "shop",
  resource: () => undefined,
  observed: () => undefined,
  facts: () => undefined,
};

function differences(kind: Kind, xml: (resource: Resource) => string, spec: JsonObject): unknown {
  const address = `lab/${kind.kind}.one`;
  const resource: Resource = {
    address,
    kind: kind.kind,
    host: "lab",
    name: "one",
    uuid: resourceUuid("shop", address),
    tenure: "managed",
    spec,
    dependsOn: [],
  };
  const made = xml(resource);
  const states = { active: kind.kind === "network", liveXml: made, persistent: true };
  const observed = {
    kind: kind.kind,
    host: "lab",
    key: "one",
    fingerprint: "f",
    source: { xml: made, ...states, state: "shutoff", autostart: true },
  };
  const saved = { ...resource, spec: turned(spec) as JsonObject };
  return kind.diff(saved, observed, { previous: saved.spec, lookup });
}

const machineOf = (resource: Resource) =>
  machineXml(resource, { stack: "shop", address: resource.address, digest: "0" });

Deno.test("what a saved plan declares is on the host, whatever the order of its keys", () => {
  const network = {
    name: "one",
    mode: "nat",
    subnet: "10.30.0.0/24",
    gateway: "10.30.0.1",
    bridge: "sd-1",
    dhcp: { start: "10.30.0.192", end: "10.30.0.254" },
    reservations: [{ mac: "52:54:00:00:00:01", ip: "10.30.0.2", name: "web" }],
    autostart: true,
  };
  assert.deepEqual(differences(networkKind, networkXml, network), []);
  const machine = {
    name: "one",
    vcpus: 2,
    memory: 64 * 1024 ** 2,
    accel: "tcg",
    arch: "x86_64",
    machine: "pc-q35-7.2",
    cpu: { mode: "custom", model: "qemu64", topology: { sockets: 1, cores: 2, threads: 1 } },
    hugepages: [{ size: 2 * 1024 ** 2, cells: "0" }],
    disks: [],
    nics: [{ name: "nic0", network: "one", mac: "52:54:00:00:00:01", model: "virtio" }],
    power: "off",
  };
  assert.deepEqual(differences(machineKind, machineOf, machine), []);
});

Deno.test("values are the same or not, key by key", () => {
  assert.ok(sameValue({ a: 1, b: [{ c: null, d: undefined }] }, { b: [{ c: null }], a: 1 }));
  for (
    const [a, b] of [
      [{ a: 1 }, { a: 2 }],
      [{ a: 1 }, { b: 1 }],
      [[1, 2], [2, 1]],
      [{}, []],
      [
        null,
        {},
      ],
      [1, "1"],
      [undefined, null],
    ] as const
  ) assert.ok(!sameValue(a as Json, b as Json), `${JSON.stringify(a)} and ${JSON.stringify(b)}`);
});
