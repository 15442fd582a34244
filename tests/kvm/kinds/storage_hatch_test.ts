/** Escape hatches of pools and volumes: what their tables lack, at places that the author names. */

import assert from "node:assert/strict";
import type { JsonObject } from "../../../providers/provider.ts";
import { patchPoolXml, poolXml } from "../../../providers/kvm/kinds/pool/mod.ts";
import { type VolumeSpec, volumeXml } from "../../../providers/kvm/kinds/volume/mod.ts";
import { requirement } from "../../support/skip.ts";
import { openLab, virsh } from "../operations/lab.ts";
import { completed, kindOf, observed, world } from "./world.ts";

const POOL = "lab/pool.store";
const VOLUME = "lab/volume.data";
const CLUSTER = { path: "./target/clusterSize", value: "131072" };
const LAZY = { path: "./target/features", element: "<features><lazy_refcounts/></features>" };
const cow = (state: string) => ({ path: "./features/cow/@state", value: state });

function storage(patches: { pool?: readonly JsonObject[]; volume?: readonly JsonObject[] }) {
  const declared = world(
    { address: POOL, spec: { name: "store", path: "/srv/store", xml: patches.pool } },
    {
      address: VOLUME,
      spec: {
        pool: POOL,
        name: "data.qcow2",
        format: "qcow2",
        capacity: 1024,
        xml: patches.volume,
      },
    },
  );
  return { ...declared, pool: declared.at(POOL), volume: declared.at(VOLUME) };
}

Deno.test("patches of a pool are written, compared, and shown like any other field", () => {
  const none = storage({});
  const no = storage({ pool: [cow("no")] });
  const xml = poolXml(completed(no.pool, no.lookup));
  assert.match(xml, /<features>\s*<cow state='no'\/>/);
  const { diff } = kindOf("pool");
  const state = (xml: string, active: boolean) =>
    observed(no.pool, { xml, active, autostart: true });
  assert.deepEqual(diff(no.pool, state(xml, true), no), []);
  const plain = poolXml(completed(none.pool, none.lookup));
  for (const [active, disruption] of [[true, "restart"], [false, "live"]] as const) {
    const [change] = diff(no.pool, state(plain, active), no);
    assert.deepEqual(change, { path: "xml[./features/cow/@state]", after: "no", disruption });
  }
  const patched = patchPoolXml(plain, no.pool);
  assert.deepEqual(diff(no.pool, state(patched, true), no), []);
  assert.equal(patchPoolXml(patched, no.pool), patched);
  // One that is declared no more stays.
  assert.equal(patchPoolXml(patched, none.pool), patched);
});

Deno.test("patches of a volume are there from its beginning, and a change makes it anew", () => {
  const none = storage({});
  const wanted = storage({ volume: [CLUSTER, LAZY] });
  const xml = volumeXml(wanted.volume.spec as VolumeSpec);
  assert.match(xml, /<clusterSize>131072<\/clusterSize>/);
  assert.match(xml, /<features>\s*<lazy_refcounts\/>/);
  const { diff } = kindOf("volume");
  assert.deepEqual(diff(wanted.volume, observed(wanted.volume, { xml }), wanted), []);
  const plain = volumeXml(none.volume.spec as VolumeSpec);
  const changes = diff(wanted.volume, observed(wanted.volume, { xml: plain }), wanted);
  assert.deepEqual(changes, [
    { path: "xml[./target/clusterSize]", after: "131072", disruption: "replace" },
    { path: "xml[./target/features]", after: LAZY.element, disruption: "replace" },
  ]);
  assert.deepEqual(diff(none.volume, observed(none.volume, { xml }), none), []);
});

Deno.test("a patch that makes no sense, or writes what is a field's or the host's, is refused", () => {
  const cases: readonly (readonly [kind: "pool" | "volume", patch: JsonObject, said: RegExp])[] = [
    ["pool", { path: "./target/path", value: "/srv" }, /belongs to the field "path"/],
    ["pool", { path: "./uuid", value: "x" }, /"adopt"/],
    ["pool", { path: "./features", element: "<features" }, /one well-formed XML/],
    ["volume", { path: "./capacity", value: "1" }, /belongs to the field "capacity"/],
    ["volume", { path: "./target/format/@type", value: "raw" }, /"format"/],
    ["volume", { path: "./backingStore/path", value: "/a" }, /"image"/],
    ["volume", { path: "./allocation", value: "1" }, /\.\/allocation is what the host tells/],
    ["volume", {
      path: "./target/permissions",
      element: "<permissions><owner>0</owner></permissions>",
    }, /\.\/target\/permissions\/owner is what the host tells/],
  ];
  for (const [kind, patch, said] of cases) {
    const declared = storage({ [kind]: [patch] });
    const [issue, ...more] = kindOf(kind).check(declared[kind], declared.lookup);
    assert.match(issue?.message ?? "accepted", said, JSON.stringify(patch));
    assert.match(issue!.path, /^xml\[0\]\./);
    assert.deepEqual(more, []);
  }
  for (const kind of ["pool", "volume"] as const) {
    const both = storage({ [kind]: [LAZY] })[kind];
    const { error } = kindOf(kind).schema.safeParse({
      ...both.spec,
      xml: [{ path: "x", value: "" }],
    });
    assert.ok(error!.issues.some(({ message }) => /must be a place such as/.test(message)));
  }
});

const needs = await requirement("libvirt", async () => {
  await virsh("version");
  return undefined;
});

Deno.test({
  name: "the real daemon takes patches of pools and volumes, and shows them as they were declared",
  ...needs,
  fn: async () => {
    await using lab = await openLab();
    const name = `${lab.prefix}-store`;
    const declare = (...xml: JsonObject[]) =>
      lab.declare("pool", "store", { name, path: `${lab.folder}/store`, autostart: false, xml });
    const first = declare();
    await lab.create(first);
    const volume = lab.declare("volume", "data", {
      pool: first.address,
      name: "data.qcow2",
      format: "qcow2",
      capacity: "8MiB",
      xml: [CLUSTER, LAZY],
    });
    await lab.create(volume);
    assert.deepEqual(await lab.diff(volume), []);
    const shown = await virsh("vol-dumpxml", "data.qcow2", name);
    assert.match(shown, /<clusterSize unit='B'>131072<\/clusterSize>/);
    // While it runs: stopped, defined anew, started. What it holds stays.
    const second = declare(cow("yes"));
    const { changes } = await lab.update(second, first);
    assert.deepEqual(changes.map(({ path, disruption }) => [path, disruption]), [
      ["xml[./features/cow/@state]", "restart"],
    ]);
    assert.deepEqual(await lab.diff(second, first), []);
    for (const flags of [[], ["--inactive"]]) {
      assert.match(await virsh("pool-dumpxml", name, ...flags), /<cow state='yes'\/>/);
    }
    assert.match(await virsh("vol-list", name), /data\.qcow2/);
    // What libvirt takes without a word and does not keep is an error that names the place.
    const lost = lab.declare("volume", "lost", {
      pool: second.address,
      name: "lost.raw",
      format: "raw",
      capacity: "1MiB",
      xml: [{ path: "./target/compat", value: "1.1" }],
    });
    await assert.rejects(lab.create(lost), /xml\[\.\/target\/compat\]/);
    await lab.remove(lost);
    await lab.remove(volume);
    await lab.remove(second);
  },
});
