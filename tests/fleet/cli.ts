/**
 * The fleet as a command, for people: `scripts/fleet`. The fleet stands until it is taken down.
 *
 * @module
 */
import { Fleet, type FleetKvm, fleetObstacle } from "./fleet.ts";
import { slowHost } from "./slow_host.ts";

const USAGE = `usage: scripts/fleet [--dir DIR] COMMAND
  up N [--kvm absent|usable|root-only]   start N hosts and show where they are
  down                                   stop them and remove all that is theirs
  sweep                                  remove fleets of programs that were killed together with their keeper
  list                                   name, address, URI, running or stopped
  start I | stop I                       switch a host on or off (its disk stays)
  exec I CMD...                          run a command in a host
  ssh I [CMD...]                         the same through its sshd
  virsh I ARGS...                        virsh on its libvirt, through its sshd
  uri I | uri I --plain                  the URI of its libvirt
  link I up|down                         plug its network cable in, or pull it out
  kill-libvirtd I | start-libvirtd I     end its libvirtd with SIGKILL, start it
  proxy I --rtt MS                       a slower way to its sshd, until Ctrl-C`;

const DEFAULT_DIR = new URL("../../.cache/fleet/standing", import.meta.url).pathname;

class UsageError extends Error {}

function out(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** Runs a command on this terminal and gives its exit status. */
async function onTerminal(command: string, args: readonly string[]): Promise<number> {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  return (await child.status).code;
}

/** Takes `--name value` out of the arguments. */
function option(args: string[], name: string): string | undefined {
  const at = args.indexOf(`--${name}`);
  if (at < 0) return undefined;
  const [, value] = args.splice(at, 2);
  if (value === undefined) throw new UsageError(`--${name} needs a value`);
  return value;
}

async function show(fleet: Fleet): Promise<void> {
  for (const host of fleet.hosts) {
    const state = await host.pid() === undefined ? "stopped" : "running";
    out(`${host.name}  ${host.address}  ${state}  ${host.uri}`);
  }
}

async function up(dir: string, args: string[]): Promise<number> {
  const obstacle = await fleetObstacle();
  if (obstacle !== undefined) throw new Error(obstacle);
  const kvm = (option(args, "kvm") ?? "absent") as FleetKvm;
  const hosts = Number(args[0]);
  if (!(hosts >= 1)) throw new UsageError("up needs the number of hosts");
  if (!["absent", "usable", "root-only"].includes(kvm)) throw new UsageError(`no such kvm: ${kvm}`);
  if (await Deno.stat(`${dir}/fleet.json`).catch(() => undefined) !== undefined) {
    throw new Error(`a fleet stands in ${dir} already: take it down first`);
  }
  const fleet = await Fleet.up({ hosts, kvm, dir, persist: true });
  await show(fleet);
  out(`ssh -F ${fleet.ssh.config} h1`);
  return 0;
}

async function down(dir: string): Promise<number> {
  const fleet = await Fleet.open(dir).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  await fleet?.down();
  return 0;
}

async function proxy(fleet: Fleet, index: number, args: string[]): Promise<number> {
  const rtt = Number(option(args, "rtt") ?? NaN);
  if (!(rtt >= 0)) throw new UsageError("proxy needs --rtt MS");
  await using slow = await slowHost(fleet, fleet.host(index), rtt);
  out(JSON.stringify({
    hostname: slow.hostname,
    port: slow.port,
    rttMs: rtt,
    uri: slow.uri,
    config: slow.config,
    knownHosts: slow.knownHosts,
  }));
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, resolve);
  });
  return 0;
}

async function main(args: string[]): Promise<number> {
  const dir = option(args, "dir") ?? DEFAULT_DIR;
  const command = args.shift();
  if (command === "up") return await up(dir, args);
  if (command === "down") return await down(dir);
  if (command === "sweep") {
    for (const swept of await Fleet.sweep()) out(swept);
    return 0;
  }
  if (command === undefined || command === "help" || command === "--help") {
    out(USAGE);
    return command === undefined ? 2 : 0;
  }
  const fleet = await Fleet.open(dir).catch((error) => {
    if (error instanceof Deno.errors.NotFound) {
      throw new Error(`no fleet stands in ${dir}: scripts/fleet up N starts one`);
    }
    throw error;
  });
  if (command === "list") {
    await show(fleet);
    return 0;
  }
  const index = Number(args.shift());
  if (!(index >= 1)) throw new UsageError(`${command} needs the number of a host`);
  const host = fleet.host(index);
  switch (command) {
    case "start":
      await host.start();
      return 0;
    case "stop":
      await host.stop();
      return 0;
    case "exec": {
      const line = await host.execArgs(args.length === 0 ? ["bash"] : args);
      return await onTerminal(line[0]!, line.slice(1));
    }
    case "ssh":
      return await onTerminal("ssh", ["-F", fleet.ssh.config, host.name, ...args]);
    case "virsh":
      return await onTerminal("virsh", ["-q", "-c", host.uri, ...args]);
    case "uri":
      out(args[0] === "--plain" ? host.plainUri : host.uri);
      return 0;
    case "link":
      if (args[0] !== "up" && args[0] !== "down") throw new UsageError("link I up|down");
      await host.link[args[0]]();
      return 0;
    case "kill-libvirtd":
      await host.libvirtd.kill();
      return 0;
    case "start-libvirtd":
      await host.libvirtd.start();
      return 0;
    case "proxy":
      return await proxy(fleet, index, args);
    default:
      throw new UsageError(`no such command: ${command}`);
  }
}

if (import.meta.main) {
  try {
    Deno.exit(await main([...Deno.args]));
  } catch (error) {
    const text = error instanceof UsageError ? `${error.message}\n${USAGE}` : `error: ${error}`;
    await Deno.stderr.write(new TextEncoder().encode(`${text}\n`));
    Deno.exit(error instanceof UsageError ? 2 : 1);
  }
}
