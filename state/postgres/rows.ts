/**
 * Between rows in PostgreSQL and the record: reading with every sum checked, writing with every sum made.
 *
 * @module
 */

import { problemsOf, sayings } from "../check_record.ts";
import { fragment, joined, name as nameOf, names, values } from "./sql.ts";
import { ROWS_KEEP } from "../history_limits.ts";
import { forget, headRow, type Place, type Table, table } from "./stacks.ts";
import { packRevision, serialOfReplacement, unpackRevision } from "../record_change.ts";
import type { RowCipher } from "../rows/cipher.ts";
import { parts, recordOfRows, resourceOfRow } from "../rows/record.ts";
import { type Row, sumOfRow, sums, text, verify } from "../rows/sums.ts";
import {
  type JournalEntry,
  RECORD_VERSION,
  type RecordDocument,
  type RecordWrite,
  type ResourceRecord,
  type Revision,
  type RunRecord,
  type StackRecord,
} from "../store.ts";

/** Rows that one INSERT takes: a statement has at most 65,535 parameters. */
const ROWS_A_STATEMENT = 1000;

/** The record of a stack, in the present version. */
export async function loadRecord(
  place: Place,
  stack: string,
  cipher: RowCipher,
): Promise<StackRecord | undefined> {
  const { sql, location } = place;
  const head = await headRow(place, stack);
  if (head === undefined) return undefined;
  const [resources, parts] = await Promise.all([
    sql`SELECT * FROM ${table(place, "resources")} WHERE stack = ${stack}
        ORDER BY address COLLATE "C"`,
    sql`SELECT * FROM ${table(place, "parts")} WHERE stack = ${stack}`,
  ]);
  return recordOfRows({ head, resources, parts }, location, cipher);
}

function readJournal(location: string, row: Row, cipher: RowCipher): JournalEntry {
  const stack = text(row, "stack");
  const number = text(row, "number");
  verify(location, row, `line ${number} of the journal of stack "${stack}"`, sums.journal);
  return {
    run: text(row, "run"),
    step: text(row, "step"),
    address: text(row, "address"),
    operation: text(row, "operation"),
    phase: text(row, "phase") as JournalEntry["phase"],
    at: text(row, "at"),
    ...(typeof row.detail !== "string"
      ? {}
      : { detail: JSON.parse(cipher.open(text(row, "detail"), `${stack}/journal/${number}`)) }),
  };
}

function readRevision(location: string, row: Row, cipher: RowCipher): Revision {
  const run = text(row, "run");
  verify(location, row, `the revision of run ${run}`, sums.revisions);
  return unpackRevision(cipher.open(text(row, "body"), `${text(row, "stack")}/revision/${run}`));
}

/** The last runs, newest first; all of them without a limit. */
export async function lastRuns(
  place: Place,
  stack: string,
  limit: number | null,
  cipher: RowCipher,
): Promise<readonly RunRecord[]> {
  const rows = await place.sql`SELECT * FROM ${table(place, "runs")} WHERE stack = ${stack}
    ORDER BY number DESC LIMIT ${limit}`;
  return rows.map((row) => {
    const id = text(row, "id");
    verify(place.location, row, `run ${id}`, sums.runs);
    return JSON.parse(cipher.open(text(row, "body"), `${stack}/run/${id}`)) as RunRecord;
  });
}

/** The lines of one run in order, or of all of them. */
export async function journalOf(
  place: Place,
  stack: string,
  run: string | undefined,
  cipher: RowCipher,
): Promise<readonly JournalEntry[]> {
  const { sql } = place;
  const rows = await sql`SELECT * FROM ${table(place, "journal")} WHERE stack = ${stack}
    ${run === undefined ? fragment`` : fragment`AND run = ${run}`} ORDER BY number`;
  return rows.map((row) => readJournal(place.location, row, cipher));
}

/** See `Store.unfinished`. */
export async function unfinishedSteps(
  place: Place,
  stack: string,
  cipher: RowCipher,
): Promise<readonly JournalEntry[]> {
  const journal = table(place, "journal");
  // A line that was changed could hide a step: those of the last run are looked at one by one.
  const [last] = await place.sql`SELECT run FROM ${journal} WHERE stack = ${stack}
    ORDER BY number DESC LIMIT 1`;
  if (last !== undefined) await journalOf(place, stack, text(last, "run"), cipher);
  const rows = await place.sql`
    SELECT * FROM ${journal} AS open WHERE stack = ${stack} AND phase = 'begin'
      AND NOT EXISTS (SELECT 1 FROM ${journal} AS same WHERE same.stack = open.stack
        AND same.run = open.run AND same.step = open.step AND same.phase <> 'begin')
      AND NOT EXISTS (SELECT 1 FROM ${journal} AS later WHERE later.stack = open.stack
        AND later.phase = 'end' AND later.address = open.address AND later.run <> open.run
        AND later.number > open.number)
    ORDER BY number`;
  return rows.map((row) => readJournal(place.location, row, cipher));
}

