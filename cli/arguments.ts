/**
 * Arguments that several commands share.
 *
 * @module
 */

/** A stack, by its file. */
export const stackArgument = {
  brief: "The stack's file, or its folder if the file is stack.ts",
  parse: String,
  placeholder: "stack",
} as const;

/** A stack, by its file or by the name of its record. */
export const recordedArgument = {
  ...stackArgument,
  brief: "The stack's file or folder, or the name of a recorded stack",
} as const;
