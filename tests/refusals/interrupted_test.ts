/**
 * Runs that are stopped in the middle, as a real process on a real host over SSH: each time the record is
 * true, the next apply completes, and the plan after it says that nothing is to be done.
 */

import assert from "node:assert/strict";
import { type Ended, ended } from "../cli/staddle.ts";
import { listing } from "../examples/staddle.ts";
import { Fleet, type FleetHost, fleetObstacle, poll } from "../fleet/mod.ts";
import { requirement } from "../support/skip.ts";
import { makeProject, type Project } from "./project.ts";

const needs = await requirement("fleet", fleetObstacle);

/** Resources of the stack besides those that all stacks share. */
const VOLUMES = 12;
const MACHINES = 6;

/** Enough steps to be stopped in the middle of; one machine may wait for what never comes. */
function stackText(fleet: Fleet): string {
  const host = {
    uri: fleet.host(1).plainUri,
    ssh: { configFile: fleet.ssh.config },
    connectTimeout: 4,
    parallelism: 2,
  };
  return `import { stack, z } from "staddle";

export default stack("stopped", {
  wait: z.enum(["lease", "running"]).optional(),
}, (s, { wait }) => {
  const lab = s.host("lab", ${JSON.stringify(host)});
  const pool = lab.pool("stopped", { path: "/srv/stopped" });
  const net = lab.network("stopped", { isolated: "10.96.0.0/24" });
  s.times(${VOLUMES}, (i) => lab.volume(\`data-\${i}\`, { pool, size: "1MiB" }));
  s.times(${MACHINES}, (i) =>
    lab.vm(\`m\${i}\`, {
      memory: "64MiB",
      accel: "tcg",
      pool,
      disks: [{ size: "1MiB" }],
      nics: [{ network: net }],
      power: "off",
    }));
  if (wait !== undefined) {
    lab.vm("waiting", {
      memory: "64MiB",
      accel: "tcg",
      nics: [{ network: net }],
      power: "on",
      wait: { for: wait, timeout: 300 },
    });
  }
});
`;
}

/** A line of the events file, as far as these tests look at it. */
interface Line {
  readonly type: string;
  readonly "@timestamp": string;
  readonly "@message": string;
}

/** The stack in a folder of its own, and the host that it is applied to. */
interface Bench {
  readonly project: Project;
  readonly host: FleetHost;
}

