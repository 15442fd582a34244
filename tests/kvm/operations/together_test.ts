/**
 * Members of a device that change together on a machine that runs, on the real libvirt: what the plan
 * said to be live is so at once, and the rest is as it was until the next start.
 */

import assert from "node:assert/strict";
import type { JsonObject, Resource } from "../../../providers/provider.ts";
import { machineTable } from "../../../providers/kvm/kinds/machine/table.ts";
import { pendingFields, readTable } from "../../../providers/kvm/table/mod.ts";
import { getElements, getPath, parseXml } from "../../../providers/kvm/xml/mod.ts";
import { coalescedFrames } from "../../support/tap.ts";
import { requirement } from "../../support/skip.ts";
import { type Lab, openLab, virsh } from "./lab.ts";

const needs = await requirement("libvirt", async () => {
  await virsh("version");
  return undefined;
});

const MACS = "52:54:00:5d:00:0";

/** Networks whose port groups have the same names and others. */
async function networks(lab: Lab): Promise<Record<"front" | "back", string>> {
  for (const [name, groups] of [["front", ["a", "b"]], ["back", ["b", "c"]]] as const) {
    const network = lab.declare("network", name, {
      name: `${lab.prefix}-${name}`,
      mode: "isolated",
      autostart: false,
      xml: groups.map((group) => ({
        path: `./portgroup[@name='${group}']`,
        element: `<portgroup name='${group}'/>`,
      })),
    });
    await lab.create(network);
  }
  return { front: "lab/network.front", back: "lab/network.back" };
}

function declare(lab: Lab, spec: JsonObject): Resource {
  return lab.declare("machine", "web", {
    name: `${lab.prefix}-web`,
    accel: "tcg",
    memory: "64MiB",
    disks: [],
    nics: [],
    ...spec,
  });
}

/** Changes the machine, and gives what the plan said of each device's members: `link live`. */
async function changed(
  lab: Lab,
  wanted: Resource,
  was: Resource,
): Promise<Record<string, string[]>> {
  const { changes, observed } = await lab.update(wanted, was);
  const [config, live] = [observed!.source.xml, observed!.source.liveXml].map((xml) =>
    parseXml(String(xml))
  );
  const pending = pendingFields(machineTable, { spec: wanted.spec, config: config!, live: live! });
  const later = changes.filter(({ disruption }) => disruption !== "live");
  assert.deepEqual(pending.toSorted(), later.map(({ path }) => path).toSorted());
  const said = Object.groupBy(changes, ({ path }) => /\[(.+)\]/.exec(path)![1]!);
  return Object.fromEntries(
    Object.entries(said).map(([name, changes]) => [
      name,
      changes!.map(({ path, disruption }) => `${path.split(".")[1]} ${disruption}`).toSorted(),
    ]),
  );
}

Deno.test({
  name: "members of a NIC that change together change as the plan says",
  ...needs,
  fn: async () => {
    await using lab = await openLab();
    const { front, back } = await networks(lab);
    const bridge = String(
      lab.complete(lab.declare("network", "front", {
        name: `${lab.prefix}-front`,
        mode: "isolated",
      })).spec.bridge,
    );
    const filter = { name: "no-mac-spoofing" };
    const cases: readonly (readonly [was: JsonObject, wanted: JsonObject, said: string[]])[] = [
      [{ network: front, portGroup: "a" }, { network: back, portGroup: "c" }, [
        "network next-boot",
        "portGroup next-boot",
      ]],
      [{ network: front, portGroup: "b" }, { network: back, portGroup: "b" }, ["network live"]],
      [{ network: front, portGroup: "a" }, { network: back }, ["network next-boot"]],
      [{ network: front, portGroup: "a" }, { network: front, portGroup: "b", link: "down" }, [
        "link live",
        "portGroup next-boot",
      ]],
      [{ network: front }, { network: back, mtu: 1400, coalesce: 4 }, [
        "coalesce live",
        "mtu next-boot",
        "network live",
      ]],
      [{ network: front }, { bridge, queues: 2, link: "down" }, [
        "bridge live",
        "link live",
        "queues next-boot",
      ]],
      [{ bridge, link: "down" }, { network: back, portGroup: "c", filter }, [
        "filter live",
        "network live",
        "portGroup live",
      ]],
      [{ user: true }, { bridge, link: "down" }, ["bridge next-boot", "link live"]],
    ];
    const machineWith = (at: 0 | 1) =>
      declare(lab, {
        nics: cases.map((one, index) => ({
          name: `nic${index}`,
          mac: `${MACS}${index}`,
          model: "virtio",
          ...one[at],
        })),
      });
    await lab.create(machineWith(0));
    const said = await changed(lab, machineWith(1), machineWith(0));
    assert.deepEqual(
      said,
      Object.fromEntries(cases.map(([, , expected], index) => [`nic${index}`, expected])),
    );
    const live = parseXml(await virsh("dumpxml", `${lab.prefix}-web`));
    const nic = getElements(live, "./devices/interface").find((one) =>
      getPath(one, "./alias/@name") === "ua-nic4"
    )!;
    assert.equal(
      coalescedFrames(getPath(nic, "./target/@dev")!),
      4,
      "the tap itself holds packets back",
    );
    await lab.remove(machineWith(0));
  },
});

Deno.test({
  name: "members of a drive that change together change as the plan says",
  ...needs,
  fn: async () => {
    await using lab = await openLab();
    for (const [name, format] of [["a.iso", "raw"], ["b.qcow2", "qcow2"]] as const) {
      const file = `${lab.folder}/${name}`;
      const command = new Deno.Command("qemu-img", {
        args: ["create", "-q", "-f", format, file, "1M"],
      });
      assert.ok((await command.output()).success);
    }
    const drive = (members: JsonObject) =>
      declare(lab, { cdroms: [{ name: "tools", bus: "sata", ...members }] });
    const raw = drive({ file: `${lab.folder}/a.iso`, format: "raw" });
    const qcow2 = drive({ file: `${lab.folder}/b.qcow2`, format: "qcow2", bootOrder: 1 });
    await lab.create(raw);
    assert.deepEqual(await changed(lab, qcow2, raw), {
      tools: ["bootOrder next-boot", "file live", "format live"],
    });
    const live = parseXml(await virsh("dumpxml", `${lab.prefix}-web`));
    const [medium] = readTable(machineTable, live).cdroms as readonly JsonObject[];
    assert.equal(medium!.format, "qcow2");
    // QEMU itself reads it as that.
    const blocks = await virsh(
      "qemu-monitor-command",
      `${lab.prefix}-web`,
      '{"execute":"query-named-block-nodes"}',
    );
    assert.match(blocks, /"drv":"qcow2"/);
    assert.deepEqual(await changed(lab, drive({}), qcow2), { tools: ["file live", "format live"] });
    assert.deepEqual(await changed(lab, drive({ file: `${lab.folder}/a.iso` }), drive({})), {
      tools: ["file live"],
    });
    await lab.remove(qcow2);
  },
});
