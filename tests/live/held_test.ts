/**
 * A disk and a NIC that a machine gives up at its next start, and the volume and the network behind them; a
 * saved state, which that start goes on from. Nothing has to boot in this machine.
 */

import assert from "node:assert/strict";
import { type Bed, type Declare, makeBed, needs } from "./bed.ts";

/** A machine with drives and a NIC that change at its start only. */
function guest(has: {
  readonly volumes: readonly string[];
  readonly used: boolean;
  readonly now?: boolean;
  readonly title?: string;
  readonly vcpus?: number;
  readonly power?: "on";
}): Declare {
  return (lab) => {
    const pool = lab.pool("disks", { path: "/srv/disks" });
    const [data, media] = ["data", "media"].map((name) =>
      has.volumes.includes(name)
        ? lab.volume(name, { pool, size: "4MiB", format: "raw" })
        : undefined
    );
    const front = has.volumes.length === 0
      ? undefined
      : lab.network("front", { isolated: "10.31.0.0/24" });
    lab.vm("guest", {
      accel: "tcg",
      machine: "q35",
      memory: "64MiB",
      disks: has.used && data !== undefined ? [{ name: "data", volume: data, bus: "sata" }] : [],
      cdroms: has.used && media !== undefined ? [{ name: "media", volume: media }] : [],
      nics: [{
        name: "lan",
        ...(has.used && front !== undefined ? { network: front } : { user: true }),
      }],
      vcpus: has.vcpus ?? 1,
      shutdown: { timeout: 0.1, force: true },
      ...(has.title === undefined ? {} : { title: has.title }),
      ...(has.power === undefined ? {} : { power: has.power }),
      ...(has.now === true ? { whenRestartNeeded: "now" as const } : {}),
    });
  };
}

const all = { volumes: ["data", "media"], used: true };
const none = { volumes: [], used: false };
/** What the guest gives up at its next start. */
const GIVEN_UP = ["cdroms[media] next-boot", "disks[data] next-boot", "nics[lan].user next-boot"];
/** What is behind that. */
const BEHIND = ["network.front", "volume.data", "volume.media"];
const REMOVED = BEHIND.map((name) => `delete:lab/${name}`);

Deno.test({ name: "what is given up at the next start", ...needs }, async (t) => {
  await using bed = await makeBed();
  await t.step("by a running guest", (t) => givenUpRunning(bed, t));
  await t.step("by a guest whose memory is saved", (t) => givenUpSaved(bed, t));
  await t.step("and what others on the host use", (t) => usedByOthers(bed, t));
});

async function givenUpRunning(bed: Bed, t: Deno.TestContext): Promise<void> {
  const files = () => bed.host.must("cd /srv/disks && ls");
  await bed.apply(guest(all));
  const process = await bed.processOf("guest");

  await t.step("it stays while the guest has it, and the plan says so", async () => {
    const { text, changes, plan } = await bed.apply(guest(none));
    assert.deepEqual(changes.toSorted(), GIVEN_UP);
    for (const name of BEHIND) {
      const note = `lab/${name}: it stays until lab/machine.guest is restarted`;
      assert.ok(text.includes(note), text);
    }
    assert.deepEqual(plan.steps.map(({ id }) => id), ["update:lab/machine.guest"]);
    assert.equal(await files(), "data.raw\nmedia.raw\n");
  });

  await t.step("so it does in every later run, until it was restarted", async () => {
    const { text, plan } = await bed.apply(guest(none));
    assert.deepEqual(plan.steps, []);
    assert.match(text, /^No changes\./m);
    assert.match(text, /lab\/volume\.data: it stays until lab\/machine\.guest is restarted/);
    assert.match(await bed.state("lab/volume.data"), /data\.raw/);
    assert.equal(await files(), "data.raw\nmedia.raw\n");
    assert.equal(await bed.processOf("guest"), process);
    await bed.host.virsh("destroy", "guest");
    await bed.host.virsh("start", "guest");
    const after = await bed.apply(guest(none));
    assert.deepEqual(after.plan.steps.map(({ id }) => id).toSorted(), REMOVED);
    assert.equal(await files(), "");
    assert.match((await bed.plan(guest(none))).text, /^No changes\./m);
  });

  await t.step("and go in the same run where that restarts the guest first", async () => {
    await bed.apply(guest({ ...all, now: true }));
    const { plan } = await bed.apply(guest({ ...none, now: true }));
    for (const removed of REMOVED) {
      const removal = plan.steps.find(({ id }) => id === removed);
      assert.deepEqual(removal?.needs, ["update:lab/machine.guest"]);
    }
    assert.equal(await files(), "");
  });

  await t.step("a destruction takes the guest first", async () => {
    await bed.apply(guest({ ...all, now: true }));
    await bed.apply(guest({ volumes: all.volumes, used: false }));
    const { plan } = await bed.apply(() => {});
    const order = plan.steps.map(({ id }) => id);
    for (const removed of REMOVED) {
      assert.ok(order.indexOf("delete:lab/machine.guest") < order.indexOf(removed), order.join());
    }
    assert.equal((await bed.host.virsh("list", "--all", "--name")).trim(), "");
  });
}

