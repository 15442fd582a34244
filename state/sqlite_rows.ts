/**
 * Between rows and the record: reading with every sum checked, writing with every sum made.
 *
 * @module
 */

import { hash } from "node:crypto";
import { corrupt } from "./errors.ts";
import { presentRecord } from "./record_version.ts";
import type { SqliteFile, SqlRow } from "./sqlite_file.ts";
import {
  type JournalEntry,
  RECORD_VERSION,
  type RecordWrite,
  type ResourceRecord,
  type RunRecord,
  type StackRecord,
} from "./store.ts";

/** Runs whose journal is kept, newest first; the runs themselves are all kept. */
const JOURNALLED_RUNS = 100;

/** The parts of a record that are not resources; each is always there once the record is. */
const parts = ["hosts", "outputs", "reservations"] as const;

function sumOf(...columns: readonly (string | number)[]): string {
  return hash("sha256", columns.join("\0"));
}

/** A column as it must have been written; damage may have left anything there. */
function text(row: SqlRow, column: string): string {
  const value = row[column];
  return typeof value === "string" ? value : String(value);
}

function verify(file: SqliteFile, row: SqlRow, what: string, ...columns: string[]): void {
  if (text(row, "sum") !== sumOf(...columns.map((column) => text(row, column)))) {
    throw corrupt(file.path, [`${what}: its checksum does not fit`]);
  }
}

const resourceSum = ["stack", "address", "status", "body"];
const partSum = ["stack", "part", "body"];
const runSum = ["stack", "number", "id", "body"];
const stackSum = ["stack", "lineage", "serial", "version", "resources"];

/** Names of the stacks that have a record. Inside a transaction. */
export function stackNames(file: SqliteFile): readonly string[] {
  return stackRows(file).map((row) => text(row, "stack"));
}

/** All of them, each verified: a damaged name must not read as "no record". */
function stackRows(file: SqliteFile): readonly SqlRow[] {
  const rows = file.all("SELECT * FROM stacks ORDER BY stack");
  for (const row of rows) {
    verify(file, row, `the row of stack "${text(row, "stack")}"`, ...stackSum);
  }
  return rows;
}

/** The record of a stack, in the present version. Inside a transaction. */
export function loadRecord(file: SqliteFile, stack: string): StackRecord | undefined {
  const head = stackRows(file).find((row) => row.stack === stack);
  if (head === undefined) return undefined;
  const resources = file
    .all("SELECT * FROM resources WHERE stack = ? ORDER BY address", stack)
    .map((row) => {
      verify(file, row, text(row, "address"), ...resourceSum);
      return JSON.parse(text(row, "body")) as ResourceRecord;
    });
  if (resources.length !== head.resources) {
    throw corrupt(file.path, [
      `stack "${stack}" has ${head.resources} resources, and ${resources.length} were found`,
    ]);
  }
  const rest = new Map<string, unknown>();
  for (const row of file.all("SELECT * FROM parts WHERE stack = ?", stack)) {
    verify(file, row, `the ${text(row, "part")} of stack "${stack}"`, ...partSum);
    rest.set(text(row, "part"), JSON.parse(text(row, "body")));
  }
  for (const part of parts) {
    if (!rest.has(part)) throw corrupt(file.path, [`the ${part} of stack "${stack}" are missing`]);
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
    file.path,
  );
}

/** Applies one change and returns the new serial. Inside a write transaction. */
export function writeRecord(file: SqliteFile, stack: string, change: RecordWrite): number {
  const head = file.get("SELECT * FROM stacks WHERE stack = ?", stack);
  if (head === undefined) {
    for (const part of parts) writePart(file, stack, part, {});
  } else {
    verify(file, head, `the row of stack "${stack}"`, ...stackSum);
    if (Number(head.version) !== RECORD_VERSION) bringUp(file, stack);
  }
  let resources = Number(head?.resources ?? 0);
  for (const address of change.remove ?? []) {
    resources -= file.run("DELETE FROM resources WHERE stack = ? AND address = ?", stack, address);
  }
  for (const resource of change.put ?? []) resources += writeResource(file, stack, resource);
  for (const part of parts) {
    const value = change[part];
    if (value !== undefined) writePart(file, stack, part, value);
  }
  if (change.run !== undefined) writeRun(file, stack, change.run);
  for (const entry of change.journal ?? []) writeJournal(file, stack, entry);

  const serial = Number(head?.serial ?? 0) + 1;
  const lineage = head === undefined ? crypto.randomUUID() : text(head, "lineage");
  file.run(
    `INSERT INTO stacks (stack, lineage, serial, version, resources, sum) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (stack) DO UPDATE SET serial = excluded.serial, version = excluded.version,
       resources = excluded.resources, sum = excluded.sum`,
    stack,
    lineage,
    serial,
    RECORD_VERSION,
    resources,
    sumOf(stack, lineage, serial, RECORD_VERSION, resources),
  );
  return serial;
}