async function events({ project }: Bench): Promise<readonly Line[]> {
  const text = await Deno.readTextFile(project.path("events.jsonl")).catch(() => "");
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

/** Begins an apply and waits until that many steps have ended well, or a line says so. */
async function applying(
  bench: Bench,
  until: number | RegExp,
  flags: readonly string[] = [],
  begin: (args: readonly string[]) => Deno.ChildProcess = bench.project.begin,
): Promise<Deno.ChildProcess> {
  await Deno.remove(bench.project.path("events.jsonl")).catch(() => {});
  const child = begin(["apply", "stack.ts", "--yes", "--events", "events.jsonl", ...flags]);
  let over = false;
  void child.status.then(() => over = true);
  await poll("the middle of the run", async () => {
    const lines = await events(bench);
    const there = typeof until === "number"
      ? lines.filter(({ type }) => type === "apply_complete").length >= until
      : lines.some((line) => until.test(line["@message"]));
    if (there || !over) return there ? true : undefined;
    const { code, stdout, stderr } = await ended(child);
    throw new Error(`it ended before with status ${code}\n${stdout}\n${stderr}`);
  }, { timeoutMs: 60_000, intervalMs: 5 });
  return child;
}

/** The record is true: what it has is on the host, and only the rest is planned. */
async function recordIsTrue({ project }: Bench, flags: readonly string[] = []): Promise<void> {
  const plan = await project.run(["plan", "stack.ts", "--json", ...flags]);
  assert.equal(plan.code, 0, plan.stderr);
  const { resource_changes: changes, resource_drift: drift } = JSON.parse(plan.stdout);
  assert.deepEqual(drift ?? [], []);
  const actions = new Set<string>(
    changes.flatMap(({ change }: { change: { actions: string[] } }) => change.actions),
  );
  // What was half made may have to be finished, but nothing goes.
  assert.ok(!actions.has("delete"), [...actions].join());
}

/** The next apply completes, and then there is nothing to do. */
async function completes({ project }: Bench, flags: readonly string[] = []): Promise<void> {
  const apply = await project.run(["apply", "stack.ts", "--yes", ...flags]);
  assert.equal(apply.code, 0, apply.stdout + apply.stderr);
  const plan = await project.run(["plan", "stack.ts", "--detailed-exitcode", ...flags]);
  assert.deepEqual([plan.code, plan.stderr], [0, ""], plan.stdout);
  assert.match(plan.stdout, /^No changes\./);
}

async function gone({ project, host }: Bench, before: string): Promise<void> {
  const end = await project.run(["destroy", "stack.ts", "--yes"]);
  assert.equal(end.code, 0, end.stdout + end.stderr);
  assert.equal(await listing(host), before);
}

/** How a run ended that was told to stop, and how long that took, in seconds. */
async function stopped(
  child: Deno.ChildProcess,
  ...signals: readonly Deno.Signal[]
): Promise<Ended & { readonly seconds: number }> {
  const began = performance.now();
  for (const [index, signal] of signals.entries()) {
    if (index > 0) await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill(signal);
  }
  return { ...await ended(child), seconds: (performance.now() - began) / 1000 };
}

function assertCancelled({ code, stdout, stderr }: Ended): void {
  assert.equal(code, 130, stdout + stderr);
  assert.match(stderr, /^Apply cancelled\. Resources: \d+ added, \d changed, 0 destroyed\./m);
  assert.match(stderr, /^The record is true; to go on: staddle apply stack\.ts/m);
}

Deno.test({ name: "runs that are stopped in the middle", ...needs }, async (t) => {
  await using fleet = await Fleet.up({ hosts: 1 });
  const host = fleet.host(1);
  await using project = await makeProject({ "stack.ts": stackText(fleet) });
  const bench: Bench = { project, host };
  const before = await listing(host);
  /** A step that leaves nothing for the next one, also when it fails. */
  const step = (name: string, body: () => Promise<void>) =>
    t.step(name, async () => {
      try {
        await body();
      } catch (error) {
        await project.run(["destroy", "stack.ts", "--yes"]);
        throw error;
      }
      await gone(bench, before);
    });

  const onTerminal = (args: readonly string[]): Deno.ChildProcess => {
    const words = project.words(args).map((word) => `'${word}'`);
    return new Deno.Command("script", {
      args: ["-qec", words.join(" "), "/dev/null"],
      cwd: project.folder,
      env: { NO_COLOR: "1", CI: "", STADDLE_STATE: "" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  };

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    await step(`${signal}: what is in flight is finished, and nothing new begins`, async () => {
      const end = await stopped(await applying(bench, 5), signal);
      assertCancelled(end);
      assert.doesNotMatch(end.stdout + end.stderr, /failed|error/);
      await recordIsTrue(bench);
      await completes(bench);
    });
  }

  await step("Ctrl-C on a terminal reaches every process of the run, and not ssh", async () => {
    const child = await applying(bench, 5, [], onTerminal);
    const keyboard = child.stdin.getWriter();
    // What the key sends: the terminal makes a signal of it for the whole group in front.
    await keyboard.write(Uint8Array.of(3));
    const end = await ended(child);
    await keyboard.close().catch(() => {});
    assert.equal(end.code, 130, end.stdout + end.stderr);
    assert.match(end.stdout, /Stopping: /);
    assert.match(end.stdout, /Apply cancelled\. Resources: \d+ added/);
    assert.doesNotMatch(end.stdout, /failed|error|lost/);
    await recordIsTrue(bench);
    await completes(bench);
  });

  await step("a terminal that is closed stops a run as Ctrl-C does", async () => {
    const child = await applying(bench, 5, [], onTerminal);
    // The other end of the terminal goes with it.
    child.kill("SIGKILL");
    await child.output();
    const { result, endedAt } = await poll("the end of the run", async () => {
      const { stdout } = await project.run(["history", "stack.ts", "--json"]);
      const [run] = JSON.parse(stdout);
      return run.endedAt === undefined ? undefined : run;
    }, { timeoutMs: 60_000, intervalMs: 200 });
    assert.equal(result, "cancelled", endedAt);
    await recordIsTrue(bench);
    await completes(bench);
  });

  await step("a pipe that is closed stops nothing", async () => {
    const words = project.words(["apply", "stack.ts", "--yes"]).map((word) => `'${word}'`);
    const { stdout, stderr } = await new Deno.Command("bash", {
      args: ["-c", `${words.join(" ")} | head -n 1; echo "\${PIPESTATUS[0]}"`],
      cwd: project.folder,
      env: { NO_COLOR: "1", CI: "", STADDLE_STATE: "" },
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    assert.deepEqual([text.decode(stdout).trimEnd().split("\n").at(-1), text.decode(stderr)], [
      "0",
      "",
    ]);
    await completes(bench);
  });

  await step("Ctrl-C while a machine is waited for: at once", async () => {
    // Nothing else is in flight then.
    await completes(bench);
    const child = await applying(bench, /waiting for waiting/, ["--param", "wait=lease"]);
    const end = await stopped(child, "SIGINT");
    assertCancelled(end);
    assert.match(end.stdout, /^Stopping: no longer waiting for lab\/machine\.waiting\.$/m);
    assert.match(end.stderr, /Steps: 1 not waited for\./);
    // Not after the 300 s of its declaration.
    assert.ok(end.seconds < 30, `${end.seconds} s`);
    assert.match(await host.virsh("domstate", "waiting"), /running/);
    await recordIsTrue(bench, ["--param", "wait=lease"]);
    await completes(bench, ["--param", "wait=running"]);
  });

  await step("a second Ctrl-C gives up what does not come to its end", async () => {
    const child = await applying(bench, 5);
    await host.must("kill -STOP $(cat /run/fleet/libvirtd.pid)");
    try {
      const end = await stopped(child, "SIGINT", "SIGINT");
      assertCancelled(end);
      assert.match(end.stdout, /will be finished, nothing new begins/);
      assert.match(end.stdout, /^Giving up what is in flight: lab\//m);
      assert.match(end.stderr, /error\[apply\.aborted\]/);
      assert.ok(end.seconds < 12, `${end.seconds} s`);
    } finally {
      await host.must("kill -CONT $(cat /run/fleet/libvirtd.pid)");
    }
    await recordIsTrue(bench);
    await completes(bench);
  });

  await step("SIGKILL at points of chance: the next apply takes it up", async () => {
    for (let round = 0; round < 3; round++) {
      const point = 1 + Math.floor(Math.random() * (VOLUMES + MACHINES));
      const child = await applying(bench, point);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 50));
      await stopped(child, "SIGKILL").catch(() => {});
      await completes(bench).catch((error) => {
        throw new Error(`killed after ${point} steps`, { cause: error });
      });
      await gone(bench, before);
    }
  });

  await step("the host's libvirtd is killed and comes back", async () => {
    const child = await applying(bench, 5);
    await host.libvirtd.kill();
    await host.libvirtd.start();
    const end = await ended(child);
    // Steps that were caught in it are tried again; whether all had another chance is a matter of time.
    assert.ok(end.code === 0 || end.code === 1, end.stdout + end.stderr);
    if (end.code === 1) assert.match(end.stderr, /host "lab"/);
    await completes(bench);
  });

  await step("a link that is cut costs its time once, not for every step", async () => {
    const child = await applying(bench, 5);
    const began = performance.now();
    await host.link.down();
    let end: Ended;
    try {
      end = await ended(child);
    } finally {
      await host.link.up();
    }
    const seconds = (performance.now() - began) / 1000;
    assert.equal(end.code, 1, end.stdout + end.stderr);
    // 15 s until the silence is noticed, 4 s for the attempt to connect anew.
    assert.ok(seconds < 30, `${seconds} s`);
    const lines = await events(bench);
    const failed = lines.filter(({ type }) => type === "apply_errored");
    const skipped = lines.filter((line) => line["@message"].endsWith("skipped (host-lost)"));
    assert.ok(failed.length >= 1 && failed.length <= 2, `${failed.length} failed`);
    assert.ok(skipped.length >= 1, "the rest is not tried");
    assert.match(end.stderr, /host "lab"/);
    await completes(bench);
  });
});
