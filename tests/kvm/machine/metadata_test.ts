/** Metadata of other programs: owned a namespace at a time, changed without a word to the guest. */

import assert from "node:assert/strict";
import type { JsonObject, Resource } from "../../../providers/provider.ts";
import {
  liveCalls,
  machineKind,
  machineXml,
  patchMachine,
} from "../../../providers/kvm/kinds/machine/mod.ts";
import { faultsOfMetadata } from "../../../providers/kvm/kinds/metadata.ts";
import { networkXml } from "../../../providers/kvm/kinds/network/mod.ts";
import { planText } from "../../../cli/render/plan_text.ts";
import { summarize } from "../../../planner/mod.ts";
import { golden } from "../../support/golden.ts";
import { requirement } from "../../support/skip.ts";
import * as networks from "../kinds/world.ts";
import { Libvirt } from "../../../providers/kvm/libvirt/mod.ts";
import { until } from "../../libvirt/support.ts";
import { openLab, virsh } from "../operations/lab.ts";
import { completed, lookup, machine, MARK, observed } from "./fixtures.ts";
import { make, planned, shop } from "./stack_world.ts";

const OSINFO = {
  namespace: "http://libosinfo.org/xmlns/libvirt/domain/1.0",
  prefix: "libosinfo",
  element: "<libosinfo><os id='http://debian.org/debian/12'/></libosinfo>",
};

const NOVA = {
  namespace: "http://openstack.org/xmlns/libvirt/nova/1.1",
  prefix: "nova",
  element:
    "<instance><package version='27.0.0'/><name>web</name><flavor name='m1.small'><memory>2048" +
    "</memory><vcpus>1</vcpus></flavor><owner><user uuid='u-1'>admin</user></owner></instance>",
};

/** As OpenStack and virt-manager write it. */
const THEIRS = `<metadata>
    <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
      <nova:package version="27.0.0"/>
      <nova:name>web</nova:name>
      <nova:flavor name="m1.small">
        <nova:memory>2048</nova:memory>
        <nova:vcpus>1</nova:vcpus>
      </nova:flavor>
      <nova:owner>
        <nova:user uuid="u-1">admin</nova:user>
      </nova:owner>
    </nova:instance>
    <app:note xmlns:app='http://example.org/app' app:by='somebody'>kept <app:b/></app:note>
  </metadata>`;

const withMetadata = (...metadata: JsonObject[]) => machine({ metadata });
const plainXml = machineXml(completed(machine({})), MARK);
const theirXml = plainXml.replace(/<metadata>[^]*<\/metadata>/, THEIRS);

function diff(resource: Resource, xml: string, running: boolean, previous?: Resource) {
  const state = observed(resource, { xml, running });
  return machineKind.diff(resource, state, { previous: previous?.spec, lookup: lookup() });
}

Deno.test("metadata as OpenStack writes it is what is declared, whatever prefix and layout", () => {
  const pasted = {
    namespace: NOVA.namespace,
    element: /<nova:instance[^]*<\/nova:instance>/.exec(THEIRS)![0],
  };
  const otherPrefix = {
    ...NOVA,
    prefix: "n",
    element: pasted.element.replaceAll("nova:", "x:").replace("xmlns:nova", "xmlns:x"),
  };
  for (const entry of [NOVA, pasted, { ...pasted, element: NOVA.element }, otherPrefix]) {
    assert.deepEqual(diff(withMetadata(entry), theirXml, true), [], entry.element);
    const xml = patchMachine(theirXml, withMetadata(entry), MARK, undefined);
    assert.ok(xml.includes(THEIRS.replace("\n  </metadata>", "")), xml);
  }
  const view = machineKind.view(observed(machine({}), { xml: theirXml })).metadata;
  assert.deepEqual((view as JsonObject[])[0], NOVA);
});

Deno.test("a namespace is owned whole, and others keep every byte", () => {
  const wanted = withMetadata({ ...NOVA, element: "<instance><name>db</name></instance>" }, OSINFO);
  assert.deepEqual(diff(wanted, theirXml, true).map(({ path, disruption }) => [path, disruption]), [
    [`metadata[${NOVA.namespace}].element`, "live"],
    [`metadata[${OSINFO.namespace}]`, "live"],
  ]);
  const xml = patchMachine(theirXml, wanted, MARK, undefined);
  assert.ok(xml.includes(/<app:note[^]*<\/app:note>/.exec(THEIRS)![0]));
  assert.match(
    xml,
    /<nova:instance xmlns:nova=['"][^'"]+['"]>\s*<nova:name>db<\/nova:name>\s*<\/nova:i/,
  );
  assert.match(xml, /<libosinfo:libosinfo xmlns:libosinfo='[^']+'>\s*<libosinfo:os id=/);
  assert.deepEqual(diff(wanted, xml, true), []);
  assert.equal(patchMachine(xml, wanted, MARK, wanted.spec), xml);
  // What is declared no more goes; what never was stays.
  const gone = patchMachine(xml, withMetadata(OSINFO), MARK, wanted.spec);
  assert.doesNotMatch(gone, /nova/);
  assert.match(gone, /<app:note/);
  assert.deepEqual(diff(withMetadata(OSINFO), gone, true, wanted), []);
});

