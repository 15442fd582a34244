import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject } from "../../../providers/provider.ts";
import { machineKind, machineXml, patchMachine } from "../../../providers/kvm/kinds/machine/mod.ts";
import { SAMPLES } from "./devices.ts";
import { completed, lookup, machine, MARK, observed } from "./fixtures.ts";

function changesOf(before: JsonObject, after: JsonObject, running: boolean) {
  const [was, wanted] = [machine(before), machine(after)];
  const context = { previous: was.spec, lookup: lookup() };
  return machineKind.diff(wanted, observed(was, { running }), context);
}

Deno.test("each field of a device says how its change is applied", async (t) => {
  for (const { path, before, after, running } of SAMPLES) {
    await t.step(`${path}: ${running} while it runs`, () => {
      for (const [on, expected] of [[true, running], [false, "live"]] as const) {
        const found = changesOf(before, after, on).filter((change) => change.path === path);
        assert.deepEqual(found.map((change) => change.disruption), [expected]);
      }
    });
  }
});

Deno.test("a device that was just made differs in nothing, and is seen as declared", () => {
  for (const { path, before, after } of SAMPLES) {
    for (const declared of [before, after]) {
      const resource = machine(declared);
      const host = observed(resource);
      assert.deepEqual(machineKind.diff(resource, host, { lookup: lookup() }), [], path);
      const seen = { ...machineKind.view(host), os: undefined, devices: undefined };
      assert.deepEqual(
        machineKind.diff({ ...resource, spec: seen }, host, { lookup: lookup() }),
        [],
      );
    }
  }
});

Deno.test("patching a device leaves no difference, and patching again changes nothing", () => {
  for (const { path, before, after } of SAMPLES) {
    const [was, wanted] = [machine(before), machine(after)];
    const xml = patchMachine(String(observed(was).source.xml), wanted, MARK, was.spec);
    const host = observed(wanted, { xml });
    const context = { previous: was.spec, lookup: lookup() };
    assert.deepEqual(machineKind.diff(wanted, host, context), [], path);
    assert.equal(patchMachine(xml, wanted, MARK, wanted.spec), xml, path);
  }
});

Deno.test("property: any devices to any others leave no difference", () => {
  const some = fc.subarray([...SAMPLES], { maxLength: 6 }).chain((samples) =>
    fc.tuple(
      ...samples.map((sample) => fc.boolean().map((late) => late ? sample.after : sample.before)),
    )
  ).map((parts) => Object.assign({}, ...parts) as JsonObject)
    .filter((declared) =>
      machineKind.schema.safeParse({
        name: "web",
        memory: 2 ** 28,
        disks: [],
        nics: [],
        ...declared,
      })
        .success
    );
  fc.assert(
    fc.property(some, some, (first, second) => {
      const [was, wanted] = [machine(first), machine(second)];
      const made = machineXml(completed(was), MARK);
      const xml = patchMachine(made, wanted, MARK, was.spec);
      const context = { previous: was.spec, lookup: lookup() };
      assert.deepEqual(machineKind.diff(wanted, observed(wanted, { xml }), context), []);
    }),
    {
      // A controller that is declared no more, and that another device still needs.
      examples: [[
        { controllers: [{ name: "a", type: "usb", model: "qemu-xhci" }] },
        { smartcards: [{ name: "a", mode: "host" }] },
      ]],
    },
  );
});

Deno.test("a word that libvirt does not write goes without saying", () => {
  const declared = {
    disks: [{ name: "root", file: "/srv/a.img", cache: "default" }],
    cdroms: [{ name: "a", file: "/srv/a.iso", tray: "closed" }],
  };
  const resource = machine(declared);
  const xml = machineXml(completed(resource), MARK);
  assert.doesNotMatch(xml, /cache=|tray=/);
  const context = { lookup: lookup() };
  assert.deepEqual(machineKind.diff(resource, observed(resource, { xml }), context), []);
});
