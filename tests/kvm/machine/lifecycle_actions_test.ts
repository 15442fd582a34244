/** Lifecycle actions: a plan refuses what libvirt's driver of QEMU would refuse, and nothing else. */

import assert from "node:assert/strict";
import type { JsonObject } from "../../../providers/provider.ts";
import { machineKind, machineXml } from "../../../providers/kvm/kinds/machine/mod.ts";

import { parseXml, serializeXml, setPath } from "../../../providers/kvm/xml/mod.ts";
import { requirement } from "../../support/skip.ts";
import { virsh } from "../operations/lab.ts";
import { completed, FACTS, lookup, machine, MARK, observed } from "./fixtures.ts";

const ACTIONS = ["destroy", "restart", "preserve", "rename-restart"] as const;
const CRASH = [...ACTIONS, "coredump-destroy", "coredump-restart"] as const;

const CASES: readonly JsonObject[] = [
  ...ACTIONS.flatMap((onPoweroff) => ACTIONS.map((onReboot) => ({ onPoweroff, onReboot })))
    // The schema refuses them by itself.
    .filter(({ onPoweroff, onReboot }) => onPoweroff !== "restart" || onReboot !== "destroy"),
  ...ACTIONS.map((onPoweroff) => ({ onPoweroff })),
  ...ACTIONS.map((onReboot) => ({ onReboot })),
  ...CRASH.map((onCrash) => ({ onCrash })),
];

function issues(declared: JsonObject, xml?: string, uri = "qemu:///system") {
  const resource = machine(declared);
  const seen = xml === undefined ? undefined : observed(resource, { xml });
  const found = machineKind.check(resource, lookup({ facts: { ...FACTS, uri }, observed: seen }));
  return found.filter(({ code }) => code.startsWith("machine.action"));
}

Deno.test("an action is refused by the word of QEMU's driver, and where another one is there it stays", () => {
  assert.deepEqual(issues({ onPoweroff: "preserve", onCrash: "rename-restart" }), [
    {
      code: "machine.action-unsupported",
      path: "onPoweroff",
      message: 'libvirt\'s driver of QEMU has no "preserve" for onPoweroff',
      help: 'write one of "destroy", "restart"',
    },
    {
      code: "machine.action-unsupported",
      path: "onCrash",
      message: 'libvirt\'s driver of QEMU has no "rename-restart" for onCrash',
      help: 'write one of "destroy", "restart", "preserve", "coredump-destroy", "coredump-restart"',
    },
  ]);
  for (const uri of ["qemu+ssh://root@kvm1/system", "qemu:///session"]) {
    assert.equal(issues({ onReboot: "preserve" }, undefined, uri).length, 1, uri);
  }
  for (const uri of ["test:///default", "xen:///system"]) {
    for (const declared of CASES) assert.deepEqual(issues(declared, undefined, uri), [], uri);
  }
});

Deno.test("an action that is not declared counts as the host has it", () => {
  const made = parseXml(machineXml(completed(machine({})), MARK));
  setPath(made, "./on_poweroff", "restart");
  const restarting = serializeXml(made);
  assert.deepEqual(issues({ onReboot: "destroy" }), []);
  const [issue] = issues({ onReboot: "destroy" }, restarting);
  assert.equal(issue?.path, "onReboot");
  assert.match(issue.message, /the host has onPoweroff "restart"/);
  assert.deepEqual(issues({ onReboot: "destroy", onPoweroff: "destroy" }, restarting), []);
  assert.deepEqual(issues({ title: "other" }, restarting), []);
});

const needs = await requirement("libvirt", async () => {
  await virsh("version");
  return undefined;
});

Deno.test({
  name: "the real daemon refuses what a plan refuses, and takes the rest",
  ...needs,
  fn: async () => {
    const name = `staddle-actions-${crypto.randomUUID().slice(0, 8)}`;
    const file = await Deno.makeTempFile({ suffix: ".xml" });
    try {
      for (const declared of CASES) {
        const resource = { ...machine({ ...declared, name }), uuid: crypto.randomUUID() };
        await Deno.writeTextFile(file, machineXml(completed(resource), MARK));
        const said = await virsh("define", "--validate", file).then(
          () => "taken",
          (error: Error) => error.message,
        );
        if (said === "taken") await virsh("undefine", name);
        const expected = issues(declared).length === 0 ? /^taken$/ : /qemu driver doesn't support/;
        assert.match(said, expected, JSON.stringify(declared));
      }
    } finally {
      await virsh("undefine", name).catch(() => "");
      await Deno.remove(file);
    }
  },
});
