/**
 * The plan: what will be done, in which order, and why. Plain JSON.
 *
 * @module
 */

import type {
  Disruption,
  FieldChange,
  HostDeclaration,
  Json,
  JsonObject,
  Resource,
  Step,
} from "../providers/provider.ts";
import type { StackPart } from "../state/store.ts";
import type { References } from "./topology.ts";

/** Version of the document; a reader refuses another. */
export const PLAN_FORMAT = "staddle-plan/1";

/** What happens to a resource as a whole. */
export type Action = "no-op" | "create" | "update" | "replace" | "delete" | "forget";

/** Why. */
export type Reason =
  | "unchanged"
  | "reference-only" // tenure `existing`, or `shared` and there already
  | "not-on-host" // declared, never made
  | "gone-from-host" // made before, missing now
  | "fields-differ"
  | "renamed" // nothing but its address
  | "unmarked" // nothing differs, but its mark is gone
  | "to-import" // on the host, nobody's, and the stack adopts it
  | "replace-field-differs"
  | "not-declared" // in the record, no longer in the stack
  | "destroy-requested"
  | "half-made" // a run was stopped while it made or changed this
  | "half-deleted"
  | "still-used" // no longer declared, but something runs on it until its next start
  | "wait-unfinished" // made, but its wait condition was never met
  | "changed-outside"; // the record takes over what the host has

/** One resource of a plan. */
export interface ResourcePlan {
  readonly address: string;
  readonly kind: string;
  readonly host: string;
  /** Name on the host. */
  readonly key: string;
  readonly action: Action;
  readonly reason: Reason;
  readonly changes: readonly FieldChange[];
  /** The most disruptive of its changes; absent for `no-op`, `create` and `delete`. */
  readonly disruption?: Disruption;
  /** What the host has, in the shape of a spec; absent when there is nothing or nothing changes. */
  readonly before?: JsonObject;
  /** What the host will have as far as declared; absent after a delete or when nothing changes. */
  readonly after?: JsonObject;
  /** The resolved resource, as the record will keep it. */
  readonly resource: Resource;
  /** What a person should know: the accelerator that was chosen and why, and the like. */
  readonly notes: readonly string[];
  /** Address under which the record has it: it was renamed. */
  readonly previousAddress?: string;
  /** Addresses that it depends on, as the record will keep them. */
  readonly needs?: readonly string[];
  /** Fingerprint of the object as it was read; absent when there was none. */
  readonly fingerprint?: string;
}

/** An object that differs from what was last applied. */
export interface Drift {
  readonly address: string;
  readonly kind: string;
  readonly host: string;
  readonly key: string;
  /** `deleted`: it is gone from the host. */
  readonly status: "changed" | "deleted";
  /** `before` is what was applied, `after` what the host has. */
  readonly changes: readonly FieldChange[];
}

/** A change of an output's value. */
export interface OutputChange {
  readonly name: string;
  readonly action: "no-op" | "create" | "update" | "delete";
  readonly before?: Json;
  readonly after?: Json;
  readonly sensitive: boolean;
}

/** The plan. */
export interface Plan {
  readonly format: typeof PLAN_FORMAT;
  /** `refresh`: the record takes over what has changed on the hosts, and no host is touched. */
  readonly mode: "apply" | "destroy" | "refresh";
  /** Absent: it concerns the whole stack. */
  readonly part?: StackPart;
  readonly stack: {
    readonly name: string;
    /** Stack file as the person named it; absent for a plan made from the record alone. */
    readonly source?: string;
    /** Digest of the stack file, its modules and the lock. */
    readonly digest?: string;
    readonly parameters: JsonObject;
  };
  /** The record that it was planned against; serial 0 and no lineage when there was none. */
  readonly record: { readonly serial: number; readonly lineage?: string };
  readonly hosts: Readonly<Record<string, HostDeclaration>>;
  readonly resources: readonly ResourcePlan[];
  readonly drift: readonly Drift[];
  readonly outputs: readonly OutputChange[];
  readonly steps: readonly Step[];
  /** Outputs of other stacks that went into it. It is stale when one of them has another value. */
  readonly references?: References;
  /** Addresses reserved for NICs, as the record will keep them: see the topology. */
  readonly reservations?: Readonly<Record<string, string>>;
}

/** How many resources are added, changed and destroyed; a replacement counts in add and destroy. */
export interface Summary {
  /** Taken over as they are; one that changes by that counts as changed too. */
  readonly import?: number;
  readonly add: number;
  readonly change: number;
  readonly destroy: number;
}
