/** The command line from end to end, on the real libvirt of this machine. */

import assert from "node:assert/strict";
import { requirement } from "../support/skip.ts";
import { begin, DENO_ARGS, type Ended, ended, libvirtObstacle, run, staddle } from "./staddle.ts";

const needs = await requirement("libvirt", libvirtObstacle);

/** One name for the stack and all its objects: nobody else on this host has it. */
const NAME = `stc${Deno.pid.toString(36)}`;

/** A machine without a system on a network of its own; more by parameters. */
const STACK = `import { stack, z } from "staddle";

export default stack("${NAME}", {
  memory: z.string().default("64MiB"),
  waiting: z.boolean().default(false),
  other: z.boolean().default(false),
}, (s, { memory, waiting, other }) => {
  const lab = s.host("lab", { uri: "qemu:///system" });
  const net = lab.network("${NAME}-net", { isolated: "10.239.1.0/24" });
  const vm = lab.vm("${NAME}-vm", {
    vcpus: 1,
    memory,
    accel: "tcg",
    nics: [{ network: net }],
    power: waiting ? "on" : "off",
    ...(waiting ? { wait: { for: "lease" as const, timeout: 4 } } : {}),
  });
  if (other) {
    const b = s.host("b", { uri: "qemu+ssh://nobody@127.0.0.1:1/system", connectTimeout: 3 });
    b.network("${NAME}-far", { isolated: "10.239.250.0/24" });
  }
  return { address: vm.nics[0]!.ip };
});
`;

/** A machine of nobody's on that network. */
const STRANGER = `<domain type='qemu'><name>${NAME}-guest</name><memory>65536</memory>
  <os><type>hvm</type></os><devices>
    <interface type='network'><source network='${NAME}-net'/></interface>
  </devices></domain>`;

/** What of ours the host has. */
async function listing(): Promise<string[]> {
  const all = await Promise.all([
    run("virsh", "list", "--all", "--name"),
    run("virsh", "net-list", "--all", "--name"),
  ]);
  return all.join("\n").split("\n").filter((line) => line.includes(NAME)).sort();
}

/** Takes away what a failed test has left. */
async function sweep(): Promise<void> {
  for (
    const command of [
      ["destroy", `${NAME}-vm`],
      ["undefine", `${NAME}-vm`],
      ["undefine", `${NAME}-guest`],
      ["net-destroy", `${NAME}-net`],
      ["net-undefine", `${NAME}-net`],
    ]
  ) await run("virsh", ...command).catch(() => {});
}

