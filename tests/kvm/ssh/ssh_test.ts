import assert from "node:assert/strict";
import { openSsh } from "../../../providers/kvm/host/ssh.ts";
import { parseHostUri } from "../../../providers/kvm/host/uri.ts";
import { StaddleError } from "../../../providers/error.ts";
import type { HostDeclaration, SshOptions } from "../../../providers/provider.ts";
import { freePort, startSshd, type TestSshd } from "./sshd.ts";

const never = new AbortController().signal;
const decoder = new TextDecoder();

function declare(
  port: number,
  ssh: SshOptions,
  rest: Partial<HostDeclaration> = {},
): HostDeclaration {
  return { name: "lab", uri: `qemu+ssh://root@127.0.0.1:${port}/system`, ssh, ...rest };
}

function open(host: HostDeclaration, signal = never) {
  return openSsh(host, parseHostUri(host), { signal, baseDirectory: "/" });
}

async function refusal(host: HostDeclaration): Promise<StaddleError> {
  try {
    await using _link = await open(host);
  } catch (error) {
    assert.ok(error instanceof StaddleError, String(error));
    assert.ok(!error.render().includes("debug1"), `noise in:\n${error.render()}`);
    assert.match(error.render(), /host lab \(qemu\+ssh:/);
    return error;
  }
  assert.fail("it was let in");
}

/** Arguments that lead to the test's sshd without the user's own files. */
function trusted(sshd: TestSshd, rest: SshOptions = {}): SshOptions {
  return {
    configFile: "/dev/null",
    knownHosts: sshd.knownHosts,
    identityFile: sshd.identity,
    ...rest,
  };
}

async function virsh(uri: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("virsh", {
    args: ["-q", "-c", uri, ...args],
    stdin: "null",
  }).output();
  assert.ok(success, decoder.decode(stderr));
  return decoder.decode(stdout).trim();
}

async function alive(marker: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(entry.name)) continue;
    const line = await Deno.readTextFile(`/proc/${entry.name}/cmdline`).catch(() => "");
    if (line.includes(marker)) found.push(`${entry.name} ${line.replaceAll("\0", " ")}`);
  }
  return found;
}

Deno.test("one handshake carries several connections, commands and dialled ports", async () => {
  await using sshd = await startSshd();
  let folder: string;
  {
    await using link = await open(declare(sshd.port, trusted(sshd)));
    assert.equal(link.destination, `root@127.0.0.1:${sshd.port}`);
    const uri = link.uris[0]!.uri;
    folder = decodeURIComponent(uri.split("socket=")[1]!).replace(/\/0$/, "");
    assert.equal((await Deno.stat(folder)).mode! & 0o777, 0o700);
    const versions = await Promise.all([
      virsh(uri, "version"),
      virsh(uri, "uri"),
      virsh(uri, "hostname"),
    ]);
    assert.match(versions[1], /qemu.*system/);
    assert.equal(await link.canDial("127.0.0.1", sshd.port, 5000), true);
    assert.equal(await link.canDial("127.0.0.1", freePort(), 5000), false);
    const survey = await link.survey();
    assert.equal(survey?.user, "root");
    assert.equal(survey?.sockets.get("/run/libvirt/libvirt-sock"), "listening");
    assert.equal(survey?.sockets.get("/run/libvirt/virtqemud-sock"), "absent");
    assert.ok(survey?.daemons.includes("libvirtd"));
    assert.equal(await sshd.connections(), 1);
    assert.equal(link.lost.aborted, false);
  }
  assert.deepEqual(await alive(folder), []);
  await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
});

Deno.test("an unknown host key is refused with its fingerprint", async () => {
  await using sshd = await startSshd();
  const error = await refusal(declare(sshd.port, trusted(sshd, { knownHosts: "/dev/null" })));
  assert.equal(error.code, "ssh.host-key-unknown");
  assert.ok(error.message.includes(sshd.fingerprint), error.message);
  assert.match(error.message, /ssh-ed25519/);
  assert.equal(await sshd.connections(), 0);
});

