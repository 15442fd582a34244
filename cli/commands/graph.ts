/** `staddle graph`: what a stack declares, and what needs what. */

import type { Context } from "../context.ts";
import type { StackFlags } from "../flags.ts";
import { graphOf } from "../render/graph_view.ts";
import { openStack } from "../open_stack.ts";
import { listenForStop } from "../signals.ts";

/** Flags of `graph`. */
export interface GraphFlags extends StackFlags {
  readonly format: "dot" | "mermaid";
}

/** Prints the graph. No host is asked. */
export async function graph(this: Context, flags: GraphFlags, stack: string): Promise<void> {
  using stop = listenForStop();
  const [{ kinds }, opened] = await Promise.all([
    import("../../providers/kvm/kinds/mod.ts"),
    openStack({ stack, param: flags.param, signal: stop.cancel }),
  ]);
  await using _ = opened;
  if (opened.topology === undefined) return;
  const graph = graphOf(opened.topology, kinds);
  if (flags.format === "mermaid") {
    const { graphMermaid } = await import("../render/graph_mermaid.ts");
    this.terminal.print(graphMermaid(graph));
  } else {
    const { graphDot } = await import("../render/graph_dot.ts");
    this.terminal.print(graphDot(graph));
  }
}
