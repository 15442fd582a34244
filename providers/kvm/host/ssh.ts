/**
 * One OpenSSH client a host: it authenticates once, forwards the daemon's sockets to a private
 * folder, and lets later sessions through its control socket.
 *
 * OpenSSH itself is used, under the user's own configuration, because only it knows everybody's
 * jump hosts, agents, certificates and known hosts. It runs in a session of its own, so that Ctrl-C
 * in the terminal does not reach it, behind a small shell that ends it when this process is gone,
 * by whatever means.
 *
 * @module
 */

import { resolve } from "node:path";
import { StaddleError } from "../../error.ts";
import type { HostDeclaration } from "../../provider.ts";
import { sshError } from "./ssh_error.ts";
import type { HostUri } from "./uri.ts";

/** Seconds within which a host must answer, unless it is declared otherwise. */
export const CONNECT_TIMEOUT = 15;
/** Seconds between two signs of life that ssh asks for, and how many may be missed. */
const ALIVE_INTERVAL = 5;
const ALIVE_COUNT = 3;
/** Lines of ssh's own output that are kept for messages. */
const KEPT_LINES = 400;

/**
 * Where libvirt listens: `libvirt-sock` is libvirtd's, and virtproxyd's where each driver has a
 * daemon of its own; `virtqemud-sock` reaches the other drivers by itself, too.
 */
const SYSTEM_SOCKETS = ["/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"];

/** Runs ssh, and ends it when standard input closes: the one sign that never fails to come. */
const GUARD = `dir=$1; shift
command -v ssh >/dev/null 2>&1 || { rm -rf "$dir"; exit 127; }
exec 3<&0
ssh "$@" </dev/null 3<&- &
client=$!
(read -r line; kill "$client") <&3 >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$client"
status=$?
kill "$watcher" 2>/dev/null
rm -rf "$dir"
exit "$status"`;

/** Why none of the daemon's sockets could be reached, as seen from the host. */
export type SocketState = "absent" | "denied" | "dead" | "listening";

/** What the host itself says about the daemon's sockets. */
export interface Survey {
  /** The user that we are on the host. */
  readonly user: string;
  readonly sockets: ReadonlyMap<string, SocketState>;
  /** Daemons that are installed: `libvirtd`, `virtqemud`. */
  readonly daemons: readonly string[];
}

