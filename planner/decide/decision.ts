/**
 * Decisions: what happens to one resource, and why. Steps are made of them.
 *
 * @module
 */

import type {
  Disruption,
  FieldChange,
  JsonObject,
  Kind,
  Observed,
  Reference,
  Resource,
} from "../../providers/provider.ts";
import type { ResourceRecord } from "../../state/store.ts";
import type { Action, Reason } from "../plan.ts";

/** The old half of a replacement. */
export interface OldHalf {
  readonly key: string;
  /** As it was last applied. */
  readonly resource: Resource;
  readonly observed: Observed;
  /** The new one is made before this one goes. */
  readonly afterCreate: boolean;
}

/** What happens to one resource. */
export interface Decision {
  readonly address: string;
  readonly kind: Kind;
  readonly host: string;
  /** Name on the host, as it is to be. */
  readonly key: string;
  readonly action: Action;
  readonly reason: Reason;
  readonly changes: readonly FieldChange[];
  /**
   * Resolved as declared, or as last applied where nothing declares it any more. Where the object is
   * there, without the fields whose changes are ignored.
   */
  readonly resource: Resource;
  /** With those fields, for a new object. */
  readonly whole?: Resource;
  /** Addresses that it depends on. */
  readonly needs: readonly string[];
  readonly references: readonly Reference[];
  readonly declared: boolean;
  /** The object, if there is one and it is ours. */
  readonly observed?: Observed;
  readonly record?: ResourceRecord;
  /** Declarations that stopped runs were bringing about, beside that of the record. */
  readonly unsettled?: readonly JsonObject[];
  readonly old?: OldHalf;
  /** What a stopped run left beside a resource: it goes before that is made. */
  readonly goesFirst?: boolean;
  /** Conditions to wait for are still to be met, though nothing is to be made. */
  readonly waitOnly?: boolean;
  /** Address of the resource of this stack that has to give up the name first. */
  readonly nameFrom?: string;
  /** Of an entry that is forgotten: address of the one that has the object now. */
  readonly heir?: string;
  /** What goes, or is replaced, stays on the host. */
  readonly retained?: boolean;
  /** Address under which the record has it: it was renamed. */
  readonly previousAddress?: string;
  /** Addresses under which the record has it, or had it before a rename that was stopped. */
  readonly formers?: readonly string[];
  readonly notes: readonly string[];
}

/** A decision to replace, deleting first, what would else have been kept or changed. */
export function madeAnew(
  decision: Decision,
  held: Observed,
  why: Pick<Decision, "changes" | "notes">,
): Decision {
  return {
    ...decision,
    action: "replace",
    reason: "replace-field-differs",
    waitOnly: false,
    resource: decision.whole ?? decision.resource,
    changes: why.changes,
    old: {
      key: held.key,
      resource: decision.record?.resource ?? decision.resource,
      observed: held,
      afterCreate: false,
    },
    notes: [...decision.notes, ...why.notes],
  };
}

const rank: Readonly<Record<Disruption, number>> = {
  live: 0,
  "next-boot": 1,
  restart: 2,
  replace: 3,
};

/** Whether one disruption is more than another. */
export function exceedsDisruption(disruption: Disruption, limit: Disruption): boolean {
  return rank[disruption] > rank[limit];
}

/** The most disruptive of some changes. */
export function worst(changes: readonly FieldChange[]): Disruption | undefined {
  let most: Disruption | undefined;
  for (const { disruption } of changes) {
    if (most === undefined || rank[disruption] > rank[most]) most = disruption;
  }
  return most;
}
