/**
 * Hosts that refuse, do not answer or have something else under a wanted name: from end to end on real
 * hosts over SSH. Each time nothing on them is touched, and no record is begun; what another host of the
 * stack has is planned all the same. The table in bad_input_test.ts says where else such errors are shown.
 */

import assert from "node:assert/strict";
import { listing } from "../examples/staddle.ts";
import { Fleet, fleetObstacle } from "../fleet/mod.ts";
import { golden } from "../support/golden.ts";
import { requirement } from "../support/skip.ts";
import { makeProject, type Project, steady } from "./project.ts";

const needs = await requirement("fleet", fleetObstacle);

interface Case {
  /** Name of the golden file. */
  readonly name: string;
  /** What the stack says about host `far` beside its URI. */
  readonly far?: (fleet: Fleet) => Readonly<Record<string, unknown>>;
  /** More of the stack; `lab` and `far` are its hosts. */
  readonly body?: string;
  /** Brings the hosts into the state in which they refuse. */
  readonly begin?: (fleet: Fleet) => Promise<void>;
  /** And out of it. */
  readonly end?: (fleet: Fleet) => Promise<void>;
  /** Seconds within which both commands must have ended. */
  readonly within?: number;
}

const domain = `<domain type="qemu"><name>web</name><memory>65536</memory>
<os><type arch="x86_64">hvm</type></os></domain>`;

const cases: readonly Case[] = [
  {
    name: "key-refused",
    far: ({ ssh: { refusedIdentityFile, knownHosts } }) => ({
      ssh: { configFile: "/dev/null", identityFile: refusedIdentityFile, knownHosts },
    }),
  },
  {
    name: "host-key-unknown",
    far: ({ ssh: { identityFile, emptyKnownHosts } }) => ({
      ssh: { configFile: "/dev/null", identityFile, knownHosts: emptyKnownHosts },
    }),
  },
  {
    name: "host-key-changed",
    far: ({ ssh: { identityFile, changedKnownHosts } }) => ({
      ssh: { configFile: "/dev/null", identityFile, knownHosts: changedKnownHosts },
    }),
  },
  {
    name: "host-down",
    far: () => ({ connectTimeout: 2 }),
    begin: (fleet) => fleet.host(2).link.down(),
    end: (fleet) => fleet.host(2).link.up(),
    within: 30,
  },
  {
    name: "no-libvirt",
    begin: (fleet) => fleet.host(2).libvirtd.stop(),
    end: (fleet) => fleet.host(2).libvirtd.start(),
  },
  {
    name: "no-such-pool",
    body: 'far.volume("data", { pool: far.existingPool("fast"), size: "1MiB" });',
  },
  {
    name: "machine-not-ours",
    body: 'far.vm("web", { memory: "64MiB", power: "off" });',
    begin: async (fleet) => {
      await fleet.host(2).must("cat >/tmp/web.xml", { stdin: domain });
      await fleet.host(2).virsh("define", "/tmp/web.xml");
    },
    end: async (fleet) => void await fleet.host(2).virsh("undefine", "web"),
  },
  {
    name: "network-not-ours",
    body: 'far.network("front", { isolated: "10.97.0.0/24" });',
    begin: async (fleet) => {
      await fleet.host(2).must("cat >/tmp/front.xml", {
        stdin: '<network><name>front</name><bridge name="vfront"/></network>',
      });
      await fleet.host(2).virsh("net-define", "/tmp/front.xml");
    },
    end: async (fleet) => void await fleet.host(2).virsh("net-undefine", "front"),
  },
  {
    name: "pool-not-ours",
    body: 'far.pool("store", { path: "/srv/store" });',
    begin: async (fleet) =>
      void await fleet.host(2).virsh("pool-define-as", "store", "dir", "--target", "/srv/other"),
    end: async (fleet) => void await fleet.host(2).virsh("pool-undefine", "store"),
  },
  {
    name: "volume-not-ours",
    body: 'far.volume("data", { pool: far.existingPool("theirs"), size: "1MiB" });',
    begin: async (fleet) => {
      const host = fleet.host(2);
      await host.virsh("pool-define-as", "theirs", "dir", "--target", "/var/lib/theirs");
      await host.virsh("pool-build", "theirs");
      await host.virsh("pool-start", "theirs");
      await host.virsh("vol-create-as", "theirs", "data.qcow2", "1M", "--format", "qcow2");
    },
    end: async (fleet) => {
      const host = fleet.host(2);
      await host.virsh("vol-delete", "data.qcow2", "--pool", "theirs");
      await host.virsh("pool-destroy", "theirs");
      await host.virsh("pool-undefine", "theirs");
    },
  },
];

