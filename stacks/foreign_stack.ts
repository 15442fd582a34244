/**
 * What an evaluation is told of other stacks.
 *
 * @module
 */

import type { Json } from "../providers/provider.ts";

/** An output of another stack. */
export interface ForeignOutput {
  readonly value: Json;
  readonly sensitive: boolean;
  /** SHA-256 (hex) of the canonical JSON of the value. */
  readonly digest: string;
}

/** What is known of another stack. */
export type ForeignStack =
  | {
    readonly status: "found";
    /** Those outputs that were asked for. */
    readonly outputs: Readonly<Record<string, ForeignOutput>>;
    /** Names of all its outputs. */
    readonly names: readonly string[];
  }
  | {
    readonly status: "missing";
    /** Where it was looked for. */
    readonly store: string;
    /** A stack whose name is near. */
    readonly nearest?: string;
  };