/** An older record is rewritten whole before the first change to it. */
function bringUp(file: SqliteFile, stack: string): void {
  const record = loadRecord(file, stack);
  for (const resource of record?.resources ?? []) writeResource(file, stack, resource);
  for (const part of parts) writePart(file, stack, part, record?.[part] ?? {});
}

/** Returns the number of rows that this added: 1 or 0. */
function writeResource(file: SqliteFile, stack: string, resource: ResourceRecord): number {
  const { address, status } = resource;
  const body = JSON.stringify(resource);
  const sum = sumOf(stack, address, status, body);
  const changed = file.run(
    "UPDATE resources SET status = ?, body = ?, sum = ? WHERE stack = ? AND address = ?",
    status,
    body,
    sum,
    stack,
    address,
  );
  if (changed > 0) return 0;
  return file.run(
    "INSERT INTO resources (stack, address, status, body, sum) VALUES (?, ?, ?, ?, ?)",
    stack,
    address,
    status,
    body,
    sum,
  );
}

function writePart(file: SqliteFile, stack: string, part: string, value: object): void {
  const body = JSON.stringify(value);
  file.run(
    "INSERT OR REPLACE INTO parts (stack, part, body, sum) VALUES (?, ?, ?, ?)",
    stack,
    part,
    body,
    sumOf(stack, part, body),
  );
}

function writeRun(file: SqliteFile, stack: string, run: RunRecord): void {
  // The run that is written again and again is the last one: found without a search.
  const last = file.get(
    "SELECT number, id FROM runs WHERE stack = ? ORDER BY number DESC LIMIT 1",
    stack,
  );
  const there = last?.id === run.id
    ? last.number
    : file.get("SELECT number FROM runs WHERE stack = ? AND id = ?", stack, run.id)?.number;
  const number = Number(there ?? Number(last?.number ?? 0) + 1);
  const body = JSON.stringify(run);
  file.run(
    "INSERT OR REPLACE INTO runs (stack, number, id, body, sum) VALUES (?, ?, ?, ?, ?)",
    stack,
    number,
    run.id,
    body,
    sumOf(stack, number, run.id, body),
  );
  if (there === undefined) {
    file.run(
      `DELETE FROM journal WHERE stack = ?1 AND run IN
         (SELECT id FROM runs WHERE stack = ?1 AND number <= ?2)`,
      stack,
      number - JOURNALLED_RUNS,
    );
  }
}

function writeJournal(file: SqliteFile, stack: string, entry: JournalEntry): void {
  file.run(
    `INSERT INTO journal (stack, number, run, step, address, operation, phase, at, detail)
     VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM journal WHERE stack = ?1),
       ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
    stack,
    entry.run,
    entry.step,
    entry.address,
    entry.operation,
    entry.phase,
    entry.at,
    entry.detail ?? null,
  );
}

/**
 * Steps that began and neither ended nor failed, in the order in which they began. What a later run has
 * brought to an end at the same address is no longer among them.
 */
export function unfinishedSteps(file: SqliteFile, stack: string): readonly JournalEntry[] {
  return file.all(
    `SELECT * FROM journal AS open WHERE stack = ?1 AND phase = 'begin' AND (run, step) NOT IN
       (SELECT run, step FROM journal WHERE stack = ?1 AND phase <> 'begin')
       AND NOT EXISTS (SELECT 1 FROM journal AS later WHERE later.stack = ?1 AND later.phase = 'end'
         AND later.address = open.address AND later.run <> open.run AND later.number > open.number)
     ORDER BY number`,
    stack,
  ).map((row) => ({
    run: text(row, "run"),
    step: text(row, "step"),
    address: text(row, "address"),
    operation: text(row, "operation"),
    phase: "begin" as const,
    at: text(row, "at"),
    ...(row.detail === null ? {} : { detail: text(row, "detail") }),
  }));
}

/** The last runs, newest first. */
export function lastRuns(file: SqliteFile, stack: string, limit: number): readonly RunRecord[] {
  return file
    .all("SELECT * FROM runs WHERE stack = ? ORDER BY number DESC LIMIT ?", stack, limit)
    .map((row) => {
      verify(file, row, `run ${text(row, "id")}`, ...runSum);
      return JSON.parse(text(row, "body")) as RunRecord;
    });
}
