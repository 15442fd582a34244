/**
 * What each moment of a run writes into the record. Pure: rows and steps in, a change out.
 *
 * The order of writes, and why the process may be killed (SIGKILL, power) between any two:
 *
 * 1. **Start of the run**: the run's row, the hosts and reservations of the plan added to those
 *    known, and the rows of resources that need no step but whose record is not up to date. One
 *    write. Nothing was touched yet; whatever comes to be made can be reached and destroyed by the
 *    record alone from here on, and keeps its addresses.
 * 2. **Before a step**: journal `begin`, and the row as `creating`, `updating` or `deleting`. One
 *    write, on the disk before the host is touched. So an object of ours that the record does not
 *    know cannot exist; at worst the record announces one that was not begun, and the next plan reads
 *    the host to see which. A row that is being updated keeps the declaration and the fingerprint
 *    from before, and holds the new declaration beside them.
 * 3. **After a step**: journal `end`, the row as it was read back (`present`, or `waiting` while a
 *    condition is open) or its removal, and the run's counts. One write. Killed before it, the row
 *    still says `creating`, `updating` or `deleting`, and the step is done again: steps are safe to
 *    repeat. After a failure the journal says `failed`, and the row stays as step 2 left it, for
 *    nobody knows how far the step came; only where the name was another's is the row as before.
 * 4. **A replacement that is made before the old object goes** holds two objects of one address:
 *    the write before its create step moves the old row aside to its leftover address, so that
 *    neither is ever without a row. A row aside goes when its delete step has ended, or when the
 *    object is taken back under its own address.
 * 5. **End of the run**: outputs, hosts and reservations as the plan has them, and the run's row.
 *    One write. Killed before it, the run reads as never ended, its rows are all true, and outputs
 *    are those of the last run that came to its end.
 *
 * @module
 */

import { digest, sameJson } from "../planner/digest.ts";
import { isLeftover, leftoverAddress, ownerOf } from "../planner/leftover.ts";
import type { Plan, ResourcePlan } from "../planner/plan.ts";
import {
  type Json,
  PENDING_RESTART,
  type Resource,
  type Step,
  type StepResult,
} from "../providers/provider.ts";
import type { JournalEntry, ResourceRecord, StackRecord } from "../state/store.ts";

/** The rows of a record by address. */
export type Rows = ReadonlyMap<string, ResourceRecord>;

/** A change of rows. */
export interface RowChange {
  readonly put: readonly ResourceRecord[];
  readonly remove: readonly string[];
}

/** A plan, put so that what belongs to an address is found. */
export interface PlanIndex {
  readonly plan: Plan;
  resource(address: string): ResourcePlan | undefined;
  hasSteps(address: string): boolean;
  hasWait(address: string): boolean;
  /** A step of the plan that takes this object away. */
  deletes(object: ObjectName): boolean;
}

/** What tells one object from all others. */
interface ObjectName {
  readonly kind: string;
  readonly host: string;
  readonly key: string;
}

const none: RowChange = { put: [], remove: [] };

function nameOf({ kind, host, key }: ObjectName): string {
  return `${host}\n${kind}\n${key}`;
}

/** Without building names, for every row is asked at every deletion. */
function sameObject(a: ObjectName, b: ObjectName): boolean {
  return a.key === b.key && a.kind === b.kind && a.host === b.host;
}

/** Makes the index. */
export function indexPlan(plan: Plan): PlanIndex {
  const resources = new Map(plan.resources.map((resource) => [resource.address, resource]));
  const stepped = new Set(plan.steps.map((step) => step.address));
  const waited = new Set(
    plan.steps.filter((step) => step.operation === "wait").map((step) => step.address),
  );
  const deleted = new Set(
    plan.steps.filter((step) => step.operation === "delete").map(nameOf),
  );
  return {
    plan,
    resource: (address) => resources.get(address),
    hasSteps: (address) => stepped.has(address),
    hasWait: (address) => waited.has(address),
    deletes: (object) => deleted.has(nameOf(object)),
  };
}

