import assert from "node:assert/strict";
import { StaddleError } from "../../../providers/error.ts";
import { kvm, type KvmProvider } from "../../../providers/kvm/mod.ts";
import type { HostDeclaration, HostSession } from "../../../providers/provider.ts";
import { remoteUnreachable } from "../../../providers/kvm/host/unreachable.ts";
import { startSshd, type TestSshd } from "./sshd.ts";

const signal = new AbortController().signal;

function host(sshd: TestSshd, path = "system"): HostDeclaration {
  return {
    name: "far",
    uri: `qemu+ssh://root@127.0.0.1:${sshd.port}/${path}`,
    ssh: { configFile: "/dev/null", knownHosts: sshd.knownHosts, identityFile: sshd.identity },
    connectTimeout: 30,
  };
}

function open(provider: KvmProvider, declaration: HostDeclaration): Promise<HostSession> {
  return provider.connect(declaration, { signal, baseDirectory: "/" });
}

async function refusal(sshd: TestSshd, path?: string): Promise<StaddleError> {
  await using provider = kvm();
  try {
    await using _session = await open(provider, host(sshd, path));
  } catch (error) {
    assert.ok(error instanceof StaddleError, String(error));
    assert.match(error.render(), /host far \(qemu\+ssh:/);
    return error;
  }
  assert.fail("it was let in");
}

Deno.test("facts, reads and both connections go over one handshake", async () => {
  await using sshd = await startSshd();
  await using provider = kvm();
  await using session = await open(provider, host(sshd));
  const facts = await session.facts();
  assert.equal(facts.arch, Deno.build.arch);
  assert.deepEqual(await session.read([{ kind: "machine", key: "nobody-has-this" }]), []);
  await (session as unknown as { slow(): Promise<unknown> }).slow();
  assert.equal(await sshd.connections(), 1);
});

Deno.test("a session daemon over SSH", async () => {
  await using sshd = await startSshd();
  await using provider = kvm();
  await using session = await open(provider, host(sshd, "session"));
  assert.deepEqual(await session.read([{ kind: "network", key: "nobody-has-this" }]), []);
});

Deno.test("no daemon behind the socket", async () => {
  await using sshd = await startSshd();
  const error = await refusal(sshd, "system?socket=/run/nothing-here");
  assert.equal(error.code, "kvm.no-libvirt");
  assert.deepEqual(error.details, ["/run/nothing-here: absent"]);
  assert.match(error.help!, /systemctl enable --now/);
});

Deno.test("a socket that this user may not use", () => {
  const error = remoteUnreachable(
    { name: "far", uri: "qemu+ssh://kvm1/system" },
    "ada@kvm1",
    { code: 38, domain: 7, message: "Cannot recv data: Connection reset by peer" },
    {
      user: "ada",
      sockets: new Map([["/run/libvirt/libvirt-sock", "denied"]]),
      daemons: ["libvirtd"],
    },
  );
  assert.equal(error.code, "kvm.permission");
  assert.match(error.message, /the user ada may not use its socket/);
  assert.match(error.help!, /usermod -aG libvirt ada/);
});

for (const line of ["AllowStreamLocalForwarding no", "DisableForwarding yes"]) {
  Deno.test(`a server that forbids forwarding: ${line}`, async () => {
    await using sshd = await startSshd([line]);
    const error = await refusal(sshd);
    assert.equal(error.code, "ssh.forwarding-forbidden", error.render());
    assert.match(error.help!, /AllowStreamLocalForwarding/);
  });
}

Deno.test("a server that forbids forwarding and commands: said without guessing", async () => {
  await using sshd = await startSshd(["DisableForwarding yes", "ForceCommand /bin/false"]);
  const error = await refusal(sshd);
  assert.equal(error.code, "kvm.no-libvirt");
  assert.match(error.details.join("\n"), /does not let this user run commands/);
});

Deno.test("a connection that dies: the error names the host, the next call opens it again", async () => {
  await using sshd = await startSshd();
  await using provider = kvm();
  await using session = await open(provider, host(sshd));
  await session.facts();
  for await (const entry of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(entry.name)) continue;
    const line = await Deno.readTextFile(`/proc/${entry.name}/cmdline`).catch(() => "");
    if (line.startsWith("ssh\0") && line.includes(sshd.folder)) {
      Deno.kill(Number(entry.name), "SIGKILL");
    }
  }
  // Some calls may still be under way when it dies, so the first may fail or find it gone already.
  const failures: StaddleError[] = [];
  for (let tries = 0; tries < 3; tries++) {
    try {
      await session.read([{ kind: "machine", key: "nobody-has-this" }]);
    } catch (error) {
      assert.ok(error instanceof StaddleError, String(error));
      failures.push(error);
    }
  }
  assert.ok(failures.length <= 1, failures.map((error) => error.render()).join("\n"));
  for (const error of failures) {
    assert.match(error.render(), /host "far"/);
    assert.ok(provider.isTransient(error), error.render());
  }
  assert.equal(await sshd.connections(), 2);
});

Deno.test("the doctor says what is wrong with a host that cannot be reached", async () => {
  await using sshd = await startSshd();
  await using provider = kvm();
  const declaration = host(sshd);
  const options = { signal, baseDirectory: "/" };
  const unknown = { ...declaration, ssh: { ...declaration.ssh, knownHosts: "/dev/null" } };
  const { checks } = await provider.diagnose(unknown, options);
  assert.deepEqual(checks.map(({ name, status }) => [name, status]), [["ssh", "fail"]]);
  assert.ok(checks[0]!.evidence.join().includes(sshd.fingerprint));
  const well = await provider.diagnose(declaration, options);
  assert.ok(well.checks.length >= 10);
  assert.ok(well.checks.some(({ name }) => name === "virtlogd"));
  assert.deepEqual(JSON.parse(JSON.stringify(well)), well);
});
