/**
 * Encrypting a record anew.
 *
 * @module
 */

import { environmentKeys } from "./environment_keys.ts";
import { type KeySource, recipientsOf } from "./keyring.ts";
import type { Lease } from "./store.ts";

/**
 * Gives a stack's record a new data key and encrypts everything with it, in one write: `state rotate`.
 *
 * Whoever holds an identity of one of `recipients` can read the record from then on, and nobody else:
 * the next command needs such an identity in `STADDLE_STATE_KEY` or its like, while this one needs what
 * opens the record now. With an empty list the record is left readable. Without a list the recipients
 * are those of the configured keys: this encrypts a record that was readable, or only renews the data
 * key.
 *
 * @returns the new serial.
 * @throws {StaddleError} `state.key-missing`, `state.key-wrong`, `state.bad-key`, `state.lease-lost`.
 */
export async function rotate(
  lease: Lease,
  recipients?: readonly string[],
  keys: KeySource = environmentKeys,
): Promise<number> {
  if (recipients !== undefined) return await lease.write({ encryptTo: recipients });
  const configured = await keys();
  return await lease.write({
    encryptTo: configured === undefined ? [] : await recipientsOf(configured),
  });
}