Deno.test("a running machine is told by a call for each namespace", () => {
  const before = withMetadata(NOVA);
  const wanted = withMetadata(OSINFO, { namespace: "http://example.org/app", element: "<note/>" });
  const state = observed(wanted, { xml: theirXml, running: true });
  const changes = machineKind.diff(wanted, state, { previous: before.spec, lookup: lookup() });
  assert.deepEqual(liveCalls(changes, wanted, state), [
    {
      call: "setMetadata",
      namespace: OSINFO.namespace,
      prefix: "libosinfo",
      element: OSINFO.element,
    },
    // It keeps the prefix that it has.
    {
      call: "setMetadata",
      namespace: "http://example.org/app",
      prefix: "app",
      element: "<note/>",
    },
    { call: "setMetadata", namespace: NOVA.namespace, prefix: null, element: null },
  ]);
});

Deno.test("the mark stays Staddle's own, through whatever is declared", () => {
  const made = machineXml(completed(withMetadata(OSINFO, NOVA)), MARK);
  const host = observed(withMetadata(OSINFO, NOVA), { xml: made });
  assert.deepEqual(machineKind.view(host).metadata, [OSINFO, NOVA]);
  const none = patchMachine(made, machine({}), MARK, withMetadata(OSINFO, NOVA).spec);
  assert.match(none, /<metadata>\s*<staddle:resource [^>]*\/>\s*<\/metadata>/);
});

