/**
 * A stack's graph for Mermaid, which forges draw inside Markdown.
 *
 * @module
 */

import type { Graph } from "./graph_view.ts";

/** Opening and closing of a node's shape. */
const SHAPES: Readonly<Record<string, readonly [string, string]>> = {
  machine: ["[", "]"],
  network: ["{{", "}}"],
  volume: ["[(", ")]"],
  image: ["[(", ")]"],
  seed: [">", "]"],
  pool: ["[/", "/]"],
};

/** The graph as a Mermaid flowchart, without a trailing newline. */
export function graphMermaid(graph: Graph): string {
  return [
    "flowchart RL",
    ...graph.hosts.flatMap((host, index) => [
      `  subgraph h${index} [${quote(`${host.name} · ${host.uri}`)}]`,
      ...host.nodes.map((node) => {
        const [open, close] = SHAPES[node.kind] ?? ["[", "]"];
        return `    ${node.id}${open}${quote(node.name)}${close}`;
      }),
      "  end",
    ]),
    ...graph.edges.map(({ from, to, path }) =>
      `  ${from} ${path === undefined ? "-.->" : "-->"} ${to}`
    ),
  ].join("\n");
}

/** Mermaid knows entity codes, not backslashes. */
function quote(text: string): string {
  return `"${text.replaceAll("#", "#35;").replaceAll('"', "#quot;").replaceAll("\n", " ")}"`;
}
