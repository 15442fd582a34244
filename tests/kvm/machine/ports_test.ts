/** Room for devices in a running machine, and memory that virtiofs needs: known when planned. */

import assert from "node:assert/strict";
import { machineKind, machineXml } from "../../../providers/kvm/kinds/machine/mod.ts";
import type { JsonObject } from "../../../providers/provider.ts";
import { golden } from "../../support/golden.ts";
import { completed, DISK, lookup, machine, MARK, observed } from "./fixtures.ts";

/** A running machine with so many root ports, of which one is taken. */
function running(ports: number, declared: JsonObject = {}) {
  const resource = machine({ disks: [DISK], ...declared });
  const controllers = Array.from(
    { length: ports },
    (_, at) => `<controller type='pci' index='${at + 1}' model='pcie-root-port'/>`,
  ).join("");
  const liveXml = machineXml(completed(resource), MARK)
    .replaceAll(/<controller type=.pci. model=.pcie-root-port.\/>\s*/g, "")
    .replace("<devices>", `<devices>${controllers}`)
    .replace(/(<target dev=.vda.[^>]*>)/, "$1<address type='pci' bus='0x01' slot='0x00'/>");
  return observed(resource, { running: true, liveXml });
}

const extra = (name: string, more: JsonObject = {}) => ({
  name,
  file: `/srv/${name}.img`,
  ...more,
});

function classes(ports: number, declared: JsonObject): string[] {
  const host = running(ports);
  return machineKind.diff(machine(declared), host, { lookup: lookup() })
    .map(({ path, disruption }) => `${path} ${disruption}`);
}

Deno.test("what finds no free root port waits for the next start", () => {
  const declared = { disks: [DISK, extra("a"), extra("b"), extra("c")] };
  assert.deepEqual(classes(4, declared), ["disks[a] live", "disks[b] live", "disks[c] live"]);
  assert.deepEqual(classes(3, declared), ["disks[a] live", "disks[b] live", "disks[c] next-boot"]);
  assert.deepEqual(classes(1, declared), [
    "disks[a] next-boot",
    "disks[b] next-boot",
    "disks[c] next-boot",
  ]);
});

Deno.test("the controller of the first SCSI disk takes the port, further disks none", () => {
  const scsi = [extra("a", { bus: "scsi" }), extra("b", { bus: "scsi" })];
  assert.deepEqual(classes(2, { disks: [DISK, ...scsi] }), ["disks[a] live", "disks[b] live"]);
  assert.deepEqual(classes(1, { disks: [DISK, ...scsi] }), [
    "disks[a] next-boot",
    "disks[b] next-boot",
  ]);
});

Deno.test("a plain PCI device needs a bridge", () => {
  assert.deepEqual(
    classes(4, { disks: [DISK], watchdogs: [{ name: "dog", model: "i6300esb" }] }),
    ["watchdogs[dog] next-boot"],
  );
});

Deno.test("what was saved for the next start for want of a port is no change any more", () => {
  const resource = machine({ disks: [DISK, extra("a")] });
  const saved = machineXml(completed(resource), MARK)
    .replace(/digest=(['"]\w+['"])/, "digest=$1 generation='1'");
  const { source, ...host } = running(1);
  const waiting = { ...host, source: { ...source, xml: saved } };
  assert.deepEqual(machineKind.diff(resource, waiting, { lookup: lookup() }), []);
  assert.deepEqual(machineKind.notes?.(resource, lookup({ observed: waiting })), [
    "pending restart: disks[a]",
  ]);
});

Deno.test("virtiofs without memory that others can map is refused when planned", () => {
  const filesystems = [{ name: "home", driver: "virtiofs", source: "/srv", target: "home" }];
  const issues = (declared: JsonObject) =>
    [...machineKind.check(machine({ filesystems, ...declared }), lookup())].map((issue) =>
      `${issue.code} at ${issue.path}: ${issue.message}\n  help: ${issue.help}`
    );
  golden(import.meta.url, "virtiofs_private.txt", issues({}).join("\n"));
  assert.equal(issues({ memoryBacking: { source: "memfd" } }).length, 1);
  assert.deepEqual(issues({ memoryBacking: { source: "memfd", access: "shared" } }), []);
  const cell = { cell: 0, cpus: "0", memory: "128MiB" };
  const shared = { memory: "128MiB", numa: { cells: [{ ...cell, access: "shared" }] } };
  assert.deepEqual(issues(shared), []);
});

Deno.test("devices of two lists have names of their own", () => {
  assert.throws(
    () => machine({ disks: [DISK], rngs: [{ name: String(DISK.name) }] }),
    /has the name .* too: each device has one of its own/,
  );
});

Deno.test("how long a shutdown may take is seconds, or a duration", () => {
  const timeout = (value: number | string) =>
    (machine({ shutdown: { timeout: value } }).spec.shutdown as JsonObject).timeout;
  assert.equal(timeout(30), 30);
  assert.equal(timeout("30s"), 30);
  assert.equal(timeout("5min"), 300);
  assert.equal(timeout("1.5h"), 5400);
  for (const bad of [0, -1, "soon", "5", "2d", 100_000]) {
    assert.throws(() => timeout(bad), /is no duration|more than a day/, String(bad));
  }
});
