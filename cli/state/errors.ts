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
  const guess = nearest(address, rows.map((row) => row.address).sort());
  return new StaddleError({
    code: "state.no-such-resource",
    summary: `Stack "${stack}" owns no ${address}`,
    help: guess === undefined
      ? `staddle state list ${stack} shows what it owns`
      : `did you mean ${guess}?`,
  });
}
