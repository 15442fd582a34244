/**
 * Import: what a host has becomes a draft of a stack that declares it.
 *
 * Pure. What is drafted is tried at once: evaluated by the stack language, and planned against the
 * objects that it was drafted from. A field that the language does not take, or that would change
 * something, is left out: what is not declared stays as the host has it. May not: read hosts, write
 * files.
 *
 * @module
 */

export type { HostContents } from "./contents.ts";
export { type DraftedStack, draftStack } from "./draft_stack.ts";
export type { Refused } from "./ground.ts";
export { stackNameOf } from "./names.ts";
