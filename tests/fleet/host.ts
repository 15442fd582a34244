import type { FleetCgroups } from "./cgroup.ts";
import { type CommandOptions, type CommandResult, must, poll, run } from "./command.ts";
import { ipBatch, removeLinks } from "./network.ts";
import type { SshFiles } from "./ssh_files.ts";

/** What a host is made of and found by: plain, kept in the fleet's folder. */
export interface HostRecord {
  /** Counts from 1. */
  readonly index: number;
  /** Its host name: `h1`. */
  readonly name: string;
  readonly address: string;
  /** The end of its link that stands in this machine's own network namespace. */
  readonly link: string;
  /** The UUID that its libvirt gives as the host's. */
  readonly uuid: string;
}

/** What a host shares with the others of its fleet. */
export interface HostContext {
  readonly dir: string;
  readonly bridge: string;
  readonly cgroups: FleetCgroups;
  readonly cgroupName: string;
  readonly ssh: SshFiles;
}

/** Environment of a command that runs in a host. */
const HOST_ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
  TERM: "dumb",
};

/** A KVM host: namespaces with its own root, network, sshd, virtlogd and libvirtd. */
export class FleetHost {
  readonly index: number;
  readonly name: string;
  readonly address: string;
  readonly uuid: string;
  /** The host's folder on this machine. */
  readonly dir: string;
  /** The folder that is `/var/lib/libvirt/images` in the host, a real folder of this machine. */
  readonly images: string;
  readonly #record: HostRecord;
  readonly #context: HostContext;

  constructor(record: HostRecord, context: HostContext) {
    this.index = record.index;
    this.name = record.name;
    this.address = record.address;
    this.uuid = record.uuid;
    this.dir = `${context.dir}/${record.name}`;
    this.images = `${this.dir}/images`;
    this.#record = record;
    this.#context = context;
  }

