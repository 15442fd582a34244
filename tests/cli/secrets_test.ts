/**
 * A secret's value on its way through a whole run, by the command line and on the real libvirt of this
 * machine: it reaches the domain, and stands in nothing that Staddle writes or says.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { requirement } from "../support/skip.ts";
import { DENO_ARGS, type Ended, ended, libvirtObstacle, run, staddle } from "./staddle.ts";

const needs = await requirement("libvirt", libvirtObstacle);

/** One name for the stack and all its objects: nobody else on this host has it. */
const NAME = `sec${Deno.pid.toString(36)}`;

const FIRST = "Kanari71";
const SECOND = "Kanari&9";

const STACK = `import { secret, stack, z } from "staddle";

export default stack("${NAME}", {
  title: z.string().default("one"),
  from: z.string().default("desk-vnc"),
}, (s, { title, from }) => {
  s.host("lab", { uri: "qemu:///system" }).vm("${NAME}-vm", {
    accel: "tcg",
    memory: "64MiB",
    title,
    displays: [{ name: "desk", type: "vnc", password: secret(from) }],
  }, { hooks: { afterCreate: "env >hook.env" } });
});
`;

/** A machine that somebody else has made. */
const BY_HAND = `<domain type='qemu'>
  <name>${NAME}-vm</name>
  <memory>65536</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <graphics type='vnc' passwd='${SECOND.replace("&", "&amp;")}' connected='keep' autoport='yes'/>
  </devices>
</domain>
`;

/** The password as libvirt itself has it, running and saved. */
async function passwords(): Promise<readonly (string | undefined)[]> {
  const read = (...args: string[]) =>
    run("virsh", "-c", "qemu:///system", "dumpxml", "--security-info", `${NAME}-vm`, ...args);
  const texts = await Promise.all([read(), read("--inactive")]);
  return texts.map((text) => / passwd='([^']*)'/.exec(text)?.[1]?.replace("&amp;", "&"));
}

/** A value in every form in which something may have kept it. */
function forms(value: string): readonly string[] {
  const digests = ["sha256", "sha1", "md5"].flatMap((name) =>
    (["hex", "base64"] as const).map((form) => createHash(name).update(value).digest(form))
  );
  return [value, value.replace("&", "&amp;"), btoa(value), ...digests];
}

/** Every file under a folder, as Latin-1: any bytes are a text then. */
async function* texts(folder: string): AsyncGenerator<readonly [name: string, text: string]> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* texts(path);
    else yield [path, new TextDecoder("latin1").decode(await Deno.readFile(path))];
  }
}

