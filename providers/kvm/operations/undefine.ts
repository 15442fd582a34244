/**
 * Undefining machines, with what libvirt keeps beside their definition.
 *
 * @module
 */

import { type Domain, ErrorCode, isUnsupported, LibvirtError } from "../libvirt/mod.ts";

/** What goes with a domain only if it is said: a flag of `virDomainUndefineFlags` each. */
const MANAGED_SAVE = 1;
const SNAPSHOTS_METADATA = 2;
const NVRAM = 4;
const CHECKPOINTS_METADATA = 16;
const ALL = MANAGED_SAVE | SNAPSHOTS_METADATA | NVRAM | CHECKPOINTS_METADATA;

/**
 * Undefines a machine that is off, and with it its saved state, its UEFI variables, and what libvirt knows
 * of its snapshots and checkpoints.
 *
 * QEMU's driver has known all these flags for long. Others lack some, and refuse a call for a flag alone:
 * there only what the machine has is named, and what such a driver cannot take away is its own error.
 * A driver that does not know the flag for UEFI variables never makes a file of them.
 */
export async function undefine(domain: Domain): Promise<void> {
  try {
    await domain.undefine(ALL);
  } catch (error) {
    if (!(error instanceof LibvirtError) || error.code !== ErrorCode.VIR_ERR_INVALID_ARG) {
      throw error;
    }
    await domain.undefine(await kept(domain));
  }
}

/** The flags for what libvirt keeps of it. */
async function kept(domain: Domain): Promise<number> {
  const [saved, snapshots, checkpoints] = await Promise.all([
    domain.hasManagedSave().catch(none(false)),
    domain.snapshots().catch(none([])),
    domain.checkpoints().catch(none([])),
  ]);
  for (const handle of [...snapshots, ...checkpoints]) handle[Symbol.dispose]();
  return (saved ? MANAGED_SAVE : 0) |
    (snapshots.length > 0 ? SNAPSHOTS_METADATA : 0) |
    (checkpoints.length > 0 ? CHECKPOINTS_METADATA : 0);
}

/** A driver that cannot be asked for something has none of it. */
function none<T>(nothing: T): (error: unknown) => T {
  return (error) => {
    if (isUnsupported(error)) return nothing;
    throw error;
  };
}
