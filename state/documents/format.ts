/**
 * The text of a document in a store that keeps one for each stack.
 *
 * Its outer form, with `version`, `serial` and `lineage`, is what servers of Terraform's http backend
 * expect of a state. The outer serial rises with every write, also of the lease alone, because GitLab
 * keeps a version for each serial and takes none twice; the record has its own. Everything else stands
 * under `staddle`, with a sum over the whole.
 *
 * @module
 */

import { hash } from "node:crypto";
import { StaddleError } from "../../providers/error.ts";
import { corrupt, newerVersion } from "../errors.ts";
import { packRevision, unpackRevision } from "../record_change.ts";
import type { RowCipher } from "../rows/cipher.ts";
import type { LockHolder, RecordDocument } from "../store.ts";

/** Version of the outer form. */
export const DOCUMENT_VERSION = 1;

/** Who may write the document. It stays after its release, for the token must rise for ever. */
export interface DocumentLease {
  readonly token: number;
  readonly held: boolean;
  /** Random, of this lease alone. */
  readonly id: string;
  readonly who: string;
  /** ms since 1970 by the server's clock, as is `expires`. */
  readonly since: number;
  readonly expires: number;
}

/** A document whose record has not been opened. */
export interface StoredDocument {
  readonly stack: string;
  readonly serial: number;
  readonly lineage: string;
  readonly lease: DocumentLease;
  /** The data key, encrypted with age; null: the record is readable. */
  readonly key: string | null;
  /** The record, or its sealed text; null: there is none. */
  readonly record: unknown;
}

/** The holder of a lease, for people. */
export function holderOf({ who, since, expires }: DocumentLease): LockHolder {
  const iso = (time: number) => {
    const date = new Date(time);
    return Number.isNaN(date.getTime()) ? "an unknown time" : date.toISOString();
  };
  return { who, since: iso(since), expires: iso(expires) };
}

/** The serial of a text that may be damaged, as far as it can be made out. */
export function serialIn(text: string): number {
  return Number(/"serial":\s*(\d{1,9})\b/.exec(text)?.[1] ?? 0);
}

/** The text to be stored. */
export function documentText(document: StoredDocument): string {
  const { stack, serial, lineage, lease, key, record } = document;
  const whole = {
    version: DOCUMENT_VERSION,
    serial,
    lineage,
    staddle: { stack, lease, key, record },
  };
  const sum = hash("sha256", JSON.stringify(whole));
  return JSON.stringify({ ...whole, staddle: { ...whole.staddle, sum } }, undefined, 1);
}

/**
 * Reads a document, its sum checked.
 *
 * @throws {StaddleError} `state.corrupt`, `state.newer-version`, `state.foreign-document`.
 */
export function parseDocument(text: string, location: string): StoredDocument {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = text.trim() === ""
      ? "it is empty; a record is never made empty, so it was truncated"
      : `it is not JSON: ${error instanceof Error ? error.message : error}`;
    throw corrupt(location, [reason], error);
  }
  if (!isObject(value) || !isObject(value.staddle)) {
    throw new StaddleError({
      code: "state.foreign-document",
      summary: "Cannot use the document as a record: it is not one of Staddle's",
      where: [location],
      details: isObject(value) && "terraform_version" in value
        ? [`it is a state of Terraform ${value.terraform_version}`]
        : [],
      help: "name another place in STADDLE_STATE; if it was a record, put a backup in its place",
    });
  }
  const { version, serial, lineage, staddle } = value;
  if (typeof version === "number" && version > DOCUMENT_VERSION) {
    throw newerVersion(location, "record", version, DOCUMENT_VERSION);
  }
  const { sum, ...inner } = staddle;
  const found = hash("sha256", JSON.stringify({ ...value, staddle: inner }));
  if (found !== sum) throw corrupt(location, ["its checksum does not fit"]);
  // The sum fits: it is as it was written.
  return { serial, lineage, ...inner } as unknown as StoredDocument;
}

/** What stands in a document for a record. */
export function sealRecord(record: RecordDocument | undefined, cipher: RowCipher): unknown {
  if (record === undefined) return null;
  const packed = {
    ...record,
    revisions: record.revisions.map((revision) => packRevision(revision)),
  };
  return cipher.key === null
    ? packed
    : cipher.seal(JSON.stringify(packed), `${record.stack}/record`);
}

/** The record that stands in a document. */
export function openRecord(
  { stack, record }: StoredDocument,
  cipher: RowCipher,
): RecordDocument | undefined {
  if (record === null) return undefined;
  const packed =
    (typeof record === "string" ? JSON.parse(cipher.open(record, `${stack}/record`)) : record) as
      & Omit<RecordDocument, "revisions">
      & { readonly revisions: readonly string[] };
  return { ...packed, revisions: packed.revisions.map((revision) => unpackRevision(revision)) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
