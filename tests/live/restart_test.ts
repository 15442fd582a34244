/**
 * What a running guest cannot take: restarted now, at its next start, or made anew; and what is left
 * when that fails. Each on a real guest under full emulation.
 */

import assert from "node:assert/strict";
import type { MachineOptions } from "../../stacks/mod.ts";
import { type Applied, type Bed, type Declare, makeBed, needs } from "./bed.ts";

const ADDRESS = "10.97.0.20";

/** A guest that boots the kernel that it is given, with a disk that outlives it. */
function guest(options: Partial<MachineOptions>): Declare {
  return (lab, boot) => {
    const pool = lab.pool("disks", { path: "/srv/disks" });
    const net = lab.network("net", { isolated: "10.97.0.0/24" });
    const data = lab.volume("data", { pool, size: "4MiB", format: "raw" });
    lab.vm("guest", {
      accel: "tcg",
      machine: "q35",
      boot,
      memory: "192MiB",
      disks: [{ name: "data", volume: data }],
      nics: [{ network: net, ip: ADDRESS }],
      consoleLog: "/var/log/libvirt/qemu/guest-console.log",
      ...options,
    });
  };
}

const model = (name: string, more: Partial<MachineOptions> = {}) =>
  guest({ cpu: { mode: "custom", model: name }, ...more });

/** Who a machine is, as its host tells. */
async function identity(bed: Bed): Promise<readonly string[]> {
  const xml = await bed.host.virsh("dumpxml", "guest", "--inactive");
  return [
    ...xml.matchAll(/<uuid>.*<\/uuid>|<mac .*\/>|<nvram.*<\/nvram>|<address type='pci'.*\/>/g),
  ]
    .map(([text]) => text);
}

const pendingIn = ({ text }: Applied) => /pending restart: .*/.exec(text)?.[0];

