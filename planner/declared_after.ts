/**
 * What a run leaves declared: where it concerned a part of a stack alone, that part as it was planned,
 * and the rest as it was declared when it was applied.
 *
 * @module
 */

import type { Resource } from "../providers/provider.ts";
import type { ResourceRecord, StackRecord } from "../state/store.ts";
import { digest } from "./digest.ts";
import { isLeftover } from "./leftover.ts";
import type { Plan } from "./plan.ts";
import { dependencies, type Kinds, resolveTopology } from "./resolve.ts";
import { type Topology, TOPOLOGY_FORMAT } from "./topology.ts";
import { validateTopology } from "./validate.ts";

/** A plan of a part, and what it was made from. */
export interface DeclaredAfterInput {
  /** Of the part, without errors. */
  readonly plan: Plan;
  /** What the whole stack declares; absent where the record alone is known. */
  readonly topology?: Topology;
  /** As it is before the plan is carried out. */
  readonly record?: StackRecord;
  /** What earlier runs left declared, newest first; no more of it is asked for than is needed. */
  readonly earlier: AsyncIterable<Topology> | Iterable<Topology>;
  readonly kinds: Kinds;
}

/** A resource as an earlier run left it declared. */
interface Before {
  readonly resource: Resource;
  readonly of: Topology;
}

/**
 * The topology of what the stack owns once the plan of a part has been carried out. What the plan does
 * not touch is in it as it was last declared, and not at all if it was never made. What nobody is known
 * to have declared is named in `leftAlone`.
 */
export async function declaredAfter(input: DeclaredAfterInput): Promise<Topology> {
  const { plan, record } = input;
  const touched = new Set(
    plan.resources.flatMap(({ address, previousAddress = address }) => [address, previousAddress]),
  );
  const outside = (record?.resources ?? []).filter(({ address, status }) =>
    !isLeftover(address) && status !== "deleting" && !touched.has(address)
  );
  const applies = plan.mode === "apply";
  const declared = applies
    ? input.topology?.resources.filter(({ address }) => touched.has(address)) ?? []
    : [];
  const { before, newest } = await lastDeclared(outside, input);
  const { kept, leftAlone } = standing(outside, declared, before, input.kinds);
  const base = applies ? input.topology : newest;
  const made: Topology = {
    format: TOPOLOGY_FORMAT,
    stack: plan.stack.name,
    parameters: base?.parameters ?? {},
    hosts: { ...record?.hosts, ...input.topology?.hosts },
    ...(base?.hostPlaces === undefined ? {} : { hostPlaces: base.hostPlaces }),
    resources: [...declared, ...kept.map(({ resource }) => resource)],
    outputs: applies ? input.topology?.outputs ?? {} : record?.outputs ?? {},
    ...(base?.references === undefined ? {} : { references: base.references }),
    reservations: applies ? reservations(input.topology, kept) : record?.reservations ?? {},
    ...(leftAlone.length === 0 ? {} : { leftAlone }),
  };
  if (kept.length === 0 || validateTopology(made, input.kinds).errors.length === 0) return made;
  // The part and the rest do not go together, as where one has a name by now that the other had.
  const rest = outside.map(({ address }) => address).sort();
  return { ...made, resources: declared, leftAlone: rest };
}

/**
 * The declarations that were applied: the newest that resolves to what the record has, and where none
 * does, for the host's own values were taken over since, the newest of all.
 */
async function lastDeclared(
  rows: readonly ResourceRecord[],
  { earlier, kinds }: DeclaredAfterInput,
): Promise<{ readonly before: ReadonlyMap<string, Before>; readonly newest?: Topology }> {
  const before = new Map<string, Before>();
  let newest: Topology | undefined;
  let missing = rows;
  if (missing.length === 0) return { before };
  for await (const candidate of earlier) {
    const { topology: of, errors } = validateTopology(candidate, kinds);
    // Of another version: what it says cannot be planned any more.
    if (errors.length > 0) continue;
    newest ??= of;
    const { resolved } = resolveTopology(of, kinds);
    const declared = new Map(of.resources.map((resource) => [resource.address, resource]));
    missing = missing.filter(({ address, specDigest }) => {
      const resource = declared.get(address);
      if (resource === undefined) return true;
      const spec = resolved.get(address)?.resource.spec;
      const applied = spec !== undefined && digest(spec) === specDigest;
      if (applied || !before.has(address)) before.set(address, { resource, of });
      return !applied;
    });
    if (missing.length === 0) break;
  }
  return { before, newest };
}

/** What of the rest can stand in a topology, for all that it needs stands there as well. */
function standing(
  outside: readonly ResourceRecord[],
  declared: readonly Resource[],
  before: ReadonlyMap<string, Before>,
  kinds: Kinds,
): { readonly kept: readonly Before[]; readonly leftAlone: readonly string[] } {
  const there = new Set(declared.map(({ address }) => address));
  const kept = new Map<string, Before>();
  for (const { address } of outside) {
    const found = before.get(address);
    if (found !== undefined) kept.set(address, found);
  }
  const needsOf = ({ resource, of }: Before) =>
    dependencies(of, kinds).graph.get(resource.address) ?? [];
  // No record has what is only referred to.
  for (const entry of kept.values()) {
    for (const need of needsOf(entry)) {
      const resource = entry.of.resources.find(({ address }) => address === need);
      if (resource?.tenure !== "existing" || there.has(need) || kept.has(need)) continue;
      kept.set(need, { resource, of: entry.of });
    }
  }
  for (let again = true; again;) {
    again = false;
    for (const [address, entry] of kept) {
      if (needsOf(entry).every((need) => there.has(need) || kept.has(need))) continue;
      kept.delete(address);
      again = true;
    }
  }
  const leftAlone = outside.map(({ address }) => address).filter((address) => !kept.has(address));
  return { kept: [...kept.values()], leftAlone: leftAlone.sort() };
}

/** Reservations of the part as they are declared now, of the rest as they were. */
function reservations(
  topology: Topology | undefined,
  kept: readonly Before[],
): Topology["reservations"] {
  const of = (address: string, all: Topology["reservations"]) =>
    Object.entries(all).filter(([key]) => key.startsWith(`${address}#`));
  const result = new Map(Object.entries(topology?.reservations ?? {}));
  for (const { resource: { address }, of: before } of kept) {
    for (const [key] of of(address, topology?.reservations ?? {})) result.delete(key);
    for (const [key, ip] of of(address, before.reservations)) result.set(key, ip);
  }
  return Object.fromEntries(result);
}
