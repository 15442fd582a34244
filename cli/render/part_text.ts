/**
 * A plan or a run of a part of a stack: what is said of it, so that nobody takes it for the whole.
 *
 * @module
 */

import type { StackPart } from "../../state/store.ts";

/** The flags as they were given: `--target "lab/machine.web-*" --exclude "lab/machine.web-3"`. */
export function partFlags({ target = [], exclude = [] }: StackPart): string {
  return [
    ...target.map((pattern) => `--target ${JSON.stringify(pattern)}`),
    ...exclude.map((pattern) => `--exclude ${JSON.stringify(pattern)}`),
  ].join(" ");
}

/** The sentence that a plan of a part ends with, its flags as `quoted` writes them. */
export function partText(part: StackPart, quoted = (flags: string): string => flags): string {
  return `Only a part of the stack was looked at (${
    quoted(partFlags(part))
  }). The rest may differ.`;
}
