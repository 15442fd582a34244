/**
 * Facts of a KVM host, as far as planning needs them. Plain JSON.
 *
 * @module
 */

/** Whether guests really run under KVM: `kvm-soft` is a device without hardware behind it. */
export type AcceleratorVerdict = "kvm-hw" | "kvm-soft" | "tcg";

/** What the host can emulate for one architecture. */
export interface Emulator {
  /** Absolute path of the QEMU binary. */
  readonly path: string;
  /** Domain types: `qemu`, `kvm`. */
  readonly domainTypes: readonly string[];
  /** Machine types; `canonical` is what an alias stands for. */
  readonly machines: readonly { readonly name: string; readonly canonical?: string }[];
  /** UEFI firmware is installed for it. */
  readonly efi: boolean;
}

/** Facts of a host. */
export interface HostFacts {
  /** libvirt's URI, as declared. */
  readonly uri: string;
  /** The host's own name. */
  readonly hostname: string;
  /** libvirt of the daemon, major × 1,000,000 + minor × 1,000 + release. */
  readonly libvirtVersion: number;
  /** QEMU, counted alike. */
  readonly hypervisorVersion: number;
  /** The host's own architecture, for example `x86_64`. */
  readonly arch: string;
  /** Whether guests really run under KVM. */
  readonly accelerator: {
    /** In one word. */
    readonly verdict: AcceleratorVerdict;
    /** What the verdict stands on, one line each. */
    readonly evidence: readonly string[];
  };
  /** By architecture. */
  readonly emulators: Readonly<Record<string, Emulator>>;
  /** CPUs that are online. */
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  /** Bytes. */
  readonly freeMemory: number;
}
