/**
 * Options that every store takes.
 *
 * @module
 */

import type { KeySource } from "./keyring.ts";

/** Options that every store takes. */
export interface StoreOptions {
  /**
   * Seconds after which a lease that was not renewed may be taken over; 30 by default. Renewed three
   * times as often.
   */
  readonly leaseSeconds?: number;
  /** Whence the keys of encrypted records come; by default the environment, see `environmentKeys`. */
  readonly keys?: KeySource;
}
