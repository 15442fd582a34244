/** A network's escape hatch: what its table lacks, at places that the author names. */

import assert from "node:assert/strict";
import {
  networkUpdates,
  networkXml,
  patchNetworkXml,
} from "../../../providers/kvm/kinds/network/mod.ts";
import type { NetworkSpec } from "../../../providers/kvm/kinds/network/mod.ts";
import type { JsonObject } from "../../../providers/provider.ts";
import { requirement } from "../../support/skip.ts";
import { openLab, virsh } from "../operations/lab.ts";
import { completed, kindOf, observed, world } from "./world.ts";

const ADDRESS = "lab/network.front";
const STP = { path: "./bridge/@stp", value: "on" };
const GROUP = {
  path: "./portgroup[@name='slow']",
  element: "<portgroup name='slow'><bandwidth><inbound average='1000'/></bandwidth></portgroup>",
};
const OPTION = {
  path: "./dnsmasq:options/dnsmasq:option[@value='dhcp-option=option:ntp-server,10.9.8.1']",
  element: "<dnsmasq:option value='dhcp-option=option:ntp-server,10.9.8.1'/>",
};

function network(xml: readonly JsonObject[]) {
  const declared = world({
    address: ADDRESS,
    spec: { name: "front", mode: "nat", subnet: "10.9.8.0/24", xml },
  });
  const resource = declared.at(ADDRESS);
  const check = () => kindOf("network").check(resource, declared.lookup);
  const made = () => networkXml(completed(resource, declared.lookup));
  return { resource, check, made, ...declared };
}

Deno.test("patches of a network are written, compared, and shown like any other field", () => {
  const plain = network([]);
  const wanted = network([STP, GROUP, OPTION]);
  assert.deepEqual(wanted.check(), []);
  const state = (xml: string) =>
    observed(wanted.resource, { xml, liveXml: xml, active: true, autostart: true });
  const changes = kindOf("network").diff(wanted.resource, state(plain.made()), wanted);
  assert.deepEqual(changes.map(({ path, disruption }) => [path, disruption]), [
    ["xml[./bridge/@stp]", "restart"],
    [`xml[${GROUP.path}]`, "restart"],
    [`xml[${OPTION.path}]`, "restart"],
  ]);
  const patched = patchNetworkXml(plain.made(), wanted.resource.spec as NetworkSpec);
  assert.match(patched, /xmlns:dnsmasq='http:\/\/libvirt.org\/schemas\/network\/dnsmasq\/1.0'/);
  assert.deepEqual(kindOf("network").diff(wanted.resource, state(patched), wanted), []);
  assert.equal(patchNetworkXml(patched, wanted.resource.spec as NetworkSpec), patched);
  assert.deepEqual(networkUpdates(patched, wanted.resource.spec as NetworkSpec), []);
  // One that is declared no more stays.
  const options = { previous: wanted.resource.spec as NetworkSpec };
  assert.equal(patchNetworkXml(patched, plain.resource.spec as NetworkSpec, options), patched);
});

Deno.test("a patch that makes no sense, or writes what a field owns, is refused", () => {
  const cases: readonly (readonly [patch: JsonObject, path: string, message: RegExp])[] = [
    [{ path: "./mtu/@size", value: "9000" }, "xml[0].path", /belongs to the field "mtu"/],
    [{ path: "./dns/host", element: "<host ip='10.9.8.9'/>" }, "xml[0].path", /"dns.hosts"/],
    [{ path: "./uuid", value: "x" }, "xml[0].path", /"adopt"/],
    [{ path: "./portgroup", element: "<portgroup" }, "xml[0].element", /one well-formed XML/],
  ];
  for (const [patch, path, message] of cases) {
    const [issue] = network([patch]).check();
    assert.equal(issue?.path, path, JSON.stringify(patch));
    assert.match(issue.message, message);
  }
  const refused: readonly (readonly [JsonObject, RegExp])[] = [
    [{ path: "bridge", value: "x" }, /must be a place such as/],
    [{ path: "./bridge/@stp" }, /needs either a value or an element/],
  ];
  for (const [patch, message] of refused) {
    const { error } = kindOf("network").schema.safeParse({ name: "n", xml: [patch] });
    assert.match(error!.issues[0]!.message, message);
  }
});

const needs = await requirement("libvirt", async () => {
  await virsh("version");
  return undefined;
});

Deno.test({
  name: "the real daemon takes a network's patches, and shows them as they were declared",
  ...needs,
  fn: async () => {
    await using lab = await openLab();
    const name = `${lab.prefix}-hatch`;
    const declare = (xml: readonly JsonObject[]) =>
      lab.declare("network", "hatch", { name, mode: "isolated", xml });
    const first = declare([STP]);
    await lab.create(first);
    assert.deepEqual(await lab.diff(first), []);
    assert.match(await virsh("net-dumpxml", name), /stp='on'/);
    const second = declare([{ ...STP, value: "off" }, GROUP]);
    const { changes } = await lab.update(second, first);
    assert.deepEqual(changes.map(({ path }) => path), [
      "xml[./bridge/@stp]",
      `xml[${GROUP.path}]`,
    ]);
    assert.deepEqual(await lab.diff(second, first), []);
    assert.match(await virsh("net-dumpxml", name), /<portgroup name='slow'>/);
    await lab.remove(second);
  },
});
