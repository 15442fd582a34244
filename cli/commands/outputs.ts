/** `staddle outputs`: the outputs of a stack as they were last applied. */

import type { Context } from "../context.ts";
import { withRecord } from "../recorded.ts";
import { outputsJson, outputsText } from "../render/outputs_text.ts";

/** Shows them. */
export async function outputs(
  this: Context,
  flags: { readonly json?: boolean },
  stack: string,
): Promise<void> {
  const found = await withRecord(
    stack,
    async (name, store) => (await store.load(name))?.outputs ?? {},
  );
  this.terminal.print(
    flags.json ? JSON.stringify(outputsJson(found), null, 2) : outputsText(found),
  );
}
