import { DelayProxy } from "./delay_proxy.ts";
import type { Fleet } from "./fleet.ts";
import type { FleetHost } from "./host.ts";
import { clientDefaults } from "./ssh_files.ts";

/** A way to a host's sshd that takes longer. */
export interface SlowHost extends AsyncDisposable {
  readonly proxy: DelayProxy;
  readonly hostname: string;
  readonly port: number;
  /** The host's true key under the proxy's address and port. */
  readonly knownHosts: string;
  /** An OpenSSH configuration in which the host's name leads through the proxy. */
  readonly config: string;
  /** The host's libvirt through the proxy, for clients that use libvirt's own transport. */
  readonly uri: string;
  /** The same for clients that are told the SSH files separately. */
  readonly plainUri: string;
}

/** Puts a {@linkcode DelayProxy} before a host's sshd. */
export async function slowHost(fleet: Fleet, host: FleetHost, rttMs: number): Promise<SlowHost> {
  const proxy = DelayProxy.start({ target: { hostname: host.address, port: 22 }, rttMs });
  const { port } = proxy;
  const base = `${fleet.dir}/ssh/slow-${host.name}-${port}`;
  const key = (await Deno.readTextFile(`${host.dir}/ssh_host_key.pub`)).split(" ").slice(0, 2);
  const files = { ...fleet.ssh, knownHosts: `${base}.known_hosts`, config: `${base}.config` };
  await Deno.writeTextFile(files.knownHosts, `[127.0.0.1]:${port} ${key.join(" ")}\n`);
  await Deno.writeTextFile(
    files.config,
    `Host ${host.name} 127.0.0.1\n  HostName 127.0.0.1\n  Port ${port}\nHost *\n` +
      clientDefaults(files),
  );
  const command = `${base}.ssh`;
  await Deno.writeTextFile(command, `#!/bin/sh\nexec ssh -F '${files.config}' "$@"\n`, {
    mode: 0o755,
  });
  const plainUri = `qemu+ssh://root@127.0.0.1:${port}/system`;
  return {
    proxy,
    hostname: "127.0.0.1",
    port,
    knownHosts: files.knownHosts,
    config: files.config,
    uri: `${plainUri}?command=${encodeURIComponent(command)}&no_tty=1`,
    plainUri,
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}
