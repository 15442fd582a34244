/**
 * zod, for the types of parameters: https://zod.dev
 *
 * Named here instead of exported as it is, for else every symbol of zod's would be one of ours.
 *
 * @module
 */

import { z as zod } from "zod";

/** zod, version 4: `z.string()`, `z.int().min(1).default(2)`, `z.enum(["small", "large"])`, …. */
export const z: typeof zod = zod;

/** Any of zod's types. */
export type ParameterType = InstanceType<typeof z.ZodType>;

/** Types that go with {@linkcode z}. */
export declare namespace z {
  /** Any of zod's types. */
  type ZodType = ParameterType;
  /** What a type takes. */
  type input<T extends ParameterType> = T["_zod"]["input"];
  /** What a type's values are once they are parsed. */
  type output<T extends ParameterType> = T["_zod"]["output"];
  /** What a type's values are once they are parsed. */
  type infer<T extends ParameterType> = T["_zod"]["output"];
}