/** Moment 1: resources without a step whose record is not up to date. */
export function settle(index: PlanIndex, rows: Rows): RowChange {
  const put: ResourceRecord[] = [];
  const remove: string[] = [];
  for (const planned of index.plan.resources) {
    const { address } = planned;
    // What is kept for a while stays in the record as it is, for it is still to go.
    if (index.hasSteps(address) || planned.reason === "still-used") continue;
    const earlier = rows.get(address);
    // What is only referred to is not owned: a row that said otherwise must not lead to its end.
    const disowned = planned.action === "no-op" && planned.resource.tenure === "existing";
    if (planned.action === "forget" || disowned) {
      if (earlier !== undefined) remove.push(address);
    } else if (planned.action === "no-op") {
      // A refresh takes over what was read; what is waited for is still to come.
      const status = index.plan.mode === "refresh" ? earlier?.status ?? "present" : "present";
      const row = rowOf(planned, planned.resource, status, {
        needs: planned.needs ?? earlier?.needs,
        fingerprint: planned.fingerprint ?? earlier?.fingerprint,
        pending: pendingIn(planned.notes),
      });
      if (earlier !== undefined && sameRow(earlier, row)) continue;
      const change = putRow(index, rows, row);
      put.push(...change.put);
      remove.push(...change.remove);
    }
  }
  return { put, remove };
}

/**
 * What moment 1 says about steps that earlier runs began: nothing is left to be done for these, since
 * what they were to bring about, or to take away, was found so on the host.
 */
export function settledEntries(
  rows: Rows,
  { put, remove }: RowChange,
): readonly Pick<JournalEntry, "step" | "address" | "operation">[] {
  return [...put.map((row) => row.address), ...remove]
    .filter((address) => (rows.get(address)?.status ?? "present") !== "present")
    .map((address) => ({
      step: `settle:${address}`,
      address: ownerOf(address),
      operation: "settle",
    }));
}

/** Moment 2: a step is about to begin. */
export function beginStep(index: PlanIndex, rows: Rows, step: Step): RowChange {
  const planned = index.resource(step.address);
  switch (step.operation) {
    case "create":
      return putRow(
        index,
        rows,
        {
          ...rowOf(step, planned?.resource ?? step.resource, "creating", {
            needs: planned?.needs ?? rows.get(step.address)?.needs,
          }),
          ...stoppedBefore(rows, step, planned?.resource ?? step.resource),
        },
      );
    case "update": {
      const target = planned?.resource ?? step.resource;
      const aside = rows.get(leftoverAddress(step.address, step.key));
      // One that is taken back stands aside, and its successor under the address.
      const earlier = aside !== undefined && nameOf(aside) === nameOf(step)
        ? aside
        : rows.get(step.address);
      const before = earlier?.resource ??
        (step.previous === undefined ? target : { ...target, spec: step.previous });
      const row = rowOf(step, before, "updating", {
        needs: union(earlier?.needs, planned?.needs),
        fingerprint: earlier?.fingerprint ?? step.fingerprint,
      });
      return putRow(index, rows, { ...row, target, ...stoppedBefore(rows, step, target) });
    }
    case "delete": {
      const earlier = rowToDelete(rows, step);
      if (earlier !== undefined) return { put: [{ ...earlier, status: "deleting" }], remove: [] };
      // The record has it under another address, or not at all.
      const needs = [...rows.values()].find((row) => nameOf(row) === nameOf(step))?.needs;
      const place = { ...step, address: freeAddress(rows, step) };
      return { put: [rowOf(place, step.resource, "deleting", { needs })], remove: [] };
    }
    case "wait": {
      const earlier = rows.get(step.address);
      if (earlier?.status === "waiting") return none;
      return {
        put: [
          earlier === undefined
            ? rowOf(step, planned?.resource ?? step.resource, "waiting", { needs: planned?.needs })
            : { ...earlier, status: "waiting" },
        ],
        remove: [],
      };
    }
  }
}

/**
 * Moment 3, when what stands under the name of a create step is not the stack's: nothing was made, and a
 * row that said so would call it ours. What was there before the step began is put back.
 */
export function notMade(rows: Rows, step: Step, earlier: ResourceRecord | undefined): RowChange {
  if (earlier === undefined) return { put: [], remove: [step.address] };
  const aside = leftoverAddress(earlier.address, earlier.key);
  return { put: [earlier], remove: rows.has(aside) ? [aside] : [] };
}

