/**
 * Version of Staddle, as `deno.json` has it: a test keeps both equal.
 *
 * @module
 */

/** Version of Staddle. */
export const VERSION = "0.1.0";
