/** Networks: resolved, checked, written, compared, updated. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { dynamicRange } from "../../../planner/addresses.ts";
import type { FieldChange, JsonObject, Resource } from "../../../providers/provider.ts";
import { defaultRange, parseIpv4Subnet } from "../../../providers/kvm/kinds/ip.ts";
import {
  networkFingerprint,
  networkKind,
  type NetworkSpec,
  networkUpdates,
  networkXml,
  patchNetworkXml,
} from "../../../providers/kvm/kinds/network/mod.ts";
import { parseXml, readMark } from "../../../providers/kvm/xml/mod.ts";
import { golden } from "../../support/golden.ts";
import { completed, observed, UUID, world } from "./world.ts";

const address = "lab/network.front";
const mark = { stack: "test", address, digest: "d1" };

const front: JsonObject = {
  name: "front",
  mode: "nat",
  subnet: "10.30.0.0/24",
  reservations: [
    { mac: "52:54:00:AA:00:01", ip: "10.30.0.11", name: "web-0" },
    { mac: "52:54:00:aa:00:02", ip: "10.30.0.12", name: "web-1" },
  ],
  domain: "lab.example",
  dns: { hosts: [{ ip: "10.30.0.5", names: ["db", "cache"] }], forwarders: ["9.9.9.9"] },
  mtu: 1400,
};

function made(spec: JsonObject): { resource: Resource; xml: string } {
  const { at, lookup } = world({ address, spec });
  const resource = at(address);
  return { resource, xml: networkXml(completed(resource, lookup), mark) };
}

/** The changes of a declaration against what the host has. */
function diff(
  spec: JsonObject,
  source: JsonObject,
  previous?: JsonObject,
): readonly FieldChange[] {
  const { at, lookup } = world({ address, spec });
  const resource = at(address);
  const state = { active: true, autostart: true, persistent: true, ...source };
  return networkKind.diff(resource, observed(resource, state), { previous, lookup });
}

const shapes: Readonly<Record<string, JsonObject>> = {
  nat: front,
  route: { name: "r", mode: "route", subnet: "10.31.0.0/16", gateway: "10.31.255.254" },
  isolated: { name: "quiet", mode: "isolated", subnet: "10.32.0.0/29", dhcp: false },
  wire: { name: "wire", mode: "isolated" },
  bridge: { name: "lan", mode: "bridge", bridge: "br0" },
};

for (const [name, spec] of Object.entries(shapes)) {
  Deno.test(`golden: the XML of a new network: ${name}`, () => {
    golden(import.meta.url, `network_${name}.xml`, made(spec).xml);
  });

  Deno.test(`a new network has what was declared: ${name}`, () => {
    const { xml } = made(spec);
    assert.deepEqual(diff(spec, { xml, liveXml: xml }), []);
  });
}

Deno.test("a new network's bridge has a name of its own, and its mark", () => {
  const { xml } = made({ name: "front", subnet: "10.30.0.0/24" });
  assert.match(xml, /<bridge name='sd-c0ffee00' stp='off' delay='0'\/>/);
  assert.match(xml, new RegExp(`<uuid>${UUID}</uuid>`));
  assert.deepEqual(readMark(parseXml(xml)), mark);
});

Deno.test("the default range is the one that the planner keeps free", () => {
  for (
    const text of ["10.0.0.0/8", "10.30.0.0/16", "10.30.0.0/24", "10.30.0.8/29", "10.0.0.4/30"]
  ) {
    const subnet = parseIpv4Subnet(text)!;
    assert.deepEqual(defaultRange(subnet), dynamicRange(text), text);
    for (const step of [1, 2, 3, 5]) {
      const gateway = subnet.broadcast - step;
      if (gateway <= subnet.network) continue;
      const shown = [24, 16, 8, 0].map((shift) => (gateway >>> shift) & 255).join(".");
      assert.deepEqual(defaultRange(subnet, shown), dynamicRange(text, shown), `${text} ${shown}`);
    }
  }
});

const host = `<network connections='2'>
  <name>front</name>
  <uuid>${UUID}</uuid>
  <forward mode='nat'>
    <nat>
      <port start='1024' end='65535'/>
    </nat>
  </forward>
  <bridge name='virbr3' stp='on' delay='0'/>
  <mac address='52:54:00:12:34:56'/>
  <dns>
    <txt name='example' value='a b'/>
    <host ip='10.30.0.5'>
      <hostname>DB</hostname>
    </host>
    <host ip='10.30.0.6'>
      <hostname>by-hand</hostname>
    </host>
  </dns>
  <ip address='10.30.0.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='10.30.0.100' end='10.30.0.200'/>
      <host mac='52:54:00:AA:00:01' name='web-0' ip='10.30.0.11'/>
      <host mac='52:54:00:aa:00:09' name='by-hand' ip='10.30.0.19'/>
    </dhcp>
  </ip>
  <ip family='ipv6' address='fd00::1' prefix='64'/>
</network>
`;