async function givenUpSaved(bed: Bed, t: Deno.TestContext): Promise<void> {
  const { host } = bed;
  const awake = { ...none, title: "Awake", power: "on" } as const;
  await bed.apply(guest(all));
  await host.virsh("managedsave", "guest");

  await t.step("a plan says that it is restored with the old definition", async () => {
    const { text, changes } = await bed.plan(guest({ ...all, vcpus: 2 }));
    assert.deepEqual(changes, ["vcpus next-boot"]);
    assert.match(text, /a saved state of machine "guest" will be restored at its next start, with/);
    assert.match(text, /virsh managedsave-remove guest/);
    assert.match((await bed.plan(guest(all))).text, /^No changes\./m);
  });

  await t.step("what the saved state names stays, and the plan says so", async () => {
    const { text, changes, plan } = await bed.apply(guest(none));
    assert.deepEqual(changes.toSorted(), GIVEN_UP);
    assert.deepEqual(plan.steps.map(({ id }) => id), ["update:lab/machine.guest"]);
    for (const name of BEHIND) {
      const note =
        `lab/${name}: it stays with the saved state of lab/machine.guest, which names it`;
      assert.ok(text.includes(note), text);
    }
    const again = await bed.apply(guest(none));
    assert.deepEqual(again.plan.steps, []);
    assert.match(again.text, /pending restart: .*disks\[data\]/);
  });

  await t.step("one that is to run goes on from there, and is changed as it runs", async () => {
    const { text, changes, notes } = await bed.apply(guest(awake));
    assert.deepEqual(changes.toSorted(), ["power live", "title live"]);
    assert.match(text, /machine "guest" goes on from its saved state/);
    assert.ok(notes.includes('machine "guest" was started from its saved state'), notes.join());
    const live = await host.virsh("dumpxml", "guest");
    assert.match(live, /<title>Awake<\/title>/);
    assert.match(live, /data\.raw/);
    const after = await bed.plan(guest(awake));
    assert.match(after.text, /^No changes\./m);
    assert.match(
      after.text,
      /lab\/network\.front: it stays until lab\/machine\.guest is restarted/,
    );
  });

  await t.step("when nothing names it any more it goes", async () => {
    await host.virsh("managedsave", "guest");
    await host.virsh("managedsave-remove", "guest");
    const { plan } = await bed.apply(guest({ ...none, title: "Awake" }));
    assert.deepEqual(plan.steps.map(({ id }) => id).toSorted(), REMOVED);
    assert.match((await bed.plan(guest({ ...none, title: "Awake" }))).text, /^No changes\./m);
  });

  await t.step(
    "one whose file is torn is told, and keeps nothing else from being planned",
    async () => {
      await host.virsh("start", "guest");
      await host.virsh("managedsave", "guest");
      await host.must("truncate -s 500 /var/lib/libvirt/qemu/save/guest.save");
      const { text, changes } = await bed.apply(guest({ ...none, title: "Torn" }));
      assert.deepEqual(changes, ["title live"]);
      assert.match(
        text,
        /the saved state of machine "guest" cannot be read \(operation failed: .*\)/,
      );
      assert.match(await host.virsh("dumpxml", "guest"), /<title>Torn<\/title>/);
      await host.virsh("managedsave-remove", "guest");
      assert.match((await bed.plan(guest({ ...none, title: "Torn" }))).text, /^No changes\./m);
    },
  );

  await t.step("a destruction tells what goes with the guest, torn or not", async () => {
    await host.virsh("start", "guest");
    await host.virsh("managedsave", "guest");
    await host.must("truncate -s 500 /var/lib/libvirt/qemu/save/guest.save");
    const { text } = await bed.apply(() => {});
    assert.match(text, /its saved state goes with it/);
    assert.equal((await host.virsh("list", "--all", "--name")).trim(), "");
  });
}

