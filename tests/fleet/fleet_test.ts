import assert from "node:assert/strict";
import { requirement } from "../support/skip.ts";
import { must, poll, run } from "./command.ts";
import { Fleet, fleetObstacle } from "./fleet.ts";
import { slowHost } from "./slow_host.ts";
import { consoleSays, defineGuest, guestObstacle, type TestGuest } from "./test_guest.ts";

const fleets = await requirement("fleet", fleetObstacle);
const guests = await requirement("guest", guestObstacle);

interface FleetTraces {
  readonly id: string;
  readonly dir: string;
}

/** All that this machine has of a fleet, one thing a line. */
async function tracesOf({ id, dir }: FleetTraces): Promise<readonly string[]> {
  const links = JSON.parse(await must("ip", ["-j", "link"])) as readonly { ifname: string }[];
  const found = links.map(({ ifname }) => ifname).filter((name) => name.startsWith(`sf${id}`));
  for (const group of (await must("find", ["/sys/fs/cgroup", "-name", `*${id}*`])).split("\n")) {
    if (group !== "") found.push(group);
  }
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    // A process may end while it is looked at.
    const read = (file: string) => Deno.readTextFile(`/proc/${name}/${file}`).catch(() => "");
    const command = (await read("cmdline")).replaceAll("\0", " ");
    const itself = Number(name) === Deno.pid;
    if (
      !itself && ((await read("cgroup")).includes(`staddle-fleet-${id}`) || command.includes(dir))
    ) {
      found.push(`${name} ${command}`);
    }
    if (itself) found.push(...(await read("mountinfo")).split("\n").filter((l) => l.includes(dir)));
  }
  if (await Deno.stat(dir).then(() => true, () => false)) found.push(dir);
  return found;
}

