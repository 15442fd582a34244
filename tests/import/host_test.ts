/**
 * Import on a real host, as people run it: machines that run, with snapshots, with a managed save; networks,
 * pools and volumes that they use. Nothing is touched by the import; applying it loses nothing.
 */

import assert from "node:assert/strict";
import { expectStaddle, staddle } from "../examples/staddle.ts";
import { Fleet, type FleetHost, fleetObstacle } from "../fleet/mod.ts";
import { requirement } from "../support/skip.ts";
import { differences } from "./differences.ts";

const needs = await requirement("fleet", fleetObstacle);

const UUID = {
  web: "d8bd9b26-2f0f-4f2c-9d1a-3c3f7a0b6c11",
  saved: "0f0e0d0c-0b0a-4908-8706-050403020100",
  kernel: "11111111-2222-4333-8444-555555555555",
};

const FRONT = `<network>
  <name>front</name>
  <forward mode='nat'/>
  <bridge name='virbr70' stp='off' delay='0'/>
  <mac address='52:54:00:70:00:01'/>
  <domain name='shop.test' localOnly='yes'/>
  <dns><txt name='hello' value='there'/><host ip='10.70.0.9'><hostname>db</hostname></host></dns>
  <ip address='10.70.0.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='10.70.0.128' end='10.70.0.254'/>
      <host mac='52:54:00:70:00:10' name='web' ip='10.70.0.10'/>
      <host mac='52:54:00:70:00:99' ip='10.70.0.99'/>
    </dhcp>
  </ip>
</network>`;

const BACK = `<network>
  <name>back net</name>
  <bridge name='virbr71' stp='on' delay='0'/>
</network>`;

const POOL = `<pool type='dir'>
  <name>store</name>
  <target><path>/var/lib/libvirt/images/store</path></target>
</pool>`;

const devices = (inside: string) =>
  `<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>${inside}` +
  `<controller type='usb' model='none'/><memballoon model='none'/></devices>`;

const machine = (name: keyof typeof UUID, inside: string, os = "") =>
  `<domain type='qemu'>
  <name>${name}</name>
  <uuid>${UUID[name]}</uuid>
  <metadata><app:info xmlns:app='http://example.org/app'>kept</app:info></metadata>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>${os}</os>
  ${devices(inside)}
</domain>`;

const WEB = machine(
  "web",
  `<disk type='volume' device='disk'><driver name='qemu' type='qcow2' cache='writeback'/>
    <source pool='store' volume='web.qcow2'/><target dev='vda' bus='virtio'/></disk>
  <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
    <source file='/var/lib/libvirt/images/store/data.qcow2'/><target dev='vdb' bus='virtio'/></disk>
  <disk type='file' device='cdrom'><driver name='qemu' type='raw'/>
    <source file='/var/lib/libvirt/images/store/seed.iso'/><target dev='hdc' bus='ide'/>
    <readonly/></disk>
  <interface type='network'><mac address='52:54:00:70:00:10'/><source network='front'/>
    <model type='virtio'/></interface>
  <interface type='network'><mac address='52:54:00:70:00:11'/><source network='back net'/>
    <model type='e1000'/></interface>
  <serial type='pty'/>`,
);

const SAVED = machine(
  "saved",
  `<interface type='network'><mac address='52:54:00:70:00:20'/><source network='front'/></interface>`,
);

const KERNEL = machine(
  "kernel",
  "",
  "<kernel>/var/lib/libvirt/images/store/vmlinuz</kernel><cmdline>console=ttyS0 quiet</cmdline>",
);

/** What an import may not touch, and an apply must keep. */
async function state(host: FleetHost, name: string) {
  const [info, snapshots, saved] = await Promise.all([
    host.virsh("domstate", name),
    host.virsh("snapshot-list", name, "--name"),
    host.virsh("dominfo", name),
  ]);
  const id = await host.virsh("domid", name);
  const config = await host.virsh("dumpxml", name, "--inactive", "--security-info");
  const managed = /Managed save:\s+(\w+)/.exec(saved)![1];
  return { state: info.trim(), snapshots: snapshots.trim(), id: id.trim(), managed, config };
}

async function make(host: FleetHost): Promise<void> {
  const file = async (name: string, xml: string) => {
    await host.must(["sh", "-c", `cat >/root/${name}.xml`], { stdin: xml });
    return `/root/${name}.xml`;
  };
  for (const [name, xml] of Object.entries({ front: FRONT, "back net": BACK })) {
    await host.virsh("net-define", await file("network", xml));
    await host.virsh("net-start", name);
  }
  await host.virsh("pool-define", await file("pool", POOL));
  await host.virsh("pool-build", "store");
  await host.virsh("pool-start", "store");
  const volume = (name: string, ...more: string[]) =>
    host.virsh("vol-create-as", "store", name, "16M", ...more);
  await volume("base.qcow2", "--format", "qcow2");
  await volume("web.qcow2", "--format", "qcow2");
  await volume(
    ...["data.qcow2", "--format", "qcow2"] as const,
    ...["--backing-vol", "base.qcow2", "--backing-vol-format", "qcow2"],
  );
  await volume("seed.iso", "--format", "raw");
  await volume("spare.qcow2", "--format", "qcow2");
  await host.virsh("define", await file("web", WEB));
  await host.virsh("define", await file("saved", SAVED));
  await host.virsh("define", await file("kernel", KERNEL));
  await host.virsh("start", "saved");
  await host.virsh("managedsave", "saved");
  await host.virsh("snapshot-create-as", "web", "first");
  await host.virsh("start", "web");
  await host.virsh("autostart", "web");
}

