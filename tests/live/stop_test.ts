/**
 * A guest that is shut down: for another name, to be made anew, and for good; while it answers, and when it
 * does not.
 */

import assert from "node:assert/strict";
import type { MachineOptions } from "../../stacks/mod.ts";
import { type Bed, type Declare, makeBed, needs } from "./bed.ts";

const ADDRESS = "10.97.0.30";

/** A guest that boots the kernel that it is given, with a disk; another title makes it anew. */
function guest(name: string, options: Partial<MachineOptions> = {}): Declare {
  return (lab, boot) => {
    const pool = lab.pool("disks", { path: "/srv/disks" });
    const net = lab.network("net", { isolated: "10.97.0.0/24" });
    const data = lab.volume("data", { pool, size: "4MiB", format: "raw" });
    lab.vm("guest", {
      name,
      accel: "tcg",
      machine: "q35",
      boot,
      memory: "192MiB",
      autostart: true,
      disks: [{ name: "data", volume: data }],
      nics: [{ network: net, ip: ADDRESS }],
      consoleLog: "/var/log/libvirt/qemu/guest-console.log",
      whenRestartNeeded: "now",
      ...options,
    }, { replaceOnChanges: ["title"] });
  };
}

/** Who a machine is, its name apart. */
async function identity(bed: Bed, name: string): Promise<readonly string[]> {
  const xml = await bed.host.virsh("dumpxml", name, "--inactive");
  return xml.match(/<uuid>.*<\/uuid>|<mac .*\/>|<address type='pci'.*\/>/g) ?? [];
}

/** How often the guest has been shut down by itself. */
const shutdowns = async (bed: Bed) =>
  (await bed.console("guest")).match(/STADDLE-GUEST poweroff/g)?.length ?? 0;

Deno.test({ name: "a guest that is shut down for what is to come", ...needs }, async (t) => {
  await using bed = await makeBed();
  await bed.apply(guest("one"));
  await bed.inGuest(ADDRESS, "echo kept >/dev/vda; sync");
  const before = await identity(bed, "one");

  await t.step("another name is refused where it may not be restarted now", async () => {
    for (const whenRestartNeeded of ["next-boot", "never"] as const) {
      await assert.rejects(bed.plan(guest("two", { whenRestartNeeded })), {
        code: "machine.rename-running",
        help: /whenRestartNeeded: "now"/,
      });
    }
    assert.match(await bed.host.virsh("domstate", "one"), /^running/);
  });

  await t.step("it is shut down, renamed and started", async () => {
    const { text, changes } = await bed.apply(guest("two"));
    assert.match(text, /~ name +"one" -> "two" \(restart\)/);
    // The network's DHCP gives it its own name.
    assert.match(changes.join("\n"), /^name restart\nreservations\[.*\]\.name live$/);
    assert.equal(await shutdowns(bed), 1);
    assert.match(await bed.inGuest(ADDRESS, "head -c 4 /dev/vda"), /^kept/);
    assert.deepEqual(await identity(bed, "two"), before);
    assert.match(
      await bed.host.must("cd /etc/libvirt/qemu && ls *.xml autostart/*.xml"),
      /^autostart\/two\.xml\ntwo\.xml\n?$/,
    );
    assert.match((await bed.plan(guest("two"))).text, /^No changes\./m);
  });

  await t.step("it is shut down before it is made anew, for its disk outlives it", async () => {
    // What the guest has not written yet would be lost.
    await bed.inGuest(ADDRESS, "printf late >/dev/vda");
    const { text, plan } = await bed.apply(guest("two", { title: "second" }));
    assert.match(
      text,
      /the guest is shut down first, for disks\/data\.raw outlives it; the step fails if that takes more than 90 s/,
    );
    const step = plan.steps.find(({ operation }) => operation === "delete");
    assert.deepEqual(step?.removal, { stop: "shutdown" });
    assert.equal(await shutdowns(bed), 2);
    assert.match(await bed.inGuest(ADDRESS, "head -c 4 /dev/vda"), /^late/);
  });

  await t.step("one that does not answer goes on running, and nothing is taken away", async () => {
    await bed.inGuest(
      ADDRESS,
      "rm /etc/acpi/PWRF/00000080; killall acpid qemu-ga; mv /sbin/qemu-ga /sbin/gone",
    );
    const process = await bed.processOf("two");
    const wanted = guest("two", { title: "third", shutdown: { timeout: 3 } });
    const { error } = await bed.fails(wanted, "machine.shutdown-timeout");
    assert.match(error.render(), /machine "two" .* did not shut down within 3 s/);
    assert.match(error.render(), /it goes on running, and nothing of it was taken away/);
    assert.match(error.help ?? "", /shutdown\.force: true .* virsh destroy two/);
    assert.equal(await bed.processOf("two"), process);
  });

  await t.step("and is powered off where the stack allows it", async () => {
    const shutdown = { timeout: 3, force: true } as const;
    const { text, notes } = await bed.apply(guest("two", { title: "third", shutdown }));
    assert.match(
      text,
      /disks\/data\.raw outlives it; it is powered off if that takes more than 3 s/,
    );
    assert.match(notes.join("\n"), /machine "two" did not shut down within 3 s, .* powered off/);
    assert.match(await bed.host.must("head -c 4 /srv/disks/data.raw"), /^late/);
  });

  await t.step("the plug is pulled where all that it writes to goes with it", async () => {
    const { text, plan, notes } = await bed.apply(() => {});
    assert.doesNotMatch(text, /shut down first/);
    const step = plan.steps.find(({ id }) => id === "delete:lab/machine.guest");
    assert.deepEqual(step?.removal, { stop: "power-off" });
    assert.deepEqual(notes, []);
    assert.equal((await bed.host.virsh("list", "--all", "--name")).trim(), "");
  });
});
