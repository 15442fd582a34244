/**
 * Evaluates a stack with all that is known: the addresses and identities that its record keeps, and
 * the outputs of other stacks that it asks for.
 *
 * Whose record counts is known by the stack's name, and what it asks for by its code; both only when
 * it was evaluated. So a guess is tried, and where it was wrong or not enough the stack is evaluated
 * once more. A stack that was applied and has not changed is evaluated once.
 *
 * @module
 */

import { hash } from "node:crypto";
import { digest, sameJson } from "../planner/digest.ts";
import { STADDLE_NAMESPACE, uuidName } from "../planner/identity.ts";
import { isLeftover } from "../planner/leftover.ts";
import { nearest } from "../planner/nearest.ts";
import type { Topology } from "../planner/topology.ts";
import type { Json, JsonObject, Resource } from "../providers/provider.ts";
import type { EvaluateOptions, Evaluation } from "../stacks/evaluate.ts";
import type { Identity } from "../stacks/recorder.ts";
import type { ForeignStack } from "../stacks/foreign_stack.ts";
import { type NeededOutputs, neededOutputs } from "../stacks/reference.ts";
import type { ResourceRecord, StackRecord, Store } from "../state/store.ts";
import { usedOutputs } from "./dependents.ts";
import { diskFiles } from "./disk_files.ts";

/** Evaluations after which a stack that keeps asking is given up: each asks for one stack more. */
const MOST = 50;

type Evaluate = (known: Partial<EvaluateOptions>) => Promise<Evaluation>;

interface Known {
  reservations: Readonly<Record<string, string>>;
  identities: Readonly<Record<string, Identity>>;
  references: Record<string, ForeignStack>;
}

/**
 * Evaluates until nothing is missing.
 *
 * @param evaluate runs the stack with what is known.
 * @param guess is what is probably the stack's record.
 */
export async function evaluateKnown(
  evaluate: Evaluate,
  store: Store,
  guess: StackRecord | undefined,
): Promise<Evaluation> {
  let record = guess;
  const known: Known = {
    reservations: guess?.reservations ?? {},
    identities: recordedIdentities(guess),
    references: guess === undefined ? {} : await usedBefore(store, guess.stack),
  };
  for (let round = 1;; round++) {
    let evaluation: Evaluation;
    try {
      evaluation = await evaluate({ ...known });
    } catch (error) {
      const need = neededOutputs(error);
      if (need === undefined || round >= MOST) throw error;
      if (need.by !== record?.stack) {
        record = await recordOf(store, need.by);
        known.reservations = record?.reservations ?? {};
        known.identities = recordedIdentities(record);
        known.references = record === undefined ? {} : await usedBefore(store, record.stack);
      }
      known.references[need.stack] = await foreignStack(store, need);
      continue;
    }
    const { topology } = evaluation;
    if (topology.stack !== record?.stack) record = await recordOf(store, topology.stack);
    const wanted = settledFor(topology, record);
    if (
      round >= MOST || (sameJson(wanted.reservations, known.reservations) &&
        sameJson(wanted.identities as unknown as Json, known.identities as unknown as Json))
    ) return evaluation;
    Object.assign(known, wanted);
  }
}

async function recordOf(store: Store, stack: string): Promise<StackRecord | undefined> {
  return (await store.stacks()).includes(stack) ? await store.load(stack) : undefined;
}

/** What a stack keeps by its record, what was renamed since included. */
function settledFor(
  topology: Topology,
  record: StackRecord | undefined,
): Pick<Known, "reservations" | "identities"> {
  const identities: Record<string, Identity> = { ...recordedIdentities(record) };
  const reservations: Record<string, string> = { ...record?.reservations };
  if (record === undefined) return { reservations, identities };
  const rows = new Map(record.resources.map((row) => [row.address, row]));
  for (const { address, kind, options } of topology.resources) {
    const former = rows.has(address)
      ? undefined
      : options?.aliases?.map((alias) => rows.get(alias)).find((row) => row?.kind === kind);
    if (former === undefined) continue;
    const texts = identities[former.address]?.texts;
    identities[address] = { ...identityOf(former), ...(texts === undefined ? {} : { texts }) };
    for (const [key, ip] of Object.entries(record.reservations)) {
      if (key.startsWith(`${former.address}#`)) {
        reservations[`${address}#${key.slice(former.address.length + 1)}`] ??= ip;
      }
    }
  }
  const declared = new Map(topology.resources.map((resource) => [resource.address, resource]));
  for (const machine of topology.resources) {
    if (machine.kind !== "machine") continue;
    for (const { row, kept } of diskFiles(machine, rows, (address) => declared.get(address))) {
      const { uuid, name } = identityOf(row);
      identities[row.address] = kept && name !== undefined ? { uuid, name } : { uuid };
    }
  }
  // A machine whose cloud-init is left as it is keeps the medium that it has.
  for (const { kind, options, spec } of topology.resources) {
    if (kind !== "machine" || options?.ignoreChanges?.includes("seed") !== true) continue;
    const address = String(spec.seed ?? "");
    const aliases = topology.resources.find((one) => one.address === address)?.options?.aliases;
    const row = [address, ...aliases ?? []].map((one) => rows.get(one)).find((one) => one);
    if (row?.kind === "seed") identities[address] = { ...identityOf(row), texts: textsOf(row) };
  }
  return { reservations, identities };
}