Deno.test(
  { name: "a host is imported with everything that its machines use", ...needs },
  async (t) => {
    await using fleet = await Fleet.up({ hosts: 1 });
    const host = fleet.host(1);
    await make(host);
    const { identityFile, knownHosts } = fleet.ssh;
    const uri = `${host.plainUri}?keyfile=${identityFile}&known_hosts=${knownHosts}`;
    const options = { state: `${fleet.dir}/import.db` };
    const out = `${fleet.dir}/shop`;
    const names = ["web", "saved", "kernel"];
    const look = () => Promise.all(names.map((name) => state(host, name)));
    const networks = () => host.must("cat /etc/libvirt/qemu/networks/*.xml");
    // How full it is changes by itself.
    const pool = async () =>
      (await host.virsh("pool-dumpxml", "store", "--inactive"))
        .replace(/<(capacity|allocation|available)\b.*/g, "");
    const before = await look();
    const [networksBefore, poolBefore] = [await networks(), await pool()];
    assert.deepEqual(before.map(({ state }) => state), ["running", "shut off", "shut off"]);
    assert.deepEqual(before.map(({ managed }) => managed), ["no", "yes", "no"]);
    assert.equal(before[0]!.snapshots, "first");

    await t.step("the import touches nothing", async () => {
      await expectStaddle(0, ["import", uri, "--out", out], options);
      assert.deepEqual(await look(), before);
      assert.deepEqual([await networks(), await pool()], [networksBefore, poolBefore]);
      const text = await Deno.readTextFile(`${out}/stack.ts`);
      for (
        const part of [
          'const store = host.pool("store", {',
          'path: "/var/lib/libvirt/images/store"',
          'const web = host.volume("web", {',
          'const data = host.volume("data", {',
          "// Stands on /var/lib/libvirt/images/store/base.qcow2.",
          'const front = host.network("front", {',
          'nat: "10.70.0.0/24"',
          'domain: "shop.test"',
          'reservations: [{ mac: "52:54:00:70:00:99", ip: "10.70.0.99" }]',
          'const backNet = host.network("back-net", {',
          'name: "back net"',
          "isolated: true",
          'ip: "10.70.0.10"',
          '{ name: "vda", volume: web, cache: "writeback" }',
          "file: data",
          'file: "/var/lib/libvirt/images/store/seed.iso"',
        ]
      ) assert.ok(text.includes(part), `${part} does not stand in\n${text}`);
      assert.ok(!text.includes("spare"), text);
    });

    await t.step("the plan imports and changes nothing", async () => {
      const text = await expectStaddle(2, ["plan", out, "--detailed-exitcode"], options);
      assert.match(text, /^Plan: 8 to import, 0 to add, 0 to change, 0 to destroy\.$/m);
      assert.deepEqual(await look(), before);
    });

    await t.step("applying it leaves the mark, and nothing else", async () => {
      await expectStaddle(0, ["apply", out, "--yes"], options);
      for (const [index, now] of (await look()).entries()) {
        const { config, ...was } = before[index]!;
        const { config: marked, ...is } = now;
        assert.deepEqual(is, was);
        assert.ok(marked.includes("https://staddle.dev/xmlns/1"), marked);
        assert.ok(marked.includes("kept</app:info>"), marked);
        assert.deepEqual(differences(config, marked), []);
      }
      assert.equal(await pool(), poolBefore);
      for (const name of ["front", "back net"]) {
        const file = await host.virsh("net-dumpxml", name, "--inactive");
        assert.ok(file.includes("https://staddle.dev/xmlns/1"), file);
      }
      const front = await host.virsh("net-dumpxml", "front", "--inactive");
      for (const kept of ["<txt name='hello'", "localOnly='yes'", "mac='52:54:00:70:00:99'"]) {
        assert.ok(front.includes(kept), front);
      }
      const text = await expectStaddle(0, ["plan", out, "--detailed-exitcode"], options);
      assert.match(text, /No changes\./);
    });

    await t.step("one field is changed, and nothing else", async () => {
      const was = await look();
      const file = `${out}/stack.ts`;
      const text = await Deno.readTextFile(file);
      await Deno.writeTextFile(
        file,
        text.replace(/(adopt: "d8bd9b26[^"]*",)/, '$1\n title: "Shop",'),
      );
      await expectStaddle(0, ["apply", out, "--yes"], options);
      const now = await look();
      assert.deepEqual(differences(was[0]!.config, now[0]!.config), ["./title"]);
      assert.deepEqual({ ...now[0], config: "" }, { ...was[0], config: "" });
      assert.deepEqual(now.slice(1), was.slice(1));
    });

    await t.step(
      "what is owned already is not imported again; what is named alone is",
      async () => {
        const again = await staddle(["import", uri, "--out", `${fleet.dir}/again`], options);
        assert.equal(again.code, 1);
        assert.match(again.stderr, /web: it is host\/machine\.web of stack "shop" already/);
        const alone = `${fleet.dir}/alone`;
        const args = ["import", uri, "--volume", "store/spare.qcow2", "--out", alone];
        const text = await expectStaddle(0, args, options);
        assert.match(text, /1 volume\. /);
        const stack = await Deno.readTextFile(`${alone}/stack.ts`);
        // The machines that use its pool are no part of this stack.
        assert.match(stack, /Machines that are not imported use it: web\./);
        assert.match(stack, /host\.existingPool\("store"/);
        assert.match(stack, /host\.volume\("spare"/);
      },
    );

    await t.step(
      "the saved state and the snapshot can still be gone back to",
      async () => {
        await host.virsh("start", "saved");
        assert.equal((await host.virsh("domstate", "saved")).trim(), "running");
        await host.virsh("destroy", "web");
        await host.virsh("snapshot-revert", "web", "first");
      },
    );
  },
);