const same: JsonObject = {
  name: "front",
  mode: "nat",
  subnet: "10.30.0.0/24",
  dns: { hosts: [{ ip: "10.30.0.5", names: ["db"] }] },
  reservations: [{ mac: "52:54:00:aa:00:01", ip: "10.30.0.11", name: "web-0" }],
};

Deno.test("what is not declared is not compared; MAC, IP and names are compared canonically", () => {
  assert.deepEqual(diff(same, { xml: host, liveXml: host }), []);
});

Deno.test("the view is the whole of what the table knows", () => {
  const { at } = world({ address, spec: same });
  const source = { xml: host, active: true, autostart: false, persistent: true };
  assert.deepEqual(networkKind.view(observed(at(address), source)), {
    name: "front",
    mode: "nat",
    bridge: "virbr3",
    dns: {
      enabled: true,
      forwarders: [],
      hosts: [{ ip: "10.30.0.5", names: ["DB"] }, { ip: "10.30.0.6", names: ["by-hand"] }],
    },
    subnet: "10.30.0.0/24",
    gateway: "10.30.0.1",
    dhcp: { start: "10.30.0.100", end: "10.30.0.200" },
    reservations: [
      { mac: "52:54:00:aa:00:01", name: "web-0", ip: "10.30.0.11" },
      { mac: "52:54:00:aa:00:09", name: "by-hand", ip: "10.30.0.19" },
    ],
    autostart: false,
    active: true,
    persistent: true,
  });
});

const changes: readonly {
  readonly name: string;
  readonly spec: JsonObject;
  readonly previous?: JsonObject;
  readonly changes: readonly (readonly [path: string, disruption: string])[];
}[] = [
  {
    name: "a reservation more, one changed",
    spec: {
      ...same,
      reservations: [
        { mac: "52:54:00:aa:00:01", ip: "10.30.0.21", name: "web-0" },
        { mac: "52:54:00:aa:00:02", ip: "10.30.0.12" },
      ],
    },
    changes: [
      ["reservations[52:54:00:aa:00:01].ip", "live"],
      ["reservations[52:54:00:aa:00:02]", "live"],
    ],
  },
  {
    name: "one that we declared and declare no longer",
    spec: { ...same, reservations: [] },
    previous: same,
    changes: [["reservations[52:54:00:aa:00:01]", "live"]],
  },
  {
    name: "one that we never declared stays",
    spec: { ...same, reservations: [] },
    previous: { ...same, reservations: [] },
    changes: [],
  },
  {
    name: "a DNS group that is declared no longer gives its hosts back",
    spec: { ...same, dns: undefined },
    previous: same,
    changes: [["dns.hosts[10.30.0.5]", "live"]],
  },
  {
    name: "names of a DNS host",
    spec: { ...same, dns: { hosts: [{ ip: "10.30.0.5", names: ["db", "sql"] }] } },
    changes: [["dns.hosts[10.30.0.5].names", "live"]],
  },
  {
    name: "the dynamic range",
    spec: { ...same, dhcp: { start: "10.30.0.100", end: "10.30.0.150" } },
    changes: [["dhcp", "live"]],
  },
  {
    name: "what libvirt cannot change while it runs",
    spec: {
      ...same,
      mode: "route",
      bridge: "br-front",
      mtu: 9000,
      domain: "x",
      subnet: "10.31.0.0/24",
      dns: { enabled: false },
      reservations: [],
    },
    changes: [
      ["mode", "restart"],
      ["bridge", "restart"],
      ["mtu", "restart"],
      ["domain", "restart"],
      ["dns.enabled", "restart"],
      ["subnet", "restart"],
      ["gateway", "restart"],
    ],
  },
  { name: "autostart", spec: { ...same, autostart: false }, changes: [["autostart", "live"]] },
  { name: "the name", spec: { ...same, name: "other" }, changes: [["name", "replace"]] },
];

for (const { name, spec, previous, changes: expected } of changes) {
  Deno.test(`compared: ${name}`, () => {
    const found = diff(spec, { xml: host, liveXml: host }, previous);
    assert.deepEqual(found.map((change) => [change.path, change.disruption]), expected);
  });
}

