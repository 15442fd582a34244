/**
 * Random pairs of machines, the first of which runs: the second is made of it in the same QEMU, as far as
 * the plan says, and the rest waits for its next start, which the plan says too.
 *
 * `STADDLE_PAIRS` is how many pairs are tried, `STADDLE_SEED` repeats a run.
 */

import fc from "fast-check";
import { Libvirt } from "../../../providers/kvm/libvirt/mod.ts";
import { openWorkshop } from "../../crash/run.ts";
import { Fleet, fleetObstacle } from "../../fleet/mod.ts";
import { guestObstacle } from "../../fleet/test_guest.ts";
import { requirement } from "../../support/skip.ts";
import { edits } from "./any_machine.ts";
import { groundOf } from "./pair.ts";
import { prepare } from "./prepare.ts";
import { RUNNING, Running } from "./running.ts";
import { Tally } from "./tally.ts";

const needs = await requirement(
  "fleet",
  async () => await fleetObstacle() ?? await guestObstacle(),
);

const GUEST = new URL("../../../.cache/guest/", import.meta.url).pathname;

Deno.test({ name: "random changes of a guest that runs", ...needs }, async () => {
  await using fleet = await Fleet.up({ hosts: 1 });
  const host = fleet.host(1);
  await prepare(host);
  for (const file of ["kernel", "initrd"]) {
    await Deno.copyFile(`${GUEST}${file}`, `${host.images}/${file}`);
  }
  const ssh = { configFile: fleet.ssh.config };
  const ground = groundOf({ uri: host.plainUri, ssh, connectTimeout: 60 });
  await using libvirt = await Libvirt.open();
  await using connection = await libvirt.connect(host.uri, { remote: true, timeout: 60_000 });
  await using workshop = await openWorkshop(fleet.dir, ground);
  const running = new Running(host, { workshop, connection, ground });
  await running.begin();
  const tally = new Tally(2);
  await fc.assert(
    fc.asyncProperty(edits(RUNNING), async (edit) => {
      const before = running.spec;
      try {
        const { refused, unstartable, late, changed } = await running.edit(edit);
        const why = refused ?? (unstartable && `applied, and it did not start: ${unstartable}`) ??
          (late ? "not tried, for the guest was not up in time" : undefined);
        tally.add({ changed, ...(why === undefined ? {} : { refused: { which: "second", why } }) });
      } catch (error) {
        const pair = JSON.stringify([before, edit(before)], null, 1);
        throw new Error(`${(error as Error).message}\n${pair}`, { cause: error });
      }
    }),
    // Each begins where the last one ended: one that fails cannot be made smaller.
    { ...tally.options, endOnFailure: true },
  );
  tally.print();
});