Deno.test({
  name: "a stack's life by the command line",
  ...needs,
  async fn(t) {
    // One folder for all steps: the stack's types are checked once.
    const folder = await Deno.makeTempDir({ prefix: `${NAME}-` });
    const events = `${folder}/events.jsonl`;
    const plan = `${folder}/plan.json`;
    const on = (command: string, ...flags: string[]): Promise<Ended> =>
      staddle([command, folder, ...flags]);
    const applying = async (...flags: string[]): Promise<Deno.ChildProcess> => {
      await Deno.remove(events).catch(() => {});
      const child = begin(["apply", folder, "--yes", "--events", events, ...flags]);
      await until(async () => (await Deno.readTextFile(events)).includes('"apply_start"'));
      return child;
    };
    const destroyed = async (): Promise<void> => {
      const end = await on("destroy", "--yes");
      assert.equal(end.code, 0, end.stderr);
      assert.match(end.stdout, /^Destroy complete! Resources: 2 destroyed\.$/m);
      assert.deepEqual(await listing(), []);
    };
    try {
      await Deno.writeTextFile(`${folder}/stack.ts`, STACK);
      let address = "";

      await t.step("plan: everything is to be made, and nothing is written", async () => {
        const end = await on("plan", "--detailed-exitcode");
        assert.equal(end.code, 2, end.stderr);
        assert.match(end.stdout, /^Plan: 2 to add, 0 to change, 0 to destroy\.$/m);
        assert.equal(end.stderr, "", "no warning, no question");
        address = /\+ address +"(10\.239\.1\.\d+)"$/m.exec(end.stdout)![1]!;
        await assert.rejects(Deno.stat(`${folder}/.staddle`), Deno.errors.NotFound);
      });

      await t.step("apply needs consent; with it, the planned address is the output", async () => {
        const refused = await on("apply");
        assert.deepEqual([refused.code, refused.stdout], [1, ""]);
        assert.match(refused.stderr, /usage\.needs-yes/);
        const end = await on("apply", "--yes", "--events", events);
        assert.equal(end.code, 0, end.stderr);
        assert.match(end.stdout, /^Apply complete! Resources: 2 added, 0 changed, 0 destroyed\.$/m);
        assert.ok(end.stdout.endsWith(`Outputs:\n\naddress = "${address}"\n`));
        const types = (await Deno.readTextFile(events)).trimEnd().split("\n")
          .map((line) => JSON.parse(line).type);
        assert.equal(types[0], "version");
        assert.equal(types.filter((type) => type === "planned_change").length, 2);
        assert.equal(types.filter((type) => type === "apply_complete").length, 2);
        assert.deepEqual(types.slice(-2), ["change_summary", "outputs"]);
      });

      await t.step("a second plan: no change", async () => {
        const end = await on("plan", "--detailed-exitcode");
        assert.deepEqual([end.code, end.stdout, end.stderr], [
          0,
          "No changes. Your infrastructure matches the configuration.\n",
          "",
        ]);
        const outputs = await on("outputs", "--json");
        assert.equal(JSON.parse(outputs.stdout).address.value, address);
        const proposed = await staddle(["__complete", "plan", folder, "--target", "lab/ma"]);
        assert.equal(proposed.stdout.split("\t")[0], `lab/machine.${NAME}-vm`);
      });

      await t.step("a change by hand is drift, by field", async () => {
        await run("virsh", "setmem", `${NAME}-vm`, "32M", "--config");
        const end = await on("drift", "--detailed-exitcode");
        assert.equal(end.code, 2, end.stderr);
        assert.match(end.stdout, /~ memory +64 MiB -> 32 MiB/);
      });

      await t.step(
        "a saved plan that was overtaken is refused, naming object and field",
        async () => {
          assert.equal((await on("plan", "--out", plan)).code, 0);
          assert.equal((await staddle(["apply", plan, "--param", "a=b"])).code, 1);
          await run("virsh", "setmem", `${NAME}-vm`, "48M", "--config");
          const stale = await staddle(["apply", plan]);
          assert.equal(stale.code, 4, stale.stderr);
          assert.match(stale.stderr, new RegExp(`plan\\.stale.*lab/machine\\.${NAME}-vm`));
          assert.match(stale.stderr, /memory: 32 MiB -> 48 MiB/);
        },
      );

      await t.step("a fresh one repairs, once", async () => {
        assert.equal((await on("plan", "--out", plan)).code, 0);
        const shown = await staddle(["show", plan, "--format", "markdown"]);
        assert.match(shown.stdout, /\*\*Plan: 0 to add, 1 to change, 0 to destroy\.\*\*/);
        const repaired = await staddle(["apply", plan]);
        assert.equal(repaired.code, 0, repaired.stderr);
        assert.equal((await staddle(["apply", plan])).code, 4);
        assert.equal((await on("drift", "--detailed-exitcode")).code, 0);
      });

      await t.step("destroy by the recorded name; history remembers", async () => {
        const limited = await on("plan", "--destroy", "--out", plan);
        assert.equal(limited.code, 0, limited.stderr);
        const refused = await staddle(["apply", plan, "--max-disruption", "restart"]);
        assert.equal(refused.code, 3, refused.stderr);
        assert.match(refused.stderr, /policy\.max-disruption/);
        const env = { STADDLE_STATE: `${folder}/.staddle/state.db` };
        const end = await staddle(["destroy", NAME, "--yes"], env);
        assert.equal(end.code, 0, end.stderr);
        assert.deepEqual(await listing(), []);
        const history = await staddle(["history", NAME, "--json"], env);
        assert.deepEqual(
          JSON.parse(history.stdout).map(({ command }: { command: string }) => command),
          ["destroy", "apply", "apply"],
        );
      });

      await t.step(
        "Ctrl-C in mid-apply: the record is true, the next apply completes",
        async () => {
          const child = await applying();
          child.kill("SIGINT");
          const stopped = await ended(child);
          assert.equal(stopped.code, 130, stopped.stdout + stopped.stderr);
          assert.match(
            stopped.stderr,
            /^Apply cancelled\. [^]*^The record is true; to go on: staddle /m,
          );
          const next = await on("apply", "--yes");
          assert.equal(next.code, 0, next.stderr);
          assert.equal((await on("plan", "--detailed-exitcode")).code, 0);
          await destroyed();
        },
      );

      await t.step("a second run meanwhile is told who holds the lock", async () => {
        const child = await applying("--param", "waiting=true");
        const second = await on("apply", "--yes");
        const first = await ended(child);
        assert.equal(second.code, 5, second.stderr);
        assert.match(second.stderr, /error\[state\.locked\].*held by \S+@\S+ \(\d+\) since/);
        assert.equal(first.code, 1, "no guest takes a lease");
        assert.deepEqual(await listing(), [`${NAME}-net`, `${NAME}-vm`], "the machine stays");
        await destroyed();
      });

      await t.step("a host that does not answer is named; excluded, it is left alone", async () => {
        const both = await on("plan", "--param", "other=true");
        assert.equal(both.code, 1);
        assert.match(both.stdout, /\+ lab\/machine\.\S+-vm will be created/);
        assert.match(both.stderr, /^error\[ssh\.[\w-]+\]: .*host "b"/m);
        assert.doesNotMatch(both.stderr, /host-not-read/);
        const one = await on("plan", "--param", "other=true", "--exclude", "b/*");
        assert.equal(one.code, 0, one.stderr);
        assert.match(one.stdout, /^Plan: 2 to add/m);
      });

      await t.step("on a terminal: colour, Staddle's question, and none of Deno's", async () => {
        const words = [Deno.execPath(), ...DENO_ARGS, "apply", folder];
        const command = words.map((word) => `'${word}'`).join(" ");
        // The answer is typed ahead; the terminal keeps it until it is read.
        const shown = await run(
          "sh",
          "-c",
          `echo y | env -u NO_COLOR -u CI TERM=xterm script -qec "${command}; echo status=\\$?" /dev/null`,
        );
        assert.match(shown, /Only 'yes' will be accepted\./);
        assert.match(shown, /Apply cancelled\.\r\nstatus=130/);
        assert.ok(shown.includes("\x1b[32m+"), "colour");
        assert.doesNotMatch(shown, /Deno requests|Allow\?/);
      });

      await t.step("what came to be used while someone thought about it is not taken", async () => {
        assert.equal((await on("apply", "--yes")).code, 0);
        const words = [Deno.execPath(), ...DENO_ARGS, "destroy", folder];
        const command = words.map((word) => `'${word}'`).join(" ");
        await using terminal = new Deno.Command("script", {
          args: ["-qec", command, "/dev/null"],
          env: { CI: "", TERM: "xterm" },
          stdin: "piped",
          stdout: "piped",
          stderr: "null",
        }).spawn();
        const input = terminal.stdin.getWriter();
        let shown = "";
        for await (const text of terminal.stdout.pipeThrough(new TextDecoderStream())) {
          const asked = shown.includes("Only 'yes'");
          shown += text;
          if (asked || !shown.includes("Only 'yes'")) continue;
          await Deno.writeTextFile(`${folder}/guest.xml`, STRANGER);
          await run("virsh", "define", `${folder}/guest.xml`);
          await input.write(new TextEncoder().encode("yes\n"));
        }
        await input.close();
        assert.equal((await terminal.status).code, 4, shown);
        assert.match(shown, /plan\.stale[^]*net is used by now[^]*by machine "\S+-guest"/);
        await run("virsh", "undefine", `${NAME}-guest`);
        await destroyed();
      });
    } finally {
      await sweep();
      await Deno.remove(folder, { recursive: true });
    }
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