Deno.test({ name: "a guest and what it cannot take while it runs", ...needs }, async (t) => {
  await using bed = await makeBed();
  await bed.apply(model("qemu64"));
  await bed.inGuest(ADDRESS, "echo kept >/dev/vda; sync");
  const before = await identity(bed);

  await t.step("at its next start: saved, and said to be pending until then", async () => {
    const process = await bed.processOf("guest");
    const second = model("Westmere", { description: "changed" });
    const applied = await bed.apply(second);
    assert.match(applied.text, /~ cpu\.model +"qemu64" -> "Westmere" \(next-boot\)/);
    assert.deepEqual(applied.changes.toSorted(), ["cpu.model next-boot", "description live"]);
    assert.equal(await bed.processOf("guest"), process);
    assert.deepEqual(applied.notes, ["pending restart: cpu.model"]);
    assert.equal(pendingIn(await bed.plan(second)), "pending restart: cpu.model");
    assert.match(await bed.state("lab/machine.guest"), /^ +pending restart +cpu\.model$/m);
    assert.doesNotMatch(await bed.inGuest(ADDRESS, "cat /proc/cpuinfo"), /Westmere/);
    await bed.host.virsh("destroy", "guest");
    await bed.host.virsh("start", "guest");
    await bed.guestSees(ADDRESS, "cat /proc/cpuinfo", /Westmere/);
    assert.equal(pendingIn(await bed.plan(second)), undefined);
    await bed.apply(second);
    assert.doesNotMatch(await bed.state("lab/machine.guest"), /pending/);
    assert.match(await bed.inGuest(ADDRESS, "head -c 4 /dev/vda"), /^kept/);
    assert.deepEqual(await identity(bed), before);
  });

  await t.step("restarted now, gracefully", async () => {
    const process = await bed.processOf("guest");
    const third = model("Nehalem", { whenRestartNeeded: "now" });
    const { changes } = await bed.apply(third);
    assert.deepEqual(changes, ["cpu.model restart"]);
    assert.notEqual(await bed.processOf("guest"), process);
    await bed.guestSees(ADDRESS, "cat /proc/cpuinfo", /Nehalem/);
    assert.match(await bed.console("guest"), /STADDLE-GUEST poweroff/);
    assert.match(await bed.inGuest(ADDRESS, "head -c 4 /dev/vda"), /^kept/);
    assert.deepEqual(await identity(bed), before);
    assert.doesNotMatch(await bed.host.virsh("dumpxml", "guest"), /restart=.due/);
    assert.match((await bed.plan(third)).text, /^No changes\./m);
  });

  await t.step("what was put off is done when the stack wants it now", async () => {
    await bed.apply(model("Westmere"));
    const wanted = model("Westmere", { whenRestartNeeded: "now" });
    const { changes } = await bed.apply(wanted);
    assert.deepEqual(changes, ["cpu.model restart"]);
    await bed.guestSees(ADDRESS, "cat /proc/cpuinfo", /Westmere/);
    assert.match((await bed.plan(wanted)).text, /^No changes\./m);
  });

  await t.step(
    "a definition that QEMU refuses is taken back, and the guest runs again",
    async () => {
      const wanted = { whenRestartNeeded: "now", memoryBacking: { hugepages: true } } as const;
      const { error } = await bed.fails(model("Westmere", wanted), "machine.start-failed");
      assert.match(error.render(), /did not start with its new definition: /);
      assert.match(error.render(), /changed: memoryBacking\.hugepages/);
      assert.match(
        error.render(),
        /its former definition was put back, and it runs with that again/,
      );
      assert.match(await bed.inGuest(ADDRESS, "head -c 4 /dev/vda"), /^kept/);
      assert.deepEqual(await identity(bed), before);
      const saved = await bed.host.virsh("dumpxml", "guest", "--inactive");
      assert.doesNotMatch(saved, /hugepages|restart=.due/);
      await bed.apply(model("Westmere"));
    },
  );

  await t.step("one that does not shut down in time goes on running as it was", async () => {
    await bed.inGuest(
      ADDRESS,
      "rm /etc/acpi/PWRF/00000080; killall acpid qemu-ga; mv /sbin/qemu-ga /sbin/gone",
    );
    const process = await bed.processOf("guest");
    const wanted = { whenRestartNeeded: "now", shutdown: { timeout: 5 } } as const;
    const { error } = await bed.fails(model("Nehalem", wanted), "machine.shutdown-timeout");
    assert.match(error.render(), /did not shut down within 5 s/);
    assert.match(error.render(), /it goes on running with its former definition/);
    assert.match(error.help ?? "", /shutdown\.timeout sets how long to wait/);
    assert.equal(await bed.processOf("guest"), process);
    const saved = await bed.host.virsh("dumpxml", "guest", "--inactive");
    assert.match(saved, />Westmere</);
    assert.doesNotMatch(saved, /restart=.due/);
    assert.match((await bed.plan(model("Nehalem", wanted))).text, /cpu\.model .*\(restart\)/);
  });

  await t.step("and is powered off where the stack allows it", async () => {
    const shutdown = { timeout: "5s", force: true } as const;
    const wanted = model("Nehalem", { whenRestartNeeded: "now", shutdown });
    const { notes } = await bed.apply(wanted);
    assert.match(notes.join("\n"), /did not shut down within 5 s, .* powered off/);
    await bed.guestSees(ADDRESS, "cat /proc/cpuinfo", /Nehalem/);
  });

  await t.step("one that was off stays off, with its former definition", async () => {
    await bed.apply(model("Nehalem", { power: "off" }));
    const memoryBacking = { hugepages: true };
    const wanted = model("Nehalem", { power: "on", memoryBacking });
    const { error } = await bed.fails(wanted, "machine.start-failed");
    assert.match(error.render(), /its former definition was put back; it is off, as it was/);
    assert.match(await bed.host.virsh("domstate", "guest"), /^shut off/);
    assert.doesNotMatch(await bed.host.virsh("dumpxml", "guest", "--inactive"), /hugepages/);
    await bed.apply(model("Nehalem", { power: "on" }));
  });

  await t.step(
    "a run that was cut off in mid-restart is finished: the guest is started",
    async () => {
      const xml = await bed.host.virsh("dumpxml", "guest", "--inactive");
      const due = xml.replace(/(<staddle:resource [^>]*?)\/>/, "$1 restart='due'/>");
      await bed.host.must("cat >/tmp/due.xml", { stdin: due });
      await bed.host.virsh("define", "/tmp/due.xml");
      await bed.host.virsh("destroy", "guest");
      const { changes } = await bed.apply(model("Nehalem"));
      assert.deepEqual(changes, ["power live"]);
      assert.match(await bed.host.virsh("domstate", "guest"), /^running/);
      assert.doesNotMatch(await bed.host.virsh("dumpxml", "guest", "--inactive"), /restart=.due/);
      assert.match((await bed.plan(model("Nehalem"))).text, /^No changes\./m);
    },
  );
});
