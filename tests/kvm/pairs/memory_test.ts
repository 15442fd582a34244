/**
 * Random pairs of machines through the planner, the applier, the record and the provider, on libvirt's
 * in-memory driver: what was applied plans to nothing, and what is not declared keeps its bytes and order.
 *
 * `STADDLE_PAIRS` is how many pairs are tried, `STADDLE_SEED` repeats a run.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { openWorkshop } from "../../crash/run.ts";
import { KvmSession } from "../../../providers/kvm/host/session.ts";
import { NETWORKS, pairs, VOLUMES } from "./any_machine.ts";
import { outsideEdits } from "./outside.ts";
import { groundOf, tryPair } from "./pair.ts";
import { Tally } from "./tally.ts";

const NODE = `<node>
  <cpu><mhz>2000</mhz><model>any</model><active>2</active><nodes>1</nodes><sockets>1</sockets>
    <cores>2</cores><threads>1</threads></cpu>
  <memory>8192000</memory>
  ${
  NETWORKS.map((name) => `<network><name>${name}</name><bridge name='br-${name}'/></network>`)
    .join("\n")
}
  <pool type='dir'>
    <name>store</name>
    <target><path>/srv/store</path></target>
    ${
  VOLUMES.map((name) =>
    `<volume type='file'><name>${name}</name><capacity>1048576</capacity>
      <target><path>/srv/store/${name}</path><format type='raw'/></target></volume>`
  ).join("\n")
}
  </pool>
</node>`;

Deno.test("random pairs of machines on the in-memory driver", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-pairs-" });
  try {
    await Deno.writeTextFile(`${folder}/node.xml`, NODE);
    const ground = groundOf({ uri: `test://${folder}/node.xml` });
    await using workshop = await openWorkshop(folder, ground);
    assert.ok(workshop.session instanceof KvmSession);
    const connection = await workshop.session.connection();
    const tally = new Tally(25);
    await fc.assert(
      fc.asyncProperty(
        pairs(["arch", "firmware", "qemu"]),
        outsideEdits(),
        async (pair, outside) => {
          tally.add(await tryPair({ workshop, connection, ground }, pair, outside));
        },
      ),
      tally.options,
    );
    tally.print();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
