/**
 * Between rows and the record: reading with every sum checked, writing with every sum made.
 *
 * @module
 */

import { problemsOf, sayings } from "../check_record.ts";
import { corrupt } from "../errors.ts";
import { ROWS_KEEP } from "../history_limits.ts";
import { packRevision, serialOfReplacement, unpackRevision } from "../record_change.ts";
import type { RowCipher } from "../rows/cipher.ts";
import { parts, recordOfRows, resourceOfRow } from "../rows/record.ts";
import { type Row, sumOfRow, sums, text, verify } from "../rows/sums.ts";
import type { SqliteFile, SqlRow, SqlValue } from "./file.ts";
import { forget, headRow } from "./stacks.ts";
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

/** How many rows of the history there are; counted along, so that one which vanished is noticed. */
interface Kept {
  runs: number;
  journal: number;
  revisions: number;
}

function keptOf(head: Row | undefined): Kept {
  const [runs = 0, journal = 0, revisions = 0] = head === undefined
    ? []
    : text(head, "kept").split(":").map(Number);
  return { runs, journal, revisions };
}

/** Makes sure that no row of the history is missing. */
function verifyKept(file: SqliteFile, stack: string, table: keyof Kept): void {
  const kept = keptOf(headRow(file, stack))[table];
  const found = file.get(`SELECT count(*) AS rows FROM ${table} WHERE stack = ?`, stack)?.rows;
  if (found === kept) return;
  throw corrupt(file.path, [
    `stack "${stack}" has ${kept} rows of ${table}, and ${found} were found`,
  ]);
}

/** The record of a stack, in the present version. Inside a transaction. */
export function loadRecord(
  file: SqliteFile,
  stack: string,
  cipher: RowCipher,
): StackRecord | undefined {
  const head = headRow(file, stack);
  if (head === undefined) return undefined;
  return recordOfRows(
    {
      head,
      resources: file.all("SELECT * FROM resources WHERE stack = ? ORDER BY address", stack),
      parts: file.all("SELECT * FROM parts WHERE stack = ?", stack),
    },
    file.path,
    cipher,
  );
}

/** All that is kept of a stack. Inside a transaction. */
export function exportRecord(
  file: SqliteFile,
  stack: string,
  cipher: RowCipher,
): RecordDocument | undefined {
  const record = loadRecord(file, stack, cipher);
  if (record === undefined) return undefined;
  verifyKept(file, stack, "journal");
  verifyKept(file, stack, "revisions");
  return {
    ...record,
    runs: lastRuns(file, stack, -1, cipher).toReversed(),
    journal: file.all("SELECT * FROM journal WHERE stack = ? ORDER BY number", stack)
      .map((row) => readJournal(file, row, cipher)),
    revisions: file.all(
      `SELECT revisions.* FROM revisions LEFT JOIN runs
         ON runs.stack = revisions.stack AND runs.id = revisions.run
       WHERE revisions.stack = ? ORDER BY runs.number, revisions.run`,
      stack,
    ).map((row) => readRevision(file, row, cipher)),
  };
}

