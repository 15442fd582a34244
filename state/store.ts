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
  /** Name of its kind. */
  readonly kind: string;
  /** Name of its host, a key of the record's hosts. */
  readonly host: string;
  /** Name on the host. */
  readonly key: string;
  /** Where it stands in its life. */
  readonly status: ResourceStatus;
  /** The resolved declaration that was last applied (or, while creating, that is being applied). */
  readonly resource: Resource;
  /** SHA-256 (hex) of the canonical JSON of `resource.spec`. */
  readonly specDigest: string;
  /** Fingerprint of the object as it was last read back; absent while creating. */
  readonly fingerprint?: string;
  /** Fields that were saved and wait for a restart, as it was last read: `cpu.model, vcpus`. */
  readonly pending?: string;
  /** Addresses that it depends on: destroying goes the other way. */
  readonly needs: readonly string[];
  /**
   * Only while `updating`: the resolved declaration that the update is bringing about. `resource`
   * stays the one before it, so an entry of a list that stands in either may be on the host.
   */
  readonly target?: Resource;
  /**
   * What earlier runs were bringing about when they were stopped, where that is neither `resource` nor
   * `target`, each once: an entry of a list that stands in one of them may be on the host too.
   */
  readonly stopped?: readonly Resource[];
}

/** What a stack owns. */
export interface StackRecord {
  /** {@linkcode RECORD_VERSION} of the Staddle that wrote it. */
  readonly version: number;
  /** Name of the stack. */
  readonly stack: string;
  /** Random UUID given at birth: two records of one name are told apart by it. */
  readonly lineage: string;
  /** Rises with every write. */
  readonly serial: number;
  /** Hosts as last declared, so that destroying needs no stack file. */
  readonly hosts: Readonly<Record<string, HostDeclaration>>;
  /** In order of their addresses. */
  readonly resources: readonly ResourceRecord[];
  /** As the last run that was done left them. */
  readonly outputs: Readonly<Record<string, { readonly value: Json; readonly sensitive: boolean }>>;
  /** Addresses reserved for NICs, kept so that they stay: see the topology. */
  readonly reservations: Readonly<Record<string, string>>;
}

/** One run of apply or destroy. */
export interface RunRecord {
  /** Random UUID. */
  readonly id: string;
  /** Name of the stack. */
  readonly stack: string;
  /** What was asked for. */
  readonly command: "apply" | "destroy" | "refresh" | "rebuild";
  /** `user@machine`, with process id. */
  readonly who: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Absent while it runs, and for ever if it was killed. */
  readonly endedAt?: string;
  /** How it ended. */
  readonly result?: "done" | "failed" | "cancelled";
  /** What the plan came to, before anything was done. */
  readonly planned?: {
    readonly import?: number;
    readonly add: number;
    readonly change: number;
    readonly destroy: number;
  };
  /** Resources taken over so far; absent: none. */
  readonly import?: number;
  /** Resources added so far. */
  readonly add: number;
  /** Resources changed so far. */
  readonly change: number;
  /** Resources destroyed so far. */
  readonly destroy: number;
  /** The stack's parameters. */
  readonly parameters: JsonObject;
  /** Absent: it concerned the whole stack. */
  readonly part?: StackPart;
  /**
   * Digest of the plan's document, as `staddle.digest` in a saved one has it. Of a plan that was not saved,
   * the document is the one that its revision makes with `startedAt` for a timestamp. Absent in runs of
   * before it was kept, and in a rebuild, which has no plan.
   */
  readonly planDigest?: string;
  /** Outputs of other stacks that went into it, by stack and output: digest and expected type. */
  readonly references?: Readonly<
    Record<
      string,
      Readonly<Record<string, { readonly digest: string; readonly schema: JsonObject }>>
    >
  >;
}

/** What makes a run concern a part of its stack alone: patterns over addresses, as they were given. */
export interface StackPart {
  readonly target?: readonly string[];
  readonly exclude?: readonly string[];
}

/** One line of the journal. */
export interface JournalEntry {
  /** Id of the run. */
  readonly run: string;
  /** Id of the step. */
  readonly step: string;
  /** Address of the step's resource. */
  readonly address: string;
  /** What the step does. */
  readonly operation: string;
  /** Written before the step begins, and after its result was read back or it failed. */
  readonly phase: "begin" | "end" | "failed";
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Why it failed. */
  readonly detail?: string;
}

/** Who holds a stack's lock. */
export interface LockHolder {
  /** `user@machine`, with process id. */
  readonly who: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  /** ISO 8601, UTC; until then unless it is renewed. */
  readonly expires: string;
}

/** What a run is to bring about, written when it begins: enough to plan the way back to it. */
export interface Revision {
  /** Id of the run. */
  readonly run: string;
  /**
   * The topology that the run leaves declared: where it concerns a part of the stack, that part beside the
   * rest as it was declared before.
   */
  readonly topology: JsonObject;
  /** The plan that was carried out. */
  readonly plan?: JsonObject;
}

/** All that is kept of a stack, as one JSON document: what `state pull` prints and `state push` takes. */
export interface RecordDocument extends StackRecord {
  /** Every run, oldest first. */
  readonly runs: readonly RunRecord[];
  /** The journal of the last runs, oldest line first. */
  readonly journal: readonly JournalEntry[];
  /** Of the last runs, oldest first. */
  readonly revisions: readonly Revision[];
}

