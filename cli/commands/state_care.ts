/** `staddle state check`, `state rotate` and `state rebuild`: records that are to be in good order. */

import { StaddleError } from "../../providers/error.ts";
import type { ResourceRecord, RunRecord, StackRecord, Store } from "../../state/store.ts";
import type { Context } from "../context.ts";
import { findOnHosts, type FoundStack } from "../from_hosts/find.ts";
import { locateStack, storeLocation } from "../location.ts";
import { nameOf, requireRecorded } from "../open_stack.ts";
import { claimedText, leftText } from "../render/claimed_text.ts";
import { listenForStop } from "../signals.ts";
import { tryLoad } from "../state/broken.ts";
import { openNamed, withLock } from "../state/locked.ts";
import { whoAmI } from "../who_am_i.ts";

/** Flags of `state check`. */
export interface CheckFlags {
  readonly json?: boolean;
}

/** Says what is wrong with a stack's record, or with all records of a store. */
export async function check(this: Context, flags: CheckFlags, stack?: string): Promise<void> {
  const { terminal } = this;
  const { location, problems } = await problemsOf(stack);
  if (flags.json) terminal.print(JSON.stringify({ location, problems }, null, 2));
  else if (problems.length === 0) terminal.print(`${location}: no problem found.`);
  else {
    terminal.print([`${location}:`, ...problems.map((problem) => `  ${problem}`)].join("\n"));
    terminal.print(
      "\nA record that is lost or broken can be made anew from the hosts: staddle state rebuild STACK",
    );
  }
  if (problems.length > 0) this.setExitCode(1);
}

async function problemsOf(
  stack: string | undefined,
): Promise<{ location: string; problems: readonly string[] }> {
  if (stack === undefined) {
    const { openStore } = await import("../../state/mod.ts");
    await using store = openStore(storeLocation("."));
    return { location: store.location, problems: await store.check() };
  }
  await using named = await openNamed(stack);
  const { store, name, byName } = named;
  const problems = await store.check(name);
  // A name that was mistyped is no sound record.
  if (problems.length === 0 && byName) await requireRecorded(name, store);
  return { location: store.location, problems };
}

/** Flags of `state rotate`. */
export interface RotateFlags {
  readonly to?: readonly string[];
  readonly plain?: boolean;
}

/** Encrypts a record anew, for the keys that are configured or for those that are named. */
export async function rotate(this: Context, flags: RotateFlags, stack: string): Promise<void> {
  if (flags.plain && flags.to?.length) {
    throw new StaddleError({
      code: "usage.bad-arguments",
      summary: "--plain leaves the record readable, and --to encrypts it",
      help: "choose one of them",
    });
  }
  await using named = await openNamed(stack);
  const { rotate: encryptAnew } = await import("../../state/mod.ts");
  await withLock(named, async ({ lease }) => {
    await encryptAnew(lease, flags.plain ? [] : flags.to);
  });
  this.terminal.print(
    flags.plain
      ? `The record of stack "${named.name}" is kept readable from now on.`
      : `The record of stack "${named.name}" is kept under a new key.`,
  );
}

/** Flags of `state rebuild`. */
export interface RebuildFlags {
  readonly param?: readonly string[];
  readonly claim?: readonly string[];
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** Makes a record that was lost anew from what the hosts have. */
export async function rebuild(
  this: Context,
  flags: RebuildFlags,
  stack: string,
  ...uris: string[]
): Promise<void> {
  const { terminal } = this;
  const location = locateStack(stack, { recorded: true });
  using stop = listenForStop();
  const signal = stop.cancel;
  const { openStore } = await import("../../state/mod.ts");
  await using store = openStore(storeLocation(location.folder));
  const name = await nameOf(location, signal);
  const { record, broken } = await tryLoad(store, name);
  if (!flags.force) refuseGood(name, record, broken);
  const known = record?.hosts;
  const readable = broken === undefined ? store : undefined;
  await using found = await findOnHosts({
    ...flags,
    location,
    uris,
    known,
    signal,
    store: readable,
  });
  if (found.rows.length > 0) terminal.print(claimedText(found.rows, terminal.style));
  const left = leftText(found.left, terminal.style);
  if (left !== "") terminal.print(`${found.rows.length > 0 ? "\n" : ""}${left}`);
  if (found.rows.length === 0) throw nothingFound(name, found, uris);
  if (flags.dryRun) return;
  if (broken !== undefined) {
    const aside = await store.setAside(name, whoAmI(), location.folder);
    if (aside !== undefined) terminal.print(`\nThe broken record is kept in ${aside}`);
  }
  await write(store, name, found, record);
  terminal.print(
    `\nRebuilt the record of stack "${name}": ${found.rows.length} resource(s). ` +
      `"staddle plan ${stack}" shows whether anything is left to do.`,
  );
}

function refuseGood(
  stack: string,
  record: StackRecord | undefined,
  broken: StaddleError | undefined,
): void {
  if (broken !== undefined) {
    throw new StaddleError({
      code: "state.broken",
      summary: `Stack "${stack}" has a record that cannot be used: ${broken.message}`,
      where: broken.where,
      details: broken.details,
      help:
        "staddle state push puts a backup in its place, if there is one; --force rebuilds it from the " +
        "hosts, and keeps the broken one aside",
    });
  }
  if (record === undefined || record.resources.length === 0) return;
  const many = record.resources.length;
  throw new StaddleError({
    code: "state.not-lost",
    summary: `Stack "${record.stack}" has a record of ${many} ${
      many === 1 ? "resource" : "resources"
    }, and a rebuild would put another in its place`,
    help: "staddle state check says whether it is sound; --force rebuilds it all the same",
  });
}

function nothingFound(
  name: string,
  { declared }: FoundStack,
  uris: readonly string[],
): StaddleError {
  return new StaddleError({
    code: "state.nothing-found",
    summary: `Nothing on the hosts is stack "${name}"'s`,
    where: [...new Set([...Object.values(declared).map(({ uri }) => uri), ...uris])],
    help:
      "see whether these are the hosts, and whether the stack's parameters are those that it was " +
      "applied with",
  });
}

async function write(
  store: Store,
  name: string,
  found: FoundStack,
  record: StackRecord | undefined,
): Promise<void> {
  const startedAt = new Date().toISOString();
  await using lease = await store.lock(name, whoAmI());
  const { rows, topology, declared } = found;
  const fresh = new Set(rows.map(({ address }: ResourceRecord) => address));
  const used = new Set(rows.map(({ host }) => host));
  const hosts = Object.fromEntries(
    Object.entries(declared).filter(([host]) => used.has(host) || topology?.hosts[host]),
  );
  const run: RunRecord = {
    id: crypto.randomUUID(),
    stack: name,
    command: "rebuild",
    who: whoAmI(),
    startedAt,
    endedAt: new Date().toISOString(),
    result: "done",
    add: 0,
    change: 0,
    destroy: 0,
    parameters: topology?.parameters ?? {},
  };
  await lease.write({
    put: rows,
    remove: (record?.resources ?? []).map(({ address }) => address).filter((one) =>
      !fresh.has(one)
    ),
    hosts,
    outputs: topology?.outputs ?? record?.outputs ?? {},
    reservations: topology?.reservations ?? record?.reservations ?? {},
    run,
  });
}
