/** The command line from end to end, on the real libvirt of this machine. */

import assert from "node:assert/strict";
import { requirement } from "../support/skip.ts";
import { begin, DENO_ARGS, type Ended, ended, libvirtObstacle, run, staddle } from "./staddle.ts";

const needs = await requirement("libvirt", libvirtObstacle);

/** A stack of its own name, addresses and objects, so that no two tests meet. */
const PREFIX = `stc${Deno.pid.toString(36)}`;

/** A machine without a system on a network of its own, and a volume; more by parameters. */
function stackText(name: string, subnet: string): string {
  return `import { stack, z } from "staddle";

export default stack("${name}", {
  memory: z.string().default("64MiB"),
  waiting: z.boolean().default(false),
  other: z.boolean().default(false),
}, (s, { memory, waiting, other }) => {
  const lab = s.host("lab", { uri: "qemu:///system" });
  const net = lab.network("${name}-net", { isolated: "${subnet}" });
  const vm = lab.vm("${name}-vm", {
    vcpus: 1,
    memory,
    accel: "tcg",
    nics: [{ network: net }],
    power: waiting ? "on" : "off",
    ...(waiting ? { wait: { for: "lease" as const, timeout: 4 } } : {}),
  });
  if (other) {
    const b = s.host("b", { uri: "qemu+ssh://nobody@127.0.0.1:1/system", connectTimeout: 3 });
    b.network("${name}-far", { isolated: "10.239.250.0/24" });
  }
  return { address: vm.nics[0]!.ip };
});
`;
}

interface Site extends AsyncDisposable {
  readonly name: string;
  readonly folder: string;
  /** Runs a command on the stack. */
  run(command: string, ...flags: string[]): Promise<Ended>;
}