Deno.test("a network that does not run loses nothing by any change; it has to be started", () => {
  const found = diff({ ...same, mtu: 9000 }, { xml: host, active: false });
  assert.deepEqual(found.map((change) => [change.path, change.disruption]), [
    ["mtu", "live"],
    ["active", "live"],
  ]);
});

Deno.test("a change that was defined and never came to life is still a change", () => {
  const defined = patchNetworkXml(host, { ...same, mtu: 9000 } as unknown as NetworkSpec);
  const found = diff({ ...same, mtu: 9000 }, { xml: defined, liveXml: host });
  assert.deepEqual(found, [{ path: "mtu", before: undefined, after: 9000, disruption: "restart" }]);
});

Deno.test("a reservation that is live or configured only is a change", () => {
  const without = host.replace(/ *<host mac='52:54:00:AA:00:01'.*\n/, "");
  for (const source of [{ xml: without, liveXml: host }, { xml: host, liveXml: without }]) {
    assert.deepEqual(diff(same, source).map((change) => change.path), [
      "reservations[52:54:00:aa:00:01]",
    ]);
  }
});

Deno.test("a transient network is to be defined", () => {
  const found = diff(same, { xml: host, liveXml: host, persistent: false });
  assert.deepEqual(found.map((change) => change.path), ["persistent"]);
});

Deno.test("an existing network is never compared", () => {
  const { at, lookup } = world({
    address,
    spec: { name: "front", mode: "nat" },
    tenure: "existing",
  });
  const source = { xml: host, active: false, autostart: false };
  assert.deepEqual(networkKind.diff(at(address), observed(at(address), source), { lookup }), []);
  assert.deepEqual(networkKind.check(at(address), lookup), []);
});

Deno.test("an existing network that does not run is refused", () => {
  const existing = { address, spec: { name: "front" }, tenure: "existing" } as const;
  const codes = (active: boolean) => {
    const { at, lookup } = world({ ...existing, source: { xml: host, active } });
    return networkKind.check(at(address), lookup).map((issue) => issue.code);
  };
  assert.deepEqual(codes(true), []);
  assert.deepEqual(codes(false), ["network.inactive"]);
});

Deno.test("golden: a patched network keeps whatever is not declared", () => {
  const spec = {
    ...same,
    mtu: 9000,
    dhcp: { start: "10.30.0.100", end: "10.30.0.150" },
    dns: { forwarders: ["9.9.9.9"], hosts: [{ ip: "10.30.0.7", names: ["new"] }] },
    reservations: [{ mac: "52:54:00:aa:00:02", ip: "10.30.0.12", name: "web-1" }],
  } as unknown as NetworkSpec;
  const patched = patchNetworkXml(host, spec, {
    previous: same as unknown as NetworkSpec,
    mark,
  });
  golden(import.meta.url, "network_patched.xml", patched);
  assert.equal(patchNetworkXml(patched, spec, { mark }), patched);
});

function updates(spec: JsonObject, previous?: JsonObject): readonly string[] {
  const wanted = spec as unknown as NetworkSpec;
  return networkUpdates(host, wanted, previous as unknown as NetworkSpec | undefined)
    .map((update) => `${update.command} ${update.section} ${update.xml.replaceAll(/\n\s*/g, "")}`);
}

Deno.test("updates: none where there is nothing to do", () => {
  assert.deepEqual(updates(same), []);
});

Deno.test("updates: deletions first, then what changes, then what is new", () => {
  const spec = {
    dhcp: { start: "10.30.0.100", end: "10.30.0.150" },
    dns: { hosts: [{ ip: "10.30.0.5", names: ["db", "sql"] }] },
    reservations: [
      { mac: "52:54:00:aa:00:02", ip: "10.30.0.12", name: "web-1" },
      { mac: "52:54:00:aa:00:09", ip: "10.30.0.29", name: "by-hand" },
    ],
  };
  assert.deepEqual(updates(spec, same), [
    "delete ip-dhcp-range <range start='10.30.0.100' end='10.30.0.200'/>",
    "delete ip-dhcp-host <host mac='52:54:00:AA:00:01' name='web-0' ip='10.30.0.11'/>",
    "delete dns-host <host ip='10.30.0.5'/>",
    "add ip-dhcp-range <range start='10.30.0.100' end='10.30.0.150'/>",
    "add ip-dhcp-host <host mac='52:54:00:aa:00:02' name='web-1' ip='10.30.0.12'/>",
    "modify ip-dhcp-host <host mac='52:54:00:aa:00:09' name='by-hand' ip='10.30.0.29'/>",
    "add dns-host <host ip='10.30.0.5'><hostname>db</hostname><hostname>sql</hostname></host>",
  ]);
});

