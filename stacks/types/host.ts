/**
 * What a host is declared by.
 *
 * @module
 */

import type { SshOptions } from "../../providers/provider.ts";

/** A host, and how it is reached. */
export interface HostOptions {
  /** libvirt URI: `qemu:///system`, `qemu+ssh://root@kvm1/system`, … */
  readonly uri: string;
  /** How OpenSSH reaches it; what is left out comes from the user's own configuration. */
  readonly ssh?: SshOptions;
  /** Seconds within which it must answer; 15 unless declared. */
  readonly connectTimeout?: number;
  /** Most steps in flight on it at once; 5 unless declared. */
  readonly parallelism?: number;
}
