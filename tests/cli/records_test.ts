/** What becomes of plans and records between runs, from end to end, on the real libvirt of this machine. */

import assert from "node:assert/strict";
import type { RunRecord } from "../../state/store.ts";
import { requirement } from "../support/skip.ts";
import { makeKey } from "./keys.ts";
import { begin, DENO_ARGS, type Ended, ended, libvirtObstacle, run, staddle } from "./staddle.ts";

const needs = await requirement("libvirt", libvirtObstacle);

/** One name for the stack and all its objects: nobody else on this host has it. */
const NAME = `str${Deno.pid.toString(36)}`;
const NO_CHANGES = "No changes. Your infrastructure matches the configuration.\n";

/** A machine that never runs, with a disk and a seed in a pool of its own. */
const stackText = (folder: string) =>
  `import { stack, z } from "staddle";

export default stack("${NAME}", {
  memory: z.string().default("64MiB"),
  autostart: z.boolean().default(true),
}, (s, { memory, autostart }) => {
  const lab = s.host("lab", { uri: "qemu:///system" });
  const net = lab.network("${NAME}-net", {
    isolated: "10.249.${Deno.pid % 250}.0/24",
    autostart,
  });
  const pool = lab.pool("${NAME}-pool", { path: "${folder}/pool" });
  const vm = lab.vm("${NAME}-vm", {
    vcpus: 1,
    memory,
    accel: "tcg",
    disks: [{ size: "4MiB", pool }],
    cloudInit: { hostname: "one" },
    nics: [{ network: net }],
    power: "off",
  });
  return { address: vm.nics[0]!.ip };
});
`;

/** What of ours the host has. */
async function listing(): Promise<string[]> {
  const all = await Promise.all([
    run("virsh", "list", "--all", "--name"),
    run("virsh", "net-list", "--all", "--name"),
    run("virsh", "pool-list", "--all", "--name"),
  ]);
  return all.join("\n").split("\n").map((line) => line.trim()).filter((line) => line.includes(NAME))
    .sort();
}

/** Takes away what a failed test has left. */
async function sweep(): Promise<void> {
  for (
    const command of [
      ["undefine", `${NAME}-vm`],
      ["net-destroy", `${NAME}-net`],
      ["net-undefine", `${NAME}-net`],
      ["pool-destroy", `${NAME}-pool`],
      ["pool-undefine", `${NAME}-pool`],
    ]
  ) await run("virsh", ...command).catch(() => {});
}

