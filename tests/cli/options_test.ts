/** Options from end to end, on the real libvirt of this machine. */

import assert from "node:assert/strict";
import { requirement } from "../support/skip.ts";
import { type Ended, libvirtObstacle, run, staddle } from "./staddle.ts";

const needs = await requirement("libvirt", libvirtObstacle);

/** One name for the stack and all its objects: nobody else on this host has it. */
const NAME = `sto${Deno.pid.toString(36)}`;

const STACK = `import { stack, z } from "staddle";

export default stack("${NAME}", {
  name: z.string().default("old"),
  memory: z.string().default("64MiB"),
  aliases: z.array(z.string()).default([]),
  protect: z.boolean().default(false),
}, (s, { name, memory, aliases, protect }) => {
  const lab = s.host("lab", { uri: "qemu:///system" }, { retainOnDelete: true });
  const net = lab.network("${NAME}-net", { isolated: "10.239.2.0/24" });
  const vm = lab.vm(\`${NAME}-\${name}\`, {
    memory,
    accel: "tcg",
    power: "off",
    nics: [{ network: net }],
  }, {
    aliases: aliases.map((one) => \`${NAME}-\${one}\`),
    protect,
    ignoreChanges: ["memory"],
    hooks: { afterUpdate: "echo $STADDLE_HOOK $STADDLE_NAME $STADDLE_UUID $STADDLE_IP >> hooks" },
  });
  return { uuid: vm.uuid, address: vm.address, mac: vm.nics[0].mac };
});
`;

const DOMAIN = `${NAME}-old`;
const NETWORK = `${NAME}-net`;

/** Takes away what the test has left: what it retains on purpose, too. */
async function sweep(): Promise<void> {
  for (
    const command of [
      ["undefine", DOMAIN],
      ["undefine", `${NAME}-new`],
      ["net-destroy", NETWORK],
      ["net-undefine", NETWORK],
    ]
  ) await run("virsh", ...command).catch(() => {});
}

Deno.test({
  name: "options by the command line: ignored, renamed, protected, retained, hooked",
  ...needs,
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: `${NAME}-` });
    const on = (command: string, ...flags: string[]): Promise<Ended> =>
      staddle([command, folder, ...flags]);
    const renamed = [
      "--param",
      "name=new",
      "--param",
      'aliases=["old"]',
      "--param",
      "protect=true",
    ];
    const outputs = (end: Ended) => /Outputs:\n\n([^]*)$/.exec(end.stdout)?.[1];
    const described = async () => ({
      xml: await run("virsh", "dumpxml", DOMAIN, "--inactive"),
      uuid: (await run("virsh", "domuuid", DOMAIN)).trim(),
    });
    try {
      await Deno.writeTextFile(`${folder}/stack.ts`, STACK);
      const made = await on("apply", "--yes");
      assert.equal(made.code, 0, made.stderr);
      const { uuid } = await described();

      await t.step("a new name alone makes anew, and the plan says how to rename", async () => {
        const end = await on("plan", "--param", "name=new");
        assert.match(end.stdout, /^Plan: 1 to add, 1 to change, 0 to destroy\.$/m);
        assert.ok(
          end.stdout.includes(
            `note: lab/machine.${DOMAIN}, which goes, is like it: if it was renamed, give this one ` +
              `the option aliases: ["${DOMAIN}"], and nothing is made anew`,
          ),
          end.stdout,
        );
      });

      await t.step("hooks are shown, and refused unless they were allowed", async () => {
        const end = await on("apply", "--yes", ...renamed);
        assert.equal(end.code, 3, end.stderr);
        assert.match(end.stdout, /note: hook afterUpdate: echo \$STADDLE_HOOK/);
        assert.match(end.stderr, /^error\[hooks\.not-allowed\]/);
        assert.ok(!(await described()).xml.includes(`machine.${NAME}-new`));
      });

      await t.step("what is renamed stays what it is; ignored changes are not made", async () => {
        const end = await on(
          "apply",
          "--yes",
          "--allow-hooks",
          ...renamed,
          "--param",
          "memory=96MiB",
        );
        assert.equal(end.code, 0, end.stderr);
        assert.match(end.stdout, /will be updated in place: it was renamed$/m);
        assert.match(end.stdout, /^Apply complete! Resources: 0 added, 1 changed, 0 destroyed\.$/m);
        assert.equal(outputs(end), outputs(made));
        const now = await described();
        assert.equal(now.uuid, uuid);
        assert.ok(now.xml.includes(`address="lab/machine.${NAME}-new"`), now.xml);
        assert.ok(now.xml.includes("<memory unit='KiB'>65536</memory>"), now.xml);
        const said = (await Deno.readTextFile(`${folder}/hooks`)).trim();
        assert.match(said, new RegExp(`^afterUpdate ${DOMAIN} ${uuid} 10\\.239\\.2\\.\\d+$`));
        const again = await on("plan", "--param", "name=new", "--param", "protect=true");
        assert.equal(
          again.stdout,
          "No changes. Your infrastructure matches the configuration.\n",
          again.stderr,
        );
      });

      await t.step("what is protected is not destroyed", async () => {
        const end = await staddle(["destroy", NAME, "--yes"], {
          STADDLE_STATE: `${folder}/.staddle/state.db`,
        });
        assert.equal(end.code, 3, end.stderr);
        assert.match(end.stderr, /^error\[policy\.protected\]: lab\/machine\./);
        assert.equal((await described()).uuid, uuid);
      });

      await t.step("what is retained is forgotten, and loses its mark", async () => {
        const lifted = await on("apply", "--yes", "--param", "name=new");
        assert.equal(lifted.code, 0, lifted.stderr);
        assert.match(lifted.stdout, /it is protected no longer/);
        const end = await on("destroy", "--yes", "--param", "name=new");
        assert.equal(end.code, 0, end.stderr);
        assert.match(end.stdout, /^Destroy complete! Resources: 0 destroyed\.$/m);
        assert.ok(!(await described()).xml.includes("staddle"));
        assert.ok(!(await run("virsh", "net-dumpxml", NETWORK, "--inactive")).includes("staddle"));
      });
    } finally {
      await sweep();
      await Deno.remove(folder, { recursive: true });
    }
  },
});
