/**
 * What a host has, put so that things are found in it.
 *
 * @module
 */

import type { Observed } from "../../providers/provider.ts";
import type { Contents } from "./contents.ts";
import { keysByPath, type Usage, usageOf } from "./usage.ts";

/** One host, put so that things are found on it. */
export interface HostIndex {
  readonly name: string;
  readonly contents: Contents;
  find(kind: string, key: string): Observed | undefined;
  findUuid(kind: string, uuid: string): Observed | undefined;
  /** By the machine's name. */
  readonly usage: ReadonlyMap<string, Usage>;
  /** Names of the machines that have a volume as disk or medium. */
  usersOf(key: string): readonly string[];
  /** Whether a machine of that name carries the stack's mark. */
  isOurs(machine: string): boolean;
}

/** Puts what was read of a host in order; `stack` is the one whose mark counts. */
export function indexHost(contents: Contents, stack: string): HostIndex {
  const { host, machines, networks, pools, volumes } = contents;
  const all = [...machines, ...networks, ...pools, ...volumes];
  const keyOf = keysByPath(pools);
  const usage = new Map(machines.map((machine) => [machine.key, usageOf(machine, keyOf)]));
  const users = new Map<string, string[]>();
  for (const [name, { disks, drives }] of usage) {
    for (const key of new Set([...disks.keys(), ...drives])) {
      const list = users.get(key);
      if (list === undefined) users.set(key, [name]);
      else list.push(name);
    }
  }
  const ours = new Set(
    machines.filter(({ mark }) => mark?.stack === stack).map(({ key }) => key),
  );
  return {
    name: host.name,
    contents,
    find: (kind, key) => all.find((object) => object.kind === kind && object.key === key),
    findUuid: (kind, uuid) =>
      all.find((object) =>
        object.kind === kind && object.uuid?.toLowerCase() === uuid.toLowerCase()
      ),
    usage,
    usersOf: (key) => users.get(key) ?? [],
    isOurs: (machine) => ours.has(machine),
  };
}
