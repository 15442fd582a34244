import { CapabilityCache } from "./capabilities.ts";
import { FleetCgroups } from "./cgroup.ts";
import { must } from "./command.ts";
import { FleetHost, type HostRecord } from "./host.ts";
import { freePrefix, ipBatch, type Prefix, removeLinks } from "./network.ts";
import { makeKey, publicKey, type SshFiles, sshFiles, writeSshFiles } from "./ssh_files.ts";

/** What hosts have at `/dev/kvm`: nothing, a device that QEMU's user can open, or one that it cannot. */
export type FleetKvm = "absent" | "usable" | "root-only";

/** How a fleet is made. */
export interface FleetOptions {
  /** How many hosts, 1 to 100. */
  readonly hosts: number;
  /** Default: absent, so that every host has the same accelerator on any machine. */
  readonly kvm?: FleetKvm;
  /** The fleet's folder; default a new one below the system's folder for temporary files. */
  readonly dir?: string;
  /**
   * Leaves the fleet standing when this process ends. Without it everything goes with the process, however
   * it ends.
   */
  readonly persist?: boolean;
}

/** Kept in the fleet's folder before anything else is made: enough to remove the rest. */
interface FleetRecord {
  readonly id: string;
  readonly prefix: Prefix;
  readonly hosts: readonly HostRecord[];
}

const PREFIX = "staddle-fleet-";
const here = import.meta.dirname!;
const CACHE = new URL("../../.cache/fleet/capabilities", import.meta.url).pathname;

/** Several KVM hosts on this machine, which no other process of it sees. Needs root. */
export class Fleet implements AsyncDisposable {
  /** Everything of the fleet that is a file. */
  readonly dir: string;
  readonly id: string;
  readonly hosts: readonly FleetHost[];
  readonly ssh: SshFiles;
  /** This machine's own address on the fleet's network, which the hosts can reach. */
  readonly gateway: string;
  readonly #record: FleetRecord;
  #keeper: Deno.ChildProcess | undefined;

  private constructor(dir: string, record: FleetRecord) {
    this.dir = dir;
    this.id = record.id;
    this.gateway = `${record.prefix}.1`;
    this.ssh = sshFiles(dir);
    this.#record = record;
    const context = {
      dir,
      bridge: bridgeName(record.id),
      cgroups: new FleetCgroups(record.id),
      cgroupName: `staddle-fleet-${record.id}`,
      ssh: this.ssh,
    };
    this.hosts = record.hosts.map((host) => new FleetHost(host, context));
  }

  /** Starts a fleet and waits until each host answers on SSH and its libvirt on its socket. */
  static async up(options: FleetOptions): Promise<Fleet> {
    if (options.hosts < 1 || options.hosts > 100) {
      throw new RangeError("a fleet has 1 to 100 hosts");
    }
    const dir = options.dir ?? await Deno.makeTempDir({ prefix: PREFIX });
    await Deno.mkdir(dir, { recursive: true });
    const id = crypto.randomUUID().slice(0, 6);
    const prefix = await freePrefix();
    const hosts = Array.from({ length: options.hosts }, (_, at): HostRecord => ({
      index: at + 1,
      name: `h${at + 1}`,
      address: `${prefix}.${at + 11}`,
      link: `${bridgeName(id)}h${at + 1}`,
      uuid: crypto.randomUUID(),
    }));
    const record: FleetRecord = { id, prefix, hosts };
    const fleet = new Fleet(dir, record);
    await Deno.writeTextFile(`${dir}/fleet.json`, JSON.stringify(record, null, 2));
    try {
      if (options.persist !== true) fleet.#keep();
      await fleet.#make(options.kvm ?? "absent");
    } catch (error) {
      await fleet.down();
      throw error;
    }
    return fleet;
  }

  /** Finds a standing fleet by its folder. */
  static async open(dir: string): Promise<Fleet> {
    const text = await Deno.readTextFile(`${dir}/fleet.json`);
    return new Fleet(dir, JSON.parse(text) as FleetRecord);
  }