/** What one run brought about. */
export async function revisionOf(
  place: Place,
  stack: string,
  run: string,
  cipher: RowCipher,
): Promise<Revision | undefined> {
  const [row] = await place.sql`SELECT * FROM ${table(place, "revisions")}
    WHERE stack = ${stack} AND run = ${run}`;
  return row === undefined ? undefined : readRevision(place.location, row, cipher);
}

async function revisionsOf(
  place: Place,
  stack: string,
  cipher: RowCipher,
): Promise<readonly Revision[]> {
  const rows = await place.sql`SELECT revisions.* FROM ${table(place, "revisions")} AS revisions
    LEFT JOIN ${table(place, "runs")} AS runs
      ON runs.stack = revisions.stack AND runs.id = revisions.run
    WHERE revisions.stack = ${stack} ORDER BY runs.number, revisions.run`;
  return rows.map((row) => readRevision(place.location, row, cipher));
}

/** All that is kept of a stack. */
export async function exportRecord(
  place: Place,
  stack: string,
  cipher: RowCipher,
): Promise<RecordDocument | undefined> {
  const record = await loadRecord(place, stack, cipher);
  if (record === undefined) return undefined;
  return {
    ...record,
    runs: (await lastRuns(place, stack, null, cipher)).toReversed(),
    journal: await journalOf(place, stack, undefined, cipher),
    revisions: await revisionsOf(place, stack, cipher),
  };
}

/** Everything that is wrong with a stack's rows. */
export async function problemsOfRows(
  place: Place,
  stack: string,
  cipher: RowCipher,
): Promise<readonly string[]> {
  const { sql, location } = place;
  const problems: string[] = [];
  const readers = {
    resources: resourceOfRow,
    journal: readJournal,
    revisions: readRevision,
  } as const;
  for (const [name, read] of Object.entries(readers)) {
    const rows = await sql`SELECT * FROM ${table(place, name as Table)} WHERE stack = ${stack}`;
    for (const row of rows) {
      try {
        read(location, row, cipher);
      } catch (error) {
        problems.push(...sayings(error));
      }
    }
  }
  try {
    await lastRuns(place, stack, null, cipher);
    if (problems.length > 0) return problems;
    const record = await loadRecord(place, stack, cipher);
    return record === undefined ? [] : problemsOf(record);
  } catch (error) {
    return [...problems, ...sayings(error)];
  }
}

/** Applies one change and returns the new serial. The row of the lock is locked by the caller. */
export async function writeRecord(
  place: Place,
  stack: string,
  change: RecordWrite,
  cipher: RowCipher,
): Promise<number> {
  const { sql, location } = place;
  let head = await headRow(place, stack);
  if (change.forget) {
    await forget(place, stack);
    head = undefined;
    const { forget: _, ...rest } = change;
    if (Object.values(rest).every((value) => value === undefined)) return 0;
  }
  let { lineage, serial, resources } = head === undefined
    ? { lineage: crypto.randomUUID() as string, serial: 0, resources: 0 }
    : {
      lineage: text(head, "lineage"),
      serial: Number(head.serial),
      resources: Number(head.resources),
    };
  if (change.replace !== undefined) {
    const there = head === undefined ? undefined : { lineage, serial };
    const document = change.replace;
    serial = serialOfReplacement(stack, location, there, document, change.force ?? false) - 1;
    lineage = document.lineage;
    resources = document.resources.length;
    await forget(place, stack);
    await writeDocument(place, stack, document, cipher);
  } else if (head === undefined) {
    await writeParts(place, stack, { hosts: {}, outputs: {}, reservations: {} }, cipher);
  } else if (Number(head.version) !== RECORD_VERSION) {
    // An older record is rewritten whole before the first change to it.
    const record = await loadRecord(place, stack, cipher);
    if (record !== undefined) {
      await writeResources(place, stack, record.resources, cipher);
      await writeParts(place, stack, record, cipher);
    }
  }
  if (change.remove !== undefined && change.remove.length > 0) {
    const gone = await sql`DELETE FROM ${table(place, "resources")}
      WHERE stack = ${stack} AND address = ANY (${[...change.remove]}::text[])`;
    resources -= gone.count;
  }
  resources += await writeResources(place, stack, change.put ?? [], cipher);
  await writeParts(place, stack, change, cipher);
  if (change.run !== undefined) await writeRun(place, stack, change.run, cipher);
  if (change.revision !== undefined) await writeRevisions(place, stack, [change.revision], cipher);
  await writeJournal(place, stack, change.journal ?? [], cipher);

  serial += 1;
  await put(place, "stacks", ["stack"], [
    { stack, lineage, serial, version: RECORD_VERSION, resources, key: cipher.key },
  ]);
  return serial;
}

/** Applies a change, if there is one, and encrypts everything anew. */
export async function rewriteAll(
  place: Place,
  stack: string,
  change: RecordWrite,
  from: RowCipher,
  to: RowCipher,
): Promise<number> {
  if (Object.values(change).some((value) => value !== undefined)) {
    await writeRecord(place, stack, change, from);
  }
  const document = await exportRecord(place, stack, from);
  return await writeRecord(place, stack, document === undefined ? {} : { replace: document }, to);
}

