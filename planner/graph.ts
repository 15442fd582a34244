/**
 * Dependency graphs: order, levels, cycles, closures. Every answer depends on the names in the graph
 * alone, never on the order in which they were put in.
 *
 * @module
 */

/** What each node needs. A name that is no node itself is ignored. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/** A graph put in order. */
export interface Ordered {
  /** Every node, each behind everything that it needs; in a cycle, as far as that goes. */
  readonly order: readonly string[];
  /** Each cycle once, beginning and ending with its least name: `["a", "b", "a"]`. */
  readonly cycles: readonly (readonly string[])[];
}

/** Orders a graph by depth-first search over sorted names, without recursion. */
export function topologicalOrder(graph: Graph): Ordered {
  const order: string[] = [];
  const cycles = new Map<string, readonly string[]>();
  const done = new Set<string>();
  const path: string[] = [];
  const onPath = new Set<string>();
  const pending: { readonly needs: readonly string[]; next: number }[] = [];

  const enter = (node: string) => {
    path.push(node);
    onPath.add(node);
    const needs = graph.get(node)!;
    pending.push({ needs: needs.length > 1 ? [...needs].sort() : needs, next: 0 });
  };

  for (const start of [...graph.keys()].sort()) {
    if (done.has(start)) continue;
    enter(start);
    while (pending.length > 0) {
      const top = pending.at(-1)!;
      const node = path.at(-1)!;
      const need = top.needs[top.next++];
      if (need === undefined) {
        pending.pop();
        path.pop();
        onPath.delete(node);
        done.add(node);
        order.push(node);
      } else if (onPath.has(need)) {
        const cycle = fromLeast(path.slice(path.indexOf(need)));
        cycles.set(cycle.join("\n"), cycle);
      } else if (!done.has(need) && graph.has(need)) enter(need);
    }
  }
  return { order, cycles: [...cycles.values()] };
}

/** A closed cycle that begins and ends with its least name, so that one cycle has one form. */
function fromLeast(cycle: readonly string[]): readonly string[] {
  let least = 0;
  for (let i = 1; i < cycle.length; i++) if (cycle[i]! < cycle[least]!) least = i;
  const turned = [...cycle.slice(least), ...cycle.slice(0, least)];
  return [...turned, turned[0]!];
}

/** Level of each node: 0 needs nothing, each other one more than the highest that it needs. */
export function levels(graph: Graph): ReadonlyMap<string, number> {
  const result = new Map<string, number>();
  for (const node of topologicalOrder(graph).order) {
    let level = 0;
    for (const need of graph.get(node)!) level = Math.max(level, (result.get(need) ?? -1) + 1);
    result.set(node, level);
  }
  return result;
}

/** The graph the other way round: who needs each node. Names that are no nodes are left out. */
export function reversed(graph: Graph): ReadonlyMap<string, readonly string[]> {
  const result = new Map<string, string[]>();
  for (const node of graph.keys()) result.set(node, []);
  for (const [node, needs] of graph) {
    for (const need of new Set(needs)) result.get(need)?.push(node);
  }
  return result;
}

/** The given nodes and everything that they need, near and far. */
export function closure(graph: Graph, from: Iterable<string>): Set<string> {
  const reached = new Set<string>();
  const open = [...from];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    for (const need of graph.get(node) ?? []) if (!reached.has(need)) open.push(need);
  }
  return reached;
}