/** Moment 3: a step has ended well. */
export function endStep(index: PlanIndex, rows: Rows, step: Step, result: StepResult): RowChange {
  const planned = index.resource(step.address);
  // Without one, the next plan compares field by field.
  const fingerprint = result.differs === true ? undefined : result.observed?.fingerprint;
  switch (step.operation) {
    case "create":
    case "update": {
      const status = index.hasWait(step.address) ? "waiting" : "present";
      const needs = planned?.needs ?? rows.get(step.address)?.needs;
      const pending = pendingIn(result.notes);
      const more = { needs, fingerprint, pending };
      const row = rowOf(step, planned?.resource ?? step.resource, status, more);
      return putRow(index, rows, row);
    }
    case "delete": {
      // The object is gone, or another's: whatever else gives it up has nothing of it any more.
      const remove = [...rows.values()]
        .filter((row) => sameObject(row, step) && givesUp(index, row))
        .map(({ address }) => address);
      const earlier = rowToDelete(rows, step)?.address;
      if (earlier !== undefined && !remove.includes(earlier)) remove.push(earlier);
      return { put: [], remove };
    }
    case "wait": {
      const earlier = rows.get(step.address) ??
        rowOf(step, planned?.resource ?? step.resource, "waiting", { needs: planned?.needs });
      return {
        put: [{
          ...earlier,
          status: "present",
          fingerprint: result.differs === true ? undefined : fingerprint ?? earlier.fingerprint,
        }],
        remove: [],
      };
    }
  }
}

/**
 * Moment 5, after a run that was done: rows under addresses that renamed resources had before. One
 * that another row still names among its needs stays, for it says in which order things go.
 */
export function renamedAway(index: PlanIndex, rows: Rows): RowChange {
  const former = new Set(
    index.plan.resources
      .filter(({ address, previousAddress }) => previousAddress !== undefined && rows.has(address))
      .map(({ previousAddress }) => previousAddress!),
  );
  // They name each other: what is left is what counts.
  const needed = new Set(
    [...rows.values()].filter(({ address }) => !former.has(address)).flatMap(({ needs }) => needs),
  );
  return {
    put: [],
    remove: [...former].filter((address) => rows.has(address) && !needed.has(address)),
  };
}

/**
 * The address that has taken the object of a delete step over, if one has: its row names the same
 * object, and the plan leaves it that. Deleting the object would destroy what that address owns; only
 * the old row has to go.
 */
export function newOwner(index: PlanIndex, rows: Rows, step: Step): string | undefined {
  if (step.operation !== "delete") return undefined;
  const old = rowToDelete(rows, step);
  if (old === undefined) return undefined;
  // The row under the address that it was renamed from is its own.
  const former = index.resource(step.address)?.previousAddress;
  for (const row of rows.values()) {
    if (!sameObject(row, step) || row.address === old.address || row.address === former) continue;
    if (!givesUp(index, row)) return row.address;
  }
  return undefined;
}

/** Whether the object of a row is not to be kept for it. */
function givesUp(index: PlanIndex, row: ResourceRecord): boolean {
  if (isLeftover(row.address) || row.status === "deleting") return true;
  const planned = index.resource(row.address);
  if (planned === undefined) return false;
  const { action, key } = planned;
  // An update that gives another name keeps the object.
  const another = (action === "create" || action === "replace") && key !== row.key;
  return action === "delete" || action === "forget" || another;
}

/** Hosts that the record needs: those of the plan, and those of rows that are left. */
export function hostsToKeep(
  plan: Plan,
  earlier: StackRecord["hosts"],
  rows: Rows,
): StackRecord["hosts"] {
  const used = new Set([...rows.values()].map((row) => row.host));
  const known = { ...earlier, ...plan.hosts };
  const keep = (name: string) => used.has(name) || (plan.mode !== "destroy" && name in plan.hosts);
  return Object.fromEntries(Object.entries(known).filter(([name]) => keep(name)));
}

