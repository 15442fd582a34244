/**
 * What may come next on a command line, for the shells' completion.
 *
 * @module
 */

import {
  type Application,
  proposeCompletions,
  type StricliDynamicCommandContext,
} from "@stricli/core";
import type { Context } from "../context.ts";

/** One proposal a line: the word, a tab, and what it is for. The last of `words` is begun. */
export async function proposals(
  application: Application<Context>,
  words: readonly string[],
  context: StricliDynamicCommandContext<Context>,
): Promise<string[]> {
  const inputs = words.length === 0 ? [""] : words;
  try {
    const found = await proposeCompletions(application, inputs, context);
    return found.map(({ completion, brief }) => `${completion}\t${brief}`);
  } catch {
    return []; // A shell that completes is no place for errors.
  }
}