Deno.test({
  name: "two hosts: reached by SSH with strict host keys, each with a libvirt of its own",
  ...fleets,
  fn: async (t) => {
    await using fleet = await Fleet.up({ hosts: 2 });
    const [one, two] = [fleet.host(1), fleet.host(2)];
    const ssh = (options: readonly string[], ...args: readonly string[]) =>
      run("ssh", ["-F", fleet.ssh.config, ...options, ...args]);

    await t.step("each answers by its name and runs its own daemon", async () => {
      for (const host of fleet.hosts) {
        assert.equal((await host.ssh("hostname")).trim(), host.name);
        const xml = await must("virsh", ["-q", "-c", host.uri, "capabilities"]);
        assert.match(xml, new RegExp(`<uuid>${host.uuid}</uuid>`));
      }
      assert.notEqual(await one.ssh("cat /etc/machine-id"), await two.ssh("cat /etc/machine-id"));
    });

    await t.step(
      "no host has objects of this machine's libvirt, nor its users' files",
      async () => {
        assert.equal((await one.virsh("list", "--all", "--name")).trim(), "");
        assert.equal((await one.virsh("net-list", "--all", "--name")).trim(), "");
        assert.equal((await one.virsh("pool-list", "--all", "--name")).trim(), "");
        assert.equal((await one.must("ls -A /root")).trim(), ".ssh");
      },
    );

    await t.step("an unknown and a changed host key are refused", async () => {
      const unknown = await ssh(
        ["-o", `UserKnownHostsFile=${fleet.ssh.emptyKnownHosts}`],
        "h1",
        "true",
      );
      assert.equal(unknown.code, 255);
      assert.match(unknown.stderr, /Host key verification failed/);
      const changed = await ssh(
        ["-o", `UserKnownHostsFile=${fleet.ssh.changedKnownHosts}`],
        "h1",
        "true",
      );
      assert.equal(changed.code, 255);
      assert.match(changed.stderr, /REMOTE HOST IDENTIFICATION HAS CHANGED/);
    });

    await t.step("a key that the host does not know is refused", async () => {
      const { code, stderr } = await run("ssh", [
        ...["-F", "none", "-i", fleet.ssh.refusedIdentityFile, "-o", "IdentitiesOnly=yes"],
        ...["-o", "IdentityAgent=none", "-o", "BatchMode=yes"],
        ...["-o", `UserKnownHostsFile=${fleet.ssh.knownHosts}`, `root@${one.address}`, "true"],
      ]);
      assert.equal(code, 255);
      assert.match(stderr, /Permission denied \(publickey\)/);
    });

    await t.step("one is reached through the other", async () => {
      const { stdout, stderr } = await ssh([], "h2-via-h1", "echo $SSH_CONNECTION; hostname");
      const [connection, name] = stdout.trim().split("\n");
      assert.equal(name, "h2", stderr);
      assert.equal(connection!.split(" ")[0], one.address);
    });

    await t.step("a cut link is silent, and heals", async () => {
      await one.link.down();
      const cut = await ssh(["-o", "ConnectTimeout=1"], "h1", "true");
      assert.equal(cut.code, 255);
      assert.match(cut.stderr, /timed out|No route to host/);
      assert.equal((await two.ssh("hostname")).trim(), "h2");
      await one.link.up();
      assert.equal((await one.ssh("hostname")).trim(), "h1");
    });

    await t.step("libvirtd is killed and started; the other host's goes on", async () => {
      assert.equal(await one.libvirtd.running(), true);
      await one.libvirtd.kill();
      assert.equal(await one.libvirtd.running(), false);
      const dead = await run("virsh", ["-q", "-c", one.uri, "list"]);
      assert.notEqual(dead.code, 0);
      assert.match(dead.stderr, /libvirt-sock/);
      await must("virsh", ["-q", "-c", two.uri, "list"]);
      await one.libvirtd.start();
      await must("virsh", ["-q", "-c", one.uri, "list"]);
    });

    await t.step("sessions are dropped while sshd goes on", async () => {
      const session = ssh([], "h1", "sleep 60");
      await poll("session on h1", async () => {
        const { code } = await one.exec(["pidof", "sleep"]);
        return code === 0 ? true : undefined;
      });
      await one.sshd.dropSessions();
      assert.equal((await session).code, 255);
      await one.ssh("true");
    });

    await t.step("a host that is switched off comes back with its definitions", async () => {
      await two.must("cat >/tmp/net.xml", {
        stdin: "<network><name>kept</name><bridge name='kept0'/></network>",
      });
      await two.virsh("net-define", "/tmp/net.xml");
      await two.stop();
      assert.equal(await two.pid(), undefined);
      await two.start();
      assert.equal((await two.virsh("net-list", "--all", "--name")).trim(), "kept");
    });

    await t.step("the hosts share a folder", async () => {
      await one.must("echo shared >/srv/shared/file");
      assert.equal((await two.must("cat /srv/shared/file")).trim(), "shared");
    });

    await t.step("a way to a host can be made slow", async () => {
      const time = async (config: string) => {
        const start = performance.now();
        await must("ssh", ["-F", config, "h1", "true"]);
        return performance.now() - start;
      };
      await using slow = await slowHost(fleet, one, 50);
      // In turns, and the least of each: what the machine does besides only adds.
      const [through, straight]: [number[], number[]] = [[], []];
      for (let turn = 0; turn < 5; turn++) {
        through.push(await time(slow.config));
        straight.push(await time(fleet.ssh.config));
      }
      const added = Math.min(...through) - Math.min(...straight);
      // OpenSSH needs some ten round trips before the command has run.
      assert.ok(added > 5 * 50, `only ${added.toFixed(0)} ms slower`);
      await must("virsh", ["-q", "-c", slow.uri, "uri"]);
    });
  },
});

