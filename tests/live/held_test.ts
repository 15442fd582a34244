/**
 * A disk that a running machine gives up at its next start, and the volume behind it. Nothing has to boot in
 * this machine.
 */

import assert from "node:assert/strict";
import { type Declare, makeBed, needs } from "./bed.ts";

/** A machine with drives that change at its start only. */
function guest(has: {
  readonly volumes: readonly string[];
  readonly used: boolean;
  readonly now?: boolean;
}): Declare {
  return (lab) => {
    const pool = lab.pool("disks", { path: "/srv/disks" });
    const [data, media] = ["data", "media"].map((name) =>
      has.volumes.includes(name)
        ? lab.volume(name, { pool, size: "4MiB", format: "raw" })
        : undefined
    );
    lab.vm("guest", {
      accel: "tcg",
      machine: "q35",
      memory: "64MiB",
      disks: has.used && data !== undefined ? [{ name: "data", volume: data, bus: "sata" }] : [],
      cdroms: has.used && media !== undefined ? [{ name: "media", volume: media }] : [],
      shutdown: { timeout: 0.1, force: true },
      ...(has.now === true ? { whenRestartNeeded: "now" as const } : {}),
    });
  };
}

Deno.test({ name: "a disk that is given up at the next start", ...needs }, async (t) => {
  await using bed = await makeBed();
  const all = { volumes: ["data", "media"], used: true };
  const none = { volumes: [], used: false };
  const files = () => bed.host.must("cd /srv/disks && ls");
  await bed.apply(guest(all));
  const process = await bed.processOf("guest");

  await t.step("the volumes stay while the guest has them, and the plan says so", async () => {
    const { text, changes, plan } = await bed.apply(guest(none));
    assert.deepEqual(changes.toSorted(), ["cdroms[media] next-boot", "disks[data] next-boot"]);
    for (const name of ["data", "media"]) {
      const note = `lab/volume.${name}: it stays until lab/machine.guest is restarted`;
      assert.ok(text.includes(note), text);
    }
    assert.deepEqual(plan.steps.map(({ id }) => id), ["update:lab/machine.guest"]);
    assert.equal(await files(), "data.raw\nmedia.raw\n");
  });

  await t.step("so they do in every later run, until it was restarted", async () => {
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
    assert.deepEqual(after.plan.steps.map(({ id }) => id).toSorted(), [
      "delete:lab/volume.data",
      "delete:lab/volume.media",
    ]);
    assert.equal(await files(), "");
    assert.match((await bed.plan(guest(none))).text, /^No changes\./m);
  });

  await t.step("and go in the same run where that restarts the guest first", async () => {
    await bed.apply(guest({ ...all, now: true }));
    const { plan } = await bed.apply(guest({ ...none, now: true }));
    const removal = plan.steps.find(({ id }) => id === "delete:lab/volume.data");
    assert.deepEqual(removal?.needs, ["update:lab/machine.guest"]);
    assert.equal(await files(), "");
  });

  await t.step("a destruction takes the guest first", async () => {
    await bed.apply(guest({ ...all, now: true }));
    await bed.apply(guest({ volumes: all.volumes, used: false }));
    const { plan } = await bed.apply(() => {});
    const order = plan.steps.map(({ id }) => id);
    assert.ok(order.indexOf("delete:lab/machine.guest") < order.indexOf("delete:lab/volume.data"));
    assert.equal((await bed.host.virsh("list", "--all", "--name")).trim(), "");
  });
});
