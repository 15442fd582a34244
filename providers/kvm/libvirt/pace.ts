/**
 * Which calls may take long.
 *
 * @module
 */

import { CALLS } from "./calls/mod.ts";

/** The names of the calls that may take long: see {@linkcode CALLS}. */
export const SLOW: ReadonlySet<string> = new Set(
  Object.entries(CALLS).filter(([, { pace }]) => pace === "slow").map(([name]) => name),
);
