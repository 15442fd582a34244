/**
 * A record's way from one store to another.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { StaddleError } from "../../providers/error.ts";
import { withinLimits } from "../../state/history_limits.ts";
import type { HistoryLimits, RecordDocument, Store } from "../../state/store.ts";
import { whoAmI } from "../who_am_i.ts";

/** How a record is migrated. */
export interface MigrateOptions {
  /** Leaves it in the first store as well. */
  readonly keep?: boolean;
  /** Puts it in the place of a record that the second store has of the stack. */
  readonly force?: boolean;
}

/** What has come along. */
export interface Migrated {
  /** Number of resources. */
  readonly resources: number;
  /** Number of runs. */
  readonly runs: number;
  /** Number of runs whose journal or revision the second store has no room for. */
  readonly left: number;
}

/**
 * Moves a stack's record: copied, read back, and only then forgotten where it was, under the locks of both
 * stores. A run that was stopped on the way can be repeated: the copy that it made is known again.
 *
 * @throws {StaddleError} `state.locked`, `state.already-there`, `state.not-migrated`, and what reading and
 * writing throw where a key is missing or wrong.
 */
export async function migrateStack(
  stack: string,
  source: Store,
  target: Store,
  { keep, force }: MigrateOptions = {},
): Promise<Migrated> {
  const who = whoAmI();
  await using ours = await source.lock(stack, who);
  const document = await source.export(stack);
  if (document === undefined) {
    throw new Error(`stack "${stack}" is listed in ${source.location}, and has no record`);
  }
  const wanted = withinLimits(document, target.keeps);
  await using theirs = await target.lock(stack, who);
  const there = await target.export(stack);
  if (!isSame(there, wanted)) {
    if (there !== undefined && !force) throw alreadyThere(document, there, target.location);
    await theirs.write({ replace: document, force });
    if (!isSame(await target.export(stack), wanted)) throw notGivenBack(stack, target.location);
  }
  if (!keep) await ours.write({ forget: true });
  const { resources, runs } = wanted;
  return {
    resources: resources.length,
    runs: runs.length,
    left: leftBehind(document, target.keeps),
  };
}

/** Whatever their serials: a store may have given one of its own. */
function isSame(there: RecordDocument | undefined, document: RecordDocument): boolean {
  return isDeepStrictEqual({ ...there, serial: 0 }, { ...document, serial: 0 });
}

function leftBehind({ runs, journal, revisions }: RecordDocument, keeps: HistoryLimits): number {
  const older = new Set(runs.slice(0, -keeps.journalled).map(({ id }) => id));
  return new Set([...journal, ...revisions].map(({ run }) => run)).intersection(older).size;
}

function alreadyThere(
  { stack, lineage, serial }: RecordDocument,
  there: RecordDocument,
  location: string,
): StaddleError {
  const many = there.resources.length;
  const found = `${many} ${many === 1 ? "resource" : "resources"}`;
  return new StaddleError({
    code: "state.already-there",
    summary: `Cannot migrate stack "${stack}": the second store has a record of it, of ${found}`,
    where: [location],
    details: [
      there.lineage === lineage
        ? `it comes from the same one: its serial is ${there.serial}, and ${serial} in the first store`
        : "it has nothing to do with the one in the first store",
    ],
    help:
      "nothing was changed; if the one in the first store is what you want to keep, --force puts " +
      "it in the other's place, which is lost then",
  });
}

function notGivenBack(stack: string, location: string): StaddleError {
  return new StaddleError({
    code: "state.not-migrated",
    summary: `The second store does not give back what it was given of stack "${stack}"`,
    where: [location],
    help: "the record in the first store is untouched: go on with that one",
  });
}
