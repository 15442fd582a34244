/**
 * A record from the rows that a database holds of it: the same in every store that has rows.
 *
 * @module
 */

import { corrupt } from "../errors.ts";
import { presentRecord } from "../record_version.ts";
import type { RowCipher } from "./cipher.ts";
import { type Row, sums, text, verify } from "./sums.ts";
import type { ResourceRecord, StackRecord } from "../store.ts";

/** The parts of a record that are not resources; each is always there once the record is. */
export const parts = ["hosts", "outputs", "reservations"] as const;

/** The rows of one stack. `head` has been verified. */
export interface RecordRows {
  readonly head: Row;
  /** In order of their addresses. */
  readonly resources: readonly Row[];
  readonly parts: readonly Row[];
}

/**
 * The record, in the present version.
 *
 * @throws {StaddleError} `state.corrupt` for a row that is changed, missing or too many.
 */
export function recordOfRows(rows: RecordRows, location: string, cipher: RowCipher): StackRecord {
  const { head } = rows;
  const stack = text(head, "stack");
  const resources = rows.resources.map((row) => resourceOfRow(location, row, cipher));
  if (resources.length !== Number(head.resources)) {
    throw corrupt(location, [
      `stack "${stack}" has ${head.resources} resources, and ${resources.length} were found`,
    ]);
  }
  const rest = new Map<string, unknown>();
  for (const row of rows.parts) {
    const part = text(row, "part");
    verify(location, row, `the ${part} of stack "${stack}"`, sums.parts);
    rest.set(part, JSON.parse(cipher.open(text(row, "body"), `${stack}/${part}`)));
  }
  for (const part of parts) {
    if (!rest.has(part)) throw corrupt(location, [`the ${part} of stack "${stack}" are missing`]);
  }
  return presentRecord(
    {
      version: Number(head.version),
      stack,
      lineage: text(head, "lineage"),
      serial: Number(head.serial),
      hosts: rest.get("hosts") as StackRecord["hosts"],
      resources,
      outputs: rest.get("outputs") as StackRecord["outputs"],
      reservations: rest.get("reservations") as StackRecord["reservations"],
    },
    location,
  );
}

/** One resource of a record. @throws {StaddleError} `state.corrupt` */
export function resourceOfRow(location: string, row: Row, cipher: RowCipher): ResourceRecord {
  const address = text(row, "address");
  verify(location, row, address, sums.resources);
  return JSON.parse(cipher.open(text(row, "body"), `${text(row, "stack")}/resource/${address}`));
}
