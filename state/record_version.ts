/**
 * Bringing a record that an earlier Staddle wrote up to the present shape, whatever store it is in.
 *
 * @module
 */

import { newerVersion } from "./errors.ts";
import { RECORD_VERSION, type StackRecord } from "./store.ts";

/** Turns a record of version `n` (its place in the list, from 1) into one of version `n + 1`. */
export type RecordMigration = (record: StackRecord) => StackRecord;

/** One entry for each version that was left behind; the present one is the first. */
export const recordMigrations: readonly RecordMigration[] = [];

/**
 * The record in the shape of {@linkcode RECORD_VERSION}.
 *
 * @throws {StaddleError} `state.newer-version`.
 */
export function presentRecord(
  record: StackRecord,
  location: string,
  migrations: readonly RecordMigration[] = recordMigrations,
): StackRecord {
  const known = migrations === recordMigrations ? RECORD_VERSION : migrations.length + 1;
  if (record.version > known) {
    throw newerVersion(location, `record of stack "${record.stack}"`, record.version, known);
  }
  let present = record;
  for (const migrate of migrations.slice(record.version - 1)) {
    present = { ...migrate(present), version: present.version + 1 };
  }
  return present;
}
