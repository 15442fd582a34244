/**
 * Resolution: each resource gets its physical spec, its name on the host and its digest, in the
 * order of dependencies, so that a kind finds what it refers to resolved already.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import type { JsonObject, Kind, Lookup, Reference, Resource } from "../providers/provider.ts";
import { type Graph, topologicalOrder } from "./graph.ts";
import { indexObserved, type ObservedByHost } from "./observed.ts";
import type { Topology } from "./topology.ts";

/** Kinds by name. */
export type Kinds = ReadonlyMap<string, Kind>;

/** A resource with everything that follows from it. */
export interface Resolved {
  /** With its physical spec. */
  readonly resource: Resource;
  readonly kind: Kind;
  /** Name on the host. */
  readonly key: string;
  readonly references: readonly Reference[];
  /** Addresses that it depends on, sorted, each once. */
  readonly needs: readonly string[];
}

/** A resolved topology. */
export interface Resolution {
  /** In the order of dependencies. */
  readonly resolved: ReadonlyMap<string, Resolved>;
  readonly lookup: Lookup;
  readonly errors: readonly StaddleError[];
}

/** What resolving may look at. */
export interface ResolveOptions {
  readonly observed?: ObservedByHost;
  /** For the lookup that is given back; resolving itself never depends on facts. */
  readonly facts?: Readonly<Record<string, JsonObject>>;
}

/** What each resource refers to and depends on. */
export interface Dependencies {
  readonly references: ReadonlyMap<string, readonly Reference[]>;
  readonly graph: Graph;
}

/** What was worked out for a topology: it is asked for several times on the way to a plan. */
interface Known {
  readonly kinds: Kinds;
  readonly dependencies: Dependencies;
  readonly order: readonly string[];
  readonly resolutions: Map<ObservedByHost | undefined, Omit<Resolution, "lookup">>;
}

const known = new WeakMap<Topology, Known>();

function knownOf(topology: Topology, kinds: Kinds): Known {
  const found = known.get(topology);
  if (found?.kinds === kinds) return found;
  const references = new Map<string, readonly Reference[]>();
  const graph = new Map<string, readonly string[]>();
  for (const resource of topology.resources) {
    const refers = kinds.get(resource.kind)?.references(resource) ?? [];
    references.set(resource.address, refers);
    const needs = new Set(resource.dependsOn);
    for (const reference of refers) needs.add(reference.address);
    graph.set(resource.address, needs.size > 1 ? [...needs].sort() : [...needs]);
  }
  const made: Known = {
    kinds,
    dependencies: { references, graph },
    order: topologicalOrder(graph).order,
    resolutions: new Map(),
  };
  known.set(topology, made);
  return made;
}

/** Reads the dependencies off a topology. A resource of an unknown kind has those it names only. */
export function dependencies(topology: Topology, kinds: Kinds): Dependencies {
  return knownOf(topology, kinds).dependencies;
}

/** Resolves a topology that was found valid. */
export function resolveTopology(
  topology: Topology,
  kinds: Kinds,
  options: ResolveOptions = {},
): Resolution {
  const { dependencies, order, resolutions } = knownOf(topology, kinds);
  const before = resolutions.get(options.observed);
  const declared = new Map(topology.resources.map((resource) => [resource.address, resource]));
  const resolved = before?.resolved as Map<string, Resolved> | undefined ?? new Map();
  const observed = options.observed === undefined ? undefined : indexObserved(options.observed);
  const lookup: Lookup = {
    stack: topology.stack,
    resource: (address) => resolved.get(address)?.resource ?? declared.get(address),
    resources: () => Array.from(resolved.values(), (entry) => entry.resource),
    observed: (address) => {
      const entry = resolved.get(address);
      if (entry === undefined || observed === undefined) return undefined;
      const { host, kind, uuid } = entry.resource;
      const named = observed.byKey(host, kind, entry.key);
      if (named !== undefined && (named.uuid === undefined || named.uuid === uuid)) return named;
      // Another object may have the name for which this one is to give up its own.
      return observed.byUuid(host, kind, uuid) ?? named;
    },
    facts: (host) => options.facts?.[host],
  };
  if (before !== undefined) return { ...before, lookup };

  const blind: Lookup = { ...lookup, facts: () => undefined };
  const errors: StaddleError[] = [];
  for (const address of order) {
    const resource = declared.get(address)!;
    const kind = kinds.get(resource.kind);
    if (kind === undefined) continue;
    try {
      const physical = { ...resource, spec: kind.resolve(resource, blind) };
      resolved.set(address, {
        resource: physical,
        kind,
        key: kind.key(physical),
        references: dependencies.references.get(address)!,
        needs: dependencies.graph.get(address)!,
      });
    } catch (error) {
      if (!(error instanceof StaddleError)) throw error;
      errors.push(error);
    }
  }
  resolutions.set(options.observed, { resolved, errors });
  return { resolved, lookup, errors };
}

/** A lookup over nothing, for objects that no topology declares any more. */
export function emptyLookup(
  stack: string,
  facts: Readonly<Record<string, JsonObject>> = {},
): Lookup {
  return {
    stack,
    resource: () => undefined,
    observed: () => undefined,
    facts: (host) => facts[host],
  };
}
