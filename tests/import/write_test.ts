/** What import writes: readable, formatted, and planned without a change. */

import assert from "node:assert/strict";
import { draftStack } from "../../cli/import/mod.ts";
import { faultsOf } from "../../cli/import/trial.ts";
import { planText } from "../../cli/render/plan_text.ts";
import { makePlan, summarize, validateTopology } from "../../planner/mod.ts";
import { kinds } from "../../providers/kvm/kinds/mod.ts";
import { buildTopology } from "../../stacks/build.ts";
import { draftedStack, writeStack } from "../../stacks/write/mod.ts";
import { golden } from "../support/golden.ts";
import { seen } from "./world.ts";

const WEB = `<domain type='kvm'>
  <name>web</name>
  <uuid>d8bd9b26-2f0f-4f2c-9d1a-3c3f7a0b6c11</uuid>
  <title>Front end of the "shop"</title>
  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>
      <libosinfo:os id='http://debian.org/debian/12'/>
    </libosinfo:libosinfo>
  </metadata>
  <memory unit='KiB'>4194304</memory>
  <currentMemory unit='KiB'>2097152</currentMemory>
  <vcpu placement='static' current='2'>4</vcpu>
  <resource>
    <partition>/machine</partition>
  </resource>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <boot dev='hd'/>
  </os>
  <features>
    <acpi/>
    <apic/>
  </features>
  <cpu mode='host-passthrough' check='none' migratable='on'/>
  <clock offset='utc'>
    <timer name='rtc' tickpolicy='catchup'/>
    <timer name='pit' tickpolicy='delay'/>
    <timer name='hpet' present='no'/>
  </clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='volume' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source pool='store' volume='web.qcow2'/>
      <target dev='vda' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>
    </disk>
    <disk type='volume' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source pool='store' volume='overlay.qcow2'/>
      <target dev='vdb' bus='virtio'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/srv/old/data.img'/>
      <target dev='sda' bus='sata'/>
    </disk>
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='sata' index='0'/>
    <interface type='network'>
      <mac address='52:54:00:aa:bb:01'/>
      <source network='default'/>
      <model type='virtio'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>
    <interface type='bridge'>
      <mac address='52:54:00:AA:BB:02'/>
      <source bridge='br0'/>
      <model type='e1000'/>
      <link state='down'/>
    </interface>
    <serial type='pty'>
      <target type='isa-serial' port='0'/>
    </serial>
    <console type='pty'>
      <target type='serial' port='0'/>
    </console>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>
    <input type='mouse' bus='ps2'/>
    <input type='keyboard' bus='ps2'/>
    <redirdev bus='usb' type='spicevmc'>
      <address type='usb' bus='0' port='2'/>
    </redirdev>
    <memballoon model='virtio'/>
  </devices>
</domain>
`;

const SMALL = `<domain type='qemu'>
  <name>Old box (2019)</name>
  <uuid>0f0e0d0c-0b0a-4908-8706-050403020100</uuid>
  <memory unit='KiB'>262144</memory>
  <vcpu>1</vcpu>
  <os><type arch='i686' machine='pc-i440fx-7.2'>hvm</type></os>
  <devices>
    <interface type='network'>
      <mac address='52:54:00:aa:bb:03'/><source network='sleeping'/>
    </interface>
  </devices>
</domain>
`;

const DEFAULT = `<network>
  <name>default</name>
  <uuid>99999999-0000-4000-8000-000000000002</uuid>
  <forward mode='nat'/>
  <bridge name='virbr0' stp='on' delay='0'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>
  </ip>
</network>`;

function pool(name: string, path: string) {
  return seen(
    "pool",
    `<pool type='dir'><name>${name}</name><uuid>99999999-0000-4000-8000-000000000001</uuid>` +
      `<target><path>${path}</path></target></pool>`,
    { active: true, autostart: true },
  );
}

function volume(name: string, more = "") {
  return seen(
    "volume",
    `<volume type='file'><name>${name}</name><capacity unit='bytes'>21474836480</capacity>` +
      `<target><path>/srv/store/${name}</path><format type='qcow2'/></target>${more}</volume>`,
    {},
    "store",
  );
}

const contents = {
  machines: [seen("machine", WEB, { autostart: true }), seen("machine", SMALL)],
  networks: [
    seen("network", DEFAULT, { active: true, autostart: true }),
    seen("network", "<network><name>sleeping</name></network>"),
  ],
  pools: [pool("store", "/srv/store")],
  volumes: [
    volume("web.qcow2"),
    volume("overlay.qcow2", "<backingStore><path>/srv/store/base.qcow2</path></backingStore>"),
  ],
};

/** What `deno fmt` makes of a text. */
async function formatted(text: string): Promise<string> {
  const fmt = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--no-config", "--ext=ts", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = fmt.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  return new TextDecoder().decode((await fmt.output()).stdout);
}

