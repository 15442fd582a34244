import { must, run } from "./command.ts";

/**
 * A copy of the QEMU capabilities that libvirt has probed, kept between fleets: a host that begins with
 * it answers its first define at once instead of after a second and more of probing. libvirt itself
 * rejects what does not fit its own version or QEMU's.
 */
export class CapabilityCache {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** The cache for the libvirt and QEMU that are installed now, below `folder`. */
  static async open(folder: string, kvm: string): Promise<CapabilityCache> {
    const parts: string[] = [Deno.osRelease(), kvm];
    for (const binary of ["/usr/sbin/libvirtd", "/usr/bin/qemu-system-x86_64"]) {
      const info = await Deno.stat(binary).catch(() => undefined);
      parts.push(`${binary}:${info?.size}:${info?.mtime?.getTime()}:${info?.ctime?.getTime()}`);
    }
    const bytes = new TextEncoder().encode(parts.join("\n"));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return new CapabilityCache(`${folder}/${digest.toHex().slice(0, 16)}`);
  }

  /** Copies what is kept to a host's folder; false when there is nothing yet. */
  async give(to: string): Promise<boolean> {
    const { code } = await run("cp", ["-a", "--no-target-directory", this.#folder, to]);
    return code === 0;
  }

  /** Keeps what a host has probed. */
  async keep(from: string): Promise<void> {
    const fresh = `${this.#folder}.${crypto.randomUUID()}`;
    await Deno.mkdir(this.#folder.slice(0, this.#folder.lastIndexOf("/")), { recursive: true });
    await must("cp", ["-a", "--no-target-directory", from, fresh]);
    try {
      await Deno.rename(fresh, this.#folder);
    } catch {
      // Another fleet was quicker.
      await Deno.remove(fresh, { recursive: true });
    }
  }
}
