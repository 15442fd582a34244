/**
 * Another name for a machine: what stays through it, what keeps it from being had, and what is left when it is
 * cut off in the middle. Nothing has to boot in these machines.
 */

import assert from "node:assert/strict";
import type { MachineOptions } from "../../stacks/mod.ts";
import { type Bed, type Declare, makeBed, needs } from "./bed.ts";

/** Who a machine is, its name apart. */
async function identity(bed: Bed, name: string): Promise<readonly string[]> {
  const xml = await bed.host.virsh("dumpxml", name, "--inactive");
  return xml.match(/<uuid>.*<\/uuid>|<mac .*\/>|<address type='pci'.*\/>/g) ?? [];
}

/** A machine with UEFI and one without; nothing has to boot in them. */
function pair(
  uefi: string,
  plain: string,
  more?: Declare,
  options: Partial<MachineOptions> = {},
): Declare {
  return (lab, boot) => {
    const pool = lab.pool("disks", { path: "/srv/disks" });
    const disk = lab.volume("disk", { pool, size: "1MiB" });
    const both = {
      accel: "tcg",
      machine: "q35",
      memory: "64MiB",
      whenRestartNeeded: "now",
      shutdown: { timeout: 0.1, force: true },
    } as const;
    lab.vm("uefi", { ...both, name: uefi, firmware: "uefi" });
    lab.vm("plain", { ...both, name: plain, disks: [{ volume: disk }], ...options });
    more?.(lab, boot);
  };
}

/** Lets the configuration say that a restart is under way, and stops the machine. */
async function cutOffInMidRestart(bed: Bed, name: string): Promise<void> {
  const xml = await bed.host.virsh("dumpxml", name, "--inactive");
  const due = xml.replace(/(<staddle:resource [^>]*?)\/>/, "$1 restart='due'/>");
  assert.notEqual(due, xml);
  await bed.host.must("cat >/tmp/due.xml", { stdin: due });
  await bed.host.virsh("define", "/tmp/due.xml");
  await bed.host.virsh("destroy", name);
}