Deno.test("a changed host key is refused with its fingerprint and where the old one stands", async () => {
  await using sshd = await startSshd();
  const error = await refusal(declare(sshd.port, trusted(sshd, { knownHosts: sshd.wrongHosts })));
  assert.equal(error.code, "ssh.host-key-changed");
  assert.ok(error.message.includes(sshd.fingerprint), error.message);
  assert.match(error.details.join("\n"), /wrong_hosts:1/);
  assert.ok(error.help?.includes(`ssh-keygen -R '[127.0.0.1]:${sshd.port}'`), error.help);
});

Deno.test("a key that the host does not accept: the error says which were offered", async () => {
  await using sshd = await startSshd();
  const error = await refusal(declare(sshd.port, trusted(sshd, { identityFile: sshd.stranger })));
  assert.equal(error.code, "ssh.auth-refused");
  assert.match(error.details.join("\n"), /Permission denied \(publickey\)/);
  assert.match(error.details.join("\n"), /offered: .*stranger ED25519 SHA256:/);
});

Deno.test("a key file that is not there is named", async () => {
  await using sshd = await startSshd();
  const error = await refusal(declare(sshd.port, trusted(sshd, { identityFile: "/nowhere/key" })));
  assert.equal(error.code, "ssh.identity-unreadable");
  assert.match(error.message, /\/nowhere\/key/);
});

Deno.test("a closed port is unreachable at once", async () => {
  const port = freePort();
  const error = await refusal(declare(port, { configFile: "/dev/null" }));
  assert.equal(error.code, "ssh.unreachable");
  assert.match(error.details.join("\n"), new RegExp(`port ${port}: Connection refused`));
});

Deno.test("a host that accepts and says nothing fails within connectTimeout", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const start = performance.now();
  const error = await refusal(
    declare(listener.addr.port, { configFile: "/dev/null" }, { connectTimeout: 1 }),
  );
  const seconds = (performance.now() - start) / 1000;
  assert.equal(error.code, "ssh.unreachable");
  assert.match(error.message, /did not answer within 1 s/);
  assert.ok(seconds < 2.5, `${seconds} s`);
});

Deno.test("a name that nobody knows", async () => {
  const host = {
    name: "lab",
    uri: "qemu+ssh://root@nowhere.invalid/system",
    ssh: { configFile: "/dev/null" },
  };
  const error = await refusal(host);
  assert.equal(error.code, "ssh.name-unknown");
  assert.match(error.details.join("\n"), /Could not resolve hostname nowhere\.invalid/);
});

