/** What a machine goes on using though its definition does without, and what a domain's XML names. */

import assert from "node:assert/strict";
import type { FieldChange, JsonObject, Observed } from "../../../providers/provider.ts";
import { machineKind } from "../../../providers/kvm/kinds/machine/mod.ts";
import { namedIn } from "../../../providers/kvm/kinds/machine/named.ts";

const disk = (volume: string) =>
  `<disk type='volume' device='disk'><source pool='data' volume='${volume}'/></disk>`;
const nic = (name: string, network: string, live = "") =>
  `<interface type='network'><source network='${network}'${live}/>` +
  `<alias name='ua-${name}'/></interface>`;
const domain = (...devices: string[]) =>
  `<domain type='qemu'><name>web</name><devices>${devices.join("")}</devices></domain>`;

function object(kind: string, key: string, source: JsonObject = {}): Observed {
  return { kind, host: "lab", key, fingerprint: "", source };
}

const root = object("volume", "data/root", { path: "/srv/data/root" });
const front = object("network", "front");
const back = object("network", "back");

/** What is held, by its key, and what of the machine names it. */
function held(source: JsonObject, changes: readonly FieldChange[] = []): readonly string[] {
  const machine = object("machine", "web", source);
  const among = [root, front, back, machine];
  return machineKind.holds!(machine, { changes, among })
    .map(({ object, by = "it" }) => `${object.key} by ${by}`);
}

const inUse = " portid='1' bridge='virbr1'";

Deno.test("what a guest runs with and its definition lacks is held until it starts anew", () => {
  const liveXml = domain(disk("root"), nic("lan", "front", inUse));
  assert.deepEqual(held({ active: true, xml: domain(), liveXml }), [
    "data/root by it",
    "front by it",
  ]);
  const xml = domain(disk("root"), nic("lan", "front"));
  assert.deepEqual(held({ active: true, xml, liveXml }), []);
});

Deno.test("a NIC that goes at the next start holds its network, whichever field says so", () => {
  const source = {
    active: true,
    xml: domain(nic("lan", "front")),
    liveXml: domain(nic("lan", "front", inUse)),
  };
  const change = (path: string, disruption: FieldChange["disruption"]): FieldChange[] => [
    { path, disruption },
  ];
  assert.deepEqual(held(source, change("nics[lan].user", "next-boot")), ["front by it"]);
  assert.deepEqual(held(source, change("nics[lan]", "next-boot")), ["front by it"]);
  for (const path of ["nics[lan]", "nics[lan].network", "nics[lan].bridge"]) {
    assert.deepEqual(held(source, change(path, "live")), [], path);
  }
  assert.deepEqual(held(source, change("nics[lan].user", "restart")), []);
});

Deno.test("one of two NICs that is taken off a network at once leaves the other on it", () => {
  const source = {
    active: true,
    xml: domain(nic("lan", "front"), nic("aside", "front")),
    liveXml: domain(nic("lan", "front", inUse), nic("aside", "front", inUse)),
  };
  const changes: FieldChange[] = [
    { path: "nics[lan]", disruption: "live" },
    { path: "nics[aside].user", disruption: "next-boot" },
  ];
  assert.deepEqual(held(source, changes), ["front by it"]);
});

Deno.test("what a saved state names is held with it, and nothing by a state that is not restored", () => {
  const savedXml = domain(disk("root"), nic("lan", "back"));
  assert.deepEqual(held({ active: false, xml: domain(), saved: true, savedXml }), [
    "data/root by the saved state",
    "back by the saved state",
  ]);
  assert.deepEqual(held({ active: false, xml: domain() }), []);
});

Deno.test("a domain's XML names what stands at any device, and nothing that people wrote", () => {
  const named = namedIn(`<domain>
    <title>/srv/title.img</title>
    <metadata><note xmlns='urn:n'>/srv/note.img</note></metadata>
    <os><kernel>/srv/a &amp; b</kernel><nvram template="/srv/vars.fd">/srv/web.fd</nvram></os>
    <devices>
      <disk><source file='/srv/it&apos;s.img' index='1'/>
        <backingStore type='file'><source file="/srv/base.img"/></backingStore></disk>
      <disk><source pool='data' volume='root'/></disk>
      <interface><source bridge='br0'/></interface>
      <interface><source network='front' portid='7' bridge='virbr1'/></interface>
    </devices></domain>`);
  for (const path of ["/srv/a & b", "/srv/web.fd", "/srv/it's.img", "/srv/base.img"]) {
    assert.ok(named.texts.has(path), path);
  }
  for (const path of ["/srv/title.img", "/srv/note.img"]) assert.ok(!named.texts.has(path), path);
  assert.deepEqual([...named.volumes], ["data/root"]);
  assert.deepEqual([...named.pools], ["data"]);
  assert.deepEqual([...named.networks], ["front"]);
  assert.deepEqual([...named.bridges], ["br0", "virbr1"]);
});
