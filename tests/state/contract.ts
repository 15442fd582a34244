/**
 * What every store must do, whatever it keeps its rows in: by subject in `contract/`.
 *
 * @module
 */

import { encryptionContract } from "./contract/encryption.ts";
import type { Behaviour, StoreFixture, StoreTraits } from "./contract/fixture.ts";
import { historyContract } from "./contract/history.ts";
import { lockContract } from "./contract/locks.ts";
import { recordContract } from "./contract/records.ts";

export type { StoreFixture, StoreTraits } from "./contract/fixture.ts";
export { resource, row } from "./contract/rows.ts";

/** Registers the tests. */
export function storeContract(
  name: string,
  make: () => Promise<StoreFixture>,
  traits: StoreTraits = {},
): void {
  const behaviour: Behaviour = (what, body) =>
    Deno.test(`${name}: ${what}`, async () => {
      await using fixture = await make();
      await body(fixture);
    });
  recordContract(behaviour, traits);
  lockContract(behaviour);
  historyContract(behaviour);
  encryptionContract(behaviour);
}