Deno.test("updates: two reservations that exchange addresses go both before they come back", () => {
  assert.deepEqual(
    updates({
      reservations: [
        { mac: "52:54:00:aa:00:01", ip: "10.30.0.19", name: "web-0" },
        { mac: "52:54:00:aa:00:09", ip: "10.30.0.11", name: "by-hand" },
      ],
    }),
    [
      "delete ip-dhcp-host <host mac='52:54:00:AA:00:01' name='web-0' ip='10.30.0.11'/>",
      "delete ip-dhcp-host <host mac='52:54:00:aa:00:09' name='by-hand' ip='10.30.0.19'/>",
      "add ip-dhcp-host <host mac='52:54:00:aa:00:01' name='web-0' ip='10.30.0.19'/>",
      "add ip-dhcp-host <host mac='52:54:00:aa:00:09' name='by-hand' ip='10.30.0.11'/>",
    ],
  );
});

Deno.test("updates: no DHCP any more", () => {
  assert.deepEqual(updates({ dhcp: false }), [
    "delete ip-dhcp-range <range start='10.30.0.100' end='10.30.0.200'/>",
  ]);
});

const wrong: readonly (readonly [name: string, spec: JsonObject, codes: readonly string[]])[] = [
  ["nat without a subnet", { mode: "nat" }, ["network.subnet-missing"]],
  ["a gateway outside", { subnet: "10.1.0.0/24", gateway: "10.2.0.1" }, [
    "network.gateway-outside-subnet",
  ]],
  ["a gateway that is the broadcast address", { subnet: "10.1.0.0/24", gateway: "10.1.0.255" }, [
    "network.gateway-outside-subnet",
  ]],
  ["a range outside", {
    subnet: "10.1.0.0/24",
    dhcp: { start: "10.1.0.10", end: "10.1.1.10" },
  }, ["network.dhcp-outside-subnet"]],
  ["a range that is reversed", {
    subnet: "10.1.0.0/24",
    dhcp: { start: "10.1.0.20", end: "10.1.0.10" },
  }, ["network.dhcp-reversed"]],
  ["a range with the gateway", {
    subnet: "10.1.0.0/24",
    dhcp: { start: "10.1.0.1", end: "10.1.0.10" },
  }, ["network.dhcp-holds-gateway"]],
  ["a range beyond libvirt's limit", {
    subnet: "10.0.0.0/8",
    dhcp: { start: "10.1.0.0", end: "10.2.0.0" },
  }, ["network.dhcp-too-large"]],
  ["an address outside", {
    subnet: "10.1.0.0/24",
    reservations: [{ mac: "52:54:00:00:00:01", ip: "10.2.0.5" }],
  }, ["network.address-outside-subnet"]],
  ["the gateway's address", {
    subnet: "10.1.0.0/24",
    reservations: [{ mac: "52:54:00:00:00:01", ip: "10.1.0.1" }],
  }, ["network.address-reserved"]],
  ["reservations that collide", {
    subnet: "10.1.0.0/24",
    reservations: [
      { mac: "52:54:00:00:00:01", ip: "10.1.0.5", name: "a" },
      { mac: "52:54:00:00:00:01", ip: "10.1.0.5", name: "A" },
    ],
  }, ["network.reservation-twice", "network.reservation-twice", "network.reservation-twice"]],
  ["reservations without DHCP", {
    subnet: "10.1.0.0/24",
    dhcp: false,
    reservations: [{ mac: "52:54:00:00:00:01", ip: "10.1.0.5" }],
  }, ["network.reservation-without-dhcp"]],
  ["a DNS name of two addresses", {
    subnet: "10.1.0.0/24",
    dns: { hosts: [{ ip: "10.1.0.5", names: ["a"] }, { ip: "10.1.0.6", names: ["A"] }] },
  }, ["network.dns-name-twice"]],
];

for (const [name, spec, codes] of wrong) {
  Deno.test(`refused when planned: ${name}`, () => {
    const { at, lookup } = world({ address, spec: { name: "front", ...spec } });
    const issues = networkKind.check(at(address), lookup);
    assert.deepEqual(issues.map((issue) => issue.code), codes);
    for (const issue of issues) assert.ok(issue.help !== undefined && issue.path !== "");
  });
}

