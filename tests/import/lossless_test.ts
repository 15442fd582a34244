/**
 * Import is lossless: every domain of libvirt's own tests that the installed libvirt accepts becomes a
 * stack whose plan changes nothing; applying it adopts the domain and changes nothing but its mark; then
 * one field is changed and applied, and nothing else in the XML differs.
 *
 * libvirt's in-memory driver keeps the domains: the client library itself, no daemon. A sample of them is
 * taken; `STADDLE_CORPUS=whole` takes all.
 */

import assert from "node:assert/strict";
import { draftStack } from "../../cli/import/mod.ts";
import { faultsOf } from "../../cli/import/trial.ts";
import { getPath, parseXml } from "../../providers/kvm/xml/mod.ts";
import { requirement } from "../support/skip.ts";
import { type CorpusDomain, fetchCorpus } from "./corpus.ts";
import { differences } from "./differences.ts";
import { define, settle, surroundings, travel, undefine } from "./journey.ts";
import { shuffled } from "./one_field.ts";
import { memoryObstacle, openMemory } from "./place.ts";
import { Report } from "./report.ts";
import { seen } from "./world.ts";

/** Domains of a sample: the same ones at every run. */
const SAMPLE = 250;

let corpus: readonly CorpusDomain[] = [];
const needs = await requirement("libvirt's source package", async () => {
  await memoryObstacle();
  corpus = await fetchCorpus();
  return undefined;
});

Deno.test({
  name: "every domain of libvirt's own tests is imported without loss",
  ...needs,
  async fn() {
    await using place = await openMemory();
    const { connection } = place;
    const whole = Deno.env.get("STADDLE_CORPUS") === "whole";
    const chosen = whole ? corpus : shuffled(corpus, "lossless").slice(0, SAMPLE);
    const report = new Report(corpus.length);
    for (const { path, xml } of chosen) {
      report.tried++;
      const first = await define(connection, xml);
      if (first === undefined) continue;
      try {
        const before = (await settle(connection, first))!;
        report.add(path, await travel(place, before, path));
      } finally {
        await undefine(connection, getPath(parseXml(first), "./name")!);
      }
    }
    report.print();
    assert.deepEqual(report.failures, [], report.summary);
    assert.ok(report.accepted > chosen.length / 2, report.summary);
    // Declaring nothing would lose nothing either.
    assert.ok(report.fields / report.accepted > 5, report.summary);
  },
});

Deno.test("a loss is seen", () => {
  const xml =
    "<domain type='qemu'><name>a</name><uuid>d8bd9b26-2f0f-4f2c-9d1a-3c3f7a0b6c11</uuid>" +
    "<memory unit='KiB'>1024</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>";
  const { draft } = draftStack(
    { name: "corpus", uri: "qemu:///system" },
    surroundings(seen("machine", xml)),
  );
  const other = { ...seen("machine", xml.replace(">1024<", ">2048<")), host: "host" };
  assert.deepEqual(faultsOf(draft, [other], "host/machine.a").map(({ path }) => path), [[
    "memory",
  ]]);
});

Deno.test("what differs between two domains is told place by place", () => {
  const before = "<domain><name>a</name><os><boot dev='hd'/></os><devices><disk a='1'/><disk/>" +
    "<input/></devices></domain>";
  const mark =
    "<metadata><s:resource xmlns:s='https://staddle.dev/xmlns/1' stack='s' address='a' " +
    "digest='d'/></metadata>";
  assert.deepEqual(differences(before, before.replace("</name>", `</name>${mark}`)), []);
  assert.deepEqual(differences(before, before.replace("<disk/>", "<disk b='2'><x/></disk>")), [
    "./devices/disk[2]/@b",
    "./devices/disk[2]/x",
  ]);
  assert.deepEqual(differences(before, before.replace(">a<", ">b<").replace("<input/>", "")), [
    "./name",
    "./devices/input",
  ]);
  const turned = before.replace("<name>a</name><os><boot dev='hd'/></os>", "").replace(
    "</devices>",
    "</devices><os><boot dev='hd'/></os><name>a</name>",
  );
  assert.deepEqual(differences(before, turned), [". (order)"]);
});
