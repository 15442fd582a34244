/**
 * What `staddle state` does to records: pure changes of rows, and the sentences about them. The commands
 * in `commands/` open stores and hold locks.
 *
 * @module
 */

export { type Move, moveRows } from "./move.ts";
export { noSuchResource } from "./errors.ts";
