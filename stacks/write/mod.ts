/**
 * Stacks written by the program: a draft, plain data, becomes TypeScript that uses the stack language,
 * and can be evaluated before it is written.
 *
 * Pure. May not: read hosts, know what a domain's XML holds, write files.
 *
 * @module
 */

export {
  type Declaration,
  type Draft,
  type DraftCall,
  draftedStack,
  type DraftReference,
  type DraftValue,
  isReference,
} from "./draft.ts";
export { writeStack } from "./text.ts";
