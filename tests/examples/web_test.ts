import assert from "node:assert/strict";
import { Fleet, type FleetHost, fleetObstacle, poll } from "../fleet/mod.ts";
import { requirement } from "../support/skip.ts";
import { expectStaddle, listing, type RunOptions } from "./staddle.ts";

const needs = await requirement("fleet", fleetObstacle);
const STACK = "examples/web/stack.ts";

interface Way {
  readonly name: string;
  uri(fleet: Fleet, host: FleetHost): string;
  options(state: string, host: FleetHost): RunOptions;
}

const ways: readonly Way[] = [
  {
    name: "on the host itself",
    uri: () => "qemu:///system",
    options: (state, inside) => ({ state, inside }),
  },
  {
    name: "over SSH",
    uri: ({ ssh }, { plainUri }) =>
      `${plainUri}?keyfile=${ssh.identityFile}&known_hosts=${ssh.knownHosts}`,
    options: (state) => ({ state }),
  },
];

for (const way of ways) {
  Deno.test({ name: `examples/web ${way.name}: from nothing to nothing`, ...needs }, async (t) => {
    await using fleet = await Fleet.up({ hosts: 1 });
    const host = fleet.hosts[0]!;
    // A path that means the same inside the host: its root lies over this machine's.
    const folder = way.name === "over SSH" ? fleet.dir : "/root";
    const options = way.options(`${folder}/web.db`, host);
    const param = ["--param", `uri=${way.uri(fleet, host)}`];
    const before = await listing(host);
    let planned: { front: string; backends: { name: string; address: string }[] };

    await t.step("plan says every address", async () => {
      const text = await expectStaddle(2, [
        "plan",
        STACK,
        ...param,
        "--json",
        "--detailed-exitcode",
      ], options);
      const plan = JSON.parse(text);
      planned = {
        front: plan.output_changes.front.after,
        backends: plan.output_changes.backends.after,
      };
      assert.equal(planned.backends.length, 2);
    });

    await t.step("apply makes it", async () => {
      const text = await expectStaddle(0, ["apply", STACK, ...param, "--yes"], options);
      assert.match(text, /^Apply complete! Resources: \d+ added, 0 changed, 0 destroyed\.$/m);
    });

    await t.step(
      "each guest holds the address that was planned, and was told its user-data",
      async () => {
        const machines = [{ name: "front", address: planned.front }, ...planned.backends];
        for (const { name, address } of machines) {
          const console = await poll(`console of ${name}`, async () => {
            const text = await host.must(`cat /var/log/libvirt/qemu/${name}-console.log`);
            return text.includes("STADDLE-GUEST ready") ? text : undefined;
          }, { timeoutMs: 90_000 });
          assert.match(console, new RegExp(`STADDLE-GUEST hostname=${name}\\b`));
          assert.match(
            console,
            new RegExp(`STADDLE-GUEST lease \\S+ 52:54:\\S+ ${address.replaceAll(".", "\\.")}\\b`),
          );
          const userData = console.split("STADDLE-GUEST user-data-begin")[1]?.split(
            "STADDLE-GUEST user-data-end",
          )[0];
          const told = name === "front"
            ? planned.backends[0]!.address
            : `echo backend ${name.slice(4)}`;
          assert.ok(userData?.includes(told), `${name} was told ${userData}`);
          const leases = await host.virsh("domifaddr", name);
          assert.ok(leases.includes(`${address}/24`), leases);
        }
        const answer = await host.must(
          `curl -s -m 10 'http://${planned.front}/cgi-bin/sh?head%20-n%202%20/dev/vda'`,
        );
        assert.match(
          answer,
          /<title>Staddle<\/title>/,
          "the front machine reads the image's content",
        );
      },
    );

    await t.step("a second plan finds nothing to do", async () => {
      const text = await expectStaddle(
        0,
        ["plan", STACK, ...param, "--detailed-exitcode"],
        options,
      );
      assert.match(text, /^No changes\. Your infrastructure matches the configuration\.$/m);
    });

    await t.step("what virsh changed is drift, field by field", async () => {
      await host.virsh("setmem", "front", "128MiB", "--config");
      const { ip, mac } = await reservation(host, "web");
      await host.virsh(
        "net-update",
        "web",
        "delete",
        "ip-dhcp-host",
        `<host mac='${mac}' ip='${ip}'/>`,
        "--live",
        "--config",
      );
      const text = await expectStaddle(
        2,
        ["drift", STACK, ...param, "--detailed-exitcode"],
        options,
      );
      assert.match(text, /~ memory +192 MiB -> 128 MiB/);
      assert.ok(text.includes(mac) && text.includes("lab/network.web"), text);
    });

    await t.step("apply repairs it while everything runs", async () => {
      const pids = await host.must("pgrep -x qemu-system-x86 | sort");
      const text = await expectStaddle(0, [
        "apply",
        STACK,
        ...param,
        "--yes",
        "--max-disruption",
        "live",
      ], options);
      assert.match(text, /^Apply complete! Resources: 0 added, 2 changed, 0 destroyed\.$/m);
      assert.equal(await host.must("pgrep -x qemu-system-x86 | sort"), pids);
      await expectStaddle(0, ["plan", STACK, ...param, "--detailed-exitcode"], options);
    });

    await t.step("a record that was lost is made anew from the host", async () => {
      const files = ["", "-wal", "-shm"].map((suffix) => `${options.state}${suffix}`);
      if (options.inside === undefined) {
        for (const file of files) await Deno.remove(file).catch(() => {});
      } else await host.must(`rm -f ${files.join(" ")}`);
      const text = await expectStaddle(0, ["state", "rebuild", STACK, ...param], options);
      assert.match(text, /^Rebuilt the record of stack "web": \d+ resource\(s\)\./m);
      assert.doesNotMatch(text, /Left alone/);
      const planned = ["plan", STACK, ...param, "--detailed-exitcode"];
      assert.match(
        await expectStaddle(0, planned, options),
        /^No changes\. Your infrastructure matches the configuration\.$/m,
      );
    });

    await t.step("destroy leaves the host as it was", async () => {
      const text = await expectStaddle(0, ["destroy", STACK, ...param, "--yes"], options);
      assert.match(text, /^Destroy complete! Resources: \d+ destroyed\.$/m);
      assert.equal(await listing(host), before);
    });
  });
}

/** The first DHCP reservation of a network. */
async function reservation(host: FleetHost, network: string): Promise<{ mac: string; ip: string }> {
  const xml = await host.virsh("net-dumpxml", network);
  const [, mac, ip] = /<host mac='([^']+)'.* ip='([^']+)'/.exec(xml) ?? [];
  assert.ok(mac !== undefined && ip !== undefined, xml);
  return { mac, ip };
}