/** What one write changes; all of it or nothing. `forget` and `replace` come before everything else. */
export interface RecordWrite {
  /** Lines to add; several, so that parallel steps can share one write. */
  readonly journal?: readonly JournalEntry[];
  /** Rows to add, or to put in the place of those with the same address. */
  readonly put?: readonly ResourceRecord[];
  /** Addresses to forget. */
  readonly remove?: readonly string[];
  /** Where given, replaces all that was there. */
  readonly hosts?: StackRecord["hosts"];
  /** Where given, replaces all that was there. */
  readonly outputs?: StackRecord["outputs"];
  /** Where given, replaces all that was there. */
  readonly reservations?: StackRecord["reservations"];
  /** Added, or put in the place of the row with the same id. */
  readonly run?: RunRecord;
  /** Kept beside its run, or put in the place of the one that the run has. */
  readonly revision?: Revision;
  /** Forgets all that is kept of the stack: record, runs, journal and revisions. The serial becomes 0. */
  readonly forget?: true;
  /**
   * Puts a whole document in the place of all that is kept of the stack. Where there is a record, the
   * document must have its lineage and a serial that is not older, and the serial rises above both;
   * where there is none, the document's serial is kept. See `readDocument`.
   *
   * @throws {StaddleError} `state.other-stack`, `state.other-lineage`, `state.older-serial`.
   */
  readonly replace?: RecordDocument;
  /** Lets `replace` pass over another lineage and an older serial. */
  readonly force?: boolean;
  /**
   * Encrypts all that is kept anew, under a new data key that these age recipients can open; an empty
   * list leaves it readable. See `rotate`.
   */
  readonly encryptTo?: readonly string[];
}

/** A held lock: the only way to write. Kept alive by a heartbeat until it is disposed of. */
export interface Lease extends AsyncDisposable {
  /** Name of the stack. */
  readonly stack: string;
  /** Rises with every lease of the stack; a write with an old one is refused. */
  readonly token: number;
  /** Aborts when the lease was lost: the run must stop. */
  readonly lost: AbortSignal;
  /**
   * Writes a change, all of it or nothing, and returns the new serial (0 after `forget` alone).
   *
   * @throws {StaddleError} `state.lease-lost` when another run has taken over.
   */
  write(change: RecordWrite): Promise<number>;
}

/** How much history a store keeps, the newest of it. */
export interface HistoryLimits {
  /** Runs that are listed. */
  readonly runs: number;
  /** Of these, the last ones that keep their journal and what they brought about. */
  readonly journalled: number;
}

/** A store of records. */
export interface Store extends AsyncDisposable {
  /** For messages: a file's path or a URL without its password. */
  readonly location: string;
  /** How much history it keeps. */
  readonly keeps: HistoryLimits;
  /** Names of the stacks that have a record, also one that is damaged. */
  stacks(): Promise<readonly string[]>;
  /**
   * A stack's record; undefined if there is none.
   *
   * @throws {StaddleError} `state.corrupt`, `state.newer-version`.
   */
  load(stack: string): Promise<StackRecord | undefined>;
  /**
   * Takes a stack's lock.
   *
   * @throws {StaddleError} `state.locked` (exit code 5), naming the holder and since when.
   */
  lock(stack: string, who: string): Promise<Lease>;
  /** Who holds a stack's lock now. */
  holder(stack: string): Promise<LockHolder | undefined>;
  /** Steps that began, did not end, and were not made good by a later run; newest run last. */
  unfinished(stack: string): Promise<readonly JournalEntry[]>;
  /** The last runs, newest first. */
  runs(stack: string, limit: number): Promise<readonly RunRecord[]>;
  /** The journal of one run, in order; empty for a run whose journal is no longer kept. */
  journal(stack: string, run: string): Promise<readonly JournalEntry[]>;
  /** What a run brought about; undefined if it is not kept. */
  revision(stack: string, run: string): Promise<Revision | undefined>;
  /** All that is kept of a stack; undefined if there is no record. */
  export(stack: string): Promise<RecordDocument | undefined>;
  /**
   * Breaks a stack's lock: whoever held it can write no more. Gives who it was; undefined if nobody
   * held it.
   */
  unlock(stack: string): Promise<LockHolder | undefined>;
  /**
   * Takes what is kept of a stack out of the way though it cannot be read, so that a record can be made
   * anew, and gives where it is now: beside the record, or in a file below `folder` where the store has
   * no room for it. undefined: there was nothing.
   *
   * @throws {StaddleError} `state.locked` (exit code 5), as far as what is there says who holds it.
   */
  setAside(stack: string, who: string, folder: string): Promise<string | undefined>;
  /**
   * Takes a stack's lock for a time, without a process that renews it: until {@linkcode unlock}, or
   * until the time is over.
   *
   * @throws {StaddleError} `state.locked` (exit code 5), naming the holder and since when.
   */
  hold(stack: string, who: string, seconds: number): Promise<LockHolder>;
  /**
   * What is wrong with a stack's record, or with all of them: one sentence a problem, none when it is
   * sound. Damage is among them, never thrown.
   */
  check(stack?: string): Promise<readonly string[]>;
}
