/** `staddle state mv` and `state rm`: entries of a record at other addresses, or forgotten. */

import { ownerOf } from "../../planner/leftover.ts";
import { matchesPattern } from "../../planner/select.ts";
import { StaddleError } from "../../providers/error.ts";
import type { Context } from "../context.ts";
import { locateStack, storeLocation } from "../location.ts";
import { nameOf } from "../open_stack.ts";
import { noSuchResource } from "../state/errors.ts";
import { type LockedRecord, type NamedStack, openNamed, withLock } from "../state/locked.ts";
import { markMoved, takeMarksOff } from "../state/marks.ts";
import { type Moved, moveRows } from "../state/move.ts";
import { whoAmI } from "../who_am_i.ts";

/** Flags of `state mv`. */
export interface MoveFlags {
  readonly toStack?: string;
  readonly dryRun?: boolean;
}

/** Flags of `state rm`. */
export interface RemoveFlags {
  readonly keepMark?: boolean;
  readonly dryRun?: boolean;
}

/** Moves an entry, or all below a scope, to another address, also of another stack. */
export async function move(
  this: Context,
  flags: MoveFlags,
  stack: string,
  source: string,
  destination: string,
): Promise<void> {
  const { terminal } = this;
  const target = targetOf(flags, destination);
  await using named = await openNamed(stack);
  const toStack = target.stack === undefined
    ? named.name
    : await nameOf(locateStack(target.stack, { recorded: true }), named.stop.cancel);
  const say = ({ pairs }: Moved): void => {
    for (const [before, after] of pairs) {
      const there = toStack === named.name ? `"${after}"` : `"${after}" of stack "${toStack}"`;
      terminal.print(`${flags.dryRun ? "Would move" : "Move"} "${before}" to ${there}`);
    }
    if (!flags.dryRun) terminal.print(`Successfully moved ${pairs.length} object(s).`);
  };
  await withLock(named, async (from) => {
    const base = { from: from.record, toStack, source, destination: target.address };
    if (toStack === named.name) {
      const moved = moveRows({ ...base, to: from.record });
      if (!flags.dryRun) await within(named, from, moved);
      return say(moved);
    }
    await across(named, target.stack!, toStack, async (other) => {
      const to = await other.store.load(toStack);
      const moved = moveRows({ ...base, to: withoutTwins(to, from) });
      if (!flags.dryRun) await over(named, from, other, moved);
      say(moved);
    });
  });
}

/** The stack and the address that a destination names. */
function targetOf(
  flags: MoveFlags,
  destination: string,
): { readonly stack?: string; readonly address: string } {
  const [, stack, address] = /^([\w.-]+):(.+)$/.exec(destination) ?? [];
  if (stack === undefined) return { stack: flags.toStack, address: destination };
  if (flags.toStack === undefined) return { stack, address: address! };
  throw new StaddleError({
    code: "usage.bad-arguments",
    summary: `The destination names stack "${stack}", and --to-stack another`,
    help: "say it once",
  });
}

/** One write for the rows; the marks on the hosts follow. */
async function within(
  named: NamedStack,
  { record, lease }: LockedRecord,
  moved: Moved,
): Promise<void> {
  await using marks = await markMoved(named, moved, record.stack);
  const { rows, dependents, pairs, freed, hosts } = moved;
  const kept = Object.entries(record.reservations).filter(([nic]) => !freed.includes(nic));
  await lease.write({
    remove: removed(record.resources.map(({ address }) => address), pairs),
    put: [...rows, ...dependents],
    hosts: { ...record.hosts, ...hosts },
    reservations: { ...Object.fromEntries(kept), ...moved.reservations },
  });
  const put = await marks.write();
  if (put.length > 0) await lease.write({ put });
}

/**
 * Between stacks: first the other record has the entries as well, then the marks say so, then the first
 * forgets them. Stopped in between, the same command goes on: what the other has already is no obstacle.
 */
