/**
 * A real sshd on a high port of the loopback, with its own configuration and keys in a folder of
 * its own.
 *
 * @module
 */

/** A running sshd and the keys that fit. */
export interface TestSshd extends AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  /** A key that it accepts for root. */
  readonly identity: string;
  /** A key that it does not know. */
  readonly stranger: string;
  /** Its host key, as a known_hosts file. */
  readonly knownHosts: string;
  /** A known_hosts file with another key under its name. */
  readonly wrongHosts: string;
  /** Fingerprint of its host key, `SHA256:…`. */
  readonly fingerprint: string;
  /** Processes with this sshd's connections. */
  connections(): Promise<number>;
}

async function run(command: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
  if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** A port of the loopback that nobody listens on just now. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Starts sshd; `extra` are lines of its configuration. */
export async function startSshd(extra: readonly string[] = []): Promise<TestSshd> {
  const folder = await Deno.makeTempDir({ prefix: "staddle-sshd-" });
  const port = freePort();
  for (const key of ["host", "identity", "stranger", "other"]) {
    await run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", `${folder}/${key}`);
  }
  const publicKey = async (name: string) =>
    (await Deno.readTextFile(`${folder}/${name}.pub`)).split(" ").slice(0, 2).join(" ");
  await Deno.writeTextFile(
    `${folder}/known_hosts`,
    `[127.0.0.1]:${port} ${await publicKey("host")}\n`,
  );
  await Deno.writeTextFile(
    `${folder}/wrong_hosts`,
    `[127.0.0.1]:${port} ${await publicKey("other")}\n`,
  );
  await Deno.copyFile(`${folder}/identity.pub`, `${folder}/authorized`);
  await Deno.writeTextFile(
    `${folder}/sshd_config`,
    [
      ...extra,
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${folder}/host`,
      "PidFile none",
      `AuthorizedKeysFile ${folder}/authorized`,
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "PermitRootLogin prohibit-password",
      "",
    ].join("\n"),
  );
  await Deno.mkdir("/run/sshd", { recursive: true });
  const daemon = new Deno.Command("/usr/sbin/sshd", {
    args: ["-D", "-f", `${folder}/sshd_config`, "-E", `${folder}/log`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  for (let tries = 0;; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      break;
    } catch (error) {
      if (tries > 200) throw error;
      await new Promise((done) => setTimeout(done, 20));
    }
  }
  const fingerprint = (await run("ssh-keygen", "-lf", `${folder}/host.pub`)).split(" ")[1]!;
  return {
    folder,
    port,
    identity: `${folder}/identity`,
    stranger: `${folder}/stranger`,
    knownHosts: `${folder}/known_hosts`,
    wrongHosts: `${folder}/wrong_hosts`,
    fingerprint,
    connections: async () => {
      const log = await Deno.readTextFile(`${folder}/log`);
      return log.split("\n").filter((line) => line.startsWith("Accepted publickey")).length;
    },
    [Symbol.asyncDispose]: async () => {
      // Its children end with their connections; the daemon itself ends at once.
      daemon.kill("SIGTERM");
      await daemon.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