Deno.test("a draft is written as deno fmt would lay it out", async () => {
  const text = writeStack({
    name: "shop",
    host: { name: "host", uri: "qemu+ssh://root@a-rather-long-name.example.org/system" },
    declarations: [
      {
        call: "existingPool",
        name: "store",
        options: { path: "/srv/store" },
        variable: "store",
      },
      {
        call: "volume",
        name: "web",
        options: { name: "web.qcow2", pool: { $variable: "store" }, size: "20GiB", adopt: true },
        variable: "web",
      },
      { call: "existingNetwork", name: "default", options: {}, variable: "network" },
      {
        call: "vm",
        name: "web",
        comments: [
          "Left as the host has it: disks[sda], disks[sdb], nics[nic2], and some more that do not fit.",
        ],
        options: {
          adopt: "d8bd9b26-2f0f-4f2c-9d1a-3c3f7a0b6c11",
          title: 'The "shop"',
          description: "A text that is far too long to stand in one line with its name, and so on.",
          vcpus: 2,
          memory: "2GiB",
          cpu: { mode: "custom", model: "EPYC" },
          features: ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"],
          "odd key": null,
          disks: [{ name: "vda", volume: { $variable: "web" } }],
          nics: [
            { name: "nic0", network: { $variable: "network" }, mac: "52:54:00:aa:bb:01" },
            { name: "nic1", bridge: "br0", mac: "52:54:00:aa:bb:02", model: "e1000", link: "down" },
          ],
          xml: [{ path: "./devices/redirdev", element: "<redirdev bus='usb' type='spicevmc'/>" }],
        },
      },
    ],
  });
  assert.equal(text, await formatted(text));
  golden(import.meta.url, "written.ts.txt", text);
});

Deno.test("an import declares what a person looks for, by its name", async () => {
  const { draft, refused } = draftStack({ name: "shop", uri: "qemu:///system" }, contents);
  assert.deepEqual(refused, []);
  const text = writeStack(draft);
  assert.equal(text, await formatted(text));
  golden(import.meta.url, "two_machines.ts.txt", text);
  // Noise that libvirt settles by itself.
  for (const part of ["pcie-root", "0x04", "ps2", "serial0"]) {
    assert.ok(!text.includes(part), `${part} stands in\n${text}`);
  }
});

Deno.test("what is written imports and changes nothing", () => {
  const { draft } = draftStack({ name: "shop", uri: "qemu:///system" }, contents);
  const { topology } = validateTopology(buildTopology(draftedStack(draft)), kinds);
  const observed = Object.values(contents).flat().map((object) => ({ ...object, host: "host" }));
  const { plan, errors } = makePlan({
    topology,
    kinds,
    observed: { host: observed },
    facts: {},
    mode: "apply",
  });
  assert.deepEqual(errors, []);
  golden(import.meta.url, "two_machines_plan.txt", planText(plan, { summary: summarize(plan) }));
  assert.deepEqual(faultsOf(draft, observed, "host/machine.web"), []);
});

Deno.test("a machine that a stack owns, or that has no configuration, is left out by name", () => {
  const owned = WEB.replace(
    "<metadata>",
    "<metadata><staddle:resource xmlns:staddle='https://staddle.dev/xmlns/1' stack='other' " +
      "address='lab/machine.web' digest='d1'/>",
  );
  const { draft, refused } = draftStack({ name: "shop", uri: "qemu:///system" }, {
    ...contents,
    machines: [seen("machine", owned), seen("machine", SMALL, { persistent: false })],
  });
  assert.deepEqual(draft.declarations, []);
  assert.deepEqual(refused, [
    { name: "web", why: 'it is lab/machine.web of stack "other" already' },
    { name: "Old box (2019)", why: "it is transient: it has no configuration" },
  ]);
});

Deno.test("what machines use that are not imported is declared as existing, unless it is named", () => {
  const other = {
    ...seen("machine", WEB.replace("d8bd9b26", "aaaaaaaa").replace(">web<", ">other<")),
  };
  const draft = (wanted?: { networks: string[] }) =>
    draftStack({ name: "shop", uri: "qemu:///system" }, {
      ...contents,
      machines: contents.machines.slice(0, 1),
      others: [other],
      ...(wanted === undefined ? {} : { wanted }),
    }).draft.declarations.map(({ call, name, comments = [] }) =>
      [`${call} ${name}`, ...comments].join(" | ")
    );
  const used = "Machines that are not imported use it: other.";
  assert.deepEqual(draft(), [
    `existingPool store | ${used}`,
    `existingVolume web | ${used}`,
    `existingVolume overlay | ${used}`,
    `existingNetwork default | ${used}`,
    "vm web",
  ]);
  assert.ok(draft({ networks: ["default"] }).includes("network default"));
  // So is what belongs to another stack.
  const { draft: beside } = draftStack({ name: "shop", uri: "qemu:///system" }, {
    ...contents,
    machines: [contents.machines[0]!, {
      ...other,
      mark: { stack: "other", address: "lab/machine.other", digest: "d1" },
    }],
  });
  assert.equal(beside.declarations[0]!.call, "existingPool");
});
