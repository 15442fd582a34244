/**
 * A stack as a graph: resources by host, an edge from each to what must stand before it.
 *
 * @module
 */

import type { Kind, Resource } from "../../providers/provider.ts";
import type { Topology } from "../../planner/topology.ts";

/** One resource. */
export interface GraphNode {
  /** Stable and free of special characters: `n0`, `n1`… */
  readonly id: string;
  readonly address: string;
  readonly kind: string;
  readonly name: string;
}

/** A host and its resources. */
export interface GraphHost {
  readonly name: string;
  readonly uri: string;
  readonly nodes: readonly GraphNode[];
}

/** `from` needs `to`. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** Field of the declaration where the reference stands; absent for `dependsOn`. */
  readonly path?: string;
}

/** A stack, ready to be drawn. */
export interface Graph {
  readonly stack: string;
  readonly hosts: readonly GraphHost[];
  readonly edges: readonly GraphEdge[];
}

/** The graph of a topology. References to what is not declared are left out. */
export function graphOf(
  topology: Topology,
  kinds: ReadonlyMap<string, Pick<Kind, "references">>,
): Graph {
  const ids = new Map(topology.resources.map(({ address }, index) => [address, `n${index}`]));
  const edges = topology.resources.flatMap((resource) => edgesOf(resource, kinds, ids));
  const hosts = Object.values(topology.hosts).map(({ name, uri }) => ({
    name,
    uri,
    nodes: topology.resources.filter((resource) => resource.host === name).map((resource) => ({
      id: ids.get(resource.address)!,
      address: resource.address,
      kind: resource.kind,
      name: labelOf(resource),
    })),
  }));
  return { stack: topology.stack, hosts, edges };
}

/** The address without its host, which stands around it. */
function labelOf(resource: Resource): string {
  return resource.address.startsWith(`${resource.host}/`)
    ? resource.address.slice(resource.host.length + 1)
    : resource.address;
}

function edgesOf(
  resource: Resource,
  kinds: ReadonlyMap<string, Pick<Kind, "references">>,
  ids: ReadonlyMap<string, string>,
): GraphEdge[] {
  const from = ids.get(resource.address)!;
  const seen = new Set<string>();
  const edges: GraphEdge[] = [];
  const add = (address: string, path?: string): void => {
    const to = ids.get(address);
    if (to === undefined || seen.has(to)) return;
    seen.add(to);
    edges.push(path === undefined ? { from, to } : { from, to, path });
  };
  for (const { address, path } of kinds.get(resource.kind)?.references(resource) ?? []) {
    add(address, path);
  }
  for (const address of resource.dependsOn) add(address);
  return edges;
}
