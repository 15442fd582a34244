/**
 * A saved plan on a real host: what it touches must be as it was when the plan was made, object by object
 * and kind by kind; what it does not touch may move freely.
 */

import assert from "node:assert/strict";
import { Fleet, type FleetHost, fleetObstacle } from "../fleet/mod.ts";
import { requirement } from "../support/skip.ts";
import { makeProject, type Project } from "./project.ts";

const needs = await requirement("fleet", fleetObstacle);

const STORE = "/var/lib/libvirt/images/stale";
const IMAGES = "/var/lib/libvirt/staddle";

/** With `second` everything but what is beside changes. */
function stackText(uri: string): string {
  return `import { stack, z } from "staddle";

export default stack("stale", { second: z.boolean().default(false) }, (s, { second }) => {
  const lab = s.host("lab", { uri: ${JSON.stringify(uri)} });
  const pool = lab.pool("store", { path: "${STORE}", autostart: !second });
  const image = lab.image("base", { from: second ? "./b.img" : "./a.img", format: "raw" });
  lab.volume("data", { pool, size: second ? "2MiB" : "1MiB" });
  lab.volume("copy", { pool, clone: image, mode: "full" });
  const net = lab.network("net", {
    isolated: "10.96.7.0/24",
    dns: { hosts: [{ ip: "10.96.7.9", names: second ? ["db", "sql"] : ["db"] }] },
  });
  const small = { memory: "32MiB", accel: "tcg", power: "off", pool } as const;
  lab.vm("web", {
    ...small,
    vcpus: second ? 2 : 1,
    nics: [{ network: net }],
    cloudInit: { hostname: second ? "second" : "first" },
  });
  if (second) lab.volume("late", { pool, size: "1MiB" });
  else lab.volume("early", { pool, size: "1MiB" });

  // The plan has nothing to do with these.
  lab.volume("beside", { pool, size: "1MiB" });
  lab.network("aside", { isolated: "10.96.8.0/24" });
  lab.vm("other", { ...small, title: "as declared" });
});
`;
}

/** One change by hand, and the way back. */
interface Hand {
  readonly kind: string;
  readonly address: string;
  /** What the refusal says of it. */
  readonly says: RegExp;
  readonly change: string;
  readonly undo: string;
}

const virsh = "virsh -q -c qemu:///system";

/** A machine of nobody's with a disk of the stack's. */
const STRANGER = "<domain type='qemu'><name>stranger</name><memory>65536</memory>" +
  "<os><type>hvm</type></os><devices><disk type='file' device='disk'>" +
  `<source file='${STORE}/early.qcow2'/><target dev='sda' bus='sata'/></disk></devices></domain>`;

function hands(seed: string, image: string): readonly Hand[] {
  return [
    {
      kind: "pool",
      address: "lab/pool.store",
      says: /^ {2}autostart: true -> false$/m,
      change: `${virsh} pool-autostart store --disable`,
      undo: `${virsh} pool-autostart store`,
    },
    {
      kind: "image",
      address: "lab/image.base",
      says: /^ {2}capacity: 1 MiB -> 2 MiB$/m,
      change: `truncate -s 2M ${IMAGES}/${image}`,
      undo: `truncate -s 1M ${IMAGES}/${image}`,
    },
    {
      kind: "volume",
      address: "lab/volume.data",
      says: /^ {2}capacity: 1 MiB -> 4 MiB$/m,
      change: `${virsh} vol-resize data.qcow2 4M --pool store`,
      undo: `${virsh} vol-resize data.qcow2 1M --pool store --shrink`,
    },
    {
      kind: "volume",
      address: "lab/volume.late",
      says: /something of that name exists on the host by now/,
      change: `${virsh} vol-create-as store late.qcow2 1M --format qcow2`,
      undo: `${virsh} vol-delete late.qcow2 --pool store`,
    },
    {
      kind: "volume",
      address: "lab/volume.data",
      says: /it is gone from the host/,
      change: `mv ${STORE}/data.qcow2 /tmp/data.qcow2`,
      undo: `mv /tmp/data.qcow2 ${STORE}/data.qcow2`,
    },
    {
      kind: "volume",
      address: "lab/volume.early",
      says: / is used by now, and would be taken away\n.*\n {2}by machine "stranger"$/m,
      change: `echo "${STRANGER}" >/tmp/stranger.xml && ${virsh} define /tmp/stranger.xml`,
      undo: `${virsh} undefine stranger && rm /tmp/stranger.xml`,
    },
    {
      kind: "seed",
      address: "lab/seed.web",
      says: /^ {2}capacity: 128 KiB -> 256 KiB$/m,
      change: `truncate -s 256K ${STORE}/${seed}`,
      undo: `truncate -s 128K ${STORE}/${seed}`,
    },
    {
      kind: "network",
      address: "lab/network.net",
      says: /^ {2}dns\.hosts\[10\.96\.7\.10\].*: \(none\) -> /m,
      change: `${virsh} net-update net add dns-host ` +
        `"<host ip='10.96.7.10'><hostname>by-hand</hostname></host>" --live --config`,
      undo: `${virsh} net-update net delete dns-host ` +
        `"<host ip='10.96.7.10'><hostname>by-hand</hostname></host>" --live --config`,
    },
    {
      kind: "machine",
      address: "lab/machine.web",
      says: /^ {2}memory: 32 MiB -> 24 MiB$/m,
      change: `${virsh} setmem web 24M --config`,
      undo: `${virsh} setmem web 32M --config`,
    },
  ];
}