/** A folder with a stack in it. What the stack made is destroyed at the end, whatever happened. */
async function site(label: string, subnet: string): Promise<Site> {
  const name = `${PREFIX}-${label}`;
  const folder = await Deno.makeTempDir({ prefix: `${name}-` });
  await Deno.writeTextFile(`${folder}/stack.ts`, stackText(name, subnet));
  return {
    name,
    folder,
    run: (command, ...flags) => staddle([command, folder, ...flags]),
    async [Symbol.asyncDispose]() {
      await run("virsh", "destroy", `${name}-vm`).catch(() => {});
      await run("virsh", "undefine", `${name}-vm`).catch(() => {});
      await run("virsh", "net-destroy", `${name}-net`).catch(() => {});
      await run("virsh", "net-undefine", `${name}-net`).catch(() => {});
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** What of ours the host has. */
async function listing(name: string): Promise<string[]> {
  const all = await Promise.all([
    run("virsh", "list", "--all", "--name"),
    run("virsh", "net-list", "--all", "--name"),
  ]);
  return all.join("\n").split("\n").filter((line) => line.includes(name)).sort();
}

Deno.test({
  name: "plan, apply, no change, drift by hand, stale plan, repair, destroy",
  ...needs,
  async fn() {
    await using stack = await site("life", "10.239.1.0/24");
    const planned = await stack.run("plan", "--detailed-exitcode");
    assert.equal(planned.code, 2, planned.stderr);
    assert.match(planned.stdout, /^Plan: 2 to add, 0 to change, 0 to destroy\.$/m);
    assert.equal(planned.stderr, "", "no warning, no prompt");
    await assert.rejects(Deno.stat(`${stack.folder}/.staddle`), Deno.errors.NotFound);

    const events = `${stack.folder}/events.jsonl`;
    const applied = await stack.run("apply", "--yes", "--events", events);
    assert.equal(applied.code, 0, applied.stderr);
    assert.match(applied.stdout, /^Apply complete! Resources: 2 added, 0 changed, 0 destroyed\.$/m);
    const address = /^address = "(10\.239\.1\.\d+)"$/m.exec(applied.stdout)![1];
    assert.ok(planned.stdout.includes(`"${address}"`), "the address is the planned one");
    const types = (await Deno.readTextFile(events)).trimEnd().split("\n")
      .map((line) => JSON.parse(line).type);
    assert.equal(types[0], "version");
    assert.equal(types.filter((type) => type === "planned_change").length, 2);
    assert.equal(types.filter((type) => type === "apply_complete").length, 2);
    assert.deepEqual(types.slice(-2), ["change_summary", "outputs"]);

    const again = await stack.run("plan", "--detailed-exitcode");
    assert.deepEqual([again.code, again.stdout], [
      0,
      "No changes. Your infrastructure matches the configuration.\n",
    ]);
    const outputs = await staddle(["outputs", stack.folder, "--json"]);
    assert.equal(JSON.parse(outputs.stdout).address.value, address);

    await run("virsh", "setmem", `${stack.name}-vm`, "32M", "--config");
    const drift = await stack.run("drift", "--detailed-exitcode");
    assert.equal(drift.code, 2, drift.stderr);
    assert.match(drift.stdout, /~ memory +64 MiB -> 32 MiB/);

    const file = `${stack.folder}/plan.json`;
    const saved = await stack.run("plan", "--out", file);
    assert.equal(saved.code, 0, saved.stderr);
    const refused = await staddle(["apply", file, "--max-disruption", "live", "--param", "a=b"]);
    assert.equal(refused.code, 1);
    await run("virsh", "setmem", `${stack.name}-vm`, "48M", "--config");
    const stale = await staddle(["apply", file]);
    assert.equal(stale.code, 4, stale.stderr);
    assert.match(stale.stderr, /plan\.stale.*machine\.\S+-vm/);
    assert.match(stale.stderr, /memory: 32 MiB -> 48 MiB/);

    assert.equal((await stack.run("plan", "--out", file)).code, 0);
    const shown = await staddle(["show", file, "--format", "markdown"]);
    assert.match(shown.stdout, /\*\*Plan: 0 to add, 1 to change, 0 to destroy\.\*\*/);
    const repaired = await staddle(["apply", file]);
    assert.equal(repaired.code, 0, repaired.stderr);
    assert.equal((await staddle(["apply", file])).code, 4, "a plan is carried out once");

    const limited = await stack.run(
      "apply",
      "--yes",
      "--param",
      "memory=96MiB",
      "--max-disruption",
      "live",
    );
    assert.ok(
      limited.code === 3 ? /policy\.max-disruption/.test(limited.stderr) : limited.code === 0,
      limited.stderr,
    );

    const byName = await staddle(["destroy", stack.name, "--yes"], {
      STADDLE_STATE: `${stack.folder}/.staddle/state.db`,
    });
    assert.equal(byName.code, 0, byName.stderr);
    assert.match(byName.stdout, /^Destroy complete! Resources: 2 destroyed\.$/m);
    assert.deepEqual(await listing(stack.name), []);
    const history = await staddle(["history", stack.folder, "--json"]);
    assert.equal(JSON.parse(history.stdout)[0].command, "destroy");
  },
});

Deno.test({
  name: "Ctrl-C in mid-apply: what is in flight ends, the record is true, the next apply completes",
  ...needs,
  async fn() {
    await using stack = await site("stop", "10.239.2.0/24");
    const events = `${stack.folder}/events.jsonl`;
    const child = begin(["apply", stack.folder, "--yes", "--events", events]);
    await until(async () => (await Deno.readTextFile(events)).includes('"apply_start"'));
    child.kill("SIGINT");
    const [stopped, other] = await Promise.all([ended(child), stack.run("apply", "--yes")]);
    assert.equal(stopped.code, 130, stopped.stdout + stopped.stderr);
    assert.match(
      stopped.stderr,
      /Apply cancelled\. .*\nThe record is true; to go on: staddle apply/,
    );
    assert.ok(other.code === 0 || other.code === 5, other.stderr);

    const next = await stack.run("apply", "--yes");
    assert.equal(next.code, 0, next.stderr);
    assert.equal((await stack.run("plan", "--detailed-exitcode")).code, 0);
    assert.equal((await stack.run("destroy", "--yes")).code, 0);
    assert.deepEqual(await listing(stack.name), []);
  },
});

Deno.test({
  name: "a second run meanwhile is told who holds the lock",
  ...needs,
  async fn() {
    await using stack = await site("lock", "10.239.3.0/24");
    const events = `${stack.folder}/events.jsonl`;
    const child = begin([
      "apply",
      stack.folder,
      "--yes",
      "--param",
      "waiting=true",
      "--events",
      events,
    ]);
    await until(async () => (await Deno.readTextFile(events)).includes('"apply_start"'));
    const second = await stack.run("apply", "--yes");
    const first = await ended(child);
    assert.equal(second.code, 5, second.stderr);
    assert.match(second.stderr, /error\[state\.locked\].*held by \S+@\S+ \(\d+\) since/);
    assert.equal(first.code, 1, "no guest takes the lease, and the machine stays");
    assert.match(first.stderr, /-vm/);
    assert.ok((await listing(stack.name)).includes(`${stack.name}-vm`));
    assert.equal((await stack.run("destroy", "--yes")).code, 0);
  },
});

Deno.test({
  name: "a host that does not answer is named, the other is planned; excluded, it is left alone",
  ...needs,
  async fn() {
    await using stack = await site("two", "10.239.4.0/24");
    const both = await stack.run("plan", "--param", "other=true");
    assert.equal(both.code, 1);
    assert.match(both.stdout, /\+ lab\/machine\.\S+-vm will be created/);
    assert.match(both.stderr, /^error\[ssh\.[\w-]+\]: .*host "b"/m);
    assert.doesNotMatch(both.stderr, /host-not-read/);
    const one = await stack.run("plan", "--param", "other=true", "--exclude", "b/*");
    assert.equal(one.code, 0, one.stderr);
    assert.match(one.stdout, /^Plan: 2 to add/m);
  },
});

Deno.test({
  name: "on a terminal: colour, the question, and never a question of Deno's",
  ...needs,
  async fn() {
    await using stack = await site("tty", "10.239.5.0/24");
    const words = [Deno.execPath(), ...DENO_ARGS, "apply", stack.folder];
    const command = words.map((word) => `'${word}'`).join(" ");
    const onTerminal = async (answer: string): Promise<string> =>
      await run(
        "sh",
        "-c",
        `(sleep 0.2; while kill -0 $PPID 2>/dev/null; do echo ${answer}; sleep 0.5; done) |
        env -u NO_COLOR -u CI TERM=xterm script -qec "${command}; echo status=\\$?" /dev/null & wait $!`,
      );
    const denied = await onTerminal("y");
    assert.match(denied, /Only 'yes' will be accepted\./);
    assert.match(denied, /status=130/);
    assert.ok(denied.includes("\x1b[32m+"), "colour");
    assert.doesNotMatch(denied, /Deno requests|Granted|Allow\?/);
  },
});

/** Waits for something to come true; fails after a while. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!await condition().catch(() => false)) {
    assert.ok(performance.now() < deadline, "it did not happen within a minute");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