/** Two hosts: `lab` is well, `far` is what the case makes of it. */
function stackText(fleet: Fleet, { far, body = "" }: Case): string {
  const ssh = { configFile: fleet.ssh.config };
  const declared = { uri: fleet.host(2).plainUri, ssh, ...far?.(fleet) };
  return `import { stack } from "staddle";

export default stack("two", (s) => {
  const lab = s.host("lab", ${JSON.stringify({ uri: fleet.host(1).plainUri, ssh })});
  lab.network("good", { isolated: "10.98.0.0/24" });
  const far = s.host("far", ${JSON.stringify(declared)});
  ${body === "" ? 'far.network("back", { isolated: "10.99.0.0/24" });' : body}
});
`;
}

/** What both commands show, in one text that reads as on a terminal. */
async function transcript(project: Project): Promise<string> {
  const [plan, apply] = await Promise.all([
    project.run(["plan", "stack.ts"]),
    project.run(["apply", "stack.ts", "--yes"]),
  ]);
  assert.deepEqual([plan.code, apply.code], [1, 1], plan.stdout + plan.stderr);
  assert.equal(apply.stderr, plan.stderr, "apply says what plan says");
  assert.equal(apply.stdout.trimEnd(), plan.stdout.trimEnd());
  return `$ staddle apply stack.ts --yes\n${apply.stdout}${apply.stderr}`;
}

function both(fleet: Fleet): Promise<readonly string[]> {
  return Promise.all(fleet.hosts.map(listing));
}

Deno.test({ name: "hosts refuse, with nothing touched", ...needs }, async (t) => {
  await using fleet = await Fleet.up({ hosts: 2 });
  // One folder for all steps: most of the stack's types are checked once.
  await using project = await makeProject({});
  const names = {
    [project.folder]: "<project>",
    [fleet.dir]: "<fleet>",
    [fleet.host(1).address]: "<lab>",
    [fleet.host(2).address]: "<far>",
  };
  for (const one of cases) {
    await t.step(one.name.replaceAll("-", " "), async () => {
      await one.begin?.(fleet);
      try {
        const before = await both(fleet);
        await project.write("stack.ts", stackText(fleet, one));
        const began = performance.now();
        const shown = await transcript(project);
        const seconds = (performance.now() - began) / 1000;
        golden(import.meta.url, `${one.name}.txt`, steady(shown, names));
        assert.ok(seconds < (one.within ?? 60), `${seconds} s`);
        assert.deepEqual(await both(fleet), before);
        await project.checkUntouched();
      } finally {
        await one.end?.(fleet);
      }
    });
  }

  await t.step("an image that is not what was declared when it is fetched", async () => {
    const before = await both(fleet);
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response("something else"),
    );
    const from = `http://127.0.0.1:${server.addr.port}/base.raw`;
    const body = `far.image("base", { from: "${from}", sha256: "${"0".repeat(64)}" });`;
    await project.write("stack.ts", stackText(fleet, { name: "digest", body }));
    const applied = await project.run(["apply", "stack.ts", "--yes"]);
    assert.equal(applied.code, 1, applied.stdout + applied.stderr);
    golden(
      import.meta.url,
      "image-fetched-with-wrong-digest.txt",
      steady(applied.stderr, { ...names, [from]: "<url>" }),
    );
    // The image's pool and the other host's network were made; of the image nothing is left.
    const files = await fleet.host(2).must("ls -A /var/lib/libvirt/staddle");
    assert.equal(files, "");
    const destroyed = await project.run(["destroy", "stack.ts", "--yes"]);
    assert.equal(destroyed.code, 0, destroyed.stdout + destroyed.stderr);
    assert.deepEqual(await both(fleet), before);
    await Deno.remove(project.path(".staddle"), { recursive: true });
  });

  await t.step("a plan file that was edited into a cycle", async () => {
    const before = await both(fleet);
    await project.write("stack.ts", stackText(fleet, { name: "good" }));
    const planned = await project.run(["plan", "stack.ts", "--out", "plan.json"]);
    assert.equal(planned.code, 0, planned.stderr);
    const document = JSON.parse(await Deno.readTextFile(project.path("plan.json")));
    const [first, second] = document.staddle.plan.steps;
    first.needs = [second.id];
    second.needs = [first.id];
    await project.write("plan.json", JSON.stringify(document));
    const applied = await project.run(["apply", "plan.json"]);
    assert.equal(applied.code, 1, applied.stdout + applied.stderr);
    golden(import.meta.url, "plan-with-cycle.txt", steady(applied.stderr, names));
    assert.deepEqual(await both(fleet), before);
  });
});
