/**
 * What a stack may use of other stacks.
 *
 * @module
 */

import type { ParameterType } from "../zod.ts";

/** Outputs of another stack that are used: a zod type for each name. */
export type ReferenceShape = Readonly<Record<string, ParameterType>>;

/** The values of the outputs, as their types have them. */
export type Referenced<Shape extends ReferenceShape> = {
  readonly [Name in keyof Shape]: Shape[Name]["_zod"]["output"];
};
