/**
 * From a stack's definition to its topology.
 *
 * Addresses are known while the stack's function runs, though not every NIC is declared yet: each
 * gets the address that it had before, or else the one that follows from its name. When the function
 * has ended, all are settled together; if that moved one, the function runs again with the settled
 * addresses.
 *
 * @module
 */

import { reserve } from "../planner/addresses.ts";
import { type Topology, TOPOLOGY_FORMAT } from "../planner/topology.ts";
import { StaddleError, StaddleErrors } from "../providers/error.ts";
import type { Json, JsonObject, Resource } from "../providers/provider.ts";
import { normaliseOutputs } from "./outputs.ts";
import { parseParameters } from "./parameters.ts";
import type { ForeignStack } from "./foreign_stack.ts";
import { type Entry, type Identity, Recorder } from "./recorder.ts";
import { stackScope } from "./scope.ts";
import type { Secrets } from "./secrets.ts";
import type { StackDefinition } from "./stack.ts";

/** What a topology depends on, beyond the stack itself. */
export interface BuildOptions {
  /** Parameters as they were given; text is converted as the stack's types ask for. */
  readonly parameters?: Readonly<Record<string, Json>>;
  /** Addresses that NICs have already, by `<address of the machine>#<nic name>`: they stay. */
  readonly reservations?: Readonly<Record<string, string>>;
  /** What renamed resources keep, by their address now. */
  readonly identities?: Readonly<Record<string, Identity>>;
  /** What is known of other stacks, by name. */
  readonly references?: Readonly<Record<string, ForeignStack>>;
}

/** Passes after which addresses that still move are an error. */
const mostPasses = 3;

/**
 * Evaluates a stack in this process.
 *
 * @throws {StaddleError} about the first declaration that is not valid.
 * @throws {StaddleErrors} when addresses cannot be given.
 */
export function buildTopology(definition: StackDefinition, options: BuildOptions = {}): Topology {
  const { reservations: prior = {} } = options;
  const parameters = parseParameters(definition, options.parameters ?? {});
  let settled = prior;
  for (let pass = 1; pass <= mostPasses; pass++) {
    const recorder = new Recorder(
      definition.name,
      settled,
      options.identities,
      options.references,
    );
    const returned = definition.declare(stackScope(recorder), parameters.values as never);
    refuseAsync(definition, returned);
    const outputs = normaliseOutputs(returned, definition.at, recorder.secrets);
    const { reservations, issues } = reserve(recorder.requests, prior);
    if (issues.length > 0) {
      throw new StaddleErrors(issues.map((issue) => addressError(recorder, issue)));
    }
    if ([...recorder.given].every(([key, ip]) => reservations[key] === ip)) {
      return {
        format: TOPOLOGY_FORMAT,
        stack: definition.name,
        parameters: parameters.json,
        hosts: Object.fromEntries(
          [...recorder.hosts].map(([name, host]) => [name, plain(host.declaration)]),
        ),
        hostPlaces: Object.fromEntries(
          [...recorder.hosts].flatMap(([name, { at }]) => (at === undefined ? [] : [[name, at]])),
        ),
        resources: finish(recorder),
        outputs,
        ...(Object.keys(recorder.used).length === 0 ? {} : { references: recorder.used }),
        reservations: ofMachines(recorder, reservations),
      };
    }
    settled = reservations;
  }
  throw new StaddleError({
    code: "stack.addresses-unsettled",
    summary: `stack ${definition.name}: its addresses do not settle: what it declares depends on ` +
      "the addresses that it is given",
    where: definition.at === undefined ? [] : [definition.at],
    help: "let names and numbers of machines and NICs not follow from addresses",
  });
}

function refuseAsync(definition: StackDefinition, returned: unknown): void {
  if (typeof (returned as PromiseLike<unknown> | undefined)?.then !== "function") return;
  // Whatever the promise comes to, this is the error.
  Promise.resolve(returned).catch(() => {});
  throw new StaddleError({
    code: "stack.async",
    summary: `stack ${definition.name}: its function is async`,
    where: definition.at === undefined ? [] : [definition.at],
    help: "nothing is made while a stack is evaluated, so there is nothing to wait for: remove " +
      "async and await; every handle has its values at once",
  });
}

function addressError(
  recorder: Recorder,
  issue: ReturnType<typeof reserve>["issues"][number],
): StaddleError {
  const places = issue.keys.map((key) => recorder.places.get(key)).filter((at) => at !== undefined);
  return new StaddleError({
    code: issue.code,
    summary: issue.message,
    where: [...new Set(places)].slice(0, 5),
    details: issue.keys.length === 1 ? [issue.keys[0]!] : [],
    ...(issue.help === undefined ? {} : { help: issue.help }),
  });
}

/** The resources, networks with the reservations of the machines on them. */
function finish(recorder: Recorder): readonly Resource[] {
  const byNetwork = new Map<string, { mac: string; ip: string; name?: string }[]>();
  const sorted = [...recorder.attachments].sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { network, mac, ip, name } of sorted) {
    const list = byNetwork.get(network) ?? [];
    byNetwork.set(network, list);
    // A name that DNS cannot hold is left out: the address is what counts.
    list.push(/^[A-Za-z][A-Za-z0-9-]{0,62}$/.test(name) ? { mac, ip, name } : { mac, ip });
  }
  return [...recorder.entries.values()].map((entry) => {
    const own = byNetwork.get(entry.address);
    if (own === undefined) return resource(entry, entry.spec, recorder.secrets);
    const declared = (entry.spec.reservations ?? []) as JsonObject["reservations"] & Json[];
    return resource(
      entry,
      { ...entry.spec, reservations: [...declared, ...own] },
      recorder.secrets,
    );
  });
}

function resource(entry: Entry, spec: JsonObject, secrets: Secrets): Resource {
  const sensitive = secrets.pathsIn(spec);
  const { address, kind, host, name, uuid, tenure, adopt, dependsOn, options, at } = entry;
  return {
    address,
    kind,
    host,
    name,
    uuid,
    tenure,
    ...(adopt === true ? { adopt } : {}),
    spec: plain(spec),
    dependsOn,
    ...(options === undefined ? {} : { options }),
    ...(sensitive.length === 0 ? {} : { sensitive }),
    ...(at === undefined ? {} : { declaredAt: at }),
  };
}

/** Without keys whose value is undefined, at any depth. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

/** Reservations of NICs alone: those that a network's author wrote stand in the network. */
function ofMachines(
  recorder: Recorder,
  reservations: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const kept = Object.entries(reservations).filter(([key]) => {
    const owner = recorder.entries.get(key.slice(0, key.lastIndexOf("#")));
    return owner?.kind === "machine";
  });
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}
