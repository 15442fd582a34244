/**
 * The record: what a stack owns, kept behind one interface.
 *
 * A reader starts at `store.ts` (the data and {@linkcode Store}), then `open_store.ts`. SQLite stands
 * in `sqlite_*.ts`, PostgreSQL in `postgres_*.ts`; `document_store.ts` keeps one document a stack, in a
 * bucket (`s3_site.ts`) or behind Terraform's http protocol (`http_site.ts`). `keyring.ts` and
 * `row_cipher.ts` encrypt. This room may open its own files and the servers that `STADDLE_STATE` names,
 * and nothing else: it reaches no host, knows no provider and decides nothing about what a half-made
 * resource means; that is the planner's part.
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
export { SqliteStore } from "./sqlite_store.ts";
export type { StoreOptions } from "./store_options.ts";
