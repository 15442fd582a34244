/**
 * Import on the real daemon: domains of libvirt's own tests are defined by a host's libvirt, imported,
 * adopted, changed in one field, and taken away; nothing else in their configuration may differ.
 *
 * A sample is taken; `STADDLE_CORPUS=whole` takes every domain that the daemon accepts.
 */

import assert from "node:assert/strict";
import { getPath, parseXml } from "../../providers/kvm/xml/mod.ts";
import { Fleet, fleetObstacle } from "../fleet/mod.ts";
import { requirement } from "../support/skip.ts";
import { type CorpusDomain, fetchCorpus } from "./corpus.ts";
import { define, settle, travel, undefine } from "./journey.ts";
import { shuffled } from "./one_field.ts";
import { ownMachines } from "./own_machines.ts";
import { openHost } from "./place.ts";
import { Report } from "./report.ts";

/** Domains of a sample that the daemon accepts: the same ones at every run. */
const SAMPLE = 100;

const fleets = await requirement("fleet", fleetObstacle);
let corpus: readonly CorpusDomain[] = [];
const needs = fleets.ignore ? fleets : await requirement("libvirt's source package", async () => {
  corpus = await fetchCorpus();
  return undefined;
});

Deno.test({
  name: "what the real daemon accepts of libvirt's own tests is imported without loss",
  ...needs,
  async fn() {
    await using fleet = await Fleet.up({ hosts: 1 });
    const host = fleet.host(1);
    await using place = await openHost(fleet);
    const { connection } = place;
    const whole = Deno.env.get("STADDLE_CORPUS") === "whole";
    // KVM may not be there: every host has full emulation.
    const own = (await ownMachines()).map(({ path, xml }) => ({
      path,
      xml: xml.replace("<domain type='kvm'", "<domain type='qemu'"),
    }));
    // What other hypervisors and architectures run is not asked about: this host refuses it.
    const likely = corpus.filter(({ xml }) =>
      /<domain [^>]*type=['"](qemu|kvm)['"]/.test(xml) && /arch=['"](x86_64|i686)['"]/.test(xml)
    );
    const report = new Report(corpus.length);
    for (const { path, xml } of [...own, ...shuffled(likely, "daemon")]) {
      if (!whole && report.accepted === SAMPLE) break;
      report.tried++;
      const first = await define(connection, xml);
      if (first === undefined) continue;
      const name = getPath(parseXml(first), "./name")!;
      try {
        const before = (await settle(connection, first))!;
        report.add(path, await travel(place, before, path));
      } finally {
        await undefine(connection, name);
      }
    }
    report.print();
    assert.deepEqual(report.failures, [], report.summary);
    assert.ok(report.accepted >= SAMPLE, report.summary);
    assert.equal((await host.virsh("list", "--all", "--name")).trim(), "");
  },
});
