/**
 * Domains as libvirt 11.3 with QEMU 10.0 prints them: what it adds of its own is no change, and does not
 * stand in the way of one.
 */

import assert from "node:assert/strict";
import type { JsonObject } from "../../../providers/provider.ts";
import { machineKind, machineXml, patchMachine } from "../../../providers/kvm/kinds/machine/mod.ts";
import { getPath, parseXml } from "../../../providers/kvm/xml/mod.ts";
import { completed, DISK, FACTS, lookup, machine, MARK, observed } from "./fixtures.ts";

const plain = { disks: [DISK] };

/** A machine's XML once libvirt has taken it: with a part of `os` and of `devices` as it says them. */
function printed(declared: JsonObject, os: string, devices = ""): string {
  return machineXml(completed(machine(declared)), MARK)
    .replace(/<os>[^]*<\/os>/, os)
    .replace("</devices>", `${devices}</devices>`);
}

const TYPE = "<type arch='x86_64' machine='pc-q35-10.0'>hvm</type>";

const UEFI = `<os firmware='efi'>
    ${TYPE}
    <firmware>
      <feature enabled='yes' name='enrolled-keys'/>
      <feature enabled='yes' name='secure-boot'/>
    </firmware>
    <loader readonly='yes' secure='yes' type='pflash' format='raw'>/usr/share/OVMF/OVMF_CODE_4M.ms.fd</loader>
    <nvram template='/usr/share/OVMF/OVMF_VARS_4M.ms.fd' templateFormat='raw' format='raw'>/var/lib/libvirt/qemu/nvram/web_VARS.fd</nvram>
    <boot dev='hd'/>
  </os>`;

/** Firmware by its path: libvirt says that it chose it, all the same. */
const BY_PATH = `<os firmware='efi'>
    ${TYPE}
    <firmware>
      <feature enabled='no' name='enrolled-keys'/>
      <feature enabled='no' name='secure-boot'/>
    </firmware>
    <loader readonly='yes' type='pflash' format='raw'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
    <nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd' templateFormat='raw' format='raw'>/var/lib/libvirt/qemu/nvram/web_VARS.fd</nvram>
    <boot dev='hd'/>
  </os>`;

const LOADER = { path: "/usr/share/OVMF/OVMF_CODE_4M.fd", type: "pflash", readonly: true };

/** What patching makes of a domain, and that planning it again finds no change. */
function patched(xml: string, before: JsonObject, after: JsonObject): string {
  const wanted = machine({ ...plain, ...after });
  const result = patchMachine(xml, wanted, MARK, machine({ ...plain, ...before }).spec);
  const changes = machineKind.diff(wanted, observed(wanted, { xml: result }), { lookup: lookup() });
  assert.deepEqual(changes, []);
  return result;
}

function changesOf(xml: string, declared: JsonObject): string[] {
  const wanted = machine({ ...plain, ...declared });
  return machineKind.diff(wanted, observed(wanted, { xml }), { lookup: lookup() })
    .map(({ path }) => path);
}

const os = (xml: string) => xml.match(/<os[^]*<\/os>/)![0].replaceAll(/\s+/g, " ");

Deno.test("firmware that libvirt has chosen and spelt out is no change", () => {
  assert.deepEqual(changesOf(printed(plain, UEFI), { firmware: "uefi" }), []);
  assert.deepEqual(changesOf(printed(plain, UEFI), { firmware: "uefi", secureBoot: true }), []);
  assert.deepEqual(changesOf(printed(plain, BY_PATH), { loader: LOADER }), []);
  assert.deepEqual(changesOf(printed(plain, BY_PATH), { firmware: "uefi", secureBoot: false }), []);
});

Deno.test("secure boot off: the firmware is chosen anew, the variables stay, and no format without a file", () => {
  const xml = patched(printed(plain, UEFI), { firmware: "uefi", secureBoot: true }, {
    firmware: "uefi",
    secureBoot: false,
  });
  assert.equal(getPath(parseXml(xml), "./os/loader"), undefined);
  assert.match(
    os(xml),
    /<nvram format='raw'>\/var\/lib\/libvirt\/qemu\/nvram\/web_VARS.fd<\/nvram>/,
  );
});

Deno.test("from UEFI to BIOS: nothing of the choice is left", () => {
  const xml = patched(printed(plain, UEFI), { firmware: "uefi" }, { firmware: "bios" });
  assert.doesNotMatch(os(xml), /firmware|loader|nvram/);
});

