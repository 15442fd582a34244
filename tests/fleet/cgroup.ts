import { poll } from "./command.ts";

/**
 * The control groups of a fleet: `staddle-fleet-ID` in every hierarchy of this machine (one with
 * cgroup v2, one a controller with v1), and one group a host below it. All processes of a host are in
 * its groups from their first instruction, so that they are found again whoever started them.
 */
export class FleetCgroups {
  readonly #roots: readonly string[];
  readonly #name: string;

  constructor(id: string) {
    this.#name = `staddle-fleet-${id}`;
    this.#roots = hierarchies();
  }

  /** Makes a host's groups and gives their folders. */
  async make(host: string): Promise<readonly string[]> {
    const folders: string[] = [];
    for (const root of this.#roots) {
      const fleet = `${root}/${this.#name}`;
      const folder = `${fleet}/${host}`;
      await makeGroup(fleet, root);
      await makeGroup(folder, fleet);
      folders.push(folder);
    }
    return folders;
  }

  /** A host's folders that exist. */
  folders(host: string): readonly string[] {
    return this.#roots.map((root) => `${root}/${this.#name}/${host}`).filter(exists);
  }

  /** Kills every process of a host, and removes its groups. */
  async remove(host: string): Promise<void> {
    const folders = this.folders(host);
    await emptied(`the processes of ${host}`, folders);
    for (const folder of folders) await removeGroup(folder);
  }

  /** The same for all hosts that this machine has of the fleet, known or not. */
  async removeAll(): Promise<void> {
    const folders = this.#roots.map((root) => `${root}/${this.#name}`).filter(exists);
    await emptied(`the processes of ${this.#name}`, folders);
    for (const folder of folders) await removeGroup(folder);
  }
}

/** What libvirt makes use of. */
const CONTROLLERS: ReadonlySet<string> = new Set(["cpu", "cpuset", "io", "memory", "pids"]);

function hierarchies(): readonly string[] {
  if (exists("/sys/fs/cgroup/cgroup.controllers")) return ["/sys/fs/cgroup"];
  const roots: string[] = [];
  for (const line of Deno.readTextFileSync("/proc/self/mountinfo").split("\n")) {
    const [mount, filesystem] = line.split(" - ");
    const path = mount?.split(" ")[4];
    // The named hierarchy belongs to the service manager.
    if (path === undefined || !filesystem?.startsWith("cgroup ") || path.endsWith("/systemd")) {
      continue;
    }
    if (path.startsWith("/sys/fs/cgroup/")) roots.push(path);
  }
  return roots;
}

async function makeGroup(folder: string, parent: string): Promise<void> {
  // Version 2: controllers reach a group only through its parent. What the machine does not allow
  // (a controller that is in use by version 1, a parent that holds processes) the host does without.
  const available = await text(`${parent}/cgroup.controllers`);
  for (const controller of available?.trim().split(" ") ?? []) {
    if (!CONTROLLERS.has(controller)) continue;
    await Deno.writeTextFile(`${parent}/cgroup.subtree_control`, `+${controller}`).catch(() => {});
  }
  await Deno.mkdir(folder, { recursive: true });
  // Version 1: a cpuset without CPUs takes no process.
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (available !== undefined || (await text(`${folder}/${file}`))?.trim() !== "") continue;
    await Deno.writeTextFile(`${folder}/${file}`, (await text(`${parent}/${file}`)) ?? "");
  }
}

async function emptied(what: string, folders: readonly string[]): Promise<void> {
  await poll(`end of ${what}`, async () => {
    let alive = 0;
    for (const folder of folders) {
      for (const pid of await processes(folder)) {
        alive++;
        try {
          Deno.kill(pid, "SIGKILL");
        } catch (error) {
          if (!(error instanceof Deno.errors.NotFound)) throw error;
        }
      }
    }
    return alive === 0 ? true : undefined;
  });
}

async function processes(folder: string): Promise<readonly number[]> {
  const found: number[] = [];
  // Zero stands for a process of an outer PID namespace; there is none for the machine's own root.
  for (const line of ((await text(`${folder}/cgroup.procs`)) ?? "").split("\n")) {
    if (Number(line) > 0) found.push(Number(line));
  }
  for (const child of await children(folder)) found.push(...await processes(child));
  return found;
}

async function removeGroup(folder: string): Promise<void> {
  for (const child of await children(folder)) await removeGroup(child);
  // The kernel lets go of a group a moment after its last process.
  await poll(`removal of ${folder}`, async () => {
    try {
      await Deno.remove(folder);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return true;
      return undefined;
    }
  }, { timeoutMs: 5_000 });
}

async function children(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (entry.isDirectory) found.push(`${folder}/${entry.name}`);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}

async function text(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return undefined;
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
