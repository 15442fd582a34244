/**
 * What happens to a host in mid-apply that no run can do anything about: its pool fills up, QEMU dies. The
 * run says so; when it is over, the next one completes.
 */

import assert from "node:assert/strict";
import { type Ended, ended } from "../cli/staddle.ts";
import { Fleet, type FleetHost, fleetObstacle, poll } from "../fleet/mod.ts";
import { makeProject, type Project } from "../refusals/project.ts";
import { requirement } from "../support/skip.ts";
import { socketUri } from "./listing.ts";

const needs = await requirement("fleet", fleetObstacle);

/** A file system of its own, which can be made larger. */
const FULL = "/srv/full";

function stackText(uri: string, body: string): string {
  return `import { stack, z } from "staddle";

export default stack("outside", {
  wait: z.enum(["lease", "running"]).default("running"),
}, (s, { wait }) => {
  const lab = s.host("lab", { uri: ${JSON.stringify(uri)} });
${body}
});
`;
}

interface Bench extends AsyncDisposable {
  readonly host: FleetHost;
  readonly project: Project;
}

async function openBench(body: string): Promise<Bench> {
  const fleet = await Fleet.up({ hosts: 1 });
  const host = fleet.host(1);
  const project = await makeProject({
    "stack.ts": stackText(socketUri((await host.pid())!), body),
  });
  return {
    host,
    project,
    async [Symbol.asyncDispose]() {
      await fleet.down();
      await project[Symbol.asyncDispose]();
    },
  };
}

async function apply({ project }: Bench, ...flags: readonly string[]): Promise<Ended> {
  return await project.run(["apply", "stack.ts", "--yes", ...flags]);
}

/** The next apply completes, and then there is nothing to do. */
async function completes(bench: Bench): Promise<void> {
  const { code, stdout, stderr } = await apply(bench);
  assert.equal(code, 0, stdout + stderr);
  const plan = await bench.project.run(["plan", "stack.ts", "--detailed-exitcode"]);
  assert.deepEqual([plan.code, plan.stderr], [0, ""], plan.stdout);
}

/** SHA-256 of files in the pool, by name. */
async function sums(host: FleetHost): Promise<ReadonlyMap<string, string>> {
  const text = await host.must(`cd ${FULL} && sha256sum *`);
  const lines = text.trim().split("\n").map((line) => line.split(/\s+/));
  return new Map(lines.map(([sum, name]) => [name!, sum!]));
}

async function sumOf(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(digest).toHex();
}

/** A file without holes or repetition: nothing makes it smaller. */
async function writeNoise(path: string, mebibytes: number): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  for (let block = 0; block < mebibytes * 16; block++) {
    await file.write(crypto.getRandomValues(new Uint8Array(65_536)));
  }
}

function assertFull({ code, stdout, stderr }: Ended): void {
  assert.equal(code, 1, stdout + stderr);
  assert.match(stderr, /^error\[kvm\.no-space\]: cannot create (volume|image) /m);
  // A copy is refused by the file system, an upload before its first byte.
  assert.match(stderr, /No space left on device|are to be uploaded, .* are free/);
  assert.match(stderr, /help: make room on the host/);
}

