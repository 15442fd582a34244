import assert from "node:assert/strict";
import { StaddleError } from "../../../providers/error.ts";
import { kvm, type KvmProvider } from "../../../providers/kvm/mod.ts";
import type { HostDeclaration, HostSession } from "../../../providers/provider.ts";
import { Fleet, fleetObstacle } from "../../fleet/mod.ts";
import { requirement } from "../../support/skip.ts";

const signal = new AbortController().signal;

function open(provider: KvmProvider, declaration: HostDeclaration): Promise<HostSession> {
  return provider.connect(declaration, { signal, baseDirectory: "/" });
}

async function failure(attempt: Promise<unknown>): Promise<StaddleError> {
  try {
    await attempt;
  } catch (error) {
    assert.ok(error instanceof StaddleError, error instanceof Error ? error.stack : String(error));
    return error;
  }
  assert.fail("it did not fail");
}

const nobody = [{ kind: "machine", key: "nobody" }];

const fleets = await requirement("fleet", fleetObstacle);

Deno.test({
  name: "hosts of a fleet: reached, cut off, without daemon",
  ...fleets,
  fn: async (t) => {
    await using fleet = await Fleet.up({ hosts: 2 });
    const [one, two] = fleet.hosts;
    const far: HostDeclaration = {
      name: "far",
      uri: one!.plainUri,
      ssh: { configFile: fleet.ssh.config },
      connectTimeout: 20,
    };
    await using provider = kvm();

    await t.step("facts come from the host, and its own guests are seen", async () => {
      await using session = await open(provider, far);
      assert.equal((await session.facts()).hostname, one!.name);
      assert.deepEqual(await session.read(nobody), []);
      const { checks } = await provider.diagnose(far, { signal, baseDirectory: "/" });
      const failed = checks.filter(({ status }) => status === "fail");
      assert.deepEqual(failed, []);
    });

    await t.step("another host through the first", async () => {
      const uri = two!.plainUri;
      const { identityFile, knownHosts } = fleet.ssh;
      const ssh = {
        configFile: "/dev/null",
        identityFile,
        knownHosts,
        proxyJump: `root@${one!.address}`,
      };
      await using session = await open(provider, { name: "behind", uri, ssh, connectTimeout: 20 });
      assert.equal((await session.facts()).hostname, two!.name);
    });

    await t.step(
      "the daemon is killed: the error says so, and a later call finds it again",
      async () => {
        await using session = await open(provider, far);
        await one!.libvirtd.kill();
        // Whether its end has been noticed already is a matter of milliseconds.
        const first = await failure(session.read(nobody));
        assert.ok(["kvm.connection-lost", "kvm.no-libvirt"].includes(first.code), first.render());
        assert.match(first.render(), /host "far"/);
        const dead = await failure(session.read(nobody));
        assert.equal(dead.code, "kvm.no-libvirt", dead.render());
        assert.match(dead.message, /is installed, but does not run/);
        await one!.libvirtd.start();
        assert.deepEqual(await session.read(nobody), []);
      },
    );

    await t.step(
      "the link is cut: calls fail within 20 seconds, opening within connectTimeout",
      async () => {
        await using session = await open(provider, { ...far, connectTimeout: 6 });
        await session.read(nobody);
        await one!.link.down();
        try {
          const begin = performance.now();
          const lost = await failure(session.read(nobody));
          const seconds = (performance.now() - begin) / 1000;
          assert.equal(lost.code, "kvm.connection-lost", lost.render());
          assert.ok(provider.isTransient(lost));
          assert.ok(seconds < 25, `${seconds} s`);
          const again = performance.now();
          const unreachable = await failure(session.read(nobody));
          assert.equal(unreachable.code, "ssh.unreachable", unreachable.render());
          assert.ok((performance.now() - again) / 1000 < 12);
        } finally {
          await one!.link.up();
        }
        assert.deepEqual(await session.read(nobody), []);
      },
    );
  },
});
