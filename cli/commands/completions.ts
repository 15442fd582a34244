/** `staddle completions`: a script for a shell. */

import { scripts } from "../completion/scripts.ts";
import type { Context } from "../context.ts";

/** Prints the script. */
export function completions(
  this: Context,
  _flags: Record<never, never>,
  shell: "bash" | "zsh" | "fish",
): void {
  this.terminal.print(scripts[shell]);
}