  /** Its libvirt by SSH, for clients that use libvirt's own transport. */
  get uri(): string {
    const command = encodeURIComponent(this.#context.ssh.command);
    return `qemu+ssh://root@${this.address}/system?command=${command}&no_tty=1`;
  }

  /** Its libvirt by SSH, for clients that are told the SSH files separately. */
  get plainUri(): string {
    return `qemu+ssh://root@${this.address}/system`;
  }

  /** PID, on this machine, of the host's first process; undefined while it is stopped. */
  async pid(): Promise<number | undefined> {
    const text = await Deno.readTextFile(`${this.dir}/pid`).catch(() => "");
    const pid = Number(text);
    if (!(pid > 0)) return undefined;
    // The number may have been given to another process since.
    const groups = await Deno.readTextFile(`/proc/${pid}/cgroup`).catch(() => "");
    return groups.includes(`/${this.#context.cgroupName}/${this.name}`) ? pid : undefined;
  }

  /** Starts the host, as if its power were switched on; its disk is as it was left. */
  async start(): Promise<void> {
    if (await this.pid() !== undefined) return;
    const { dir } = this;
    const record = this.#record;
    await Deno.writeTextFile(`${dir}/ready`, "");
    const groups = await this.#context.cgroups.make(this.name);
    // The host's processes are nobody's children: they end by their groups, not by a handle.
    await must("setsid", [
      "--fork",
      ...enterGroups(groups),
      ...["bash", "-c", 'exec >>"$1" 2>&1; echo $$ >"$2"; shift 2; exec "$@"', "start"],
      ...[`${dir}/init.log`, `${dir}/unshare.pid`],
      ...["unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--cgroup"],
      ...["--fork", "--kill-child", "--propagation", "private"],
      ...["bash", `${this.#context.dir}/host_init.sh`, this.name, `${this.address}/24`, dir],
    ], { clearEnv: true, env: HOST_ENVIRONMENT, output: "null" });
    try {
      const pid = await poll(`first process of ${this.name}`, () => this.#findFirstProcess());
      await Deno.writeTextFile(`${dir}/pid`, `${pid}\n`);
      await ipBatch([
        `link add ${record.link} type veth peer name eth0 netns ${pid}`,
        `link set ${record.link} master ${this.#context.bridge} up`,
      ]);
      await poll(`${this.name} ready`, async () => {
        if (await this.pid() === undefined) throw new Error("its first process ended");
        return (await Deno.readTextFile(`${dir}/ready`)) === "" ? undefined : true;
      }, { timeoutMs: 60_000 });
    } catch (error) {
      const log = await Deno.readTextFile(`${dir}/init.log`).catch(() => "");
      await this.stop();
      throw new Error(`${this.name} did not start: ${(error as Error).message}\n${log}`);
    }
  }

  /** Stops the host at once, as if its power were cut; its guests die with it. */
  async stop(): Promise<void> {
    await this.#context.cgroups.remove(this.name);
    await removeLinks((name) => name === this.#record.link);
    for (const file of ["pid", "unshare.pid"]) {
      await Deno.remove(`${this.dir}/${file}`).catch(() => {});
    }
  }

  /** The only child of the process that made the namespaces. */
  async #findFirstProcess(): Promise<number | undefined> {
    const text = await Deno.readTextFile(`${this.dir}/unshare.pid`).catch(() => "");
    if (text === "") return undefined;
    const parent = Number(text);
    const children = await Deno.readTextFile(`/proc/${parent}/task/${parent}/children`);
    return children.trim() === "" ? undefined : Number(children);
  }

  /** The command line that runs a command in the host, for callers that spawn it themselves. */
  async execArgs(command: readonly string[]): Promise<readonly string[]> {
    const pid = await this.pid();
    if (pid === undefined) throw new Error(`${this.name} is not running`);
    return [
      ...enterGroups(this.#context.cgroups.folders(this.name)),
      ...["nsenter", "--target", `${pid}`, "--all", "--root", "--wd", "--"],
      ...command,
    ];
  }

  /** Runs a command in the host; a string is a line for its shell. */
  async exec(
    command: string | readonly string[],
    options: Pick<CommandOptions, "stdin" | "signal"> = {},
  ): Promise<CommandResult> {
    const args = await this.execArgs(typeof command === "string" ? ["sh", "-c", command] : command);
    return await run(args[0]!, args.slice(1), {
      ...options,
      clearEnv: true,
      env: HOST_ENVIRONMENT,
    });
  }

  /** Runs a command in the host that must succeed, and gives its standard output. */
  async must(command: string | readonly string[], options?: Pick<CommandOptions, "stdin">) {
    const { code, stdout, stderr } = await this.exec(command, options);
    if (code === 0) return stdout;
    const text = typeof command === "string" ? command : command.join(" ");
    throw new Error(`${this.name}: ${text} ended with status ${code}: ${stderr || stdout}`);
  }

  /** Runs virsh in the host, on its own daemon: works while its link is down. */
  virsh(...args: readonly string[]): Promise<string> {
    return this.must(["virsh", "-q", "-c", "qemu:///system", ...args]);
  }

  /** Runs a command through SSH, as `ssh h1 COMMAND` with the fleet's configuration. */
  async ssh(command: string): Promise<string> {
    return await must("ssh", ["-F", this.#context.ssh.config, this.name, command]);
  }

  /** The host's libvirtd. */
  readonly libvirtd: FleetService = this.#service("libvirtd");
  /** The host's sshd, with its sessions. */
  readonly sshd: FleetService & { readonly dropSessions: () => Promise<void> } = {
    ...this.#service("sshd"),
    dropSessions: async () => void await this.must(["fleet-service", "sshd", "drop"]),
  };

  /** The cable to the fleet's network. */
  readonly link: FleetLink = {
    // With the address settled: else the kernel finds in three seconds that nobody has it, and refuses.
    down: async () =>
      await ipBatch([
        await this.#neighbour("permanent"),
        `link set ${this.#record.link} down`,
      ]),
    up: async () =>
      await ipBatch([
        `link set ${this.#record.link} up`,
        await this.#neighbour("reachable"),
      ]),
  };

  /** Says who has the host's address, for how long: `permanent`, or `reachable` until it is asked again. */
  async #neighbour(state: string): Promise<string> {
    const mac = (await this.must("cat /sys/class/net/eth0/address")).trim();
    return `neigh replace ${this.address} lladdr ${mac} dev ${this.#context.bridge} nud ${state}`;
  }

  #service(name: string): FleetService {
    const act = async (action: string) => void await this.must(["fleet-service", name, action]);
    return {
      start: async () => {
        await act("start");
        await act("wait");
      },
      stop: () => act("stop"),
      kill: () => act("kill"),
      running: async () => (await this.exec(["fleet-service", name, "status"])).code === 0,
    };
  }
}

/** A daemon of a host. */
export interface FleetService {
  /** Starts it if it does not run, and waits until it answers. */
  readonly start: () => Promise<void>;
  /** Ends it in good order. */
  readonly stop: () => Promise<void>;
  /** Ends it with SIGKILL. */
  readonly kill: () => Promise<void>;
  readonly running: () => Promise<boolean>;
}

/** A network link that can be cut: packets vanish, no connection is told. */
export interface FleetLink {
  readonly down: () => Promise<void>;
  readonly up: () => Promise<void>;
}

/** A command line in front of another that puts it into the host's groups before its first instruction. */
function enterGroups(folders: readonly string[]): readonly string[] {
  const script =
    'while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"';
  // Version 2: a group that gives controllers to its children holds no process itself.
  const targets = folders.map((folder) => {
    try {
      Deno.statSync(`${folder}/init`);
      return `${folder}/init`;
    } catch {
      return folder;
    }
  });
  return ["sh", "-c", script, "enter", ...targets, "--"];
}