async function only(host: FleetHost, folder: string, pattern: RegExp): Promise<string> {
  const names = (await host.must(`ls ${folder}`)).split("\n").filter((name) => pattern.test(name));
  assert.equal(names.length, 1, names.join());
  return names[0]!;
}

async function applied(project: Project, ...args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await project.run(["apply", ...args]);
  assert.equal(code, 0, stdout + stderr);
}

Deno.test({ name: "a saved plan that something has overtaken", ...needs }, async (t) => {
  await using fleet = await Fleet.up({ hosts: 1 });
  const host = fleet.host(1);
  const socket = `/proc/${await host.pid()}/root/run/libvirt/libvirt-sock`;
  const uri = `qemu+unix:///system?socket=${socket}`;
  await using project = await makeProject({ "stack.ts": stackText(uri) });
  for (const [name, byte] of [["a", 1], ["b", 2]] as const) {
    await Deno.writeFile(project.path(`${name}.img`), new Uint8Array(1 << 20).fill(byte));
  }
  await applied(project, "stack.ts", "--yes");
  const seed = await only(host, STORE, /seed/);
  const image = await only(host, IMAGES, /raw$/);
  const saved = ["plan", "stack.ts", "--param", "second=true", "--out", "plan.json"];
  const made = await project.run(saved);
  assert.equal(made.code, 0, made.stdout + made.stderr);

  for (const { kind, address, says, change, undo } of hands(seed, image)) {
    await t.step(`${kind}: ${address}, ${change.replace(`${virsh} `, "")}`, async () => {
      await host.must(change);
      const { code, stdout, stderr } = await project.run(["apply", "plan.json"]);
      await host.must(undo);
      assert.equal(code, 4, stdout + stderr);
      assert.ok(stderr.includes(`error[plan.stale]: The plan is stale: ${address} `), stderr);
      assert.match(stderr, says);
      // Of what was changed and of nothing else.
      assert.equal(stderr.match(/error\[/g)?.length, 1, stderr);
      assert.ok((stderr.match(/ -> /g)?.length ?? 0) <= 1, stderr);
    });
  }

  await t.step("what it does not touch has moved: applied", async () => {
    await host.must([
      `${virsh} vol-resize beside.qcow2 4M --pool store`,
      `${virsh} net-update aside add dns-host ` +
      `"<host ip='10.96.8.10'><hostname>by-hand</hostname></host>" --live --config`,
      `${virsh} desc other --title --config by-hand`,
      `${virsh} net-autostart aside --disable`,
      `${virsh} vol-create-as store foreign.raw 1M --format raw`,
    ].join(" && "));
    await applied(project, "plan.json");
    assert.match(await host.virsh("dumpxml", "other"), /<title>by-hand<\/title>/);
    assert.match(await host.virsh("vol-info", "beside.qcow2", "--pool", "store"), /4\.00 MiB/);
    assert.match(await host.virsh("vol-info", "data.qcow2", "--pool", "store"), /2\.00 MiB/);
    assert.match(await host.virsh("net-dumpxml", "net"), /<hostname>sql<\/hostname>/);
  });

  await t.step("it was applied once: not again", async () => {
    const { code, stderr } = await project.run(["apply", "plan.json"]);
    assert.equal(code, 4, stderr);
  });
});
