/**
 * What all decisions are made of: where to look, what a stopped run had begun, who has what.
 *
 * @module
 */

import type { StaddleError } from "../../providers/error.ts";
import type { FieldChange, JsonObject, Lookup, Observed } from "../../providers/provider.ts";
import type { JournalEntry, ResourceRecord, ResourceStatus } from "../../state/store.ts";
import type { Decision, OldHalf } from "./decision.ts";
import type { ObservedIndex } from "../observed.ts";
import type { RecordIndex } from "./ownership.ts";
import type { Action, Reason } from "../plan.ts";
import type { Kinds } from "../resolve.ts";

/** What deciding looks at. */
export interface DecideContext {
  readonly stack: string;
  readonly kinds: Kinds;
  readonly observed: ObservedIndex;
  readonly records: RecordIndex;
  readonly lookup: Lookup;
  /** Operation of the step that a stopped run had begun, by address. */
  readonly begun: ReadonlyMap<string, ResourceStatus>;
  readonly errors: StaddleError[];
  /** Entries of the record whose object another resource has taken over, with its address. */
  readonly adopted: Map<string, string>;
  /** Address of the declared resource that wants a name on a host. */
  wantedBy(host: string, kind: string, key: string): string | undefined;
}

const statusOf: Readonly<Record<string, ResourceStatus>> = {
  create: "creating",
  update: "updating",
  delete: "deleting",
  wait: "waiting",
};

/** Steps that began and did not end, as the status that they left a resource in. */
export function begunSteps(
  unfinished: readonly JournalEntry[],
): ReadonlyMap<string, ResourceStatus> {
  const begun = new Map<string, ResourceStatus>();
  for (const { step, address, operation } of unfinished) {
    const status = statusOf[operation];
    // The old half of a replacement says nothing about the new one.
    if (status !== undefined && !step.includes("#")) begun.set(address, status);
  }
  return begun;
}

/** Status of a record's entry, journal included. */
export function statusFor(
  known: ResourceRecord | undefined,
  context: DecideContext,
): ResourceStatus | undefined {
  if (known === undefined || known.status !== "present") return known?.status;
  return context.begun.get(known.address) ?? "present";
}

/** The resource that has now, under the same name, what an entry of the record had. */
export function takenOver(known: ResourceRecord, context: DecideContext): string | undefined {
  const adopted = context.adopted.get(known.address);
  if (adopted !== undefined) return adopted;
  const wanted = context.wantedBy(known.host, known.kind, known.key);
  if (wanted === undefined || wanted === known.address) return undefined;
  if (context.lookup.resource(wanted)?.tenure !== "managed") return wanted;
  const taker = context.records.byAddress(wanted);
  return taker?.host === known.host && taker.kind === known.kind && taker.key === known.key
    ? wanted
    : undefined;
}

/** A decision before it is made. */
export type Base = Omit<Decision, "action" | "reason" | "changes" | "notes">;

/** What makes a decision of it. */
export interface Extra {
  readonly changes?: readonly FieldChange[];
  readonly observed?: Observed;
  readonly unsettled?: readonly JsonObject[];
  readonly old?: OldHalf;
  readonly waitOnly?: boolean;
  readonly nameFrom?: string;
  readonly heir?: string;
  readonly retained?: boolean;
  readonly notes?: readonly string[];
}

/** Makes a decision. */
export function decision(base: Base, action: Action, reason: Reason, extra: Extra = {}): Decision {
  return { ...base, changes: [], notes: [], ...extra, action, reason };
}

/** A few of many names. */
export function listed(names: readonly string[]): string {
  return names.slice(0, 8).join(", ") + (names.length > 8 ? ` and ${names.length - 8} more` : "");
}