async function writeDocument(
  place: Place,
  stack: string,
  document: RecordDocument,
  cipher: RowCipher,
): Promise<void> {
  await writeResources(place, stack, document.resources, cipher);
  await writeParts(place, stack, document, cipher);
  await put(
    place,
    "runs",
    ["stack", "number"],
    document.runs.map((run, at) => runRow(stack, at + 1, run, cipher)),
  );
  await writeJournal(place, stack, document.journal, cipher);
  await writeRevisions(place, stack, document.revisions, cipher);
}

/** Adds rows with their sums, or puts them in the place of those with the same key. Gives how many came. */
async function put(
  place: Place,
  name: Table,
  key: readonly string[],
  rows: readonly Record<string, string | number | null>[],
): Promise<number> {
  const { sql } = place;
  let added = 0;
  for (let at = 0; at < rows.length; at += ROWS_A_STATEMENT) {
    const some = rows.slice(at, at + ROWS_A_STATEMENT)
      .map((row) => ({ ...row, sum: sumOfRow(row, sums[name]) }));
    const others = Object.keys(some[0]!).filter((column) => !key.includes(column));
    const updates = others.map((column) =>
      fragment`${nameOf(column)} = ${nameOf("excluded", column)}`
    );
    // xmax is 0 in a row that was not there before.
    const done = await sql`INSERT INTO ${table(place, name)}
      (${names(Object.keys(some[0]!))}) VALUES ${values(some)}
      ON CONFLICT (${names(key)}) DO UPDATE SET ${joined(updates)} RETURNING (xmax = 0) AS added`;
    added += done.filter((row) => row.added === true).length;
  }
  return added;
}

async function writeResources(
  place: Place,
  stack: string,
  resources: readonly ResourceRecord[],
  cipher: RowCipher,
): Promise<number> {
  // The last one counts where an address is given twice: one statement cannot update a row twice.
  const byAddress = new Map(resources.map((resource) => [resource.address, resource]));
  return await put(
    place,
    "resources",
    ["stack", "address"],
    [...byAddress.values()].map((resource) => ({
      stack,
      address: resource.address,
      status: resource.status,
      body: cipher.seal(JSON.stringify(resource), `${stack}/resource/${resource.address}`),
    })),
  );
}

async function writeParts(
  place: Place,
  stack: string,
  values: Pick<RecordWrite, typeof parts[number]>,
  cipher: RowCipher,
): Promise<void> {
  const rows = parts.flatMap((part) => {
    const value = values[part];
    if (value === undefined) return [];
    return [{ stack, part, body: cipher.seal(JSON.stringify(value), `${stack}/${part}`) }];
  });
  await put(place, "parts", ["stack", "part"], rows);
}

function runRow(stack: string, number: number, run: RunRecord, cipher: RowCipher) {
  const body = cipher.seal(JSON.stringify(run), `${stack}/run/${run.id}`);
  return { stack, number, id: run.id, body };
}

async function writeRun(
  place: Place,
  stack: string,
  run: RunRecord,
  cipher: RowCipher,
): Promise<void> {
  const { sql } = place;
  const runs = table(place, "runs");
  const [known] = await sql`SELECT
      (SELECT number FROM ${runs} WHERE stack = ${stack} AND id = ${run.id}) AS there,
      (SELECT coalesce(max(number), 0) + 1 FROM ${runs} WHERE stack = ${stack}) AS next`;
  const number = Number(known?.there ?? known?.next);
  await put(place, "runs", ["stack", "number"], [runRow(stack, number, run, cipher)]);
  if (known?.there !== null) return;
  for (const name of ["journal", "revisions"] as const) {
    await sql`DELETE FROM ${table(place, name)} WHERE stack = ${stack} AND run IN
      (SELECT id FROM ${runs} WHERE stack = ${stack} AND number <= ${
      number - ROWS_KEEP.journalled
    })`;
  }
}

async function writeRevisions(
  place: Place,
  stack: string,
  revisions: readonly Revision[],
  cipher: RowCipher,
): Promise<void> {
  const rows = revisions.map((revision) => ({
    stack,
    run: revision.run,
    body: cipher.seal(packRevision(revision), `${stack}/revision/${revision.run}`),
  }));
  await put(place, "revisions", ["stack", "run"], rows);
}

async function writeJournal(
  place: Place,
  stack: string,
  entries: readonly JournalEntry[],
  cipher: RowCipher,
): Promise<void> {
  if (entries.length === 0) return;
  const [last] = await place.sql`SELECT coalesce(max(number), 0) AS number
    FROM ${table(place, "journal")} WHERE stack = ${stack}`;
  const rows = entries.map(({ run, step, address, operation, phase, at, detail }, i) => {
    const number = Number(last?.number) + 1 + i;
    const sealed = detail === undefined
      ? null
      : cipher.seal(JSON.stringify(detail), `${stack}/journal/${number}`);
    return { stack, number, run, step, address, operation, phase, at, detail: sealed };
  });
  await put(place, "journal", ["stack", "number"], rows);
}