/** Identities that do not follow from addresses any more: of what was renamed, or is left as it is. */
function recordedIdentities(record: StackRecord | undefined): Record<string, Identity> {
  const identities: Record<string, Identity> = {};
  if (record === undefined) return identities;
  const rows = new Map(record.resources.map((row) => [row.address, row]));
  for (const row of record.resources) {
    const { address, kind, resource } = row;
    if (isLeftover(address) || resource.tenure === "existing") continue;
    if (resource.adopt !== true && !isDerived(record.stack, resource)) {
      identities[address] = { ...identityOf(row), ...identities[address] };
    }
    if (kind !== "machine") continue;
    for (const { row: disk } of diskFiles(resource, rows)) {
      identities[disk.address] = identityOf(disk);
    }
    if (resource.options?.ignoreChanges?.includes("seed") !== true) continue;
    const seed = row.needs.map((need) => rows.get(need)).find((need) => need?.kind === "seed");
    if (seed === undefined) continue;
    identities[seed.address] = {
      ...identities[seed.address],
      ...identityOf(seed),
      texts: textsOf(seed),
    };
  }
  return identities;
}

function identityOf({ kind, resource }: ResourceRecord): Identity {
  const { name, volume } = resource.spec;
  const called = kind === "volume" ? volume : kind === "image" ? stem(volume) : name;
  return {
    uuid: resource.uuid,
    ...(typeof called === "string" ? { name: called } : {}),
  };
}

/** An image's file is called after the name that the image had, and its digest. */
function stem(volume: Json | undefined): string | undefined {
  return /^(.*)-[0-9a-f]{12}\.[^.]+$/.exec(String(volume))?.[1];
}

function textsOf({ resource: { spec } }: ResourceRecord): JsonObject {
  const { userData, metaData, networkConfig } = spec;
  return { userData, metaData, ...(networkConfig === undefined ? {} : { networkConfig }) };
}

const namespace = STADDLE_NAMESPACE.replaceAll("-", "").match(/../g)!
  .map((pair) => Number.parseInt(pair, 16));

/** Whether a UUID is the one that follows from the address. As in `resourceUuid`, by native code. */
function isDerived(stack: string, { address, uuid }: Resource): boolean {
  const name = new TextEncoder().encode(uuidName(stack, address));
  const sum = hash("sha1", Uint8Array.from([...namespace, ...name]), "hex");
  // Version and variant are laid over two of the digits: the others tell.
  return uuid.replaceAll("-", "").slice(0, 12) === sum.slice(0, 12);
}

/** What a stack used of others when it was last applied: it will probably ask for that again. */
async function usedBefore(store: Store, stack: string): Promise<Record<string, ForeignStack>> {
  const known: Record<string, ForeignStack> = {};
  for (const [other, outputs] of Object.entries(await usedOutputs(store, stack))) {
    known[other] = await foreignStack(store, {
      by: stack,
      stack: other,
      outputs: Object.keys(outputs),
    });
  }
  return known;
}

/** What may be known of another stack: the outputs that were asked for, and the names of the others. */
async function foreignStack(
  store: Store,
  { by, stack, outputs }: NeededOutputs,
): Promise<ForeignStack> {
  const record = await recordOf(store, stack);
  if (record === undefined) {
    const others = (await store.stacks()).filter((name) => name !== by);
    const near = nearest(stack, others);
    return {
      status: "missing",
      store: store.location,
      ...(near === undefined ? {} : { nearest: near }),
    };
  }
  return {
    status: "found",
    names: Object.keys(record.outputs),
    outputs: Object.fromEntries(
      outputs.filter((name) => Object.hasOwn(record.outputs, name)).map((name) => {
        const { value, sensitive } = record.outputs[name]!;
        return [name, { value, sensitive, digest: digest(value) }];
      }),
    ),
  };
}