Deno.test("no ssh client on this machine", async () => {
  const path = Deno.env.get("PATH")!;
  const folder = await Deno.makeTempDir();
  try {
    for (const tool of ["sh", "rm"]) await Deno.symlink(`/bin/${tool}`, `${folder}/${tool}`);
    Deno.env.set("PATH", folder);
    const error = await refusal(declare(freePort(), { configFile: "/dev/null" }));
    assert.equal(error.code, "ssh.missing");
  } finally {
    Deno.env.set("PATH", path);
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an ssh_config with an error in it", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "Nonsense yes\n");
    const error = await refusal(declare(freePort(), { configFile: file }));
    assert.equal(error.code, "ssh.config");
    assert.match(error.details.join("\n"), /Bad configuration option: nonsense/);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("the user's configuration is used: alias, key, forwards of its own", async () => {
  await using sshd = await startSshd();
  const config = `${sshd.folder}/ssh_config`;
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await Deno.writeTextFile(
    config,
    `Host kvm1
  HostName 127.0.0.1
  Port ${sshd.port}
  User root
  IdentityFile ${sshd.identity}
  UserKnownHostsFile ${sshd.knownHosts}
  LocalForward ${taken.addr.port} 127.0.0.1:1
  RemoteCommand uptime
  ExitOnForwardFailure yes
  LogLevel QUIET
`,
  );
  const host = { name: "lab", uri: "qemu+ssh://kvm1/system", ssh: { configFile: config } };
  await using link = await open(host);
  assert.match(await virsh(link.uris[0]!.uri, "uri"), /^qemu.*system/);
});

Deno.test("through a jump host, with the keys that were declared", async () => {
  await using jump = await startSshd();
  await using sshd = await startSshd();
  const known = `${sshd.folder}/both`;
  await Deno.writeTextFile(
    known,
    await Deno.readTextFile(jump.knownHosts) + await Deno.readTextFile(sshd.knownHosts),
  );
  await Deno.writeTextFile(
    `${jump.folder}/authorized`,
    await Deno.readTextFile(`${sshd.identity}.pub`),
  );
  const declaration = declare(
    sshd.port,
    trusted(sshd, { knownHosts: known, proxyJump: `root@127.0.0.1:${jump.port}` }),
  );
  await using link = await open(declaration);
  assert.match(await virsh(link.uris[0]!.uri, "uri"), /^qemu.*system/);
  assert.equal(await jump.connections(), 1);
  assert.equal(await sshd.connections(), 1);
  const unknown = await refusal({
    ...declaration,
    ssh: { ...declaration.ssh, knownHosts: jump.knownHosts },
  });
  assert.equal(unknown.code, "ssh.host-key-unknown");
  assert.ok(unknown.message.includes(sshd.fingerprint), unknown.message);
});

Deno.test("the connection ends when this process is killed, and its folder goes", async () => {
  await using sshd = await startSshd();
  const script = `
    import { openSsh } from ${
    JSON.stringify(import.meta.resolve("../../../providers/kvm/host/ssh.ts"))
  };
    import { parseHostUri } from ${
    JSON.stringify(import.meta.resolve("../../../providers/kvm/host/uri.ts"))
  };
    const host = JSON.parse(Deno.args[0]);
    const link = await openSsh(host, parseHostUri(host), {
      signal: new AbortController().signal, baseDirectory: "/" });
    console.log(link.uris[0].uri);
    await new Promise(() => setInterval(() => {}, 1000));`;
  const file = `${sshd.folder}/child.ts`;
  await Deno.writeTextFile(file, script);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", file, JSON.stringify(declare(sshd.port, trusted(sshd)))],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const folder = decodeURIComponent(decoder.decode(value).trim().split("socket=")[1]!).replace(
    /\/0$/,
    "",
  );
  assert.ok((await alive(folder)).length > 0);
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  for (let tries = 0; (await alive(folder)).length > 0; tries++) {
    assert.ok(tries < 100, (await alive(folder)).join("\n"));
    await new Promise((done) => setTimeout(done, 20));
  }
  await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
});

Deno.test("ssh that ends by itself is noticed", async () => {
  await using sshd = await startSshd();
  await using link = await open(declare(sshd.port, trusted(sshd)));
  const folder = decodeURIComponent(link.uris[0]!.uri.split("socket=")[1]!).replace(/\/0$/, "");
  const client = (await alive(folder)).find((line) =>
    / ssh -F/.test(line) && !/ sh -c/.test(line)
  )!;
  Deno.kill(Number(client.split(" ")[0]), "SIGKILL");
  if (!link.lost.aborted) {
    await new Promise((done) => link.lost.addEventListener("abort", done, { once: true }));
  }
  assert.equal((link.lost.reason as StaddleError).code, "ssh.lost");
  assert.match((link.lost.reason as StaddleError).message, /host "lab"/);
});

Deno.test("a session daemon is reached through the same connection", async () => {
  await using sshd = await startSshd();
  const host = {
    ...declare(sshd.port, trusted(sshd)),
    uri: `qemu+ssh://root@127.0.0.1:${sshd.port}/session`,
  };
  await using link = await open(host);
  assert.match(await virsh(link.uris[0]!.uri, "uri"), /session/);
  assert.equal(await sshd.connections(), 1);
});

Deno.test("waiting is given up when the run is cancelled", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const controller = new AbortController();
  const opening = open(declare(listener.addr.port, { configFile: "/dev/null" }), controller.signal);
  setTimeout(() => controller.abort(new Error("cancelled")), 100);
  await assert.rejects(opening, /cancelled/);
});
