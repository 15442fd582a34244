/**
 * Members of a device that change together: what apply does is what the plan said. For every two of
 * them the calls are carried out on the running machine's XML; then nothing differs but what the plan
 * put off, and that alone is pending.
 */

import assert from "node:assert/strict";
import type { JsonObject } from "../../../providers/provider.ts";
import {
  type LiveCall,
  liveCalls,
  machineKind,
  patchMachine,
} from "../../../providers/kvm/kinds/machine/mod.ts";
import { machineTable } from "../../../providers/kvm/kinds/machine/table.ts";
import {
  findEntry,
  pendingFields,
  type Table,
  writeTable,
} from "../../../providers/kvm/table/mod.ts";
import {
  append,
  child,
  parseXml,
  remove,
  replace,
  serializeXml,
  type XmlElement,
} from "../../../providers/kvm/xml/mod.ts";
import { type Sample, SAMPLES } from "./devices.ts";
import { lookup, machine, MARK, observed } from "./fixtures.ts";

type Device = JsonObject & { readonly name: string };

/** A member in two values, on the device that its list has. */
interface Member {
  readonly path: string;
  readonly list: string;
  readonly before: Device;
  readonly after: Device;
  /** What else the machine has. */
  readonly around: JsonObject;
  readonly live: boolean;
}

function memberOf({ path, before, after, running }: Sample): Member[] {
  const list = /^(\w+)\[/.exec(path)?.[1];
  if (list === undefined) return [];
  const { [list]: first, ...around } = before;
  const [was] = first as readonly Device[];
  const [wanted] = after[list] as readonly Device[];
  return [{ path, list, before: was!, after: wanted!, around, live: running === "live" }];
}

/** What no sample of a single field shows: another source, with and without what belongs to it. */
const NIC = { name: "nic0", mac: "52:54:11:22:33:44" };
const onNetwork = { ...NIC, network: "lab/network.front" };
const other = { ...NIC, network: "lab/network.back" };
const onBridge = { ...NIC, bridge: "br0" };
const DRIVE = { name: "tools" };
const MORE: readonly Member[] = ([
  ["nics[nic0].network", onNetwork, other],
  ["nics[nic0].bridge", onNetwork, onBridge],
  ["nics[nic0].network", onBridge, onNetwork],
  ["nics[nic0].network", { ...onNetwork, portGroup: "a" }, { ...other, portGroup: "a" }],
  ["nics[nic0].network", { ...onNetwork, portGroup: "a" }, { ...other, portGroup: "b" }],
  ["nics[nic0].bridge", { ...NIC, user: true }, onBridge],
  ["nics[nic0].network", { ...NIC, direct: { dev: "eth0" } }, onNetwork],
  ["cdroms[tools].file", { ...DRIVE, file: "/srv/a.iso" }, { ...DRIVE, file: "/srv/b.iso" }],
  ["cdroms[tools].block", { ...DRIVE, file: "/srv/a.iso" }, { ...DRIVE, block: "/dev/sr0" }],
  ["cdroms[tools].file", { ...DRIVE, file: "/srv/a.iso" }, DRIVE],
  ["cdroms[tools].format", { ...DRIVE, format: "raw" }, { ...DRIVE, format: "qcow2" }],
  ["cdroms[tools].bus", { ...DRIVE, bus: "sata" }, { ...DRIVE, bus: "scsi" }],
] as const).map(([path, before, after]) => ({
  path,
  list: path.slice(0, path.indexOf("[")),
  before,
  after,
  around: {},
  live: true,
}));

const MEMBERS = [...SAMPLES.flatMap(memberOf), ...MORE];

/** Every two members of a list that a device can have at once, one of them live. */
function* pairs(): Iterable<readonly [Member, Member]> {
  for (const [index, one] of MEMBERS.entries()) {
    for (const other of MEMBERS.slice(index + 1)) {
      if (one.list === other.list && (one.live || other.live)) yield [one, other];
    }
  }
}

function declared(member: Member, device: Device, around: JsonObject) {
  const spec = { ...around, [member.list]: [device] };
  return machineKind.schema.safeParse({
      name: "web",
      memory: 2 ** 28,
      disks: [],
      nics: [],
      ...spec,
    }).success
    ? machine(spec)
    : undefined;
}

/** What a device's XML becomes by a call. */
function carryOut(call: LiveCall, live: XmlElement, spec: JsonObject): void {
  const devices = child(live, "devices")!;
  const found = "path" in call ? /^(\w+)\[([^\]]+)\]$/.exec(call.path) : null;
  assert.ok(found, `no call for a device: ${JSON.stringify(call)}`);
  const [, listName, name] = found;
  const list = (machineTable as Table)[listName!]!;
  assert.ok(list.entry === "list");
  const entry = (spec[listName!] as readonly JsonObject[]).find((item) => item.name === name) ??
    { name: name! };
  const device = findEntry(list, live, entry);
  switch (call.call) {
    case "attachDevice":
      return append(devices, parseXml(call.xml));
    case "detachDevice":
      return void remove(devices, device!);
    case "updateDevice":
      return replace(devices, device!, parseXml(call.xml));
    case "setBlockIoTune":
    case "setInterfaceParameters": {
      const group = call.call === "setBlockIoTune" ? "iotune" : "bandwidth";
      return writeTable({ [group]: list.fields[group]! }, device!, entry);
    }
    default:
      assert.fail(`unexpected: ${call.call}`);
  }
}

Deno.test("two members of a device that change together change as the plan says", () => {
  const tried = new Map<string, number>();
  for (const [one, other] of pairs()) {
    const around = { ...one.around, ...other.around };
    const was = declared(one, { ...one.before, ...other.before }, around);
    const wanted = declared(one, { ...one.after, ...other.after }, around);
    if (was === undefined || wanted === undefined) continue;
    const title = `${one.path} and ${other.path}`;
    const state = observed(was, { running: true });
    const context = { previous: was.spec, lookup: lookup() };
    const changes = machineKind.diff(wanted, state, context);
    const live = parseXml(String(state.source.liveXml));
    for (const call of liveCalls(changes, wanted, state)) carryOut(call, live, wanted.spec);
    const xml = patchMachine(String(state.source.xml), wanted, MARK, was.spec);
    const after = observed(wanted, { xml, running: true, liveXml: serializeXml(live) });
    assert.deepEqual(machineKind.diff(wanted, after, context), [], title);
    const pending = pendingFields(machineTable, {
      spec: wanted.spec,
      config: parseXml(xml),
      live,
    });
    const later = changes.filter(({ disruption }) => disruption !== "live");
    assert.deepEqual(pending.toSorted(), later.map(({ path }) => path).toSorted(), title);
    tried.set(one.list, (tried.get(one.list) ?? 0) + 1);
  }
  for (const list of ["nics", "disks", "cdroms"]) {
    assert.ok(tried.get(list)! > 5, `${list}: ${tried.get(list)} pairs`);
  }
});
