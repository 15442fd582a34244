/** `staddle state pull`, `state push` and `state migrate`: whole records, from place to place. */

import { resolve } from "node:path";
import { StaddleError } from "../../providers/error.ts";
import type { Context } from "../context.ts";
import { tryLoad } from "../state/broken.ts";
import { openNamed } from "../state/locked.ts";
import { type MigrateOptions, migrateStack } from "../state/migrate.ts";
import { whoAmI } from "../who_am_i.ts";
import { requireRecorded } from "../open_stack.ts";

/** Flags of `state push`. */
export interface PushFlags {
  readonly force?: boolean;
}

/** Flags of `state migrate`. */
export type MigrateFlags = MigrateOptions;

/** Prints all that is kept of a stack, as one JSON document. */
export async function pull(
  this: Context,
  _flags: Record<never, never>,
  stack: string,
): Promise<void> {
  await using named = await openNamed(stack);
  await requireRecorded(named.name, named.store);
  this.terminal.print(JSON.stringify(await named.store.export(named.name), null, 2));
}

/** Puts a document in the place of what is kept of a stack. */
export async function push(
  this: Context,
  flags: PushFlags,
  stack: string,
  file: string,
): Promise<void> {
  const text = await readText(file);
  const { readDocument } = await import("../../state/mod.ts");
  const document = await readDocument(text, file === "-" ? "standard input" : file);
  await using named = await openNamed(stack);
  const { name, store, folder } = named;
  if (flags.force && document.stack === name) {
    // A record whose key is missing is no broken one: whoever has the key can read it.
    const { broken } = await tryLoad(store, name);
    if (broken?.code === "state.corrupt") {
      const aside = await store.setAside(name, whoAmI(), folder);
      this.terminal.print(`The broken record is kept in ${aside}`);
    }
  }
  await using lease = await store.lock(name, whoAmI());
  const serial = await lease.write({ replace: document, force: flags.force });
  this.terminal.print(
    `Pushed ${document.resources.length} resource(s) of stack "${name}" to ` +
      `${store.location}: its serial is ${serial} now.`,
  );
}

async function readText(file: string): Promise<string> {
  try {
    if (file !== "-") return await Deno.readTextFile(file);
    return await new Response(Deno.stdin.readable).text();
  } catch (error) {
    throw new StaddleError({
      code: "state.not-readable",
      summary: `Cannot read the record to push from ${file}`,
      details: [error instanceof Error ? error.message : String(error)],
      help: "staddle state pull STACK prints one; - reads standard input",
      cause: error,
    });
  }
}

/** Moves records from one store to another: copied, read back, and forgotten where they were. */
export async function migrate(
  this: Context,
  flags: MigrateFlags,
  from: string,
  to: string,
  ...stacks: string[]
): Promise<void> {
  const { openStore } = await import("../../state/mod.ts");
  const place = (text: string): string =>
    /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : resolve(text);
  await using source = openStore(place(from));
  await using target = openStore(place(to));
  if (source.location === target.location) {
    throw new StaddleError({
      code: "usage.bad-arguments",
      summary: `Cannot migrate from ${source.location} to itself`,
      help: "name two stores, as STADDLE_STATE names them",
    });
  }
  const recorded = await source.stacks();
  if (recorded.length === 0) {
    throw new StaddleError({
      code: "state.nothing-to-migrate",
      summary: "Cannot migrate: no stack is recorded in the first store",
      where: [source.location],
      help: "name the store that has records first, then the one that is to have them",
    });
  }
  for (const stack of stacks) await requireRecorded(stack, source);
  for (const stack of stacks.length > 0 ? stacks : recorded) {
    const { resources, runs, left } = await migrateStack(stack, source, target, flags);
    this.terminal.print(
      `Migrated stack "${stack}": ${resources} resource(s), ${runs} run(s)` +
        (left === 0 ? "" : `. ${target.location} keeps what the last ${target.keeps.journalled} ` +
          `runs did and no more: that of ${left} older run(s) was left behind`),
    );
  }
  this.terminal.print(
    flags.keep
      ? `The first store keeps its records, which are of no use from now on: ${source.location}`
      : `From now on: STADDLE_STATE=${withoutPassword(to)}`,
  );
}

/** A location as it may stand in a log. */
function withoutPassword(location: string): string {
  return location.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/:@]*):[^/]*@/i, "$1@");
}
