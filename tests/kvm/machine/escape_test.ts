/** The escape hatch: what the table lacks, at places that the author names. */

import assert from "node:assert/strict";
import type { JsonObject } from "../../../providers/provider.ts";
import { machineKind, machineXml, patchMachine } from "../../../providers/kvm/kinds/machine/mod.ts";
import { getPath, parseXml } from "../../../providers/kvm/xml/mod.ts";
import { completed, DISK, lookup, machine, MARK, NIC, observed } from "./fixtures.ts";

const plain = machine({ disks: [DISK] });
const plainXml = machineXml(completed(plain), MARK);

function withPatches(...xml: JsonObject[]) {
  return machine({ disks: [DISK], xml });
}

/** XML of the plain machine after the patches. */
function patched(...xml: JsonObject[]): string {
  return patchMachine(plainXml, withPatches(...xml), MARK, plain.spec);
}

function diff(from: string, running: boolean, ...xml: JsonObject[]) {
  const state = { xml: from, running };
  return machineKind.diff(withPatches(...xml), observed(plain, state), { lookup: lookup() });
}

Deno.test("a patch sets an attribute, a text or an element, and nothing else changes", () => {
  const cases: [patch: JsonObject, path: string, there: string][] = [
    [{ path: "./memory/@dumpCore", value: "off" }, "./memory/@dumpCore", "off"],
    [{ path: "./bootloader", value: "/bin/pygrub" }, "./bootloader", "/bin/pygrub"],
    [{ path: "./maxiothreads", value: 3 }, "./maxiothreads", "3"],
    [
      {
        path: "./keywrap/cipher[@name='aes']",
        element: "<cipher name='aes' state='off'/>",
      },
      "./keywrap/cipher[@name='aes']/@state",
      "off",
    ],
    [
      { path: "./devices/nvram", element: "<nvram><address type='spapr-vio'/></nvram>" },
      "./devices/nvram/address/@type",
      "spapr-vio",
    ],
  ];
  for (const [patch, path, there] of cases) {
    const xml = patched(patch);
    assert.equal(getPath(parseXml(xml), path), there);
    // Every line of the plain XML still stands, in order, but for one that took an attribute.
    const lines = xml.split("\n");
    let at = 0;
    const lost = plainXml.split("\n").filter((line) => {
      const found = lines.indexOf(line, at);
      if (found >= 0) at = found + 1;
      return found < 0;
    });
    assert.ok(lost.length <= 1, `${path}: ${lost.join("\n")}`);
    assert.deepEqual(diff(xml, false, patch), [], path);
    assert.equal(patchMachine(xml, withPatches(patch), MARK, plain.spec), xml, path);
  }
});

Deno.test("a patch is compared and shown like any other field", () => {
  const from = patched({ path: "./memory/@dumpCore", value: "on" });
  assert.deepEqual(diff(from, true, { path: "./memory/@dumpCore", value: "off" }), [{
    path: "xml[./memory/@dumpCore]",
    before: "on",
    after: "off",
    disruption: "next-boot",
  }]);
  assert.deepEqual(diff(plainXml, false, { path: "./memory/@dumpCore", value: "off" }), [{
    path: "xml[./memory/@dumpCore]",
    after: "off",
    disruption: "live",
  }]);
  const element = "<cipher name='aes' state='off'/>";
  const path = "./keywrap/cipher[@name='aes']";
  assert.deepEqual(diff(plainXml, true, { path, element }), [{
    path: `xml[${path}]`,
    after: element,
    disruption: "next-boot",
  }]);
});

Deno.test("an element owns what it mentions; what libvirt adds is no difference", () => {
  const path = "./devices/lease";
  const element = "<lease><target path='/a'/></lease>";
  const onHost = patched({ path, element }).replace(
    "<target path='/a'/>",
    "<target path='/a' offset='0'/>\n      <key>k</key>",
  );
  assert.deepEqual(diff(onHost, false, { path, element }), []);
  const other = element.replace("'/a'", "'/b'");
  const changed = patchMachine(onHost, withPatches({ path, element: other }), MARK, plain.spec);
  assert.equal(changed, onHost.replace("'/a'", "'/b'"));
});

Deno.test("children are told apart by the attribute that names them", () => {
  const path = "./resource";
  const base = patched({
    path,
    element: "<resource><x name='a' v='1'/><x name='b' v='1'/></resource>",
  });
  const element = "<resource><x name='b' v='2'/><x name='c' v='3'/></resource>";
  const xml = patchMachine(base, withPatches({ path, element }), MARK, plain.spec);
  const values = [...xml.matchAll(/<x name='(\w)' v='(\d)'\/>/g)].map(([, a, b]) => `${a}${b}`);
  assert.deepEqual(values, ["a1", "b2", "c3"]);
});