Deno.test({ name: "a pool that is full", ...needs }, async (t) => {
  await t.step("copies that do not fit, and what needs them", async () => {
    await using bench = await openBench(`
  const pool = lab.pool("full", { path: "${FULL}" });
  const image = lab.image("base", { from: "./base.img", format: "raw" });
  const disks = [1, 2, 3].map((i) =>
    lab.volume(\`copy-\${i}\`, { pool, clone: image, mode: "full", format: "raw" }));
  disks.forEach((volume, i) =>
    lab.vm(\`m\${i + 1}\`, { memory: "32MiB", accel: "tcg", power: "off", disks: [{ volume }] }));`);
    const { host, project } = bench;
    await writeNoise(project.path("base.img"), 4);
    await host.must(`mkdir ${FULL} && mount -t tmpfs -o size=9m tmpfs ${FULL}`);

    const end = await apply(bench);
    assertFull(end);
    // Two of three fit. What needs the other one is told of once, with its reason.
    assert.equal(end.stderr.match(/^error\[/gm)?.length, 1, end.stderr);
    const failed = /cannot create volume "full\/copy-(\d)\.raw"/.exec(end.stderr)?.[1];
    assert.ok(failed !== undefined, end.stderr);
    const skipped = end.stdout.match(/^.*skipped \(upstream .* failed\).*$/gm) ?? [];
    assert.equal(skipped.length, 1, end.stdout);
    assert.match(skipped[0]!, new RegExp(`machine\\.m${failed}: .*lab/volume\\.copy-${failed}`));
    const machines = (await host.virsh("list", "--all", "--name")).trim().split("\n");
    assert.equal(machines.length, 2, "the others are made");

    // As long as it is full, it fails in the same way, and takes nothing along.
    assertFull(await apply(bench));
    await host.must(`mount -o remount,size=32m ${FULL}`);
    await completes(bench);
    const whole = await sumOf(project.path("base.img"));
    const names = [1, 2, 3].map((i) => `copy-${i}.raw`);
    assert.deepEqual([...await sums(host)], names.map((name) => [name, whole]));
  });

  await t.step("an image that does not fit", async () => {
    await using bench = await openBench(`
  const pool = lab.pool("full", { path: "${FULL}" });
  lab.image("base", { from: "./base.img", format: "raw", pool });`);
    const { host, project } = bench;
    await writeNoise(project.path("base.img"), 4);
    await host.must(`mkdir ${FULL} && mount -t tmpfs -o size=2m tmpfs ${FULL}`);
    assertFull(await apply(bench));
    await host.must(`mount -o remount,size=32m ${FULL}`);
    await completes(bench);
    const found = await sums(host);
    const whole = await sumOf(project.path("base.img"));
    assert.deepEqual([...found.keys()].filter((name) => !name.endsWith(".verified")).length, 1);
    assert.ok([...found.values()].includes(whole), "it arrived whole");
  });
});

Deno.test({ name: "QEMU is killed", ...needs }, async () => {
  await using bench = await openBench(`
  const net = lab.network("net", { isolated: "10.97.9.0/24" });
  lab.vm("web", {
    memory: "32MiB",
    accel: "tcg",
    nics: [{ network: net }],
    wait: { for: wait, timeout: 600 },
  });
  lab.vm("kept", { memory: "32MiB", accel: "tcg", power: "on" });`);
  const { host, project } = bench;
  const kill = (name: string) => host.must(`kill -KILL $(cat /run/libvirt/qemu/${name}.pid)`);

  // While it is waited for: the run says so, and does not wait on.
  const child = project.begin(
    ["apply", "stack.ts", "--yes", "--param", "wait=lease", "--events", "events.jsonl"],
  );
  await poll("the machine to be waited for", async () => {
    const text = await Deno.readTextFile(project.path("events.jsonl")).catch(() => "");
    return text.includes("waiting for web") ? true : undefined;
  }, { timeoutMs: 120_000 });
  await kill("web");
  const end = await ended(child);
  assert.equal(end.code, 1, end.stdout + end.stderr);
  assert.match(end.stderr, /^error\[machine\.wait-stopped\]: machine "web" on host "lab" stopped/m);
  await completes(bench);
  assert.match(await host.virsh("domstate", "web"), /running/);

  // While nothing is applied: the next run sees it, and starts what is declared to run.
  await kill("kept");
  await poll(
    "libvirt to notice",
    async () => /shut off/.test(await host.virsh("domstate", "kept")) ? true : undefined,
  );
  const plan = await project.run(["plan", "stack.ts"]);
  assert.match(plan.stdout, /power +"?off"? -> "?on"?/, plan.stdout);
  await completes(bench);
  assert.match(await host.virsh("domstate", "kept"), /running/);
});
