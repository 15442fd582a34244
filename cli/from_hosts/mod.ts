/**
 * A stack's record out of what its hosts have: identities are derived, machines and networks carry the
 * stack's mark, and volumes follow from the machines that use them.
 *
 * `contents.ts` reads the hosts; `usage.ts` says what a machine stands on; `claim.ts` and `marks.ts`,
 * pure, say what is the stack's and on what evidence. What nothing speaks for is left alone and named.
 *
 * @module
 */

export { type Claimed, claimFromHosts } from "./claim.ts";
export type { LeftAlone } from "./left_alone.ts";
export { type Contents, readContents } from "./contents.ts";
export { reservationsOnHosts } from "./reservations.ts";
