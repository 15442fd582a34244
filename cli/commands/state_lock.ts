/** `staddle state lock` and `state unlock`: a stack's lock in a person's hand. */

import { StaddleError } from "../../providers/error.ts";
import type { LockHolder } from "../../state/store.ts";
import type { Context } from "../context.ts";
import { requireRecorded } from "../open_stack.ts";
import { confirm } from "../prompt.ts";
import { openNamed } from "../state/locked.ts";
import { whoAmI } from "../who_am_i.ts";

/** Flags of `state lock`. */
export interface LockFlags {
  /** Seconds. */
  readonly for: number;
}

/** Flags of `state unlock`. */
export interface UnlockFlags {
  readonly yes?: boolean;
}

/** Takes a stack's lock and leaves it taken, so that nobody applies meanwhile. */
export async function lock(this: Context, flags: LockFlags, stack: string): Promise<void> {
  await using named = await openNamed(stack);
  if (named.byName) await requireRecorded(named.name, named.store);
  const { expires } = await named.store.hold(named.name, whoAmI(), flags.for);
  this.terminal.print(
    `Stack "${named.name}" is locked until ${expires}. To give it back before: ` +
      `staddle state unlock ${stack}`,
  );
}

/** Breaks a stack's lock, whoever holds it. */
export async function unlock(this: Context, flags: UnlockFlags, stack: string): Promise<void> {
  const { terminal } = this;
  await using named = await openNamed(stack);
  const { name, store } = named;
  const holder = await store.holder(name);
  if (holder === undefined) {
    if (named.byName) await requireRecorded(name, store);
    return terminal.print(`Nobody holds the lock of stack "${name}".`);
  }
  if (!flags.yes && !isMine(holder)) {
    const warning = `${holder.who} holds it since ${holder.since}`;
    if (!terminal.interactive) throw notMine(name, holder);
    const question =
      `Do you really want to break the lock of stack "${name}"? ${warning}; if that ` +
      "run goes on, it can write no more.";
    if (!await confirm(terminal, question, named.stop.cancel)) {
      terminal.warn("The lock stays as it is.");
      return this.setExitCode(1);
    }
  }
  const broken = await store.unlock(name);
  terminal.print(
    broken === undefined
      ? `Nobody holds the lock of stack "${name}" any more.`
      : `Stack "${name}" is unlocked; ${broken.who} held it since ${broken.since}.`,
  );
}

/** Whether the holder is this user on this machine, in whatever process. */
function isMine({ who }: LockHolder): boolean {
  const person = (text: string): string => text.replace(/ \(\d+\)$/, "");
  return person(who) === person(whoAmI());
}

function notMine(stack: string, { who, since }: LockHolder): StaddleError {
  return new StaddleError({
    code: "state.not-your-lock",
    summary: `Cannot unlock stack "${stack}" unasked: ${who} holds it since ${since}`,
    help: "see whether that run is still alive; if it is not, add --yes",
    exitCode: 5,
  });
}

const UNITS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds of `90`, `30m`, `2h`, `1d`; at most a week. */
export function parseDuration(text: string): number {
  const [, digits, unit = ""] = /^(\d{1,7})([smhd]?)$/.exec(text) ?? [];
  const seconds = Number(digits) * (UNITS[unit] ?? 0);
  if (seconds > 0 && seconds <= 7 * 86_400) return seconds;
  throw new StaddleError({
    code: "usage.bad-duration",
    summary: `"${text}" is no time from one second to a week`,
    help: "write 90s, 30m, 2h or 1d",
  });
}