/** Applies one change and returns the new serial. Inside a write transaction. */
export function writeRecord(
  file: SqliteFile,
  stack: string,
  change: RecordWrite,
  cipher: RowCipher,
): number {
  let head = headRow(file, stack);
  if (head !== undefined) {
    const stays = !change.forget && change.replace === undefined;
    if (stays && Number(head.version) !== RECORD_VERSION) bringUp(file, stack, cipher);
  }
  if (change.forget) {
    forget(file, stack);
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
  if (head === undefined) { for (const part of parts) writePart(file, stack, part, {}, cipher); }
  const kept = keptOf(head);
  if (change.replace !== undefined) {
    const there = head === undefined ? undefined : { lineage, serial };
    const document = change.replace;
    serial = serialOfReplacement(stack, file.path, there, document, change.force ?? false) - 1;
    lineage = document.lineage;
    resources = document.resources.length;
    forget(file, stack);
    Object.assign(kept, { runs: 0, journal: 0, revisions: 0 });
    writeDocument(file, stack, document, cipher, kept);
  }
  for (const address of change.remove ?? []) {
    resources -= file.run("DELETE FROM resources WHERE stack = ? AND address = ?", stack, address);
  }
  for (const resource of change.put ?? []) {
    resources += writeResource(file, stack, resource, cipher);
  }
  for (const part of parts) {
    const value = change[part];
    if (value !== undefined) writePart(file, stack, part, value, cipher);
  }
  if (change.run !== undefined) writeRun(file, stack, change.run, cipher, kept);
  if (change.revision !== undefined) writeRevision(file, stack, change.revision, cipher, kept);
  for (const entry of change.journal ?? []) writeJournal(file, stack, entry, cipher, kept);

  serial += 1;
  put(file, "stacks", {
    stack,
    lineage,
    serial,
    version: RECORD_VERSION,
    resources,
    key: cipher.key,
    kept: `${kept.runs}:${kept.journal}:${kept.revisions}`,
  });
  return serial;
}

/** An older record is rewritten whole before the first change to it. */
function bringUp(file: SqliteFile, stack: string, cipher: RowCipher): void {
  const record = loadRecord(file, stack, cipher);
  for (const resource of record?.resources ?? []) writeResource(file, stack, resource, cipher);
  for (const part of parts) writePart(file, stack, part, record?.[part] ?? {}, cipher);
}

function writeDocument(
  file: SqliteFile,
  stack: string,
  document: RecordDocument,
  cipher: RowCipher,
  kept: Kept,
): void {
  for (const resource of document.resources) writeResource(file, stack, resource, cipher);
  for (const part of parts) writePart(file, stack, part, document[part], cipher);
  for (const run of document.runs) writeRun(file, stack, run, cipher, kept);
  for (const entry of document.journal) writeJournal(file, stack, entry, cipher, kept);
  for (const revision of document.revisions) writeRevision(file, stack, revision, cipher, kept);
}

/** Applies a change, if there is one, and encrypts everything anew. Inside a write transaction. */
export function rewriteAll(
  file: SqliteFile,
  stack: string,
  change: RecordWrite,
  from: RowCipher,
  to: RowCipher,
): number {
  if (Object.values(change).some((value) => value !== undefined)) {
    writeRecord(file, stack, change, from);
  }
  const document = exportRecord(file, stack, from);
  return writeRecord(file, stack, document === undefined ? {} : { replace: document }, to);
}

/** The columns that tell a row of each table from the others. */
const keys = {
  stacks: ["stack"],
  resources: ["stack", "address"],
  parts: ["stack", "part"],
  runs: ["stack", "number"],
  revisions: ["stack", "run"],
  journal: ["stack", "number"],
} as const satisfies Readonly<Record<keyof typeof sums, readonly string[]>>;

/** Adds a row with its sum, or puts it in the place of the one with the same key. */
function put(
  file: SqliteFile,
  table: keyof typeof sums,
  columns: Readonly<Record<string, SqlValue>>,
): void {
  const names = Object.keys(columns);
  const others = [...names, "sum"].filter((name) =>
    !(keys[table] as readonly string[]).includes(name)
  );
  file.run(
    `INSERT INTO ${table} (${names.join(", ")}, sum) VALUES (${"?, ".repeat(names.length)}?)
     ON CONFLICT (${keys[table].join(", ")})
     DO UPDATE SET ${others.map((name) => `${name} = excluded.${name}`).join(", ")}`,
    ...Object.values(columns),
    sumOfRow(columns, sums[table]),
  );
}

/** Returns the number of rows that this added: 1 or 0. */
function writeResource(
  file: SqliteFile,
  stack: string,
  resource: ResourceRecord,
  cipher: RowCipher,
): number {
  const { address, status } = resource;
  const body = cipher.seal(JSON.stringify(resource), `${stack}/resource/${address}`);
  const there = file.get(
    "SELECT 1 FROM resources WHERE stack = ? AND address = ?",
    stack,
    address,
  );
  put(file, "resources", { stack, address, status, body });
  return there === undefined ? 1 : 0;
}

function writePart(
  file: SqliteFile,
  stack: string,
  part: string,
  value: object,
  cipher: RowCipher,
): void {
  const body = cipher.seal(JSON.stringify(value), `${stack}/${part}`);
  put(file, "parts", { stack, part, body });
}

function writeRun(
  file: SqliteFile,
  stack: string,
  run: RunRecord,
  cipher: RowCipher,
  kept: Kept,
): void {
  // The run that is written again and again is the last one: found without a search.
  const last = file.get(
    "SELECT number, id FROM runs WHERE stack = ? ORDER BY number DESC LIMIT 1",
    stack,
  );
  const there = last?.id === run.id
    ? last.number
    : file.get("SELECT number FROM runs WHERE stack = ? AND id = ?", stack, run.id)?.number;
  const number = Number(there ?? Number(last?.number ?? 0) + 1);
  const body = cipher.seal(JSON.stringify(run), `${stack}/run/${run.id}`);
  put(file, "runs", { stack, number, id: run.id, body });
  if (there !== undefined) return;
  kept.runs++;
  for (const table of ["journal", "revisions"] as const) {
    kept[table] -= file.run(
      `DELETE FROM ${table} WHERE stack = ?1 AND run IN
         (SELECT id FROM runs WHERE stack = ?1 AND number <= ?2)`,
      stack,
      number - ROWS_KEEP.journalled,
    );
  }
}

function writeRevision(
  file: SqliteFile,
  stack: string,
  revision: Revision,
  cipher: RowCipher,
  kept: Kept,
): void {
  const { run } = revision;
  const there = file.get("SELECT 1 FROM revisions WHERE stack = ? AND run = ?", stack, run);
  if (there === undefined) kept.revisions++;
  const body = cipher.seal(packRevision(revision), `${stack}/revision/${run}`);
  put(file, "revisions", { stack, run, body });
}

function writeJournal(
  file: SqliteFile,
  stack: string,
  entry: JournalEntry,
  cipher: RowCipher,
  kept: Kept,
): void {
  kept.journal++;
  const { run, step, address, operation, phase, at, detail } = entry;
  const last = file.get("SELECT max(number) AS last FROM journal WHERE stack = ?", stack);
  const number = Number(last?.last ?? 0) + 1;
  put(file, "journal", {
    stack,
    number,
    run,
    step,
    address,
    operation,
    phase,
    at,
    detail: detail === undefined
      ? null
      : cipher.seal(JSON.stringify(detail), `${stack}/journal/${number}`),
  });
}

function readJournal(file: SqliteFile, row: SqlRow, cipher: RowCipher): JournalEntry {
  const stack = text(row, "stack");
  const number = text(row, "number");
  verify(file.path, row, `line ${number} of the journal of stack "${stack}"`, sums.journal);
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

/**
 * Steps that began and neither ended nor failed, in the order in which they began. What a later run has
 * brought to an end at the same address is no longer among them.
 */
export function unfinishedSteps(
  file: SqliteFile,
  stack: string,
  cipher: RowCipher,
): readonly JournalEntry[] {
  // A line that was changed could hide a step: those of the last run are looked at one by one.
  verifyKept(file, stack, "journal");
  const last = file.get(
    "SELECT run FROM journal WHERE stack = ? ORDER BY number DESC LIMIT 1",
    stack,
  );
  if (last !== undefined) journalOf(file, stack, text(last, "run"), cipher);
  return file.all(
    `SELECT * FROM journal AS open WHERE stack = ?1 AND phase = 'begin' AND (run, step) NOT IN
       (SELECT run, step FROM journal WHERE stack = ?1 AND phase <> 'begin')
       AND NOT EXISTS (SELECT 1 FROM journal AS later WHERE later.stack = ?1 AND later.phase = 'end'
         AND later.address = open.address AND later.run <> open.run AND later.number > open.number)
     ORDER BY number`,
    stack,
  ).map((row) => readJournal(file, row, cipher));
}

/** The lines of one run, in order. */
export function journalOf(
  file: SqliteFile,
  stack: string,
  run: string,
  cipher: RowCipher,
): readonly JournalEntry[] {
  verifyKept(file, stack, "journal");
  return file
    .all("SELECT * FROM journal WHERE stack = ? AND run = ? ORDER BY number", stack, run)
    .map((row) => readJournal(file, row, cipher));
}

function readRevision(file: SqliteFile, row: SqlRow, cipher: RowCipher): Revision {
  const run = text(row, "run");
  verify(file.path, row, `the revision of run ${run}`, sums.revisions);
  return unpackRevision(cipher.open(text(row, "body"), `${text(row, "stack")}/revision/${run}`));
}

/** What a run brought about. */
export function revisionOf(
  file: SqliteFile,
  stack: string,
  run: string,
  cipher: RowCipher,
): Revision | undefined {
  verifyKept(file, stack, "revisions");
  const row = file.get("SELECT * FROM revisions WHERE stack = ? AND run = ?", stack, run);
  return row === undefined ? undefined : readRevision(file, row, cipher);
}

/** The last runs, newest first; all of them for a limit of -1. */
export function lastRuns(
  file: SqliteFile,
  stack: string,
  limit: number,
  cipher: RowCipher,
): readonly RunRecord[] {
  verifyKept(file, stack, "runs");
  return file
    .all("SELECT * FROM runs WHERE stack = ? ORDER BY number DESC LIMIT ?", stack, limit)
    .map((row) => {
      const id = text(row, "id");
      verify(file.path, row, `run ${id}`, sums.runs);
      return JSON.parse(cipher.open(text(row, "body"), `${stack}/run/${id}`)) as RunRecord;
    });
}

/** Everything that is wrong with a stack's rows. Inside a transaction. */
export function problemsOfRows(
  file: SqliteFile,
  stack: string,
  cipher: RowCipher,
): readonly string[] {
  const problems: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push(...sayings(error));
      return undefined;
    }
  };
  const rowsOf = (table: string) => file.all(`SELECT * FROM ${table} WHERE stack = ?`, stack);
  const before = problems.length;
  for (const row of rowsOf("resources")) attempt(() => resourceOfRow(file.path, row, cipher));
  for (const row of rowsOf("journal")) attempt(() => readJournal(file, row, cipher));
  for (const row of rowsOf("revisions")) attempt(() => readRevision(file, row, cipher));
  attempt(() => lastRuns(file, stack, -1, cipher));
  attempt(() => verifyKept(file, stack, "journal"));
  attempt(() => verifyKept(file, stack, "revisions"));
  const record = problems.length === before
    ? attempt(() => loadRecord(file, stack, cipher))
    : undefined;
  if (record !== undefined) problems.push(...problemsOf(record));
  return problems;
}
