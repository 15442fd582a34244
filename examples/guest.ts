/**
 * The small guest that these examples boot: a kernel and an initial RAM disk that
 * `scripts/build_guest` makes from the distribution's packages. It takes its address by DHCP,
 * reads its cloud-init seed and prints what it read on the serial console.
 *
 * @module
 */

import type { HostScope, Image } from "staddle";

/** Direct kernel boot of the guest. */
export interface GuestBoot {
  readonly kernel: Image;
  readonly initrd: Image;
  readonly cmdline: string;
}

/** Declares the guest's two files as images of a host. `folder` is relative to the stack. */
export function guestBoot(host: HostScope, folder = "../../.cache/guest"): GuestBoot {
  return {
    kernel: host.image("guest-kernel", { from: `${folder}/kernel`, format: "raw" }),
    initrd: host.image("guest-initrd", { from: `${folder}/initrd`, format: "raw" }),
    cmdline: "console=ttyS0 quiet",
  };
}