Deno.test({ name: "a machine under another name", ...needs }, async (t) => {
  await using bed = await makeBed();
  await bed.apply(pair("uefi", "one"));
  const before = await identity(bed, "one");
  const settled = async (name: string) => {
    assert.deepEqual(await identity(bed, name), before);
    assert.doesNotMatch(await bed.host.virsh("dumpxml", name, "--inactive"), /restart=.due/);
    assert.match((await bed.plan(pair("uefi", name))).text, /^No changes\./m);
  };

  await t.step(
    "cut off between the shut-off and the new name: it is renamed and started",
    async () => {
      await cutOffInMidRestart(bed, "one");
      const { changes } = await bed.apply(pair("uefi", "two"));
      assert.deepEqual(changes.toSorted(), ["name live", "power live"]);
      assert.match(await bed.host.virsh("domstate", "two"), /^running/);
      await settled("two");
    },
  );

  await t.step("cut off between the new name and the start: it is started", async () => {
    await cutOffInMidRestart(bed, "two");
    await bed.host.virsh("domrename", "two", "three");
    const { changes } = await bed.apply(pair("uefi", "three"));
    assert.deepEqual(changes, ["power live"]);
    assert.match(await bed.host.virsh("domstate", "three"), /^running/);
    await settled("three");
  });

  await t.step("one that does not start under its new name gets its former one back", async () => {
    const wanted = pair("uefi", "four", undefined, { memoryBacking: { hugepages: true } });
    const { error } = await bed.fails(wanted, "machine.start-failed");
    assert.match(error.render(), /changed: .*name/);
    assert.match(error.render(), /definition was put back, and it runs with that again/);
    assert.match(await bed.host.virsh("domstate", "three"), /^running/);
    await bed.apply(pair("uefi", "three"));
    await settled("three");
  });

  await t.step("one that is to be off is renamed when it is", async () => {
    const options = { power: "off", whenRestartNeeded: "never" } as const;
    const { changes } = await bed.apply(pair("uefi", "four", undefined, options));
    assert.deepEqual(changes.toSorted(), ["name restart", "power restart"]);
    assert.match(await bed.host.virsh("domstate", "four"), /^shut off/);
    await settled("four");
  });

  const folder = "/var/lib/libvirt/qemu/nvram";
  await bed.host.must(`
    printf %s "marked variables" | dd of=${folder}/uefi_VARS.fd bs=1 conv=notrunc status=none \\
      seek=$(($(stat -c %s ${folder}/uefi_VARS.fd) - 16))`);
  const variables = () => bed.host.must(`tail -c 16 ${folder}/uefi_VARS.fd`);
  const marked = await variables();
  assert.match(marked, /^marked variables/);

  await t.step("it keeps the variables of its firmware", async () => {
    const { changes } = await bed.apply(pair("two", "plain"));
    assert.deepEqual(changes, ["name live", "name restart"]);
    assert.match(await bed.host.virsh("dumpxml", "two"), /uefi_VARS\.fd/);
    assert.equal(await variables(), marked);
  });

  await t.step("also from whoever gets its former name, and goes again", async () => {
    const other: Declare = (lab) =>
      void lab.vm("other", {
        name: "uefi",
        accel: "tcg",
        machine: "q35",
        memory: "64MiB",
        firmware: "uefi",
      });
    await bed.apply(pair("two", "plain", other));
    const xml = await bed.host.virsh("dumpxml", "uefi");
    const uuid = /<uuid>(.*)<\/uuid>/.exec(xml)![1]!;
    assert.ok(xml.includes(`${folder}/${uuid}_VARS.fd`), xml);
    assert.match((await bed.plan(pair("two", "plain", other))).text, /^No changes\./m);
    await bed.apply(pair("two", "plain"));
    assert.equal(await variables(), marked);
    assert.doesNotMatch(await bed.host.must(`ls ${folder}`), new RegExp(uuid));
  });

  await t.step("one that is off is renamed without being started; snapshots go along", async () => {
    await bed.host.virsh("destroy", "two");
    await bed.host.virsh("snapshot-create-as", "plain", "first");
    const { text, changes } = await bed.apply(pair("three", "simple"));
    assert.match(text, /~ name +"plain" -> "simple" \(live\)/);
    assert.deepEqual(changes, ["name live", "name live"]);
    assert.match(await bed.host.virsh("snapshot-list", "simple"), /first/);
    assert.match(await bed.host.virsh("domstate", "simple"), /^shut off/);
    await bed.host.virsh("start", "three");
    assert.match(await bed.host.virsh("dumpxml", "three"), /uefi_VARS\.fd/);
    assert.equal(await variables(), marked);
  });

  await t.step("a name that someone gave it by hand is taken back", async () => {
    await bed.host.virsh("domrename", "simple", "by-hand");
    const { changes } = await bed.apply(pair("three", "simple"));
    assert.deepEqual(changes, ["name live"]);
    assert.match((await bed.plan(pair("three", "simple"))).text, /^No changes\./m);
  });

  await t.step("one with a saved state is refused", async () => {
    await bed.host.virsh("start", "simple");
    await bed.host.virsh("managedsave", "simple");
    await assert.rejects(bed.plan(pair("three", "plain")), {
      code: "machine.rename-saved-state",
      help: /managedsave-remove simple/,
    });
    await bed.host.virsh("managedsave-remove", "simple");
  });

  await t.step("a name goes over to another machine, once it is free", async () => {
    const { changes } = await bed.apply(pair("four", "three"));
    assert.deepEqual(changes.toSorted(), ["name live", "name restart"]);
    assert.match((await bed.plan(pair("four", "three"))).text, /^No changes\./m);
  });

  await t.step("names cannot be exchanged in one run", async () => {
    await bed.host.virsh("destroy", "four");
    await assert.rejects(bed.plan(pair("three", "four")), { code: "plan.no-order" });
  });

  await t.step("a name that somebody else's machine has is refused", async () => {
    const xml = "<domain type='qemu'><name>theirs</name><memory>1024</memory>" +
      "<os><type>hvm</type></os><devices><disk type='file'><driver type='qcow2'/>" +
      "<source file='/srv/theirs.qcow2'/><target dev='vda'/></disk></devices></domain>";
    await bed.host.must("qemu-img create -q -f qcow2 /srv/theirs.qcow2 1M");
    await bed.host.must("cat >/tmp/theirs.xml", { stdin: xml });
    await bed.host.virsh("define", "/tmp/theirs.xml");
    await assert.rejects(bed.plan(pair("theirs", "three")), { code: "ownership.not-ours" });
  });

  await t.step("a mark that went with an older snapshot is put back", async () => {
    const uuid = (await bed.host.virsh("domuuid", "theirs")).trim();
    await bed.host.virsh("snapshot-create-as", "theirs", "unowned");
    const adopted = pair(
      "one",
      "three",
      (lab) => void lab.vm("theirs", { memory: "1MiB", adopt: uuid }),
    );
    await bed.apply(adopted);
    await bed.host.virsh("snapshot-revert", "theirs", "unowned");
    assert.doesNotMatch(await bed.host.virsh("dumpxml", "theirs"), /staddle/);
    const { text, changes } = await bed.apply(adopted);
    assert.match(text, /lab\/machine\.theirs will be updated in place: its mark is gone/);
    assert.deepEqual(changes, []);
    assert.match(await bed.host.virsh("dumpxml", "theirs"), /address="lab\/machine\.theirs"/);
    assert.match((await bed.plan(adopted)).text, /^No changes\./m);
  });
});