Deno.test({
  name: "a secret's value stands in the domain, and in nothing that is written or said",
  ...needs,
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: `${NAME}-` });
    const kept = await Deno.makeTempDir({ prefix: `${NAME}-kept-` });
    const said: Ended[] = [];
    const on = async (
      env: Record<string, string>,
      command: string,
      ...flags: string[]
    ): Promise<Ended> => {
      const end = await staddle([...command.split(" "), ...flags], { STADDLE_DEBUG: "1", ...env });
      said.push(end);
      return end;
    };
    const first = { STADDLE_SECRET_DESK_VNC: FIRST };
    const second = { STADDLE_SECRETS: kept };
    const plan = `${folder}/plan.json`;
    const pid = () => Deno.readTextFile(`/run/libvirt/qemu/${NAME}-vm.pid`);
    try {
      await Deno.writeTextFile(`${folder}/stack.ts`, STACK);
      await Deno.writeTextFile(`${kept}/desk-vnc`, `${SECOND}\n`);

      await t.step("planned where it has no value: the plan says what will be needed", async () => {
        const planned = await on({}, "plan", folder);
        assert.equal(planned.code, 0, planned.stderr);
        assert.match(
          planned.stdout,
          /displays\[desk\]\.password will be needed: secret "desk-vnc" has no value here/,
        );
        assert.match(planned.stdout, /^Plan: 1 to add/m);
      });

      await t.step("made by a saved plan, with a variable", async () => {
        const planned = await on(first, "plan", folder, "--out", plan, "--json");
        assert.equal(planned.code, 0, planned.stderr);
        const events = `${folder}/events.jsonl`;
        const applied = await on(first, "apply", plan, "--allow-hooks", "--events", events);
        assert.equal(applied.code, 0, applied.stderr);
        assert.deepEqual(await passwords(), [FIRST, FIRST]);
        assert.doesNotMatch(await Deno.readTextFile(`${folder}/hook.env`), /STADDLE_SECRET_/);
      });

      await t.step("planned again with few permissions: with its value, and without", async () => {
        const args = DENO_ARGS.map((arg) => arg === "-P" ? "-P=plan" : arg);
        const looked = async (env: Record<string, string>) => {
          const end = await ended(
            new Deno.Command(Deno.execPath(), {
              args: [...args, "plan", folder],
              env: { NO_COLOR: "", STADDLE_STATE: "", ...env },
              stdin: "null",
              stdout: "piped",
              stderr: "piped",
            }).spawn(),
          );
          said.push(end);
          assert.equal(end.code, 0, end.stderr);
          return end.stdout;
        };
        const known = await looked(first);
        assert.match(known, /^No changes\./m);
        assert.doesNotMatch(known, /not compared/);
        const unknown = await looked({});
        assert.match(unknown, /^No changes\./m);
        assert.match(
          unknown,
          /displays\[desk\]\.password was not compared .*: secret "desk-vnc" has no value here/,
        );
      });

      await t.step("another value, from a file: changed while QEMU runs", async () => {
        const before = await pid();
        const applied = await on(second, "apply", folder, "--yes");
        assert.equal(applied.code, 0, applied.stderr);
        assert.match(
          applied.stdout,
          /^ +~ displays\[desk\]\.password +\(sensitive value\) \(live\)$/m,
        );
        assert.deepEqual(await passwords(), [SECOND, SECOND]);
        assert.equal(await pid(), before);
      });

      await t.step("another field where nobody knows the value: it stays", async () => {
        const applied = await on({}, "apply", folder, "--yes", "--json", "--param", "title=two");
        assert.equal(applied.code, 0, applied.stderr);
        assert.deepEqual(await passwords(), [SECOND, SECOND]);
      });

      await t.step("a secret that has no value, and one that is too long: refused", async () => {
        const failed = await on(second, "apply", folder, "--yes", "--param", "from=other");
        assert.equal(failed.code, 1, failed.stdout);
        assert.match(failed.stderr, /error\[secret\.not-found\].*secret "other" has no value here/);
        assert.match(
          failed.stderr,
          /nothing was touched; set STADDLE_SECRET_OTHER; or put it into/,
        );
        const long = { STADDLE_SECRET_DESK_VNC: `${FIRST}1` };
        const refused = await on(long, "apply", folder, "--yes", "--param", "from=desk_vnc");
        assert.equal(refused.code, 1, refused.stdout);
        assert.match(refused.stderr, /error\[secret\.too-long\]/);
        assert.deepEqual(await passwords(), [SECOND, SECOND]);
      });

      await t.step("what is recorded of it is its name", async () => {
        const pulled = await on(second, "state pull", folder);
        assert.equal(pulled.code, 0, pulled.stderr);
        assert.match(pulled.stdout, /"secret": ?"desk-vnc"/);
        const history = await on(second, "history", folder, "--json");
        assert.equal(history.code, 0, history.stderr);
        const destroyed = await on(second, "destroy", folder, "--yes");
        assert.equal(destroyed.code, 0, destroyed.stderr);
      });

      await t.step("imported: the file says that there is one, and it stays", async () => {
        const definition = `${kept}/by-hand.xml`;
        await Deno.writeTextFile(definition, BY_HAND);
        await run("virsh", "-c", "qemu:///system", "define", definition);
        const out = `${folder}/imported`;
        const imported = await on({}, "import qemu:///system", `${NAME}-vm`, "--out", out);
        assert.equal(imported.code, 0, imported.stderr);
        const file = `${out}/stack.ts`;
        const text = await Deno.readTextFile(file);
        assert.match(
          text,
          /^ +\/\/ Its display keeps its password; password: secret\("NAME"\) would/m,
        );
        await Deno.writeTextFile(
          file,
          text.replace("    memory:", '    title: "ours",\n    memory:'),
        );
        const applied = await on({}, "apply", out, "--yes");
        assert.equal(applied.code, 0, applied.stderr);
        assert.match(applied.stdout, /^ +\+ title +"ours" \(live\)$/m);
        assert.equal((await passwords())[1], SECOND);
      });

      await t.step("no value of it was written or said, nor a digest of one", async () => {
        const all: (readonly [name: string, text: string])[] = said.flatMap((
          { stdout, stderr },
          at,
        ) => [[`output ${at}`, stdout], [`errors ${at}`, stderr]]);
        for await (const file of texts(folder)) all.push(file);
        const names = all.filter(([, text]) => text.includes("desk-vnc")).map(([name]) => name);
        for (const file of ["/stack.ts", "/plan.json", "/.staddle/state.db"]) {
          assert.ok(
            names.some((name) => name.startsWith(folder + file)),
            `${file} was not searched`,
          );
        }
        for (const [name, text] of all) {
          for (const form of [...forms(FIRST), ...forms(SECOND)]) {
            assert.ok(!text.includes(form), `${name} holds ${form}`);
          }
        }
      });
    } finally {
      for (const command of ["destroy", "undefine"]) {
        await run("virsh", "-c", "qemu:///system", command, `${NAME}-vm`).catch(() => {});
      }
      await Deno.remove(folder, { recursive: true });
      await Deno.remove(kept, { recursive: true });
    }
  },
});
