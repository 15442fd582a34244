/**
 * The record: what a stack owns, kept behind one interface.
 *
 * A reader starts at `store.ts` (the data and {@linkcode Store}), then `open_store.ts`. `sqlite/` and
 * `postgres/` keep rows (`rows/` is what both have in common); `documents/` keeps one document a stack,
 * in a bucket or behind Terraform's http protocol. `keyring.ts` and `rows/cipher.ts` encrypt. This room
 * may open its own files and the servers that `STADDLE_STATE` names, and nothing else: it reaches no
 * host, knows no provider and decides nothing about what a half-made resource means; that is the
 * planner's part.
 *
 * @module
 */

export * from "./store.ts";
export { withinLimits } from "./history_limits.ts";
export { defaultLocation, openStore, type OpenStoreOptions } from "./open_store.ts";
export { type AgeKeys, type KeySource, parseKeys } from "./keyring.ts";
export { environmentKeys } from "./environment_keys.ts";
export { rotate } from "./rotate.ts";
export { readDocument } from "./read_document.ts";
export { SqliteStore } from "./sqlite/store.ts";
export type { StoreOptions } from "./store_options.ts";