async function over(
  named: NamedStack,
  { record, lease }: LockedRecord,
  other: { readonly store: NamedStack["store"]; readonly stack: string },
  moved: Moved,
): Promise<void> {
  await using marks = await markMoved(named, moved, other.stack);
  await using theirs = await other.store.lock(other.stack, whoAmI());
  const there = await other.store.load(other.stack);
  await theirs.write({
    put: moved.rows,
    hosts: moved.hosts,
    reservations: { ...there?.reservations, ...moved.reservations },
  });
  const put = await marks.write();
  if (put.length > 0) await theirs.write({ put });
  const kept = Object.entries(record.reservations).filter(([nic]) => !moved.freed.includes(nic));
  await lease.write({
    remove: removed(record.resources.map(({ address }) => address), moved.pairs),
    put: moved.dependents,
    reservations: Object.fromEntries(kept),
  });
}

/** The store of another stack: the same one, unless that stack has its own. */
async function across(
  named: NamedStack,
  argument: string,
  stack: string,
  use: (other: { readonly store: NamedStack["store"]; readonly stack: string }) => Promise<void>,
): Promise<void> {
  const { folder, kind } = locateStack(argument, { recorded: true });
  const location = storeLocation(folder);
  if (kind === "name" || location === storeLocation(named.folder)) {
    return await use({ store: named.store, stack });
  }
  const { openStore } = await import("../../state/mod.ts");
  await using store = openStore(location);
  await use({ store, stack });
}

/** The other record without what a move that was stopped has brought there already. */
function withoutTwins(
  to: Awaited<ReturnType<NamedStack["store"]["load"]>>,
  { record }: LockedRecord,
): typeof to {
  if (to === undefined) return undefined;
  const uri = (hosts: typeof to.hosts, host: string) => hosts[host]?.uri ?? host;
  const slots = new Set(
    record.resources.filter(({ resource }) => resource.tenure === "managed")
      .map((row) => `${uri(record.hosts, row.host)}\n${row.kind}\n${row.key}`),
  );
  const resources = to.resources.filter((row) =>
    !slots.has(`${uri(to.hosts, row.host)}\n${row.kind}\n${row.key}`)
  );
  return { ...to, resources };
}

function removed(addresses: readonly string[], pairs: Moved["pairs"]): string[] {
  const gone = new Set(pairs.map(([before]) => before));
  const fresh = new Set(pairs.map(([, after]) => after));
  return addresses.filter((address) => gone.has(ownerOf(address)) && !fresh.has(address));
}

/** Forgets entries without destroying what they stand for, and lets go of that on the hosts. */
export async function remove(
  this: Context,
  flags: RemoveFlags,
  stack: string,
  ...addresses: string[]
): Promise<void> {
  const { terminal } = this;
  await using named = await openNamed(stack);
  await withLock(named, async ({ record, lease }) => {
    const known = record.resources.map(({ address }) => address);
    const gone = new Set<string>();
    for (const pattern of addresses) {
      const found = known.filter((address) => matchesPattern(pattern, address));
      if (found.length === 0) throw noSuchResource(record.stack, pattern, record.resources);
      for (const address of found) gone.add(address);
    }
    const list = [...gone].sort();
    if (!flags.dryRun) {
      // The marks first: stopped in between, the record still has what has lost its mark.
      const rows = record.resources.filter(({ address }) => gone.has(address));
      if (!flags.keepMark) await takeMarksOff(named, record, rows);
      await lease.write({ remove: list });
    }
    for (const address of list) {
      terminal.print(`${flags.dryRun ? "Would remove" : "Removed"} ${address}`);
    }
    if (flags.dryRun) return;
    terminal.print(`Successfully removed ${list.length} resource(s).`);
    terminal.print(
      flags.keepMark
        ? "What they stand for stays on the hosts. A stack that declares it still takes it back where " +
          "it carries the stack's mark."
        : "What they stand for stays on the hosts, and is no stack's now.",
    );
  });
}