Deno.test("a template of one's own: its format is not the other's, and libvirt chooses no more", () => {
  const template = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd";
  const xml = patched(printed(plain, BY_PATH), { loader: LOADER }, {
    loader: LOADER,
    nvramTemplate: template,
  });
  assert.doesNotMatch(os(xml), /firmware=|<feature|templateFormat/);
  assert.match(os(xml), /<loader [^>]*>\/usr\/share\/OVMF\/OVMF_CODE_4M.fd<\/loader>/);
});

const dog = (action: string, model = "i6300esb") => ({
  watchdogs: [{ name: "dog", model, action }],
});
const OF_CHIPSET = "<watchdog model='itco' action='reset'/>";

/** A machine with a watchdog, to which libvirt has added the chipset's. */
function watched(declared: JsonObject): string {
  return machineXml(completed(machine({ ...plain, ...declared })), MARK)
    .replace("</devices>", `${OF_CHIPSET}</devices>`);
}

Deno.test("the watchdog of the chipset is no change, and does what the declared one does", () => {
  assert.deepEqual(changesOf(watched({}), {}), []);
  const xml = patched(watched(dog("reset")), dog("reset"), dog("pause"));
  const actions = [...xml.matchAll(/<watchdog model='(\w+)' action='(\w+)'/g)]
    .map(([, model, action]) => `${model} ${action}`);
  assert.deepEqual(actions, ["i6300esb pause", "itco pause"]);
});

Deno.test("a declared watchdog of the chipset is the one that is there", () => {
  const xml = patched(watched({}), {}, dog("poweroff", "itco"));
  assert.equal(xml.match(/<watchdog/g)!.length, 1);
  assert.match(xml, /<watchdog model='itco' action='poweroff'\/>/);
});

Deno.test("watchdogs that are to do different things are refused", () => {
  const result = machineKind.schema.safeParse({
    ...plain,
    name: "web",
    memory: "256MiB",
    nics: [],
    watchdogs: [...dog("pause").watchdogs, { name: "chipset", model: "itco", action: "reset" }],
  });
  assert.deepEqual(result.error?.issues.map(({ path, message }) => [path.join("."), message]), [[
    "watchdogs.1.action",
    'is "reset", and another is to "pause": all watchdogs do the same',
  ]]);
});

Deno.test("vhost-user without memory that others can map is refused when planned", () => {
  const vhostUser = { path: "/run/a.sock", mode: "client" };
  const nics = [{ name: "nic0", mac: "52:54:00:00:00:01", vhostUser }];
  const issues = (more: JsonObject) =>
    machineKind.check!(machine({ ...plain, nics, ...more }), lookup())
      .map(({ code, path }) => `${code} ${path}`);
  assert.deepEqual(issues({}), ["machine.memory-not-shared nics[nic0].vhostUser"]);
  assert.deepEqual(issues({ memoryBacking: { source: "memfd", access: "shared" } }), []);
});

/** Hosts with another libvirt than the one that the fixtures have. */
const hostWith = (libvirtVersion: number) => lookup({ facts: { ...FACTS, libvirtVersion } });

Deno.test("a field that came with a later libvirt than the host's is refused by name and version", () => {
  const declared = machine({
    ...plain,
    cpu: { mode: "maximum" },
    loader: { path: "/usr/share/OVMF/OVMF.fd", type: "rom", stateless: true },
    nics: [{ name: "nic0", mac: "52:54:00:00:00:01", network: "lab/network.front", acpiIndex: 3 }],
  });
  const issues = (version: number) =>
    machineKind.check!(declared, hostWith(version)).filter(({ code }) =>
      code === "machine.libvirt-too-old"
    ).map(({ path, message }) => `${path}: ${message}`);
  assert.deepEqual(issues(7_000_000), [
    "cpu.mode: needs libvirt 7.1.0, and the host has 7.0.0",
    "loader.stateless: needs libvirt 8.6.0, and the host has 7.0.0",
    "nics[nic0].acpiIndex: needs libvirt 7.3.0, and the host has 7.0.0",
  ]);
  assert.deepEqual(issues(8_006_000), []);
});

Deno.test("an emulated CPU has every feature, where libvirt knows how to say so", () => {
  const cpu = (version: number) =>
    (machineKind.complete(machine(plain), hostWith(version)) as { cpu?: JsonObject }).cpu;
  assert.equal(cpu(7_000_000), undefined);
  assert.deepEqual(cpu(7_001_000), { mode: "maximum" });
});
