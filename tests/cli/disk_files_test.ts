/** A machine's own disks keep their files when the machine gets another name. */

import assert from "node:assert/strict";
import { evaluateKnown } from "../../cli/evaluate_known.ts";
import { digest } from "../../planner/digest.ts";
import { resolveTopology } from "../../planner/resolve.ts";
import type { Topology } from "../../planner/topology.ts";
import { kinds } from "../../providers/kvm/kinds/mod.ts";
import type { Evaluation } from "../../stacks/evaluate.ts";
import { buildTopology } from "../../stacks/build.ts";
import { stack, type StackDefinition } from "../../stacks/mod.ts";
import { RECORD_VERSION, type StackRecord, type Store } from "../../state/store.ts";

interface Shape {
  readonly name?: string;
  readonly format?: "raw" | "qcow2";
  readonly file?: string;
}

/** A machine with a disk of its own, and one with a volume that is declared beside it. */
function shop({ name, format, file }: Shape): StackDefinition {
  return stack("shop", (s) => {
    const lab = s.host("lab", { uri: "qemu:///system" });
    const pool = lab.pool("store", { path: "/srv/store" });
    const data = lab.volume("web-data", {
      pool,
      size: "1MiB",
      ...(file === undefined ? {} : { name: file }),
    });
    lab.vm("web", {
      memory: "64MiB",
      ...(name === undefined ? {} : { name }),
      pool,
      disks: [
        { size: "1MiB", ...(format === undefined ? {} : { format }) },
        { name: "data", volume: data },
      ],
    });
  });
}

/** What a run leaves in the record. */
function recorded(topology: Topology): StackRecord {
  return {
    version: RECORD_VERSION,
    stack: "shop",
    lineage: "lineage",
    serial: 1,
    hosts: topology.hosts,
    resources: [...resolveTopology(topology, kinds).resolved.values()].map(
      ({ resource, kind, key, needs }) => ({
        address: resource.address,
        kind: kind.kind,
        host: resource.host,
        key,
        status: "present",
        resource,
        specDigest: digest(resource.spec),
        needs,
      }),
    ),
    outputs: {},
    reservations: {},
  };
}

/** Evaluates as the commands do; gives how often that was. */
async function evaluated(
  definition: StackDefinition,
  record: StackRecord | undefined,
): Promise<{ readonly topology: Topology; readonly times: number }> {
  let times = 0;
  const store = {
    stacks: () => Promise.resolve(record === undefined ? [] : ["shop"]),
    load: () => Promise.resolve(record),
    runs: () => Promise.resolve([]),
  } as unknown as Store;
  const { topology } = await evaluateKnown(
    (known) => {
      times++;
      return Promise.resolve({ topology: buildTopology(definition, known) } as Evaluation);
    },
    store,
    record,
  );
  return { topology, times };
}

const fileOf = (topology: Topology, volume: string) =>
  topology.resources.find(({ address }) => address === `lab/volume.${volume}`)!.spec.name;

Deno.test("a machine's own disk keeps its file through every name of the machine", async () => {
  let { topology } = await evaluated(shop({}), undefined);
  assert.equal(fileOf(topology, "web-root"), "web-root.qcow2");
  for (const name of ["front", "shop", "web"]) {
    const renamed = await evaluated(shop({ name }), recorded(topology));
    topology = renamed.topology;
    assert.equal(fileOf(topology, "web-root"), "web-root.qcow2");
    assert.equal(fileOf(topology, "web-data"), "web-data.qcow2");
    assert.ok(renamed.times <= 2);
    const again = await evaluated(shop({ name }), recorded(topology));
    assert.deepEqual(again, { topology, times: 1 });
  }
});

Deno.test("one of another format is another file, called after the machine as it is named now", async () => {
  const { topology } = await evaluated(shop({ name: "front" }), undefined);
  const renamed = await evaluated(shop({ name: "shop" }), recorded(topology));
  assert.equal(fileOf(renamed.topology, "web-root"), "front-root.qcow2");
  const raw = await evaluated(shop({ name: "shop", format: "raw" }), recorded(renamed.topology));
  assert.equal(fileOf(raw.topology, "web-root"), "shop-root.raw");
});

Deno.test("a file that the author names has that name", async () => {
  const { topology } = await evaluated(shop({ file: "first.qcow2" }), undefined);
  const renamed = await evaluated(
    shop({ name: "front", file: "second.qcow2" }),
    recorded(topology),
  );
  assert.equal(fileOf(renamed.topology, "web-data"), "second.qcow2");
});