Deno.test({
  name: "a guest boots in a host, reads its seed, and takes a lease from the host's network",
  ignore: fleets.ignore || guests.ignore,
  fn: async (t) => {
    await using fleet = await Fleet.up({ hosts: 1 });
    const host = fleet.host(1);
    const userData = "#cloud-config\nruncmd:\n  - echo 'STADDLE-GUEST ran a command' >/dev/ttyS0\n";
    const guest: TestGuest = {
      name: "probe",
      boot: "kernel",
      network: "nat",
      mac: "52:54:00:12:34:99",
      seed: {
        userData,
        // Of a NIC that comes later: the first one has DHCP.
        networkConfig: "version: 2\nethernets:\n  later:\n    match:\n" +
          '      macaddress: "52:54:00:12:34:9a"\n    addresses: [192.168.77.7/24]\n',
      },
    };
    await host.must("cat >/tmp/net.xml", {
      stdin:
        "<network><name>nat</name><forward mode='nat'/><bridge name='nat0' stp='off' delay='0'/>" +
        "<ip address='192.168.77.1' prefix='24'><dhcp><range start='192.168.77.10' end='192.168.77.90'/>" +
        `<host mac='${guest.mac}' name='probe' ip='192.168.77.50'/></dhcp></ip></network>`,
    });
    await host.virsh("net-define", "/tmp/net.xml");
    await host.virsh("net-start", "nat");
    await defineGuest(host, guest);
    const self: TestGuest = { ...guest, name: "self", boot: "disk", mac: "52:54:00:12:34:98" };
    await defineGuest(host, { ...self, seed: undefined });
    for (const name of ["probe", "self"]) await host.virsh("start", name);
    const said = await consoleSays(host, "probe", "STADDLE-GUEST ready");

    await t.step("its console shows what the seed holds", () => {
      const lines = said.split("\n");
      assert.ok(lines.includes("STADDLE-GUEST hostname=probe"), said);
      assert.ok(lines.includes("STADDLE-GUEST instance-id=id-probe"), said);
      const [, shown] = /STADDLE-GUEST user-data-begin\n([^]*)STADDLE-GUEST user-data-end/.exec(
        said,
      )!;
      assert.equal(shown, userData);
      assert.ok(lines.includes("STADDLE-GUEST ran a command"), said);
    });

    await t.step("the lease stands on both sides", async () => {
      assert.match(said, /^STADDLE-GUEST lease eth0 52:54:00:12:34:99 192\.168\.77\.50$/m);
      const leases = await host.virsh("net-dhcp-leases", "nat");
      assert.match(leases, /52:54:00:12:34:99.*192\.168\.77\.50\/24.*probe/);
    });

    await t.step("it runs a command for who asks from within the host", async () => {
      const reply = await host.must(["curl", "-s", "http://192.168.77.50/cgi-bin/sh?hostname"]);
      assert.equal(reply, "probe\nexit 0\n");
    });

    await t.step("its agent answers", async () => {
      const reply = await poll("the agent", async () => {
        const { code, stdout } = await host.exec(
          [
            "virsh",
            "-q",
            "qemu-agent-command",
            "probe",
            '{"execute":"guest-network-get-interfaces"}',
          ],
        );
        return code === 0 ? stdout : undefined;
      }, { intervalMs: 500 });
      assert.match(reply, /192\.168\.77\.50/);
    });

    await t.step("it sees a vCPU, a disk and a NIC that are added", async () => {
      await host.virsh("setvcpus", "probe", "2", "--live");
      await consoleSays(host, "probe", "STADDLE-GUEST vcpus-online 0-1");
      await host.must("qemu-img create -q -f raw /var/lib/libvirt/images/more.img 8M");
      await host.virsh(
        "attach-disk",
        "probe",
        "/var/lib/libvirt/images/more.img",
        "sdb",
        "--targetbus",
        "scsi",
      );
      await consoleSays(host, "probe", /^STADDLE-GUEST disks .*\bsda=8388608\b/);
      const nic = ["network", "nat", "--model", "virtio", "--live", "--mac", "52:54:00:12:34:9a"];
      await host.virsh("attach-interface", "probe", ...nic);
      await consoleSays(host, "probe", "STADDLE-GUEST static eth1 52:54:00:12:34:9a 192.168.77.7");
    });

    await t.step("its disk image boots by itself", async () => {
      const text = await consoleSays(host, "self", "STADDLE-GUEST ready");
      assert.match(text, /^STADDLE-GUEST hostname=guest$/m);
      assert.match(text, /^STADDLE-GUEST lease eth0 52:54:00:12:34:98 192\.168\.77\.\d+$/m);
    });

    await t.step("it obeys the power button", async () => {
      await host.virsh("shutdown", "probe", "--mode", "acpi");
      await poll(
        "shut off",
        async () =>
          (await host.virsh("domstate", "probe")).trim() === "shut off" ? true : undefined,
        {
          timeoutMs: 30_000,
          intervalMs: 200,
        },
      );
    });
  },
});

