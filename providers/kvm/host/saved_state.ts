/**
 * What libvirt keeps of a machine's memory for its next start.
 *
 * @module
 */

import {
  type Domain,
  isDenied,
  isNotFound,
  isTransient,
  isUnsupported,
  LibvirtError,
} from "../libvirt/mod.ts";

/** A machine's saved state. */
export interface SavedState {
  /** Its memory was saved. */
  readonly saved?: true;
  /** The definition that its next start restores with it. */
  readonly savedXml?: string;
  /** Why it cannot be restored: its file is torn, as by a host that lost its power while it was written. */
  readonly savedError?: string;
}

/** Whether libvirt keeps a machine's memory for its next start, and the definition that goes with it. */
export async function savedState(domain: Domain): Promise<SavedState> {
  try {
    if (!(await domain.hasManagedSave())) return {};
  } catch (error) {
    // A driver that cannot be asked saves none.
    if (isUnsupported(error) || isNotFound(error)) return {};
    throw error;
  }
  try {
    return { saved: true, savedXml: await domain.managedSaveXml() };
  } catch (error) {
    // A driver that does not tell restores no definition.
    if (isUnsupported(error)) return { saved: true };
    // It was started meanwhile.
    if (isNotFound(error) || !(await domain.hasManagedSave().catch(() => true))) return {};
    if (isTorn(error)) return { saved: true, savedError: error.libvirtMessage };
    throw error;
  }
}

/** Whether a saved state's file is what cannot be read, rather than the host. */
export function isTorn(error: unknown): error is LibvirtError {
  return error instanceof LibvirtError && !isTransient(error) && !isDenied(error);
}
