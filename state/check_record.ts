/**
 * Does a record fit together? What no checksum can see.
 *
 * @module
 */

import type { StackRecord } from "./store.ts";

/** One sentence for each thing that does not fit; none when all does. */
export function problemsOf(record: StackRecord): readonly string[] {
  const problems: string[] = [];
  const owners = new Map<string, string>();
  const seen = new Set<string>();
  for (const { address, kind, host, key, resource, target } of record.resources) {
    if (seen.has(address)) problems.push(`${address} stands there twice`);
    seen.add(address);
    if (!Object.hasOwn(record.hosts, host)) {
      problems.push(`${address} is on host "${host}", which the record does not know`);
    }
    if (resource.kind !== kind || resource.host !== host) {
      problems.push(
        `${address} is recorded as ${kind} on ${host}, but declared as ` +
          `${resource.kind} on ${resource.host}`,
      );
    }
    if (target !== undefined && target.kind !== kind) {
      problems.push(`${address} is a ${kind} that is being updated to a ${target.kind}`);
    }
    const object = `${kind} "${key}" on host "${host}"`;
    const owner = owners.get(object);
    if (owner === undefined) owners.set(object, address);
    else problems.push(`${owner} and ${address} both own ${object}`);
  }
  return problems;
}

/** What an error says, for a list of problems. */
export function sayings(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  const { details } = error as { details?: readonly string[] };
  return details !== undefined && details.length > 0 ? details : [error.message];
}

/** What is wrong with one stack's record, each sentence with the stack's name. */
export function problemsIn(stack: string, problems: readonly string[]): readonly string[] {
  const name = `stack "${stack}"`;
  return problems.map((problem) => problem.includes(name) ? problem : `${name}: ${problem}`);
}