/** An authenticated SSH connection to one host. Ends when it is disposed of. */
export interface SshLink extends AsyncDisposable {
  /** `user@name:port` as far as it was declared. */
  readonly destination: string;
  /** libvirt URIs that lead through the link, in the order in which to try them. */
  readonly uris: readonly { readonly uri: string; readonly socket?: string }[];
  /** Aborts when ssh has ended; its reason is the error to show. */
  readonly lost: AbortSignal;
  /** What ssh said last, for messages. */
  recent(): readonly string[];
  /** Looks at the daemon's sockets from the host's side; undefined: no command may be run there. */
  survey(): Promise<Survey | undefined>;
  /** Runs a POSIX shell script there; undefined: no command may be run there, or it took too long. */
  run(script: string): Promise<string | undefined>;
  /** True when the host can open a TCP connection to this address, within the milliseconds given. */
  canDial(address: string, port: number, milliseconds: number): Promise<boolean>;
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** In ssh's options a percent sign begins a token. */
function literal(path: string): string {
  return path.replaceAll("%", "%%");
}

/** Options that reach the host itself and a jump host that was declared alike. */
function commonOptions(
  host: HostDeclaration,
  uri: HostUri,
  baseDirectory: string,
): { readonly shared: string[]; readonly own: string[] } {
  const ssh = host.ssh ?? {};
  const file = (path: string) => literal(resolve(baseDirectory, path));
  const identity = ssh.identityFile ?? uri.keyfile;
  const known = ssh.knownHosts ?? uri.knownHosts;
  const timeout = Math.max(1, Math.ceil(host.connectTimeout ?? CONNECT_TIMEOUT));
  return {
    shared: [
      ...(ssh.configFile === undefined ? [] : ["-F", resolve(baseDirectory, ssh.configFile)]),
      "-v",
      ...["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "UpdateHostKeys=no"],
      ...["-o", `ConnectTimeout=${timeout}`, "-o", "ConnectionAttempts=1"],
      ...["-o", "ClearAllForwardings=no", "-o", "ForwardAgent=no", "-o", "ForwardX11=no"],
      ...(known === undefined ? [] : ["-o", `UserKnownHostsFile="${file(known)}"`]),
      ...(identity === undefined ? [] : ["-o", `IdentityFile="${file(identity)}"`]),
    ],
    own: identity === undefined ? [] : ["-o", "IdentitiesOnly=yes"],
  };
}

/** A declared jump host, `[user@]name[:port]` with commas between several, as a ProxyCommand. */
function jumpCommand(proxyJump: string, shared: readonly string[]): string {
  const hops = proxyJump.split(",").map((hop) => hop.trim()).filter((hop) => hop !== "");
  const last = hops.pop() ?? "";
  const destination = last.includes("://") ? last : `ssh://${last}`;
  return [
    "ssh",
    ...shared,
    ...(hops.length === 0 ? [] : ["-J", hops.join(",")]),
    "-W",
    "[%h]:%p",
    destination,
  ].map((word) => word === "[%h]:%p" ? `'${word}'` : quote(literal(word))).join(" ");
}

function destinationOf(host: HostDeclaration, uri: HostUri): string {
  const name = uri.hostname!.includes(":") ? `[${uri.hostname}]` : uri.hostname!;
  const port = host.ssh?.port ?? uri.port;
  return `${uri.user === undefined ? "" : `${uri.user}@`}${name}${
    port === undefined ? "" : `:${port}`
  }`;
}

/** ssh passes over a key file that is not there, and would say only that the login was refused. */
async function requireIdentity(host: HostDeclaration, uri: HostUri, baseDirectory: string) {
  const declared = host.ssh?.identityFile ?? uri.keyfile;
  if (declared === undefined) return;
  const path = resolve(baseDirectory, declared);
  try {
    (await Deno.open(path)).close();
  } catch (error) {
    throw new StaddleError({
      code: "ssh.identity-unreadable",
      summary: `cannot reach host "${host.name}" by SSH: its key file ${path} cannot be read`,
      where: [`host ${host.name} (${host.uri})`],
      details: [error instanceof Error ? error.message : String(error)],
      help:
        "identityFile is relative to the stack's folder; name the private key, not the .pub file",
      cause: error,
    });
  }
}

/** A folder that only this user can enter, with a path short enough for sockets. */
async function privateFolder(): Promise<string> {
  const candidates = [Deno.env.get("XDG_RUNTIME_DIR"), Deno.env.get("TMPDIR"), "/tmp"];
  let last: unknown;
  for (const dir of candidates) {
    // A socket's path ends at 104 to 108 bytes, and ssh appends 17 to the control socket's.
    if (dir === undefined || dir === "" || dir.length > 60) continue;
    try {
      return await Deno.makeTempDir({ dir, prefix: "staddle-" });
    } catch (error) {
      last = error;
    }
  }
  throw new StaddleError({
    code: "ssh.no-folder",
    summary: "cannot make a private folder for SSH's sockets",
    details: [String(last)],
    help: "let XDG_RUNTIME_DIR or TMPDIR name a folder that can be written to",
  });
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split(/\r?\n/);
    rest = parts.pop()!;
    yield* parts;
  }
  if (rest !== "") yield rest;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}

const pause = (milliseconds: number) => new Promise<void>((done) => setTimeout(done, milliseconds));

/**
 * Opens the one SSH connection to a host.
 *
 * @throws {StaddleError} `ssh.host-key-unknown`, `ssh.host-key-changed`, `ssh.auth-refused`,
 *   `ssh.unreachable` (also when nothing came within the host's connectTimeout), `ssh.name-unknown`,
 *   `ssh.missing`, `ssh.identity-unreadable`, `ssh.config`, `ssh.failed`.
 */
export async function openSsh(
  host: HostDeclaration,
  uri: HostUri,
  options: { readonly signal: AbortSignal; readonly baseDirectory: string },
): Promise<SshLink> {
  options.signal.throwIfAborted();
  await requireIdentity(host, uri, options.baseDirectory);
  const folder = await privateFolder();
  const control = `${folder}/c`;
  const sockets = uri.path === "session"
    ? []
    : (uri.socket === undefined ? SYSTEM_SOCKETS : [uri.socket]).map((remote, index) => ({
      remote,
      local: `${folder}/${index}`,
    }));
  const { shared, own } = commonOptions(host, uri, options.baseDirectory);
  const port = host.ssh?.port ?? uri.port;
  const jump = host.ssh?.proxyJump;
  const args = [
    ...shared,
    ...own,
    ...(port === undefined ? [] : ["-p", String(port)]),
    ...(uri.user === undefined ? [] : ["-l", uri.user]),
    ...(jump === undefined ? [] : ["-o", `ProxyCommand=${jumpCommand(jump, shared)}`]),
    ...["-N", "-T", "-x", "-a", "-M", "-S", literal(control)],
    ...["-o", "ControlPersist=no", "-o", "ForkAfterAuthentication=no", "-o", "RemoteCommand=none"],
    ...["-o", "PermitLocalCommand=no", "-o", "EscapeChar=none", "-o", "ExitOnForwardFailure=no"],
    ...["-o", `ServerAliveInterval=${ALIVE_INTERVAL}`, "-o", `ServerAliveCountMax=${ALIVE_COUNT}`],
    ...["-o", "StreamLocalBindMask=0177", "-o", "StreamLocalBindUnlink=yes"],
    ...sockets.flatMap(({ local, remote }) => ["-L", `${local}:${remote}`]),
    "--",
    uri.hostname!,
  ];
  const child = new Deno.Command("sh", {
    args: ["-c", GUARD, "staddle-ssh", folder, ...args],
    // Nobody is there to answer: no terminal, no askpass window.
    env: { SSH_ASKPASS_REQUIRE: "never", LC_ALL: "C" },
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
    detached: true,
  }).spawn();

  const lines: string[] = [];
  const reading = (async () => {
    for await (const line of linesOf(child.stderr)) {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.splice(0, lines.length - KEPT_LINES);
    }
  })().catch(() => {});
  let status: number | undefined;
  const ended = child.status.then(async ({ code }) => {
    await reading;
    status = code;
  });
  const stop = async () => {
    await child.stdin.close().catch(() => {});
    await ended;
  };
  const destination = destinationOf(host, uri);
  const timeout = host.connectTimeout ?? CONNECT_TIMEOUT;
  const failure = (code?: number) =>
    sshError({ host: host.name, uri: host.uri, destination, lines, timeout, status: code });

  try {
    const deadline = performance.now() + timeout * 1000;
    // The control socket is the last thing that ssh sets up, after login and forwarding.
    while (!(await exists(control))) {
      options.signal.throwIfAborted();
      if (status !== undefined) throw failure(status);
      if (performance.now() > deadline) throw failure();
      await Promise.race([ended, pause(10)]);
    }
  } catch (error) {
    await stop();
    throw error;
  }

  const lost = new AbortController();
  let closing = false;
  ended.then(() => {
    if (closing) return;
    lost.abort(
      new StaddleError({
        code: "ssh.lost",
        summary: `the SSH connection to host "${host.name}" (${destination}) was lost`,
        where: [`host ${host.name} (${host.uri})`],
        details: lines.filter((line) => !line.startsWith("debug1:")).slice(-3),
        help:
          "check the host and the network, then run the same command again: it goes on where it stopped",
      }),
    );
  });

  const wrapper = `${folder}/ssh`;
  if (uri.path === "session") {
    // libvirt starts the session's daemon through this; the connection is the one that we hold.
    await Deno.writeTextFile(
      wrapper,
      // In a session of its own, so that Ctrl-C does not reach it.
      `#!/bin/sh\nexec setsid ssh -F /dev/null -S ${
        quote(literal(control))
      } -o ProxyCommand=false "$@"\n`,
      { mode: 0o700 },
    );
  }
  return {
    destination,
    uris: uri.path === "session"
      ? [{
        uri: `qemu+ssh://staddle/session?command=${encodeURIComponent(wrapper)}&no_tty=1`,
      }]
      : sockets.map(({ local, remote }) => ({
        uri: `qemu+unix:///system?socket=${encodeURIComponent(local)}`,
        socket: remote,
      })),
    lost: lost.signal,
    recent: () => lines.slice(-20),
    survey: () => survey(control, sockets.map(({ remote }) => remote)),
    run: (script) => run(control, script),
    canDial: (address, dialPort, milliseconds) => canDial(control, address, dialPort, milliseconds),
    [Symbol.asyncDispose]: async () => {
      closing = true;
      await stop();
    },
  };
}

/** Arguments of a client that goes through the control socket and nowhere else. */
function through(control: string, before: readonly string[], after: readonly string[]): string[] {
  return [
    ...["-F", "/dev/null", "-S", literal(control), "-o", "ProxyCommand=false", "-T"],
    ...before,
    "--",
    "staddle",
    ...after,
  ];
}

async function run(control: string, script: string): Promise<string | undefined> {
  const { stdout, success } = await new Deno.Command("ssh", {
    args: through(control, [], [`sh -c ${quote(script)}`]),
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    detached: true,
    signal: AbortSignal.timeout(10_000),
  }).output();
  return success ? new TextDecoder().decode(stdout) : undefined;
}

async function survey(control: string, sockets: readonly string[]): Promise<Survey | undefined> {
  const script = `echo "staddle $(id -un)"
PATH=$PATH:/usr/sbin:/usr/local/sbin
for s in ${sockets.map(quote).join(" ")}; do
  if [ ! -S "$s" ]; then state=absent
  elif [ ! -w "$s" ]; then state=denied
  elif [ -r /proc/net/unix ] && ! grep -q " 00010000 .* $s\\$" /proc/net/unix; then state=dead
  else state=listening; fi
  echo "socket $state $s"
done
for d in libvirtd virtqemud; do command -v $d >/dev/null && echo "daemon $d"; done
exit 0`;
  const text = (await run(control, script) ?? "").split("\n");
  const user = text.find((line) => line.startsWith("staddle "))?.slice("staddle ".length);
  if (user === undefined) return undefined;
  return {
    user,
    sockets: new Map(text.flatMap((line) => {
      const match = line.match(/^socket (\w+) (.*)$/);
      return match === null ? [] : [[match[2]!, match[1] as SocketState]];
    })),
    daemons: text.filter((line) => line.startsWith("daemon ")).map((line) => line.slice(7)),
  };
}

async function canDial(
  control: string,
  address: string,
  port: number,
  milliseconds: number,
): Promise<boolean> {
  const target = `${address.includes(":") ? `[${address}]` : address}:${port}`;
  const child = new Deno.Command("ssh", {
    args: through(control, ["-v", "-W", target], []),
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
    detached: true,
  }).spawn();
  const end = () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
  };
  const timer = setTimeout(end, milliseconds);
  let opened = false;
  try {
    // The client reports the session only when the host's side has connected.
    for await (const line of linesOf(child.stderr)) {
      if (line.includes("mux_client_request_stdio_fwd: master session id")) {
        opened = true;
        break;
      }
    }
  } finally {
    clearTimeout(timer);
    await child.stdin.close().catch(() => {});
    end();
    await child.status;
  }
  return opened;
}