Deno.test({
  name: "two fleets stand side by side, and nothing of either is left behind",
  ...fleets,
  fn: async () => {
    const [one, other] = await Promise.all([Fleet.up({ hosts: 2 }), Fleet.up({ hosts: 1 })]);
    try {
      for (const fleet of [one, other]) {
        const traces = (await tracesOf(fleet)).join("\n");
        for (
          const trace of [/^sf\w+h1$/m, /^\/sys\/fs\/cgroup\//m, /libvirtd/, /sshd/, /^\/tmp\//m]
        ) {
          assert.match(traces, trace);
        }
      }
      assert.notEqual(one.host(1).address, other.host(1).address);
      await one.down();
      assert.deepEqual(await tracesOf(one), []);
      assert.equal((await other.host(1).ssh("hostname")).trim(), "h1");
    } finally {
      await other.down();
    }
    assert.deepEqual(await tracesOf(other), []);
  },
});

Deno.test({
  name: "a host that cannot start says why, and leaves nothing behind",
  ...fleets,
  fn: async () => {
    // A file stands where the host's folder would be made.
    const dir = await Deno.makeTempDir({ prefix: "staddle-fleet-broken-" });
    await Deno.writeTextFile(`${dir}/shared`, "");
    await assert.rejects(Fleet.up({ hosts: 1, dir }), /File exists/);
    assert.deepEqual(await tracesOf({ id: "broken", dir }), []);
  },
});

/** A program that makes a fleet and never ends. */
async function fleetOfAnother(): Promise<{
  readonly fleet: FleetTraces;
  readonly kill: () => Promise<void>;
}> {
  const script = `import { Fleet } from "${new URL("./mod.ts", import.meta.url)}";
    const fleet = await Fleet.up({ hosts: 2 });
    console.log(JSON.stringify({ id: fleet.id, dir: fleet.dir }));
    await new Promise(() => setInterval(() => {}, 1000));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", `data:application/typescript,${encodeURIComponent(script)}`],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  return {
    fleet: JSON.parse(value!) as FleetTraces,
    kill: async () => {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
    },
  };
}

async function goes(fleet: FleetTraces): Promise<void> {
  let left: readonly string[] = [];
  await poll("removal of the fleet", async () => {
    left = await tracesOf(fleet);
    return left.length === 0 ? true : undefined;
  }, { timeoutMs: 30_000, intervalMs: 100 }).catch(() => assert.deepEqual(left, []));
}

Deno.test({
  name: "a fleet goes when the process that made it is killed",
  ...fleets,
  fn: async () => {
    const { fleet, kill } = await fleetOfAnother();
    assert.notDeepEqual(await tracesOf(fleet), []);
    await kill();
    await goes(fleet);
  },
});

Deno.test({
  name: "a fleet whose keeper was killed too is swept away; one in use stays",
  ...fleets,
  fn: async () => {
    await using used = await Fleet.up({ hosts: 1 });
    const { fleet, kill } = await fleetOfAnother();
    Deno.kill(Number(await Deno.readTextFile(`${fleet.dir}/keeper.pid`)), "SIGKILL");
    await kill();
    assert.notDeepEqual(await tracesOf(fleet), []);
    assert.deepEqual((await Fleet.sweep()).includes(fleet.dir), true);
    assert.deepEqual(await tracesOf(fleet), []);
    assert.equal((await used.host(1).ssh("hostname")).trim(), "h1");
  },
});

Deno.test({
  name: "the command starts a fleet that stands until it is taken down",
  ...fleets,
  fn: async () => {
    const dir = await Deno.makeTempDir({ prefix: "staddle-fleet-cli-" });
    const command = new URL("../../scripts/fleet", import.meta.url).pathname;
    const fleet = (...args: readonly string[]) => must(command, ["--dir", dir, ...args]);
    let id: string;
    try {
      const shown = await fleet("up", "1");
      id = JSON.parse(await Deno.readTextFile(`${dir}/fleet.json`)).id;
      assert.match(shown, /^h1 {2}10\.\d+\.\d+\.11 {2}running {2}qemu\+ssh:/);
      assert.equal((await fleet("exec", "1", "hostname")).trim(), "h1");
      assert.equal((await fleet("ssh", "1", "hostname")).trim(), "h1");
      assert.equal((await fleet("virsh", "1", "hostname")).trim(), "h1");
      await fleet("stop", "1");
      assert.match(await fleet("list"), /stopped/);
      await fleet("start", "1");
      await fleet("kill-libvirtd", "1");
      await fleet("start-libvirtd", "1");
      assert.match(await fleet("list"), /running/);
      const again = await run(command, ["--dir", dir, "up", "1"]);
      assert.equal(again.code, 1);
      assert.match(again.stderr, /stands in .* already/);
    } finally {
      await fleet("down");
    }
    assert.deepEqual(await tracesOf({ id, dir }), []);
    // What is gone already is no error.
    await fleet("down");
  },
});
