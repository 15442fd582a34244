/**
 * What a pool is declared by.
 *
 * @module
 */

import type { AdoptOptions, CommonOptions } from "./common.ts";
import type { XmlPatch } from "./xml_patch.ts";

/** A storage pool that the stack makes: a folder on the host. */
export interface PoolOptions extends CommonOptions, AdoptOptions {
  /** Absolute path of the folder on the host, for example `/srv/machines`. */
  readonly path: string;
  /** Start together with the host; true unless declared. */
  readonly autostart?: boolean;
  /**
   * What no other field says: places in libvirt's XML. A place that another field owns is refused; one
   * that is declared no more stays as it is. For a change the pool is stopped and started; machines that
   * run go on.
   */
  readonly xml?: readonly XmlPatch[];
}

/** A storage pool that must be on the host already, and is never changed. */
export interface ExistingPoolOptions extends CommonOptions {
  /** Its folder. Only needed when the stack asks for paths in it. */
  readonly path?: string;
}
