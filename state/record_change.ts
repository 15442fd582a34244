/**
 * What stores do alike with a change, whatever they keep it in.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { StaddleError } from "../providers/error.ts";
import type { JournalEntry, RecordDocument, Revision } from "./store.ts";

/** Who and how old a record is. */
export interface RecordIdentity {
  /** Random UUID given at birth. */
  readonly lineage: string;
  /** Rises with every write. */
  readonly serial: number;
}

/**
 * The serial that a document gets which takes the place of a record.
 *
 * @throws {StaddleError} `state.other-stack`, `state.other-lineage`, `state.older-serial`.
 */
export function serialOfReplacement(
  stack: string,
  location: string,
  there: RecordIdentity | undefined,
  document: RecordDocument,
  force: boolean,
): number {
  if (document.stack !== stack) {
    throw new StaddleError({
      code: "state.other-stack",
      summary: `Cannot replace the record of stack "${stack}": the document is of stack ` +
        `"${document.stack}"`,
      where: [location],
      help: "a record keeps its stack's name, from which the identities of its resources come",
    });
  }
  if (there === undefined) return Math.max(1, document.serial);
  if (!force && document.lineage !== there.lineage) {
    throw new StaddleError({
      code: "state.other-lineage",
      summary: `Cannot replace the record of stack "${stack}": the document is another record's`,
      where: [location],
      details: [`lineage there ${there.lineage}`, `in the document ${document.lineage}`],
      help:
        "if the document is what you want to keep, replace by force; the one there is lost then",
    });
  }
  if (!force && document.serial < there.serial) {
    throw new StaddleError({
      code: "state.older-serial",
      summary: `Cannot replace the record of stack "${stack}": the document is older than it`,
      where: [location],
      details: [`serial there ${there.serial}, in the document ${document.serial}`],
      help: "pull again and repeat the change; by force, what was written since is lost",
    });
  }
  return Math.max(there.serial, document.serial) + 1;
}

/** A revision as one short text: topologies are repetitive and shrink to a tenth. */
export function packRevision(revision: Revision): string {
  return deflateRawSync(JSON.stringify(revision)).toString("base64");
}

/** The revision that {@linkcode packRevision} packed. */
export function unpackRevision(packed: string): Revision {
  return JSON.parse(inflateRawSync(Buffer.from(packed, "base64")).toString()) as Revision;
}

/**
 * Steps that began and neither ended nor failed, in the order in which they began. What a later run has
 * brought to an end at the same address is no longer among them.
 */
export function unfinishedOf(journal: readonly JournalEntry[]): readonly JournalEntry[] {
  const closed = new Set<string>();
  const endings = new Map<string, { readonly at: number; readonly run: string }[]>();
  for (const [at, { run, step, address, phase }] of journal.entries()) {
    if (phase === "begin") continue;
    closed.add(`${run}\0${step}`);
    if (phase !== "end") continue;
    const ended = endings.get(address);
    if (ended === undefined) endings.set(address, [{ at, run }]);
    else ended.push({ at, run });
  }
  return journal.filter(({ run, step, address, phase }, at) =>
    phase === "begin" && !closed.has(`${run}\0${step}`) &&
    !endings.get(address)?.some((later) => later.at > at && later.run !== run)
  );
}
