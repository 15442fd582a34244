/**
 * What is wrong with what is asked of a record.
 *
 * @module
 */

import { nearest } from "../../planner/nearest.ts";
import { StaddleError } from "../../providers/error.ts";
import type { ResourceRecord } from "../../state/store.ts";

/** The record has no entry at an address. */
export function noSuchResource(
  stack: string,
  address: string,
  rows: readonly ResourceRecord[],
): StaddleError {
  const addresses = rows.map((row) => row.address).sort();
  const guess = nearest(address, addresses) ?? onlyOneCalled(address, addresses);
  return new StaddleError({
    code: "state.no-such-resource",
    summary: `Stack "${stack}" owns no ${address}`,
    help: guess === undefined
      ? `staddle state list ${stack} shows what it owns`
      : `did you mean ${guess}?`,
  });
}

/** The address whose last part, or the name in it, is what was written, if there is no other such. */
function onlyOneCalled(name: string, addresses: readonly string[]): string | undefined {
  const found = addresses.filter((address) =>
    address.endsWith(`/${name}`) || address.endsWith(`.${name}`)
  );
  return found.length === 1 ? found[0] : undefined;
}