/** Outputs once the whole plan has been carried out. */
export function outputsAfter(plan: Plan): StackRecord["outputs"] {
  const outputs: Record<string, { value: Json; sensitive: boolean }> = {};
  for (const { name, action, before, after, sensitive } of plan.outputs) {
    if (action === "delete") continue;
    outputs[name] = { value: (action === "no-op" ? after ?? before : after) ?? null, sensitive };
  }
  return outputs;
}

/**
 * What earlier runs were bringing about in this object when they were stopped. A run that is stopped
 * in its turn must not take that with it: something of it may be on the host.
 */
function stoppedBefore(
  rows: Rows,
  step: Step,
  target: Resource,
): Pick<ResourceRecord, "stopped"> {
  const earlier = [step.address, leftoverAddress(ownerOf(step.address), step.key)]
    .map((address) => rows.get(address))
    .find((row) => row !== undefined && nameOf(row) === nameOf(step));
  if (earlier === undefined) return {};
  const { status, resource, target: last, stopped: before = [] } = earlier;
  const creates = step.operation === "create";
  // What is made in the place of something that is gone has nothing of it.
  if (creates && status !== "creating") return {};
  const known = creates ? [target] : [target, resource];
  const stopped: Resource[] = [];
  for (
    const one of [...before, ...(last === undefined ? [] : [last]), ...(creates ? [resource] : [])]
  ) {
    if (![...known, ...stopped].some(({ spec }) => sameJson(spec, one.spec))) stopped.push(one);
  }
  return stopped.length === 0 ? {} : { stopped };
}

/** A row in the place of the one at its address, which is moved aside while its object is still to go. */
function putRow(index: PlanIndex, rows: Rows, row: ResourceRecord): RowChange {
  const put = [row];
  const remove: string[] = [];
  const earlier = rows.get(row.address);
  if (earlier !== undefined && nameOf(earlier) !== nameOf(row)) {
    const address = leftoverAddress(earlier.address, earlier.key);
    if (index.deletes(earlier) || index.resource(address)?.reason === "still-used") {
      const { target: _, stopped: __, ...old } = earlier;
      put.push({ ...old, address });
    }
  }
  // The object was a leftover of this address and is taken back.
  const aside = rows.get(leftoverAddress(row.address, row.key));
  if (aside !== undefined && nameOf(aside) === nameOf(row)) remove.push(aside.address);
  return { put, remove };
}

/** The row of the object that a delete step takes away: under its address, or aside, or not yet aside. */
function rowToDelete(rows: Rows, step: Step): ResourceRecord | undefined {
  const name = nameOf(step);
  const owner = ownerOf(step.address);
  return [step.address, leftoverAddress(owner, step.key), owner]
    .map((address) => rows.get(address))
    .find((row) => row !== undefined && nameOf(row) === name);
}

/** Where the row of an object goes that the record did not know. */
function freeAddress(rows: Rows, step: Step): string {
  return rows.has(step.address) ? leftoverAddress(ownerOf(step.address), step.key) : step.address;
}

/** The fields that wait for a restart, if notes name some. */
function pendingIn(notes: readonly string[]): string | undefined {
  return notes.find((note) => note.startsWith(PENDING_RESTART))?.slice(PENDING_RESTART.length);
}

function rowOf(
  place: ObjectName & { readonly address: string },
  resource: Resource,
  status: ResourceRecord["status"],
  more: Partial<Pick<ResourceRecord, "needs" | "fingerprint" | "pending">>,
): ResourceRecord {
  return {
    address: place.address,
    kind: place.kind,
    host: place.host,
    key: place.key,
    status,
    resource,
    specDigest: digest(resource.spec),
    ...(more.fingerprint === undefined ? {} : { fingerprint: more.fingerprint }),
    ...(more.pending === undefined ? {} : { pending: more.pending }),
    needs: more.needs ?? resource.dependsOn,
  };
}

/** Equal in all but the place of the declaration, which moves with every edit of the file. */
function sameRow(a: ResourceRecord, b: ResourceRecord): boolean {
  const bare = ({ resource: { declaredAt: _, ...resource }, ...row }: ResourceRecord) =>
    ({ ...row, resource }) as unknown as Json;
  return sameJson(bare(a), bare(b));
}

function union(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): readonly string[] | undefined {
  return a === undefined || b === undefined ? a ?? b : [...new Set([...a, ...b])];
}
