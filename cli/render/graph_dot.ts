/**
 * A stack's graph for Graphviz.
 *
 * @module
 */

import type { Graph } from "./graph_view.ts";

const SHAPES: Readonly<Record<string, string>> = {
  machine: "box3d",
  network: "hexagon",
  volume: "cylinder",
  image: "cylinder",
  seed: "note",
  pool: "folder",
};

/** The graph in the DOT language, without a trailing newline. */
export function graphDot(graph: Graph): string {
  return [
    `digraph ${quote(graph.stack)} {`,
    '  rankdir = "RL"',
    '  node [fontname = "sans-serif", fontsize = 11]',
    '  edge [fontname = "sans-serif", fontsize = 9, color = "gray40"]',
    ...graph.hosts.flatMap((host, index) => [
      `  subgraph cluster_${index} {`,
      `    label = ${quote(`${host.name}\n${host.uri}`)}`,
      ...host.nodes.map((node) =>
        `    ${node.id} [label = ${quote(node.name)}, shape = ${
          SHAPES[node.kind] ?? "box"
        }, tooltip = ${quote(node.address)}]`
      ),
      "  }",
    ]),
    ...graph.edges.map(({ from, to, path }) =>
      `  ${from} -> ${to}${
        path === undefined ? " [style = dashed]" : ` [tooltip = ${quote(path)}]`
      }`
    ),
    "}",
  ].join("\n");
}

function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