Deno.test({
  name: "plans that are signed, refused or go back, and records that move, break and are made anew",
  ...needs,
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: `${NAME}-` });
    // Each step stands on those before it.
    const step = async (name: string, body: () => Promise<void>): Promise<void> => {
      if (!await t.step(name, body)) throw new Error("the steps behind it were not tried");
    };
    const plan = `${folder}/plan.json`;
    const store = `${folder}/.staddle/state.db`;
    const on = (...args: string[]): Promise<Ended> =>
      staddle([...args.slice(0, 1), folder, ...args.slice(1)]);
    const state = (...args: string[]): Promise<Ended> =>
      staddle(["state", args[0]!, folder, ...args.slice(1)]);
    const good = async (end: Promise<Ended>): Promise<string> => {
      const { code, stdout, stderr } = await end;
      assert.equal(code, 0, stdout + stderr);
      return stdout;
    };
    const refused = async (
      end: Promise<Ended>,
      code: number,
      ...said: RegExp[]
    ): Promise<void> => {
      const { code: found, stdout, stderr } = await end;
      assert.equal(found, code, stdout + stderr);
      for (const pattern of said) assert.match(stderr, pattern);
    };
    const unchanged = async (): Promise<void> => {
      const end = await on("plan", "--detailed-exitcode");
      assert.deepEqual([end.code, end.stdout], [0, NO_CHANGES], end.stdout + end.stderr);
    };
    const runs = async (): Promise<RunRecord[]> => JSON.parse(await good(on("history", "--json")));
    const objects = [`${NAME}-net`, `${NAME}-pool`, `${NAME}-vm`];
    try {
      await Deno.writeTextFile(`${folder}/stack.ts`, stackText(folder));
      const ours = await makeKey(folder, "ours");
      const theirs = await makeKey(folder, "theirs");

      await step("a new stack that is declined leaves no store behind", async () => {
        const words = [Deno.execPath(), ...DENO_ARGS, "apply", folder];
        const command = words.map((word) => `'${word}'`).join(" ");
        const shown = await run(
          "sh",
          "-c",
          `echo no | env -u CI TERM=xterm script -qec "${command}; echo status=\\$?" /dev/null`,
        );
        assert.match(shown, /Apply cancelled\.\r\nstatus=130/);
        await assert.rejects(Deno.stat(store), Deno.errors.NotFound);
      });

      await step("only what an accepted key has signed is carried out", async () => {
        const said = await good(on("plan", "--out", plan, "--sign", ours.privateKey));
        assert.match(said, /^Saved and signed\./m);
        const policy = { STADDLE_PLAN_KEYS: ours.publicKey };
        await refused(staddle(["apply", folder, "--yes"], policy), 3, /policy\.unsigned/);
        await refused(
          staddle(["apply", plan, "--require-signature", theirs.publicKey]),
          3,
          /policy\.foreign-signer/,
        );
        const text = await Deno.readTextFile(plan);
        await Deno.writeTextFile(plan, text.replaceAll("67108864", "67108865"));
        await refused(staddle(["apply", plan], policy), 3, /policy\.bad-signature/);
        assert.deepEqual(await listing(), [], "nothing was touched");
        await assert.rejects(Deno.stat(store), Deno.errors.NotFound);
        await Deno.writeTextFile(plan, text);
        assert.match(
          await good(staddle(["apply", plan], policy)),
          /^Apply complete! Resources: 5 added, 0 changed, 0 destroyed\.$/m,
        );
        assert.deepEqual(await listing(), objects);
      });

      await step(
        "a plan of a stack that was edited since is refused, naming the file",
        async () => {
          await good(on("plan", "--out", plan, "--param", "memory=96MiB"));
          const file = `${folder}/stack.ts`;
          const text = await Deno.readTextFile(file);
          await Deno.writeTextFile(file, `${text}// reviewed\n`);
          await refused(staddle(["apply", plan]), 4, /plan\.stale.*stack's file/, /stack\.ts/);
          await Deno.writeTextFile(file, text);
          await good(staddle(["apply", plan]));
        },
      );

      await step(
        "history shows a revision in full, and the way back to it is a plan",
        async () => {
          const [last, first] = await runs();
          const { digest } = JSON.parse(await Deno.readTextFile(plan)).staddle;
          assert.equal(last!.planDigest, digest, "the plan that was carried out");
          const shown = await good(on("history", first!.id.slice(0, 8)));
          assert.match(shown, /^ {2}planned +\+5 ~0 -0$/m);
          assert.match(shown, new RegExp(`^ {2}plan +${first!.planDigest!.slice(0, 12)}$`, "m"));
          assert.match(shown, new RegExp(`^create:lab/machine\\.${NAME}-vm +done `, "m"));
          await refused(on("history", "ffffffffff"), 1, /history\.no-such-revision/);
          // Nothing is evaluated: the stack's file is not even there.
          await Deno.rename(`${folder}/stack.ts`, `${folder}/away`);
          const env = { STADDLE_STATE: store };
          const back = await good(
            staddle(["plan", NAME, "--to", first!.id.slice(0, 8), "--out", plan], env),
          );
          assert.match(back, /~ memory +96 MiB -> 64 MiB/);
          await good(staddle(["apply", plan], env));
          await Deno.rename(`${folder}/away`, `${folder}/stack.ts`);
          await unchanged();
          assert.notEqual(last!.id, (await runs())[0]!.id);
        },
      );

      await step("the way back to a run of a part leaves what it did not concern", async () => {
        const machine = `lab/machine.${NAME}-vm`;
        const two = ["--param", "memory=96MiB", "--param", "autostart=false"];
        await good(on("apply", "--yes", ...two, "--exclude", machine));
        const [part] = await runs();
        assert.deepEqual(part!.part, { exclude: [machine] });
        assert.match(
          await good(on("plan", ...two, "--exclude", machine)),
          /^No changes\. This part of .*\nOnly a part of the stack was looked at \(--exclude "\S+"\)/,
        );
        await good(on("apply", "--yes", ...two));
        const back = await good(on("plan", "--to", part!.id.slice(0, 8), "--out", plan));
        assert.match(back, /~ memory +96 MiB -> 64 MiB/);
        assert.match(back, /^Plan: 0 to add, 1 to change, 0 to destroy\.$/m, "the network stays");
        await good(staddle(["apply", plan]));
        await good(on("apply", "--yes"));

        await good(on("destroy", "--yes", "--target", machine));
        const [less] = await runs();
        assert.deepEqual(less!.part, { target: [machine] });
        await good(on("apply", "--yes"));
        const end = await on("plan", "--to", less!.id.slice(0, 8));
        assert.match(end.stdout, new RegExp(`- ${machine} will be destroyed`));
        assert.match(end.stdout, /^Plan: 0 to add, 0 to change, \d to destroy\.$/m);
        await unchanged();
      });

      await step("drift stands apart; --refresh-only takes it into the record", async () => {
        await run("virsh", "setmem", `${NAME}-vm`, "32M", "--config");
        const planned = await on("plan", "--refresh-only", "--detailed-exitcode", "--out", plan);
        assert.equal(planned.code, 2, planned.stderr);
        assert.match(planned.stdout, /^Note: Objects have changed outside of Staddle/m);
        assert.match(planned.stdout, /~ memory +64 MiB -> 32 MiB/);
        await run("virsh", "setmem", `${NAME}-vm`, "48M", "--config");
        await refused(staddle(["apply", plan]), 4, /plan\.stale/);
        assert.match(
          await good(on("apply", "--refresh-only", "--yes")),
          /^Apply complete! Resources: 0 added, 0 changed, 0 destroyed\.$/m,
        );
        assert.equal((await on("drift", "--detailed-exitcode")).code, 0);
        const intended = await good(on("plan"));
        assert.match(intended, /~ memory +48 MiB -> 64 MiB/);
        assert.doesNotMatch(intended, /changed outside/);
        await good(on("apply", "--yes"));
      });

      await step(
        "what nobody declared is left alone, and noted where it is asked for",
        async () => {
          await run("virsh", "desc", `${NAME}-vm`, "--config", "not ours");
          await unchanged();
          const noted = await good(on("apply", "--refresh-only", "--yes"));
          assert.match(noted, /^Changed only where nothing is declared: lab\/machine\./m);
          assert.match(await run("virsh", "dumpxml", `${NAME}-vm`), /not ours/);
        },
      );

      await step("state mv: another address, the same machine", async () => {
        const before = await run("virsh", "domuuid", `${NAME}-vm`);
        const [from, to] = [`lab/machine.${NAME}-vm`, "lab/machine.renamed"];
        assert.match(await good(state("mv", from, to, "--dry-run")), /^Would move /m);
        assert.match(await good(state("mv", from, to)), /^Successfully moved 3 object\(s\)\.$/m);
        const file = `${folder}/stack.ts`;
        const text = await Deno.readTextFile(file);
        await Deno.writeTextFile(file, text.replace(`lab.vm("${NAME}-vm"`, 'lab.vm("renamed"'));
        await unchanged();
        assert.equal(await run("virsh", "domuuid", `${NAME}-vm`), before);
        assert.match(await run("virsh", "dumpxml", `${NAME}-vm`), /address=.lab\/machine\.renamed/);
      });

      await step("pull, push, lock, unlock, check", async () => {
        const pulled = `${folder}/pulled.json`;
        await Deno.writeTextFile(pulled, await good(state("pull")));
        await good(state("push", pulled));
        await refused(state("push", pulled), 1, /state\.older-serial/);
        await good(state("push", pulled, "--force"));
        const other = JSON.parse(await Deno.readTextFile(pulled));
        other.lineage = "11111111-1111-4111-8111-111111111111";
        await Deno.writeTextFile(pulled, JSON.stringify({ ...other, serial: 999 }));
        await refused(state("push", pulled), 1, /state\.other-lineage/);
        assert.match(await good(state("lock", "--for", "10m")), /is locked until /);
        await refused(on("apply", "--yes"), 5, /state\.locked/);
        assert.match(await good(state("unlock")), /is unlocked; /);
        assert.match(await good(state("check")), /no problem found/);
      });

      await step("rm with --keep-mark forgets; what carries the mark is taken back", async () => {
        const net = `lab/network.${NAME}-net`;
        assert.match(
          await good(state("rm", net, "--keep-mark")),
          /^Successfully removed 1 resource\(s\)\.$/m,
        );
        await good(on("apply", "--yes"));
        assert.match(await good(state("list")), /network/);
      });

      await step("rm lets go: nothing is taken back that nobody asks for", async () => {
        const pulled = await good(state("pull"));
        const [net, vm] = [`lab/network.${NAME}-net`, "lab/machine.renamed"];
        const domain = await run("virsh", "dumpxml", `${NAME}-vm`);
        assert.match(domain, /address=.lab\/machine\.renamed/);
        assert.match(await good(state("rm", net, vm, "--dry-run")), /^Would remove lab\/machine/m);
        assert.equal(await run("virsh", "dumpxml", `${NAME}-vm`), domain);
        assert.match(await good(state("rm", net, vm)), /and is no stack's now\.$/m);
        const bare = await run("virsh", "dumpxml", `${NAME}-vm`);
        assert.doesNotMatch(bare, /lab\/machine/);
        const rest = (xml: string) => xml.replace(/<metadata(\/>|>[\s\S]*<\/metadata>)\s*/, "");
        assert.equal(rest(bare).trim(), rest(domain).trim());
        // libvirt 9.0 cannot change the metadata of a network that runs; its configuration is what is read.
        const xml = await run("virsh", "net-dumpxml", `${NAME}-net`, "--inactive");
        assert.doesNotMatch(xml, /lab\/network/);
        await refused(on("plan"), 1, /ownership\.not-ours/, /it has no mark of Staddle/);
        // The record as it was owns them again, and the next apply puts the marks back.
        await Deno.writeTextFile(`${folder}/pulled.json`, pulled);
        await good(state("push", `${folder}/pulled.json`, "--force"));
        await good(on("apply", "--yes"));
        await unchanged();
        assert.match(await run("virsh", "dumpxml", `${NAME}-vm`), /lab\/machine\.renamed/);
      });

      await step("migrate to another store and back", async () => {
        const other = `${folder}/other.db`;
        const moved = await good(staddle(["state", "migrate", store, other]));
        assert.match(moved, new RegExp(`^Migrated stack "${NAME}": 5 resource`, "m"));
        assert.equal(await good(staddle(["state", "list"], { STADDLE_STATE: other })), `${NAME}\n`);
        await refused(staddle(["state", "migrate", store, other]), 1, /state\.nothing-to-migrate/);
        await good(staddle(["state", "migrate", other, store]));
        await unchanged();
      });

      await step("a record that is lost is made anew from the host", async () => {
        await refused(state("rebuild"), 1, /state\.not-lost/);
        await Deno.remove(`${folder}/.staddle`, { recursive: true });
        const made = await good(state("rebuild"));
        assert.match(made, /^Rebuilt the record of stack .*: 5 resource\(s\)\./m);
        assert.doesNotMatch(made, /Left alone/);
        await unchanged();
      });

      await step("one that is broken is kept aside", async () => {
        await Deno.writeTextFile(store, "no database any more");
        for (const suffix of ["-wal", "-shm"]) {
          await Deno.remove(`${store}${suffix}`).catch(() => {});
        }
        assert.equal((await state("check")).code, 1);
        await refused(on("plan"), 1, /state\.corrupt/);
        await refused(state("rebuild"), 1, /state\.broken/);
        assert.match(await good(state("rebuild", "--force")), /kept in .*state\.db\.broken-/);
        await unchanged();
      });

      await step("destroy --from-host needs neither record nor stack", async () => {
        await Deno.writeTextFile(store, "no database any more");
        for (const suffix of ["-wal", "-shm"]) {
          await Deno.remove(`${store}${suffix}`).catch(() => {});
        }
        await refused(on("destroy", "--yes"), 1, /state\.corrupt/);
        const words = ["destroy", NAME, "--from-host", "qemu:///system", "--yes"];
        const end = await ended(begin(words, { STADDLE_STATE: store }, folder));
        assert.equal(end.code, 0, end.stdout + end.stderr);
        assert.match(end.stdout, /^Destroy complete! Resources: 5 destroyed\.$/m);
        assert.match(end.stderr, /The record in .* was left as it is/);
        assert.deepEqual(await listing(), []);
        const again = await good(
          ended(begin(words, { STADDLE_STATE: `${folder}/none.db` }, folder)),
        );
        assert.equal(again, "No changes. No objects need to be destroyed.\n");
      });
    } finally {
      await sweep();
      await Deno.remove(folder, { recursive: true });
    }
  },
});
