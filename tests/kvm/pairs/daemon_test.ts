/**
 * Random pairs of machines on a real host's daemon, defined and not started: what was applied plans to
 * nothing, and what is not declared keeps its bytes and order.
 *
 * `STADDLE_PAIRS` is how many pairs are tried, `STADDLE_SEED` repeats a run.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Libvirt } from "../../../providers/kvm/libvirt/mod.ts";
import { openWorkshop } from "../../crash/run.ts";
import { Fleet, fleetObstacle } from "../../fleet/mod.ts";
import { requirement } from "../../support/skip.ts";
import { pairs } from "./any_machine.ts";
import { outsideEdits } from "./outside.ts";
import { groundOf, tryPair } from "./pair.ts";
import { prepare } from "./prepare.ts";
import { Tally } from "./tally.ts";

const needs = await requirement("fleet", fleetObstacle);

Deno.test({ name: "random pairs of machines on a real daemon", ...needs }, async () => {
  await using fleet = await Fleet.up({ hosts: 1 });
  const host = fleet.host(1);
  await prepare(host);
  const ssh = { configFile: fleet.ssh.config };
  const ground = groundOf({ uri: host.plainUri, ssh, connectTimeout: 60 });
  await using libvirt = await Libvirt.open();
  await using connection = await libvirt.connect(host.uri, { remote: true, timeout: 60_000 });
  await using workshop = await openWorkshop(fleet.dir, ground);
  const tally = new Tally(12);
  await fc.assert(
    fc.asyncProperty(pairs(), outsideEdits(), async (pair, outside) => {
      tally.add(await tryPair({ workshop, connection, ground }, pair, outside));
    }),
    tally.options,
  );
  tally.print();
  assert.equal((await host.virsh("list", "--all", "--name")).trim(), "");
});
