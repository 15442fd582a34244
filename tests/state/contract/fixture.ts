/**
 * What the contract is tested on.
 *
 * @module
 */

import type { Store } from "../../../state/store.ts";
import type { StoreOptions } from "../../../state/store_options.ts";

/** A place for records, empty at first, that several stores can be opened on. */
export interface StoreFixture extends AsyncDisposable {
  open(options?: StoreOptions): Store;
}

/** In what a store differs from the others. */
export interface StoreTraits {
  /** A place holds the record of one stack. */
  readonly oneStack?: boolean;
}

/** Registers a test, which gets a place of its own. */
export type Behaviour = (what: string, body: (fixture: StoreFixture) => Promise<void>) => void;
