/**
 * A stack as data: what is to be written as TypeScript, and can be evaluated before it is.
 *
 * @module
 */

import type { Json } from "../../providers/provider.ts";
import { stack, type StackDefinition } from "../stack.ts";

/** Stands for what another declaration gave back. */
export interface DraftReference {
  /** Name of that declaration's variable. */
  readonly $variable: string;
}

/** A value in a declaration. */
export type DraftValue =
  | Json
  | DraftReference
  | readonly DraftValue[]
  | { readonly [key: string]: DraftValue };

/** What declares something on a host. */
export type DraftCall =
  | "pool"
  | "existingPool"
  | "volume"
  | "existingVolume"
  | "network"
  | "existingNetwork"
  | "vm";

/** One declaration. */
export interface Declaration {
  readonly call: DraftCall;
  readonly name: string;
  readonly options: Readonly<Record<string, DraftValue>>;
  /** Variable that holds what it gives back; none where nothing refers to it. */
  readonly variable?: string;
  /** Lines to stand above it. */
  readonly comments?: readonly string[];
}

/** A stack with one host. */
export interface Draft {
  readonly name: string;
  readonly host: { readonly name: string; readonly uri: string };
  /** Lines to stand at the top. */
  readonly comments?: readonly string[];
  readonly declarations: readonly Declaration[];
}

/** Whether a value stands for another declaration. */
export function isReference(value: DraftValue): value is DraftReference {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    "$variable" in value;
}

/** The stack that the text would define. */
export function draftedStack(draft: Draft): StackDefinition {
  return stack(draft.name, (s) => {
    const host = s.host(draft.host.name, { uri: draft.host.uri });
    const made = new Map<string, unknown>();
    for (const { call, name, options, variable } of draft.declarations) {
      const declare = host[call] as (name: string, options: unknown) => unknown;
      const handle = declare(name, resolved(options, made));
      if (variable !== undefined) made.set(variable, handle);
    }
  });
}

function resolved(value: DraftValue, made: ReadonlyMap<string, unknown>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isReference(value)) return made.get(value.$variable);
  if (Array.isArray(value)) return value.map((item: DraftValue) => resolved(item, made));
  return Object.fromEntries(
    Object.entries(value as Record<string, DraftValue>).map(([key, item]) => [
      key,
      resolved(item, made),
    ]),
  );
}