/** A domain of nobody's, with what is given. */
const stranger = (devices: string) =>
  `<domain type='qemu'><name>stranger</name>
    <uuid>5e0f4f1c-2a4e-4bd6-9c1d-7f1d3a2b9c11</uuid><memory>65536</memory><os><type>hvm</type></os>
    <devices>${devices}</devices></domain>`;

async function usedByOthers(bed: Bed, t: Deno.TestContext): Promise<void> {
  const { host } = bed;
  /** The volume and the network, which no machine of the stack uses; and a machine of its own. */
  const apart = guest({ volumes: ["data"], used: false });
  const define = async (devices: string) => {
    await host.must("cat >/tmp/stranger.xml", { stdin: stranger(devices) });
    await host.virsh("define", "/tmp/stranger.xml");
  };
  const disk = (source: string) =>
    `<disk type='file' device='disk'><source file='${source}'/><target dev='sda' bus='sata'/></disk>`;
  const refused = async (declare: Declare) => {
    const error = await bed.plan(declare).then(() => undefined, (error) => error);
    assert.equal(error?.code, "plan.used-by-others", `${error}`);
    return error.render() as string;
  };
  await bed.apply(apart);

  await t.step("a volume on a disk of someone's machine", async () => {
    await define(disk("/srv/disks/data.raw"));
    const text = await refused(guest(none));
    assert.match(text, /lab\/volume\.data: volume "disks\/data\.raw" would be taken away/);
    assert.match(text, /machine "stranger"/);
    await refused(() => {});
  });

  await t.step("a volume under an overlay, and by the name of its pool", async () => {
    await host.must("qemu-img create -q -f qcow2 -b data.raw -F raw /srv/disks/over.qcow2");
    await define("");
    assert.match(await refused(guest(none)), /volume "disks\/over\.qcow2"/);
    await host.must("rm /srv/disks/over.qcow2");
    const inPool = (volume: string) =>
      `<disk type='volume' device='disk'><source pool='disks' volume='${volume}'/>` +
      "<target dev='sda' bus='sata'/></disk>";
    await define(inPool("data.raw"));
    assert.match(await refused(guest(none)), /volume "disks\/data\.raw" .*machine "stranger"/);
    await define(inPool("other.raw"));
    assert.match(await refused(() => {}), /lab\/pool\.disks: pool "disks" would be taken away/);
  });

  await t.step("a network behind a NIC", async () => {
    await define("<interface type='network'><source network='front'/></interface>");
    assert.match(await refused(guest(none)), /network "front" would be taken away/);
    await host.virsh("undefine", "stranger");
  });

  await t.step("a snapshot of a machine of the stack keeps what it names", async () => {
    await bed.apply(guest({ ...all, now: true }));
    await host.virsh("destroy", "guest");
    // Of libvirt's knowledge alone: no file of the guest can hold one.
    await host.must("cat >/tmp/clean.xml", {
      stdin: `<domainsnapshot><name>clean</name><state>shutoff</state>
        <creationTime>1</creationTime><domain type='qemu'><name>guest</name><uuid>${
        (await host.virsh("domuuid", "guest")).trim()
      }</uuid><memory>65536</memory><os><type>hvm</type></os><devices>${
        disk("/srv/disks/data.raw")
      }</devices></domain></domainsnapshot>`,
    });
    await host.virsh("snapshot-create", "guest", "/tmp/clean.xml", "--redefine");
    const { text, plan } = await bed.apply(guest(none));
    assert.match(text, /lab\/volume\.data: it stays with snapshot "clean" of lab\/machine\.guest/);
    assert.deepEqual(plan.steps.map(({ id }) => id).toSorted(), [
      "delete:lab/network.front",
      "delete:lab/volume.media",
      "update:lab/machine.guest",
    ]);
    await host.virsh("snapshot-delete", "guest", "clean", "--metadata");
    assert.deepEqual((await bed.apply(guest(none))).plan.steps.map(({ id }) => id), [
      "delete:lab/volume.data",
    ]);
    await bed.apply(() => {});
    assert.equal((await host.virsh("list", "--all", "--name")).trim(), "");
  });
}