Deno.test("metadata that libvirt could not set is refused with the reason", () => {
  const uri = "http://example.org/a";
  const cases: readonly (readonly [entry: Partial<typeof NOVA>, member: string, said: RegExp])[] = [
    [{ namespace: "https://staddle.dev/xmlns/1" }, "namespace", /Staddle's own mark/],
    [{ element: "<a" }, "element", /one well-formed XML element/],
    [{ element: "<a/><b/>" }, "element", /one well-formed XML element/],
    [{ element: "<p:a xmlns:p='http://other'/>" }, "element", /is of the namespace http:\/\/other/],
    [{ element: "<a><p:b/></a>" }, "element", /<p:b>: its prefix is not declared/],
    [{ element: "<a p:c='1'/>" }, "element", /p:c: its prefix is not declared/],
    [{ element: `<p:a xmlns:p='${uri}' p:c='1'/>` }, "element", /write it without its prefix/],
    [{ element: "<a><b xmlns='http://other'/></a>" }, "element", /with a prefix/],
    [{ prefix: "q", element: "<a xmlns:q='http://other'/>" }, "element", /q is the prefix of/],
  ];
  for (const [entry, member, said] of cases) {
    const declared = { namespace: uri, element: "<a/>", ...entry };
    const faults = [...faultsOfMetadata(declared)];
    assert.deepEqual(faults.map(([found]) => found), [member], JSON.stringify(entry));
    assert.match(faults[0]![1], said);
    const machines = machineKind.schema.safeParse({
      name: "web",
      memory: 2 ** 28,
      disks: [],
      nics: [],
      metadata: [declared],
    });
    assert.deepEqual(machines.error?.issues.map(({ path }) => path), [["metadata", 0, member]]);
    const found = network([declared]).check();
    assert.deepEqual(found.map(({ path }) => path), [`metadata[0].${member}`]);
  }
  assert.throws(() => withMetadata(OSINFO, OSINFO), /libvirt keeps one element of a namespace/);
  for (const namespace of ["", "a b", "<x>"]) {
    assert.throws(() => withMetadata({ ...OSINFO, namespace }), /must be the URI/);
  }
});

function network(metadata: readonly JsonObject[]) {
  const address = "lab/network.front";
  const declared = networks.world({ address, spec: { name: "front", mode: "isolated", metadata } });
  const resource = declared.at(address);
  const { check } = networks.kindOf("network");
  return { resource, check: () => check(resource, declared.lookup), ...declared };
}

Deno.test("a running network keeps the metadata that it was started with, and nobody waits for it", () => {
  const { resource, lookup } = network([OSINFO]);
  const saved = networkXml(networks.completed(resource, lookup), MARK);
  const live = saved.replace(/<libosinfo:libosinfo[^]*<\/libosinfo:libosinfo>/, "");
  const state = networks.observed(resource, {
    xml: saved,
    liveXml: live,
    active: true,
    autostart: true,
  });
  assert.deepEqual(networks.kindOf("network").diff(resource, state, { lookup }), []);
  const { resource: none, lookup: other } = network([]);
  const context = { previous: resource.spec, lookup: other };
  const changes = networks.kindOf("network").diff(none, state, context);
  assert.deepEqual(changes.map(({ path, disruption }) => [path, disruption]), [
    [`metadata[${OSINFO.namespace}]`, "live"],
  ]);
});

Deno.test("golden: metadata that is changed, added and taken away", () => {
  const web = (...metadata: (typeof NOVA)[]) =>
    shop((lab) => void lab.vm("web", { memory: "1GiB", metadata }));
  const other = {
    namespace: "http://example.org/app",
    prefix: "app",
    element: "<note>mine</note>",
  };
  const before = make(web(NOVA, other));
  const plan = planned(
    web({ ...NOVA, element: "<instance><name>db</name></instance>" }, OSINFO),
    before,
  );
  golden(import.meta.url, "plan_metadata.txt", planText(plan, { summary: summarize(plan) }));
});

const needs = await requirement("libvirt", async () => {
  await virsh("version");
  return undefined;
});

Deno.test({
  name: "the real daemon: metadata changes on a machine that runs, and nothing is defined anew",
  ...needs,
  fn: async () => {
    await using lab = await openLab();
    const name = `${lab.prefix}-web`;
    const declare = (...metadata: JsonObject[]) =>
      lab.declare("machine", "web", {
        name,
        accel: "tcg",
        memory: "64MiB",
        disks: [],
        nics: [],
        metadata,
      });
    const first = declare(NOVA);
    await lab.create(first);
    const pid = await Deno.readTextFile(`/run/libvirt/qemu/${name}.pid`);
    // By another hand, with what the table of a machine cannot say; both stay.
    await virsh(
      ...["metadata", name, "http://example.org/app", "--key", "app", "--live", "--config"],
      ...["--set", "<note by='somebody'>kept</note>"],
    );
    await using events = await watch(name);
    const second = declare({ ...NOVA, element: "<instance><name>db</name></instance>" }, OSINFO);
    const { changes } = await lab.update(second, first);
    assert.deepEqual(changes.map(({ path, disruption }) => [path, disruption]), [
      [`metadata[${NOVA.namespace}].element`, "live"],
      [`metadata[${OSINFO.namespace}]`, "live"],
    ]);
    assert.deepEqual(await lab.diff(second, first), []);
    for (const flags of [["--live"], ["--config"]]) {
      const shown = (uri: string) => virsh("metadata", name, uri, ...flags);
      assert.match(await shown(NOVA.namespace), /<instance>\s*<name>db<\/name>\s*<\/instance>/);
      assert.match(await shown(OSINFO.namespace), /<os id="http:\/\/debian.org\/debian\/12"\/>/);
      assert.match(await shown("http://example.org/app"), /<note by="somebody">kept<\/note>/);
    }
    const { changes: last } = await lab.update(declare(OSINFO), second);
    assert.deepEqual(last.map(({ path }) => path), [`metadata[${NOVA.namespace}]`]);
    const xml = await virsh("dumpxml", name);
    assert.doesNotMatch(xml, /nova/);
    assert.match(xml, /<app:note/);
    assert.equal(await Deno.readTextFile(`/run/libvirt/qemu/${name}.pid`), pid);
    assert.equal((await lab.read(declare(OSINFO)))?.mark?.stack, lab.prefix);
    // A definition would be told as part of the machine's life.
    const told = new Set(await events.seen());
    assert.deepEqual([...told].sort(), [OSINFO.namespace, NOVA.namespace]);
    await lab.remove(second);
  },
});

/** What libvirt tells of a domain; `seen` gives all of it up to now. */
async function watch(name: string) {
  const libvirt = await Libvirt.open();
  const connection = await libvirt.connect("qemu:///system");
  const told: string[] = [];
  const listening = [
    connection.on("domain-lifecycle", ({ domain }) => {
      if (domain.name === name) told.push("lifecycle");
    }),
    connection.on("metadata-change", ({ domain, uri }) => {
      if (domain.name === name) told.push(String(uri));
    }),
  ];
  await Promise.all(listening.map(({ ready }) => ready));
  return {
    /** Events come in order: what is told before one that is made for the purpose is all there was. */
    seen: async () => {
      const last = "http://example.org/last";
      await virsh("metadata", name, last, "--key", "l", "--config", "--set", "<last/>");
      await until("the last event", () => told.includes(last));
      return told.filter((line) => line !== last);
    },
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]();
      await libvirt[Symbol.asyncDispose]();
    },
  };
}

Deno.test({
  name: "the real daemon: a network carries metadata, and shows it as it was declared",
  ...needs,
  fn: async () => {
    await using lab = await openLab();
    const name = `${lab.prefix}-noted`;
    const declare = (...metadata: JsonObject[]) =>
      lab.declare("network", "noted", { name, mode: "isolated", autostart: false, metadata });
    const first = declare(OSINFO);
    await lab.create(first);
    assert.deepEqual(await lab.diff(first), []);
    const second = declare({ ...OSINFO, element: "<libosinfo><os id='x'/></libosinfo>" }, NOVA);
    const { changes } = await lab.update(second, first);
    assert.deepEqual(changes.map(({ disruption }) => disruption), ["live", "live"]);
    assert.deepEqual(await lab.diff(second, first), []);
    const xml = await virsh("net-dumpxml", "--inactive", name);
    assert.match(xml, /<libosinfo:os id=["']x["']\/>/);
    assert.match(xml, /<nova:user uuid=["']u-1["']>admin<\/nova:user>/);
    assert.match(xml, /staddle:resource/);
    await lab.remove(second);
  },
});
