/** What a plan says of changes that wait: of a running guest, and of one whose memory is saved. */

import assert from "node:assert/strict";
import type { JsonObject, Observed } from "../../../providers/provider.ts";
import { machineKind } from "../../../providers/kvm/kinds/machine/mod.ts";
import { bare, lookup } from "./fixtures.ts";

const machine = (spec: JsonObject) => bare({ name: "web", disks: [], nics: [], ...spec });

const domain = (inner: string) =>
  `<domain type='qemu'><name>web</name><vcpu current='1'>4</vcpu>${inner}<devices/></domain>`;

function observed(source: JsonObject): Observed {
  return { kind: "machine", host: "lab", key: "web", fingerprint: "", source };
}

const notes = (spec: JsonObject, object: Observed) =>
  machineKind.notes!(machine(spec), lookup({ observed: object }));
const changes = (spec: JsonObject, object: Observed) =>
  machineKind.diff(machine(spec), object, { lookup: lookup({ observed: object }) })
    .map(({ path, disruption }) => `${path} ${disruption}`);

Deno.test("what is declared no longer, and a running guest still has, is told as pending", () => {
  const liveXml = domain(`<os><kernel>/srv/kernel</kernel></os>
    <clock offset='utc'><timer name='rtc'/><timer name='pit'/></clock>`);
  const xml = domain("<os/><clock offset='utc'><timer name='pit'/></clock>");
  assert.deepEqual(notes({}, observed({ active: true, xml, liveXml })), [
    "pending restart: boot.kernel, clock.timers[rtc]",
  ]);
});

Deno.test("so is what is added to a running guest, and taken from it at its next start only", () => {
  const pin = (vcpu: number) => `<vcpupin vcpu='${vcpu}' cpuset='0'/>`;
  const pins = (...vcpus: number[]) => domain(`<cputune>${vcpus.map(pin).join("")}</cputune>`);
  assert.deepEqual(notes({}, observed({ active: true, xml: pins(1), liveXml: pins(0, 1) })), [
    "pending restart: cpuTune.vcpuPins[0]",
  ]);
  // A weight goes from the running guest in the same step.
  const weights = domain(`<blkiotune><device><path>/dev/vda</path><weight>200</weight></device>
    </blkiotune>`);
  assert.deepEqual(notes({}, observed({ active: true, xml: domain(""), liveXml: weights })), []);
});

Deno.test("what is taken back before the guest starts anew waits for nothing, and restarts nothing", () => {
  const before = `<cpu mode='custom'><model>qemu64</model></cpu><clock offset='utc'/>`;
  const after = `<cpu mode='maximum'/><clock offset='utc'><timer name='rtc'/></clock>`;
  const declared = { cpu: { mode: "custom", model: "qemu64" }, whenRestartNeeded: "now" };
  const going = observed({ active: true, xml: domain(after), liveXml: domain(before) });
  assert.deepEqual(changes(declared, going), ["cpu.mode live", "cpu.model live"]);
  assert.deepEqual(changes({ ...declared, clock: { timers: [{ name: "rtc" }] } }, going), [
    "cpu.mode live",
    "cpu.model live",
    "clock.timers[rtc] restart",
  ]);
  const gone = observed({ active: true, xml: domain(before), liveXml: domain(after) });
  assert.deepEqual(changes({ clock: { timers: [{ name: "rtc" }] } }, gone), [
    "clock.timers[rtc] live",
  ]);
  const late = { clock: { timers: [{ name: "rtc", tickPolicy: "catchup" }] } };
  assert.deepEqual(changes(late, gone), ["clock.timers[rtc] next-boot"]);
});

Deno.test("what libvirt adds to a running guest is not", () => {
  const xml = domain("<cpu mode='custom'><model>qemu64</model></cpu>");
  const liveXml = domain(`<cpu mode='custom'><model>qemu64</model>
    <feature policy='disable' name='svm'/></cpu><seclabel type='dynamic' model='dac'/>`);
  assert.deepEqual(notes({}, observed({ active: true, xml, liveXml })), []);
});

const saved = observed({
  active: false,
  xml: domain(""),
  saved: true,
  savedXml: domain(""),
});

Deno.test("a change behind a saved state waits, and the plan says what to do", () => {
  assert.deepEqual(changes({ vcpus: 2 }, saved), ["vcpus next-boot"]);
  assert.deepEqual(changes({ autostart: true }, saved), ["autostart live"]);
  assert.deepEqual(notes({ vcpus: 2 }, saved), [
    'a saved state of machine "web" will be restored at its next start, with the old definition; ' +
    "to start with the new one, drop it and what the guest had in memory: " +
    "virsh managedsave-remove web",
  ]);
});

Deno.test("what was defined since a state was saved is pending", () => {
  const since = { ...saved.source, xml: domain("").replace("current='1'", "current='2'") };
  assert.deepEqual(notes({ vcpus: 2 }, observed(since))[0], "pending restart: vcpus");
  assert.deepEqual(changes({ vcpus: 2 }, observed(since)), []);
});

Deno.test("one that is to run goes on from its saved state, and is changed as it runs", () => {
  assert.deepEqual(changes({ vcpus: 2, power: "on" }, saved).toSorted(), [
    "power live",
    "vcpus live",
  ]);
  assert.deepEqual(notes({ vcpus: 2, power: "on" }, saved), [
    'machine "web" goes on from its saved state, with the definition that it ran with then',
  ]);
});
