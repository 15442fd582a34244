/**
 * For the tests of the libvirt binding: names that are nobody else's, a daemon of one's own, and XML of
 * small objects.
 *
 * @module
 */

import { Libvirt } from "../../providers/kvm/libvirt/mod.ts";

/** The real daemon of this machine. */
export const SYSTEM = "qemu:///system";

/** A name that no one else uses. */
export function uniqueName(what: string): string {
  return `lvt-${what}-${crypto.randomUUID().slice(0, 8)}`;
}

/** Whether the real daemon of this machine answers. */
export async function systemAnswers(): Promise<boolean> {
  await using libvirt = await Libvirt.open();
  try {
    await using _ = await libvirt.connect(SYSTEM, { timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

/** A diskless machine under TCG with a serial console. It has no firmware output to wait for. */
export function domainXml(name: string, more = ""): string {
  return `<domain type='qemu'>
  <name>${name}</name>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><bios useserial='yes'/></os>
  <devices>
    <controller type='pci' model='pcie-root'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='usb' model='none'/>
    <serial type='pty'><target port='0'/></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <memballoon model='none'/>
    ${more}
  </devices>
</domain>`;
}

/** Milliseconds, as a promise. */
export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until `condition` holds, or throws. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limit = 10_000,
): Promise<void> {
  const end = performance.now() + limit;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`${what} has not come within ${limit} ms`);
    await delay(10);
  }
}

/** Runs a command and gives what it printed. Throws if it fails. */
export async function run(command: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!success) {
    throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
  return new TextDecoder().decode(stdout);
}

/** A libvirtd of one's own: own files, own network, own socket. Nothing of it is left behind. */
export class PrivateDaemon implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(process: Deno.ChildProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
  }

  /** Starts one and waits until it answers. `qemuHook`: a shell script run around each start. */
  static async start(libvirt: Libvirt, qemuHook?: string): Promise<PrivateDaemon> {
    const folder = await Deno.makeTempDir({ prefix: "lvt-daemon-" });
    if (qemuHook !== undefined) {
      const hooks = `${folder}/root/etc/libvirt/hooks`;
      await Deno.mkdir(hooks, { recursive: true });
      await Deno.writeTextFile(`${hooks}/qemu`, `#!/bin/sh\n${qemuHook}\n`, { mode: 0o755 });
    }
    // The daemon's children have other users.
    await Deno.chmod(folder, 0o755);
    await Deno.writeTextFile(
      `${folder}/libvirtd.conf`,
      [
        `unix_sock_dir = "${folder}"`,
        `auth_unix_rw = "none"`,
        `auth_unix_ro = "none"`,
        `log_outputs = "3:file:${folder}/log"`,
      ].join("\n"),
    );
    // virtlogd is not started here: QEMU writes its own log. As root QEMU can open /dev/kvm: else each
    // define would probe QEMU anew.
    await Deno.mkdir(`${folder}/root/etc/libvirt`, { recursive: true });
    await Deno.writeTextFile(
      `${folder}/root/etc/libvirt/qemu.conf`,
      'stdio_handler = "file"\nuser = "root"\ngroup = "root"\n',
    );
    // Mounts, network and processes of its own: what the daemon writes below /etc, /var and /run is
    // not the machine's, and no guest outlives it.
    const script = `
      set -e
      for at in /etc/libvirt /var/lib/libvirt /var/cache/libvirt /run/libvirt /var/log/libvirt; do
        mkdir -p "$at" "${folder}/root$at"
        mount --bind "${folder}/root$at" "$at"
      done
      # The shell stays: someone has to bury QEMU, which detaches itself.
      libvirtd --config "${folder}/libvirtd.conf" --pid-file "${folder}/pid" &
      wait $!`;
    const process = new Deno.Command("unshare", {
      args: [
        "--mount",
        "--net",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "--propagation",
        "private",
        "sh",
        "-c",
        script,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const daemon = new PrivateDaemon(process, folder);
    try {
      await until("the private daemon's socket", async () => {
        try {
          await using _ = await libvirt.connect(daemon.uri, { timeout: 5_000 });
          return true;
        } catch {
          return false;
        }
      }, 30_000);
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
    return daemon;
  }

  /** How to connect to it. */
  get uri(): string {
    return `qemu:///system?socket=${this.#folder}/libvirt-sock`;
  }

  /** Its process id, as seen from outside: the shell's child, which is `unshare`'s. */
  get pid(): number {
    return firstChild(firstChild(this.#process.pid));
  }

  /** How many sockets it has open. */
  async sockets(): Promise<number> {
    let count = 0;
    for await (const { name } of Deno.readDir(`/proc/${this.pid}/fd`)) {
      const target = await Deno.readLink(`/proc/${this.pid}/fd/${name}`).catch(() => "");
      if (target.startsWith("socket:")) count++;
    }
    return count;
  }

  /** Stops it where it is, as a host that hangs. */
  freeze(): void {
    Deno.kill(this.pid, "SIGSTOP");
  }

  /** Lets it go on. */
  thaw(): void {
    Deno.kill(this.pid, "SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The shell is its namespace's first process: with it the daemon and every guest go.
    Deno.kill(firstChild(this.#process.pid), "SIGKILL");
    await this.#process.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function firstChild(pid: number): number {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
  return Number(children.trim().split(" ")[0]);
}
