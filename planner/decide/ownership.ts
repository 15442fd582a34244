/**
 * Whose is it? An object that stands under a wanted name is touched only if it is this stack's.
 *
 * Domains and networks carry a mark and the derived UUID. What can hold neither (volumes, images,
 * seeds; pools hold no mark) is owned through the record.
 *
 * @module
 */

import type { Observed } from "../../providers/provider.ts";
import type { ResourceRecord, StackRecord } from "../../state/store.ts";
import { ownerOf } from "../leftover.ts";
import type { Resolved } from "../resolve.ts";
import { Slots } from "../slots.ts";

/** The answer. */
export type Ownership =
  | { readonly status: "ours"; readonly leftover?: string }
  /** Nobody's, and the stack says that it is to become this resource. */
  | { readonly status: "adopted" }
  /** Another resource of this stack has it. */
  | { readonly status: "sibling"; readonly address: string }
  | { readonly status: "foreign"; readonly why: readonly string[] };

/** The record, put so that an entry is found by address and by name on the host. */
export interface RecordIndex {
  readonly stack: string;
  byAddress(address: string): ResourceRecord | undefined;
  /** The entry that owns an object; entries of tenure `existing` own nothing. */
  byKey(host: string, kind: string, key: string): ResourceRecord | undefined;
  /** All entries that mean one object: a stopped move to another address leaves two. */
  allByKey(host: string, kind: string, key: string): readonly ResourceRecord[];
}

/** Makes the index. */
export function indexRecord(stack: string, record: StackRecord | undefined): RecordIndex {
  const addresses = new Map<string, ResourceRecord>();
  const keys = new Slots<ResourceRecord>();
  const twins = new Map<ResourceRecord, ResourceRecord>();
  for (const entry of record?.resources ?? []) {
    addresses.set(entry.address, entry);
    if (entry.resource.tenure !== "existing") {
      const other = keys.get(entry.host, entry.kind, entry.key);
      if (other !== undefined) twins.set(entry, other);
      keys.set(entry.host, entry.kind, entry.key, entry);
    }
  }
  return {
    stack,
    byAddress: (address) => addresses.get(address),
    byKey: (host, kind, key) => keys.get(host, kind, key),
    allByKey: (host, kind, key) => {
      const all: ResourceRecord[] = [];
      let entry = keys.get(host, kind, key);
      for (; entry !== undefined; entry = twins.get(entry)) all.push(entry);
      return all;
    },
  };
}

/**
 * Decides whose an object is that was found for a resource.
 *
 * @param formers Addresses under which the record has it too, if it was renamed.
 */
export function ownership(
  entry: Resolved,
  found: Observed,
  records: RecordIndex,
  formers: readonly string[] = [],
): Ownership {
  const { address, uuid } = entry.resource;
  const isOwn = (other: string | undefined) =>
    other !== undefined && (other === address || formers.includes(other));
  const known = ownEntry(address, found, records) ??
    records.byKey(found.host, found.kind, found.key);
  const { mark } = found;
  if (mark !== undefined) {
    if (mark.stack !== records.stack) {
      return {
        status: "foreign",
        why: [`its mark says that it is ${mark.address} of stack "${mark.stack}"`],
      };
    }
    // The record is newer than the mark where an entry was moved to another address.
    if (isOwn(mark.address) || isOwn(known?.address)) return { status: "ours" };
    return { status: "sibling", address: mark.address };
  }
  if (entry.resource.adopt === true && known === undefined) {
    return found.uuid === undefined || sameUuid(found.uuid, uuid) ? { status: "adopted" } : {
      status: "foreign",
      why: [`its UUID is ${found.uuid}, and the one to be adopted has ${uuid}`],
    };
  }
  // What can carry the mark, and does not, was let go of, unless the record has it.
  const released = entry.kind.marked === true && known === undefined;
  if (!released && sameUuid(found.uuid, uuid)) return { status: "ours" };
  if (known === undefined) {
    return {
      status: "foreign",
      why: [
        entry.kind.marked === true
          ? "it has no mark of Staddle"
          : `the record of stack "${records.stack}" has no ${found.kind} of this name`,
      ],
    };
  }
  if (
    entry.kind.marked === true && found.uuid !== undefined &&
    !sameUuid(found.uuid, known.resource.uuid)
  ) return { status: "foreign", why: madeAnew(found, known) };
  if (isOwn(known.address)) return { status: "ours" };
  if (ownerOf(known.address) === address) return { status: "ours", leftover: known.address };
  return { status: "sibling", address: known.address };
}

/** The entry of an address, if it means this object: two may, after a stopped move. */
function ownEntry(
  address: string,
  { host, kind, key }: Observed,
  records: RecordIndex,
): ResourceRecord | undefined {
  const own = records.byAddress(address);
  const same = own?.host === host && own.kind === kind && own.key === key &&
    own.resource.tenure !== "existing";
  return same ? own : undefined;
}

/** Why the object that stands where the record says is not the one that the record means. */
export function lost(
  known: ResourceRecord,
  found: Observed,
  stack: string,
  marked: boolean,
): readonly string[] | undefined {
  const { mark } = found;
  if (mark !== undefined) {
    return mark.stack === stack
      ? undefined
      : [`the ${found.kind} of this name is now ${mark.address} of stack "${mark.stack}"`];
  }
  if (marked && found.uuid !== undefined && !sameUuid(found.uuid, known.resource.uuid)) {
    return madeAnew(found, known);
  }
  return undefined;
}

function madeAnew(found: Observed, known: ResourceRecord): string[] {
  return [
    `someone has made it anew: its UUID is ${found.uuid}, this stack's was ${known.resource.uuid}`,
  ];
}

function sameUuid(a: string | undefined, b: string): boolean {
  return a !== undefined && (a === b || a.toLowerCase() === b.toLowerCase());
}
