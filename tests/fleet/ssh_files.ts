import { must } from "./command.ts";

/** The SSH files of a fleet, all in its own folder: nobody's `~/.ssh` is read or written. */
export interface SshFiles {
  /** Private key that every host takes. */
  readonly identityFile: string;
  /** Private key that no host takes. */
  readonly refusedIdentityFile: string;
  /** The hosts' true keys, under their names and addresses. */
  readonly knownHosts: string;
  /** Holds no key: every host is unknown. */
  readonly emptyKnownHosts: string;
  /** Holds another key for every host: each looks like a machine in the middle. */
  readonly changedKnownHosts: string;
  /**
   * An OpenSSH configuration with a Host entry for each host (`h1`), which its address matches too, and
   * one for each way through another host (`h2-via-h1`).
   */
  readonly config: string;
  /** A program to use in place of `ssh`: the same with {@linkcode SshFiles.config}. */
  readonly command: string;
}

/** Where the files stand below a fleet's folder. */
export function sshFiles(dir: string): SshFiles {
  return {
    identityFile: `${dir}/ssh/id`,
    refusedIdentityFile: `${dir}/ssh/id_refused`,
    knownHosts: `${dir}/ssh/known_hosts`,
    emptyKnownHosts: `${dir}/ssh/known_hosts_empty`,
    changedKnownHosts: `${dir}/ssh/known_hosts_changed`,
    config: `${dir}/ssh/config`,
    command: `${dir}/ssh/ssh`,
  };
}

/** A host as its SSH clients know it. */
export interface SshHost {
  readonly name: string;
  readonly address: string;
  /** Its public key: type and base64, without comment. */
  readonly publicKey: string;
}

/** Makes an ed25519 key pair without passphrase. */
export async function makeKey(path: string, comment: string): Promise<void> {
  await must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path]);
}

/** Reads a public key without its comment. */
export async function publicKey(path: string): Promise<string> {
  return (await Deno.readTextFile(`${path}.pub`)).split(" ").slice(0, 2).join(" ");
}

/** Writes everything but the keys. */
export async function writeSshFiles(files: SshFiles, hosts: readonly SshHost[]): Promise<void> {
  const lines = (keyOf: (host: SshHost) => string) =>
    hosts.map((host) => `${host.name},${host.address} ${keyOf(host)}\n`).join("");
  const foreign = await publicKey(files.refusedIdentityFile);
  await Deno.writeTextFile(files.knownHosts, lines((host) => host.publicKey));
  await Deno.writeTextFile(files.changedKnownHosts, lines(() => foreign));
  await Deno.writeTextFile(files.emptyKnownHosts, "");
  await Deno.writeTextFile(files.config, configText(files, hosts));
  await Deno.writeTextFile(
    files.command,
    `#!/bin/sh\nexec ssh -F '${files.config}' "$@"\n`,
    { mode: 0o755 },
  );
}

function configText(files: SshFiles, hosts: readonly SshHost[]): string {
  const sections: string[] = [];
  for (const host of hosts) {
    for (const jump of hosts) {
      if (jump === host) continue;
      sections.push(
        `Host ${host.name}-via-${jump.name}\n` +
          `  HostName ${host.address}\n  HostKeyAlias ${host.name}\n  ProxyJump ${jump.name}\n`,
      );
    }
    sections.push(
      `Host ${host.name} ${host.address}\n  HostName ${host.address}\n  HostKeyAlias ${host.name}\n`,
    );
  }
  return sections.join("") + "Host *\n" + clientDefaults(files);
}

/** What every way to a host has in common. */
export function clientDefaults(files: SshFiles): string {
  return [
    "  User root",
    `  IdentityFile ${files.identityFile}`,
    "  IdentitiesOnly yes",
    "  IdentityAgent none",
    `  UserKnownHostsFile ${files.knownHosts}`,
    "  GlobalKnownHostsFile /dev/null",
    "  StrictHostKeyChecking yes",
    "  UpdateHostKeys no",
    "  BatchMode yes",
    "  ConnectTimeout 10",
    "",
  ].join("\n");
}
