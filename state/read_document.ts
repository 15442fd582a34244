/**
 * From a text that someone hands over to a {@linkcode RecordDocument}.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import { presentRecord } from "./record_version.ts";
import type { RecordDocument } from "./store.ts";

/** Problems that are shown; the rest are counted. */
const SHOWN = 5;

/**
 * Reads what `Store.export` gave and `JSON.stringify` wrote, perhaps changed by a person since then, or
 * written by an earlier Staddle. `origin` is the file's name or the store's location, for messages.
 *
 * @throws {StaddleError} `state.bad-document` naming each place that does not fit; `state.newer-version`.
 */
export async function readDocument(text: string, origin: string): Promise<RecordDocument> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badDocument(origin, [error instanceof Error ? error.message : String(error)]);
  }
  // zod takes 40 ms to load, and most commands read no document.
  const { documentSchema, versionSchema } = await import("./documents/schema.ts");
  const known = versionSchema.safeParse(value);
  if (known.success) {
    // Told apart before anything else: nothing in it needs to fit this Staddle's ideas.
    const { stack, version } = known.data;
    presentRecord({ ...empty, stack, version }, origin);
  }
  const parsed = documentSchema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `${path.join(".")}: ${message}`
    );
    const more = problems.length - SHOWN;
    throw badDocument(origin, [
      ...problems.slice(0, SHOWN),
      ...(more > 0 ? [`and ${more} more`] : []),
    ]);
  }
  const document = parsed.data as unknown as RecordDocument;
  return { ...document, ...presentRecord(document, origin) };
}

const empty = {
  lineage: "",
  serial: 0,
  hosts: {},
  resources: [],
  outputs: {},
  reservations: {},
} as const;

function badDocument(origin: string, details: readonly string[]): StaddleError {
  return new StaddleError({
    code: "state.bad-document",
    summary: "Cannot read the document: it is not a record of Staddle's, or it was changed",
    where: [origin],
    details,
    help: "a document is what `staddle state pull` prints; nothing was changed",
  });
}
