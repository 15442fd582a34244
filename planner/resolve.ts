/**
 * Resolution: each resource gets its physical spec, its name on the host and its digest, in the
 * order of dependencies, so that a kind finds what it refers to resolved already.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import type { JsonObject, Kind, Lookup, Reference, Resource } from "../providers/provider.ts";
import { digest } from "./digest.ts";
import { type Graph, topologicalOrder } from "./graph.ts";
import type { ObservedIndex } from "./observed.ts";
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
  /** Digest of the physical spec. */
  readonly digest: string;
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
  readonly observed?: ObservedIndex;
  readonly facts?: Readonly<Record<string, JsonObject>>;
}

/** What each resource refers to and depends on. */
export interface Dependencies {
  readonly references: ReadonlyMap<string, readonly Reference[]>;
  readonly graph: Graph;
}

/** Reads the dependencies off a topology. A resource of an unknown kind has those it names only. */
export function dependencies(topology: Topology, kinds: Kinds): Dependencies {
  const references = new Map<string, readonly Reference[]>();
  const graph = new Map<string, readonly string[]>();
  for (const resource of topology.resources) {
    const found = kinds.get(resource.kind)?.references(resource) ?? [];
    references.set(resource.address, found);
    const needs = new Set(resource.dependsOn);
    for (const reference of found) needs.add(reference.address);
    graph.set(resource.address, needs.size > 1 ? [...needs].sort() : [...needs]);
  }
  return { references, graph };
}

/** Resolves a topology that was found valid. */
export function resolveTopology(
  topology: Topology,
  kinds: Kinds,
  options: ResolveOptions & { readonly dependencies?: Dependencies } = {},
): Resolution {
  const declared = new Map(topology.resources.map((resource) => [resource.address, resource]));
  const resolved = new Map<string, Resolved>();
  const errors: StaddleError[] = [];
  const lookup: Lookup = {
    stack: topology.stack,
    resource: (address) => resolved.get(address)?.resource ?? declared.get(address),
    observed: (address) => {
      const entry = resolved.get(address);
      if (entry === undefined || options.observed === undefined) return undefined;
      const { host, kind } = entry.resource;
      return options.observed.byKey(host, kind, entry.key) ??
        options.observed.byUuid(host, kind, entry.resource.uuid);
    },
    facts: (host) => options.facts?.[host],
  };
  const { references, graph } = options.dependencies ?? dependencies(topology, kinds);
  for (const address of topologicalOrder(graph).order) {
    const resource = declared.get(address)!;
    const kind = kinds.get(resource.kind);
    if (kind === undefined) continue;
    try {
      const physical = { ...resource, spec: kind.resolve(resource, lookup) };
      resolved.set(address, {
        resource: physical,
        kind,
        key: kind.key(physical),
        digest: digest(physical.spec),
        references: references.get(address)!,
        needs: graph.get(address)!,
      });
    } catch (error) {
      if (!(error instanceof StaddleError)) throw error;
      errors.push(error);
    }
  }
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
