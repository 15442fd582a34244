/**
 * What Staddle costs beside a C program that makes the same libvirt calls.
 *
 *     deno task bench [--machines 1000]
 *
 * Measures in a fleet host of its own; nothing on this machine's libvirt is touched. Prints figures
 * and ratios, and judges nothing. Needs root, gcc and libvirt's headers (`scripts/setup bench`).
 *
 * @module
 */

import { Fleet, must, slowHost } from "../tests/fleet/mod.ts";
import { type Figures, measure, type Subject } from "./measure.ts";

const here = import.meta.dirname!;
const root = `${here}/..`;
const machines = Number(option("--machines") ?? 1000);
const IN_FLIGHT_LOCAL = "4";
const IN_FLIGHT_REMOTE = "16";
const APPLIED = 100;
const ROUND_TRIP_MS = 50;

const work = await Deno.makeTempDir({ prefix: "staddle-bench-" });
try {
  const helper = await compile("measure");
  const c = await compile("libvirt_c", "-lvirt", "-lpthread");
  await using fleet = await Fleet.up({ hosts: 1 });
  const host = fleet.hosts[0]!;
  const socket = `/proc/${await host.pid()}/root/run/libvirt/libvirt-sock`;
  const local = `qemu:///system?socket=${socket}`;
  await using slow = await slowHost(fleet, host, ROUND_TRIP_MS);

  const run = async (name: string, subject: Subject) => {
    say(`  measuring: ${name}`);
    return await measure(helper, subject);
  };
  const read = (uri: string, inFlight: string) => ({
    c: { command: [c, "read", uri, inFlight], timesItself: true },
    staddle: {
      command: ["deno", "run", "-qA", `${here}/read_domains.ts`, uri, inFlight],
      timesItself: true,
    },
  });

  say(`${machines} machines are being defined`);
  const record = { STADDLE_STATE: `${work}/state.db` };
  const params = ["--param", `machines=${machines}`];
  const here1000 = ["--param", `uri=${local}`, ...params];
  const there1000 = [
    ...["--param", `uri=${slow.plainUri}`, "--param", `sshConfig=${slow.config}`],
    ...params,
  ];
  const applied = await run(`apply ${machines}`, {
    command: staddle("apply", "--yes", ...here1000),
    env: record,
    runs: 1,
  });

  const rows: Row[] = [];
  const series = await run("read, C in series", read(local, "1").c);
  const inFlight = await run("read, C in flight", read(local, IN_FLIGHT_LOCAL).c);
  rows.push(["read, C in series", series, inFlight]);
  rows.push([`read, C with ${IN_FLIGHT_LOCAL} in flight`, inFlight, inFlight]);
  const readLocal = await run("read, Staddle", read(local, IN_FLIGHT_LOCAL).staddle);
  rows.push([`read, Staddle with ${IN_FLIGHT_LOCAL} in flight`, readLocal, inFlight]);
  const plan = await run("plan", { command: staddle("plan", ...here1000), env: record });
  rows.push(["plan without change, whole process", plan, inFlight]);
  table(`${machines} machines, local`, rows);

  const remote: Row[] = [];
  const cRemote = await run("read over SSH, C", read(slow.uri, IN_FLIGHT_REMOTE).c);
  remote.push([`read, C with ${IN_FLIGHT_REMOTE} in flight`, cRemote, cRemote]);
  const staddleRemote = await run("read over SSH", read(slow.uri, IN_FLIGHT_REMOTE).staddle);
  remote.push([`read, Staddle with ${IN_FLIGHT_REMOTE} in flight`, staddleRemote, cRemote]);
  const planRemote = await run("plan over SSH", {
    command: staddle("plan", ...there1000),
    env: record,
  });
  remote.push(["plan without change, whole process", planRemote, cRemote]);
  table(`${machines} machines over SSH, ${ROUND_TRIP_MS} ms round trip`, remote);

  await must("deno", staddle("destroy", "--yes", ...here1000).slice(1), { env: record });
  const overlays: Row[] = [];
  const small = { STADDLE_STATE: `${work}/small.db` };
  const smallParams = [
    ...["--param", `uri=${local}`],
    ...["--param", `machines=${APPLIED}`, "--param", "disks=true"],
  ];
  await prepareBase(host);
  const define = (count: string) => ({
    command: [c, "define", local, count, `${APPLIED}`, "bench", "base.raw"],
    timesItself: true,
    before: async () => void await must(c, ["clean", local, "1", "bench", "bench-c-"]),
  });
  const cSeries = await run("apply, C in series", define("1"));
  const cFlight = await run("apply, C in flight", define(IN_FLIGHT_LOCAL));
  await must(c, ["clean", local, "1", "bench", "bench-c-"]);
  const apply = await run("apply, Staddle", {
    command: staddle("apply", "--yes", ...smallParams),
    env: small,
    before: async () =>
      void await must("deno", staddle("destroy", "--yes", ...smallParams).slice(1), { env: small }),
  });
  overlays.push(["C in series", cSeries, cFlight]);
  overlays.push([`C with ${IN_FLIGHT_LOCAL} in flight`, cFlight, cFlight]);
  overlays.push(["apply, whole process", apply, cFlight]);
  table(`${APPLIED} machines made, each with an overlay volume`, overlays);
  table(`${machines} machines made, without disks`, [["apply, whole process", applied, applied]]);
} finally {
  await Deno.remove(work, { recursive: true });
}

type Row = readonly [name: string, figures: Figures, base: Figures];

async function compile(name: string, ...libraries: readonly string[]): Promise<string> {
  const out = `${work}/${name}`;
  await must("gcc", ["-O2", "-o", out, `${here}/${name}.c`, ...libraries]);
  return out;
}

function staddle(command: string, ...args: readonly string[]): string[] {
  const config = `${root}/deno.json`;
  const run = ["deno", "run", "-q", "--config", config, "-P", `${root}/mod.ts`, command];
  return [...run, `${here}/stack.ts`, ...args];
}

/** A pool with a base for the C program's overlays, beside Staddle's own store. */
async function prepareBase(host: { must(command: string): Promise<string> }): Promise<void> {
  await host.must(
    "mkdir -p /var/lib/libvirt/images/bench && " +
      "virsh -q -c qemu:///system pool-define-as bench dir --target /var/lib/libvirt/images/bench && " +
      "virsh -q -c qemu:///system pool-start bench && " +
      "virsh -q -c qemu:///system vol-create-as bench base.raw 64M --format raw",
  );
}

/** Seconds of the part that counts, and of the whole process; ratios to the C program's part. */
function table(title: string, rows: readonly Row[]): void {
  const head = ["", "work s", "ratio", "wall s", "cpu s", "peak MiB"];
  const cells = rows.map(([name, figures, base]) => [
    name,
    figures.work.toFixed(3),
    (figures.work / base.work).toFixed(2),
    figures.wall.toFixed(3),
    figures.cpu.toFixed(3),
    figures.peak.toFixed(0),
  ]);
  const widths = head.map((_, column) =>
    Math.max(...[head, ...cells].map((row) => row[column]!.length))
  );
  const line = (row: readonly string[]) =>
    row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("  ");
  say(`\n${title}\n${[head, ...cells].map(line).join("\n")}\n`);
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function option(name: string): string | undefined {
  const at = Deno.args.indexOf(name);
  return at < 0 ? undefined : Deno.args[at + 1];
}
