/**
 * What a volume is declared by.
 *
 * @module
 */

import type { Image, Pool } from "../handles.ts";
import type { CommonOptions } from "./common.ts";
import type { XmlPatch } from "./xml_patch.ts";

/** A size: a number and a unit (`"20GiB"`; KiB, MiB, GiB, TiB, PiB), or a whole number of bytes. */
export type Size = string | number;

/** What a volume holds and where. */
export interface VolumeContent {
  /** What the guest sees. A blank volume needs it; a clone has the image's size unless larger. */
  readonly size?: Size;
  /** Image that it is cloned from; blank unless given. */
  readonly clone?: Image;
  /**
   * `overlay` (unless declared): holds only what differs from the image, made in no time; `full`: a
   * copy that needs the image no longer.
   */
  readonly mode?: "overlay" | "full";
  /** qcow2 unless declared; an overlay is always qcow2. */
  readonly format?: "qcow2" | "raw";
  /** Pool that holds it; the image's pool, else the host's store, unless declared. */
  readonly pool?: Pool;
}

/** A volume. Its file is named after it, with the format behind. */
export interface VolumeOptions extends CommonOptions, VolumeContent {
  /** True for one that is on the host already: it becomes this one when the stack is applied. */
  readonly adopt?: true;
  /**
   * What no other field says: places in libvirt's XML. A place that another field owns, or that changes by
   * itself, is refused. libvirt takes them when a volume is made: a change makes it anew.
   */
  readonly xml?: readonly XmlPatch[];
}

/** A volume that must be on the host already, and is never changed. */
export interface ExistingVolumeOptions extends CommonOptions {
  /** Pool that holds it. */
  readonly pool: Pool;
  /** Format of the file; qcow2 unless declared. */
  readonly format?: "qcow2" | "raw";
}
