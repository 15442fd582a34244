/**
 * Machines as people have them, from other tools: what an import writes for each can be read in `golden/`,
 * passes the type check and the lint, and loses nothing.
 */

import assert from "node:assert/strict";
import { draftStack } from "../../cli/import/mod.ts";
import { children, getPath, parseXml } from "../../providers/kvm/xml/mod.ts";
import { writeStack } from "../../stacks/write/mod.ts";
import { schemaPlaces, SCHEMAS } from "../kvm/kinds/schema_places.ts";
import { golden } from "../support/golden.ts";
import { requirement } from "../support/skip.ts";
import { define, settle, travel, undefine } from "./journey.ts";
import { ownMachines } from "./own_machines.ts";
import { memoryObstacle, openMemory } from "./place.ts";
import { Report } from "./report.ts";
import { seen } from "./world.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

const IMAGES = `<pool type='dir'>
  <name>default</name>
  <uuid>99999999-0000-4000-8000-000000000010</uuid>
  <target><path>/var/lib/libvirt/images</path></target>
</pool>`;

const network = (name: string, last: number) =>
  seen(
    "network",
    `<network><name>${name}</name><uuid>99999999-0000-4000-8000-0000000000${last}</uuid>
      <forward mode='nat'/><bridge name='virbr${last}' stp='on' delay='0'/>
      <ip address='192.168.${last}.1' netmask='255.255.255.0'>
        <dhcp><range start='192.168.${last}.2' end='192.168.${last}.254'/></dhcp></ip></network>`,
    { active: true, autostart: true },
  );

const volume = (name: string, backing = "") =>
  seen(
    "volume",
    `<volume type='file'><name>${name}</name><capacity unit='bytes'>21474836480</capacity>
      <target><path>/var/lib/libvirt/images/${name}</path><format type='qcow2'/></target>
      ${backing && `<backingStore><path>${backing}</path><format type='qcow2'/></backingStore>`}
      </volume>`,
    {},
    "default",
  );

const around = {
  networks: [
    network("default", 22),
    network("vagrant-libvirt", 21),
    network("site0", 23),
    network("baremetal", 24),
  ],
  pools: [seen("pool", IMAGES, { active: true, autostart: true })],
  volumes: [
    volume("debian12.qcow2"),
    volume("win11.qcow2"),
    volume("vault.raw"),
    volume("site_web_1.img", "/var/lib/libvirt/images/debian-VAGRANTSLASH-bookworm64.img"),
    volume("ocp-ctlplane-0_0.img", "/var/lib/libvirt/images/rhcos-415.92"),
  ],
};

const machines = await ownMachines();

/** The configuration of a project of stacks: the language, and few of Deno's libraries to read. */
async function stackConfig(): Promise<string> {
  const { imports, compilerOptions } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const lib = ["esnext", "deno.ns", "deno.console", "deno.url", "deno.web", "deno.crypto"];
  return JSON.stringify({
    imports: { ...imports, staddle: `${ROOT}stacks/mod.ts` },
    compilerOptions: { ...compilerOptions, lib },
    nodeModulesDir: "none",
  });
}

Deno.test("machines of other tools become stacks that people can read, and Deno accepts", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-import-" });
  try {
    for (const { path, xml } of machines) {
      const name = path.replace(/\.xml$/, "");
      const contents = { ...around, machines: [seen("machine", xml)] };
      const { draft, refused } = draftStack({ name, uri: "qemu:///system" }, contents);
      assert.deepEqual(refused, []);
      const text = writeStack(draft);
      golden(import.meta.url, `machines/${name}.ts.txt`, text);
      await Deno.writeTextFile(`${folder}/${name}.ts`, text);
    }
    await Deno.writeTextFile(`${folder}/deno.json`, await stackConfig());
    for (const args of [["check", "--no-lock"], ["lint"], ["fmt", "--check"]]) {
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [...args, "-q", ...machines.map(({ path }) => path.replace(/\.xml$/, ".ts"))],
        cwd: folder,
        env: { NO_COLOR: "1" },
        stdin: "null",
      }).output();
      assert.ok(success, `deno ${args[0]}: ${new TextDecoder().decode(stderr)}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** What no machine of KVM has: other drivers' own, and `<libosinfo>` and the like stand in metadata. */
const ELSEWHERE = new Set([
  // VMware.
  "datacenterpath",
  // LXC's and Xen's own namespaces; QEMU's parts of these names are there.
  "namespace",
]);

const schemas = await requirement("libvirt's schemas", () => {
  Deno.statSync(SCHEMAS);
  return undefined;
});

Deno.test({
  name: "the machines have every element of a domain, and every class of device",
  ...schemas,
  fn() {
    const had = new Set<string>();
    for (const { xml } of machines) {
      const domain = parseXml(xml);
      for (const item of children(domain)) {
        had.add(item.name.replace(/^qemu:/, ""));
        if (item.name !== "devices") continue;
        for (const device of children(item)) had.add(`devices/${device.name}`);
      }
    }
    const wanted = new Set(
      schemaPlaces().flatMap((place) => {
        const [, first, second] = place.split("/");
        if (first === undefined || first.startsWith("@") || first === "*") return [];
        return first === "devices" && second !== undefined ? [`devices/${second}`] : [first];
      }),
    );
    assert.ok(wanted.size > 60, [...wanted].join(" "));
    const missing = [...wanted].filter((name) => !had.has(name) && !ELSEWHERE.has(name));
    assert.deepEqual(missing, []);
  },
});

const needs = await requirement("libvirt client", memoryObstacle);

Deno.test({
  name: "machines of other tools are adopted and changed without loss",
  ...needs,
  async fn() {
    await using place = await openMemory();
    const { connection } = place;
    const report = new Report(machines.length);
    for (const { path, xml } of machines) {
      report.tried++;
      // Each time another field.
      for (const seed of ["a", "b"]) {
        const first = await define(connection, xml);
        assert.ok(first, `libvirt does not take ${path}`);
        try {
          const before = (await settle(connection, first))!;
          report.add(path, await travel(place, before, `${seed} ${path}`));
        } finally {
          await undefine(connection, getPath(parseXml(first), "./name")!);
        }
      }
    }
    report.print();
    assert.deepEqual(report.failures, [], report.summary);
  },
});