Deno.test("subnets of one host must not overlap; those of two hosts may", () => {
  const { at, lookup } = world(
    { address: "lab/network.a", spec: { name: "a", subnet: "10.30.0.0/16" } },
    { address: "lab/network.b", spec: { name: "b", subnet: "10.30.5.0/24" } },
    { address: "rack/network.c", spec: { name: "c", subnet: "10.30.5.0/24" } },
    { address: "lab/network.d", spec: { name: "d", subnet: "10.31.0.0/24" } },
  );
  const codes = (address: string) =>
    networkKind.check(at(address), lookup).map((issue) => issue.code);
  assert.deepEqual(codes("lab/network.a"), ["network.subnets-overlap"]);
  assert.deepEqual(codes("lab/network.b"), ["network.subnets-overlap"]);
  assert.deepEqual(codes("rack/network.c"), []);
  assert.deepEqual(codes("lab/network.d"), []);
});

Deno.test("the fingerprint does not see who is connected, and sees everything else", () => {
  const source = { xml: host, liveXml: host, active: true, autostart: true, persistent: true };
  const print = networkFingerprint(source);
  assert.match(print, /^[0-9a-f]{64}$/);
  assert.equal(networkFingerprint({ ...source, xml: host.replace("='2'", "='5'") }), print);
  for (
    const other of [
      { xml: host.replace("virbr3", "virbr4") },
      { liveXml: host.replace("10.30.0.19", "10.30.0.18") },
      { active: false },
      { autostart: false },
    ]
  ) assert.notEqual(networkFingerprint({ ...source, ...other }), print);
});

const octet = fc.integer({ min: 2, max: 120 });
const anyNetwork: fc.Arbitrary<JsonObject> = fc.record({
  name: fc.constant("front"),
  mode: fc.option(fc.constantFrom("nat", "route", "isolated"), { nil: undefined }),
  subnet: fc.constantFrom("10.30.0.0/24", "10.31.0.0/25"),
  gateway: fc.option(fc.constant(1), { nil: undefined }),
  dhcp: fc.option(fc.constantFrom(false, "low", "high"), { nil: undefined }),
  macs: fc.uniqueArray(octet, { maxLength: 4 }),
  names: fc.boolean(),
  domain: fc.option(fc.constantFrom("lab", "a.example"), { nil: undefined }),
  dns: fc.option(
    fc.record({
      enabled: fc.option(fc.boolean(), { nil: undefined }),
      hosts: fc.option(fc.uniqueArray(octet, { maxLength: 3 }), { nil: undefined }),
      forwarders: fc.option(fc.subarray(["9.9.9.9", "fd00::9"]), { nil: undefined }),
    }),
    { nil: undefined },
  ),
  mtu: fc.option(fc.constantFrom(1400, 9000), { nil: undefined }),
}).map(({ macs, names, gateway, dhcp, dns, ...rest }) => {
  const net = rest.subnet.slice(0, rest.subnet.lastIndexOf("."));
  return JSON.parse(JSON.stringify({
    ...rest,
    gateway: gateway === undefined ? undefined : `${net}.126`,
    dhcp: dhcp === "low"
      ? { start: `${net}.2`, end: `${net}.9` }
      : dhcp === "high"
      ? { start: `${net}.50`, end: `${net}.99` }
      : dhcp,
    reservations: dhcp === false ? [] : macs.map((byte) => ({
      mac: `52:54:00:00:00:${byte.toString(16).padStart(2, "0")}`,
      ip: `${net}.${byte}`,
      name: names ? `n${byte}` : undefined,
    })),
    dns: dns && {
      ...dns,
      hosts: dns.hosts?.map((byte) => ({ ip: `${net}.${byte}`, names: [`h${byte}`] })),
    },
  }));
});

Deno.test("property: what was made as declared has no change", () => {
  fc.assert(fc.property(anyNetwork, (spec) => {
    const { xml } = made(spec);
    assert.deepEqual(diff(spec, { xml, liveXml: xml }), []);
  }));
});

Deno.test("property: patched from one declaration to another, nothing is left to do", () => {
  fc.assert(fc.property(anyNetwork, anyNetwork, (before, after) => {
    const { xml, resource } = made(before);
    const next = made(after).resource;
    const patched = patchNetworkXml(xml, next.spec as NetworkSpec, {
      previous: resource.spec as NetworkSpec,
    });
    assert.deepEqual(diff(after, { xml: patched, liveXml: patched }, resource.spec), []);
    assert.deepEqual(networkUpdates(patched, next.spec as NetworkSpec), []);
  }));
});