  /**
   * Takes down the fleets below the system's folder for temporary files whose maker and keeper are both
   * gone, as after an out-of-memory kill; gives their folders.
   */
  static async sweep(): Promise<readonly string[]> {
    const probe = await Deno.makeTempDir();
    const folder = probe.slice(0, probe.lastIndexOf("/"));
    await Deno.remove(probe);
    const swept: string[] = [];
    for await (const { name } of Deno.readDir(folder)) {
      const dir = `${folder}/${name}`;
      if (!name.startsWith(PREFIX)) continue;
      const pid = (await Deno.readTextFile(`${dir}/keeper.pid`).catch(() => "")).trim();
      if (pid === "") continue;
      const keeper = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
      if (keeper.includes(dir)) continue;
      const left = await Fleet.open(dir).catch((error) => {
        // Its own program took it down meanwhile, or was killed when nothing else was left.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
      if (left === undefined) await Deno.remove(dir, { recursive: true }).catch(() => {});
      else await left.down();
      swept.push(dir);
    }
    return swept;
  }

  /** A host by its number, which counts from 1. */
  host(index: number): FleetHost {
    const host = this.hosts[index - 1];
    if (host === undefined) throw new RangeError(`the fleet has hosts 1 to ${this.hosts.length}`);
    return host;
  }

  /** Removes everything: processes, links, groups, files. Works on a fleet that is half made or half gone. */
  async down(): Promise<void> {
    await new FleetCgroups(this.id).removeAll();
    await Promise.all(this.hosts.map((host) => host.stop()));
    const bridge = bridgeName(this.id);
    await removeLinks((name) => name === bridge || name.startsWith(`${bridge}h`));
    await Deno.remove(this.dir, { recursive: true });
    if (this.#keeper !== undefined) {
      await this.#keeper.stdin.close();
      await this.#keeper.status;
      this.#keeper = undefined;
    }
  }

  /** {@inheritDoc Fleet.down} */
  [Symbol.asyncDispose](): Promise<void> {
    return this.down();
  }

  /**
   * Starts a process that outlives this one: it waits for the end of a pipe that only this process holds
   * open, and then takes down what is still there.
   */
  #keep(): void {
    const script =
      'cat >/dev/null; [ -e "$1/fleet.json" ] || exit 0; exec "$2" run -A "$3" down --dir "$1"';
    this.#keeper = new Deno.Command("setsid", {
      args: ["sh", "-c", script, "keeper", this.dir, Deno.execPath(), `${here}/cli.ts`],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    Deno.writeTextFileSync(`${this.dir}/keeper.pid`, `${this.#keeper.pid}\n`);
  }

  async #make(kvm: FleetKvm): Promise<void> {
    const { dir } = this;
    const { prefix } = this.#record;
    await Deno.mkdir(`${dir}/shared`);
    await Deno.mkdir(`${dir}/ssh`, { mode: 0o700 });
    await Deno.copyFile(`${here}/host_init.sh`, `${dir}/host_init.sh`);
    await Deno.copyFile(`${here}/service.sh`, `${dir}/service.sh`);
    await Deno.writeTextFile(
      `${dir}/hosts`,
      "127.0.0.1 localhost\n" + this.hosts.map((host) => `${host.address} ${host.name}\n`).join(""),
    );
    // The folder is its creator's alone, but QEMU's user must pass through to images.
    await Deno.chmod(dir, 0o711);
    await Promise.all([
      makeKey(this.ssh.identityFile, "fleet"),
      makeKey(this.ssh.refusedIdentityFile, "refused"),
      ...this.hosts.map((host) => this.#makeHost(host, kvm)),
      this.#makeBridge(prefix),
    ]);
    const keys = await Promise.all(this.hosts.map((host) => publicKey(`${host.dir}/ssh_host_key`)));
    await writeSshFiles(
      this.ssh,
      this.hosts.map((host, at) => ({
        name: host.name,
        address: host.address,
        publicKey: keys[at]!,
      })),
    );
    for (const host of this.hosts) await this.#makeHome(host);
    await this.#startAll(kvm);
  }

  async #makeBridge(prefix: Prefix): Promise<void> {
    const bridge = bridgeName(this.id);
    await ipBatch([
      // No spanning tree: a port that came up would forward nothing for seconds.
      `link add ${bridge} type bridge stp_state 0 forward_delay 0`,
      `address add ${prefix}.1/24 dev ${bridge}`,
      `link set ${bridge} up`,
    ]);
  }

  async #makeHost(host: FleetHost, kvm: FleetKvm): Promise<void> {
    for (const folder of ["up", "work", "images", "home/.ssh"]) {
      await Deno.mkdir(`${host.dir}/${folder}`, { recursive: true });
    }
    await Deno.chmod(host.images, 0o711);
    await Deno.chmod(`${host.dir}/home`, 0o700);
    await Deno.chmod(`${host.dir}/home/.ssh`, 0o700);
    await Deno.writeTextFile(`${host.dir}/uuid`, `${host.uuid}\n`);
    await Deno.writeTextFile(`${host.dir}/kvm`, `${kvm}\n`);
    await makeKey(`${host.dir}/ssh_host_key`, host.name);
  }

  /** The hosts trust each other, as migration and jumping through a host need. */
  async #makeHome(host: FleetHost): Promise<void> {
    const folder = `${host.dir}/home/.ssh`;
    await Deno.copyFile(this.ssh.identityFile, `${folder}/id_ed25519`);
    await Deno.copyFile(`${this.ssh.identityFile}.pub`, `${folder}/authorized_keys`);
    await Deno.copyFile(this.ssh.knownHosts, `${folder}/known_hosts`);
    await Deno.chmod(`${folder}/id_ed25519`, 0o600);
    await Deno.chmod(`${folder}/authorized_keys`, 0o600);
  }

  async #startAll(kvm: FleetKvm): Promise<void> {
    const cache = await CapabilityCache.open(CACHE, kvm);
    const [first, ...others] = this.hosts;
    if (!await cache.give(`${first!.dir}/capabilities`)) {
      await first!.start();
      await first!.virsh("domcapabilities", "--virttype", "qemu");
      await cache.keep(`${first!.dir}/up/var/cache/libvirt/qemu/capabilities`);
    }
    await Promise.all([
      first!.start(),
      ...others.map(async (host) => {
        await cache.give(`${host.dir}/capabilities`);
        await host.start();
      }),
    ]);
  }
}

/** Short enough for `h100` behind it: an interface's name has at most 15 characters. */
function bridgeName(id: string): string {
  return `sf${id}`;
}

/**
 * Why this machine can make no fleet, or undefined if it can. Nothing is changed.
 */
export async function fleetObstacle(): Promise<string | undefined> {
  if (Deno.uid() !== 0) return "fleet hosts are made of namespaces, which needs root";
  for (const path of ["/usr/sbin/libvirtd", "/usr/sbin/sshd", "/usr/bin/qemu-system-x86_64"]) {
    if (await Deno.stat(path).catch(() => undefined) === undefined) {
      return `${path} is missing: scripts/setup --tests installs it`;
    }
  }
  try {
    await must("unshare", ["--net", "--mount", "--pid", "--fork", "true"]);
  } catch (error) {
    return `namespaces are not allowed here: ${(error as Error).message}`;
  }
  return undefined;
}