Deno.test("null clears a place; a patch that is declared no more leaves it", () => {
  const on = patched({ path: "./memory/@dumpCore", value: "on" });
  const cleared = withPatches({ path: "./memory/@dumpCore", value: null });
  assert.equal(patchMachine(on, cleared, MARK, plain.spec), plainXml);
  assert.deepEqual(diff(on, false, { path: "./memory/@dumpCore", value: null }), [{
    path: "xml[./memory/@dumpCore]",
    before: "on",
    disruption: "live",
  }]);
  const before = withPatches({ path: "./memory/@dumpCore", value: "on" });
  assert.equal(patchMachine(on, plain, MARK, before.spec), on);
});

Deno.test("a place that a field owns is refused with the field's name", () => {
  const cases: [patch: JsonObject, field: string][] = [
    [{ path: "./title", value: "x" }, "title"],
    [{ path: "./vcpu/@current", value: "2" }, "vcpus"],
    [{ path: "./os/type/@machine", value: "pc" }, "machine"],
    [{ path: "./os", element: "<os><type machine='pc'/></os>" }, "machine"],
    [{ path: "./devices/disk", element: "<disk type='file'/>" }, "disks"],
    [{ path: "./devices/interface/mtu/@size", value: "9000" }, "nics"],
    [{ path: "./devices", value: null }, "emulator"],
    [{ path: "./uuid", value: "x" }, "adopt"],
    [{ path: "./@type", value: "kvm" }, "accel"],
  ];
  for (const [patch, field] of cases) {
    const result = machineKind.schema.safeParse({
      name: "web",
      memory: "256MiB",
      disks: [],
      nics: [],
      xml: [patch],
    });
    assert.equal(result.success, false, String(patch.path));
    assert.deepEqual(result.error?.issues.map(({ path, message }) => ({ path, message })), [{
      path: ["xml", 0, "path"],
      message: `${patch.path} belongs to the field "${field}": declare that instead`,
    }]);
  }
});

Deno.test("a patch that makes no sense is refused", () => {
  const cases: [patch: JsonObject, message: RegExp][] = [
    [{ path: "memory", value: "x" }, /must be a place such as/],
    [{ path: ".", value: "x" }, /is the whole of it/],
    [{ path: "./bootloader" }, /needs either a value or an element/],
    [{ path: "./bootloader", value: "x", element: "<bootloader/>" }, /needs either/],
    [{ path: "./hub", element: "<hub" }, /one well-formed XML element/],
    [{ path: "./hub", element: "<other/>" }, /is <other>, and the path leads to <hub>/],
    [{ path: "./hub/@type", element: "<hub/>" }, /cannot stand at an attribute/],
    [{ path: "./hub[@type='usb']", element: "<hub/>" }, /must have type='usb'/],
  ];
  for (const [patch, message] of cases) {
    const result = machineKind.schema.safeParse({
      name: "web",
      memory: "256MiB",
      disks: [],
      nics: [],
      xml: [patch],
    });
    assert.match(result.error?.issues[0]?.message ?? "accepted", message);
  }
  const twice = { path: "./bootloader", value: "x" };
  assert.throws(() => withPatches(twice, twice), /stands twice/);
});

Deno.test("a device has an escape hatch of its own", () => {
  const disk = (...xml: JsonObject[]) => machine({ disks: [{ ...DISK, xml }] });
  const made = machineXml(completed(disk({ path: "./geometry/@cyls", value: 100 })), MARK);
  assert.match(made, /<geometry cyls='100'\/>/);
  const running = observed(disk(), { xml: made, running: true });
  const wanted = disk({ path: "./geometry/@cyls", value: 200 });
  assert.deepEqual(machineKind.diff(wanted, running, { lookup: lookup() }), [{
    path: "disks[root].xml[./geometry/@cyls]",
    before: "100",
    after: "200",
    disruption: "next-boot",
  }]);
  const patched = patchMachine(made, wanted, MARK, disk().spec);
  assert.equal(patched, made.replace("cyls='100'", "cyls='200'"));
  for (
    const [list, entry, path, owner] of [
      ["disks", DISK, "./driver/@cache", "cache"],
      ["nics", NIC, "./mtu/@size", "mtu"],
      ["sounds", { name: "a", model: "ich9" }, "./codec/@type", "codec"],
    ] as const
  ) {
    const declared = { name: "web", memory: "256MiB", disks: [], nics: [] };
    const xml = [{ path, value: "x" }];
    const result = machineKind.schema.safeParse({ ...declared, [list]: [{ ...entry, xml }] });
    assert.deepEqual(result.error?.issues.map((issue) => [issue.path.join("."), issue.message]), [[
      `${list}.0.xml.0.path`,
      `${path} belongs to the field "${owner}": declare that instead`,
    ]]);
  }
});
