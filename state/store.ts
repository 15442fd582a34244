/**
 * The record of what a stack owns, and the one interface behind which every store stands.
 *
 * @module
 */

import type { HostDeclaration, Json, JsonObject, Resource } from "../providers/provider.ts";

/** Version of the record; an older one is migrated, a newer one refused. */
export const RECORD_VERSION = 1;

/** Where a resource stands in its life. */
export type ResourceStatus =
  | "present"
  | "creating" // a create step began and no end was written
  | "updating"
  | "deleting"
  | "waiting"; // made, but its wait condition has not been met

/** What is kept of one resource. */
export interface ResourceRecord {
  /**
   * The resource's address. While a replacement is made before the old object goes, the old object
   * has a row of its own under `<address>#<key>`, until its delete step has ended.
   */
  readonly address: string;
  readonly kind: string;
  readonly host: string;
  /** Name on the host. */
  readonly key: string;
  readonly status: ResourceStatus;
  /** The resolved declaration that was last applied (or, while creating, that is being applied). */
  readonly resource: Resource;
  /** SHA-256 (hex) of the canonical JSON of `resource.spec`. */
  readonly specDigest: string;
  /** Fingerprint of the object as it was last read back; absent while creating. */
  readonly fingerprint?: string;
  /** Addresses that it depends on: destroying goes the other way. */
  readonly needs: readonly string[];
  /**
   * Only while `updating`: the resolved declaration that the update is bringing about. `resource`
   * stays the one before it, so an entry of a list that stands in either may be on the host.
   */
  readonly target?: Resource;
}

/** What a stack owns. */
export interface StackRecord {
  readonly version: number;
  readonly stack: string;
  /** Random UUID given at birth: two records of one name are told apart by it. */
  readonly lineage: string;
  /** Rises with every write. */
  readonly serial: number;
  /** Hosts as last declared, so that destroying needs no stack file. */
  readonly hosts: Readonly<Record<string, HostDeclaration>>;
  readonly resources: readonly ResourceRecord[];
  readonly outputs: Readonly<Record<string, { readonly value: Json; readonly sensitive: boolean }>>;
  /** Addresses reserved for NICs, kept so that they stay: see the topology. */
  readonly reservations: Readonly<Record<string, string>>;
}

/** One run of apply or destroy. */
export interface RunRecord {
  readonly id: string;
  readonly stack: string;
  readonly command: "apply" | "destroy";
  /** `user@machine`, with process id. */
  readonly who: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly result?: "done" | "failed" | "cancelled";
  readonly add: number;
  readonly change: number;
  readonly destroy: number;
  readonly parameters: JsonObject;
}

/** One line of the journal. */
export interface JournalEntry {
  readonly run: string;
  readonly step: string;
  readonly address: string;
  readonly operation: string;
  readonly phase: "begin" | "end" | "failed";
  readonly at: string;
  readonly detail?: string;
}

/** Who holds a stack's lock. */
export interface LockHolder {
  readonly who: string;
  readonly since: string;
  readonly expires: string;
}

/** What one write changes; all of it or nothing. */
export interface RecordWrite {
  /** Lines to add; several, so that parallel steps can share one write. */
  readonly journal?: readonly JournalEntry[];
  readonly put?: readonly ResourceRecord[];
  /** Addresses to forget. */
  readonly remove?: readonly string[];
  /** Each of the three, where given, replaces what was there. */
  readonly hosts?: StackRecord["hosts"];
  readonly outputs?: StackRecord["outputs"];
  readonly reservations?: StackRecord["reservations"];
  /** Added, or put in the place of the row with the same id. */
  readonly run?: RunRecord;
}

/** A held lock: the only way to write. Kept alive by a heartbeat until it is disposed of. */
export interface Lease extends AsyncDisposable {
  readonly stack: string;
  /** Rises with every lease of the stack; a write with an old one is refused. */
  readonly token: number;
  /** Aborts when the lease was lost: the run must stop. */
  readonly lost: AbortSignal;
  /** @throws {StaddleError} `state.lease-lost` when another run has taken over. Returns the new serial. */
  write(change: RecordWrite): Promise<number>;
}

/** A store of records. */
export interface Store extends AsyncDisposable {
  /** For messages: a file's path or a URL without its password. */
  readonly location: string;
  stacks(): Promise<readonly string[]>;
  load(stack: string): Promise<StackRecord | undefined>;
  /** @throws {StaddleError} `state.locked` (exit code 5), naming the holder and since when. */
  lock(stack: string, who: string): Promise<Lease>;
  holder(stack: string): Promise<LockHolder | undefined>;
  /** Steps that began and did not end, newest run last. */
  unfinished(stack: string): Promise<readonly JournalEntry[]>;
  runs(stack: string, limit: number): Promise<readonly RunRecord[]>;
}
