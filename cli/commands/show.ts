/** `staddle show`: a saved plan. */

import { summarize } from "../../planner/summary.ts";
import type { Context } from "../context.ts";
import { compactness } from "../flags.ts";
import { loadPlan } from "../plan_file.ts";

/** Flags of `show`. */
export interface ShowFlags {
  readonly format: "text" | "json" | "markdown";
  readonly compact?: boolean;
  readonly full?: boolean;
}

/** Shows a saved plan. */
export async function show(this: Context, flags: ShowFlags, path: string): Promise<void> {
  const { plan, text } = await loadPlan(path);
  if (flags.format === "json") {
    this.terminal.print(text.trimEnd());
  } else if (flags.format === "markdown") {
    const { planMarkdown } = await import("../render/plan_markdown.ts");
    this.terminal.print(planMarkdown(plan, { summary: summarize(plan) }).trimEnd());
  } else {
    const { planText } = await import("../render/plan_text.ts");
    const compact = compactness(flags);
    const style = this.terminal.style;
    this.terminal.print(planText(plan, { style, compact, summary: summarize(plan) }));
    const { signerOf } = await import("../plan_signature.ts");
    const signer = await signerOf(JSON.parse(text));
    if (signer !== undefined) {
      const fits = signer.fits
        ? ""
        : style.destroy(", and changed since: the signature does not fit");
      this.terminal.print(`\nSigned by ${signer.fingerprint}${fits}`);
    }
  }
}
