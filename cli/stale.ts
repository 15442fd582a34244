/**
 * Whether what a saved plan touches is still as it was when the plan was made.
 *
 * @module
 */

import { canonicalJson } from "../planner/digest.ts";
import type { Plan } from "../planner/plan.ts";
import { StaddleError } from "../providers/error.ts";
import type { JsonObject, Kind, Observed, ReadRequest, Step } from "../providers/provider.ts";
import type { Hosts } from "./hosts.ts";
import { asStaddleError } from "./render/error_text.ts";
import { rows } from "./render/values.ts";
import { takingAway, usedSince } from "./used_since.ts";

/** Exit status for a plan that something has overtaken. */
const STALE = 4;

/**
 * Reads every object that the plan's steps touch and compares it with what the plan was made from; who
 * uses what goes is asked for besides. What the plan does not touch may have moved freely.
 *
 * @returns what is stale, naming object and fields, and the errors of hosts that were not read.
 */
export async function findStale(
  plan: Plan,
  hosts: Hosts,
  { kinds, signal }: {
    readonly kinds: ReadonlyMap<string, Kind>;
    readonly signal: AbortSignal;
  },
): Promise<StaddleError[]> {
  const touched = touchedBy(plan);
  const requests: Record<string, ReadRequest[]> = {};
  for (const { host, kind, key, resource } of touched) {
    (requests[host] ??= []).push({ kind, key, uuid: resource.uuid });
  }
  const [{ values, errors }, moved] = await Promise.all([
    hosts.read(plan.hosts, requests),
    sourceMoved(plan, signal),
  ]);
  const stale = touched
    .filter(({ host }) => values[host] !== undefined)
    .flatMap((step) => check(step, find(step, values[step.host]!), plan, kinds));
  const found = [...[...errors.values()].map(asStaddleError), ...stale, ...moved];
  return found.length > 0
    ? found
    : usedSince(plan, await hosts.users(plan.hosts, gone(plan, values)));
}

/** What the plan's steps take away of what was read, by host. */
function gone(
  plan: Plan,
  values: Readonly<Record<string, readonly Observed[]>>,
): Readonly<Record<string, readonly Observed[]>> {
  const found = takingAway(plan).map((step) => find(step, values[step.host]!))
    .filter((object) => object !== undefined);
  return Object.fromEntries(Map.groupBy(found, ({ host }) => host));
}

/** An object that a plan touches, as it was planned for. */
type Touched =
  & Pick<Step, "address" | "kind" | "host" | "key" | "resource" | "fingerprint">
  & { readonly operation?: Step["operation"] };

function touchedBy(plan: Plan): readonly Touched[] {
  // A refresh has no steps: what it takes over is what must not have moved again.
  if (plan.mode === "refresh") return plan.resources;
  // A wait looks at what an earlier step of the same plan has made.
  return plan.steps.filter(({ operation }) => operation !== "wait");
}

/** Whether the stack's file or a module of it was changed; one that is not here is not asked for. */
async function sourceMoved(
  { stack: { source, digest } }: Plan,
  signal: AbortSignal,
): Promise<StaddleError[]> {
  if (source === undefined || digest === undefined) return [];
  try {
    if (!(await Deno.stat(source)).isFile) return [];
  } catch {
    return [];
  }
  const { stackDigest } = await import("../stacks/evaluate.ts");
  let details: readonly string[] = [];
  try {
    if (await stackDigest(source, { signal }) === digest) return [];
  } catch (error) {
    signal.throwIfAborted();
    details = [asStaddleError(error).message];
  }
  return [
    new StaddleError({
      code: "plan.stale",
      summary: "The plan is stale: the stack's file, or a module of it, is not what was planned",
      where: [source],
      details,
      help: "nothing was touched: plan again, and review that plan",
      exitCode: STALE,
    }),
  ];
}

function find(step: Touched, observed: readonly Observed[]): Observed | undefined {
  const alike = observed.filter(({ kind }) => kind === step.kind);
  return alike.find(({ key }) => key === step.key) ??
    alike.find(({ uuid }) => uuid !== undefined && uuid === step.resource.uuid);
}

function check(
  step: Touched,
  found: Observed | undefined,
  plan: Plan,
  kinds: ReadonlyMap<string, Kind>,
): StaddleError[] {
  if (found?.fingerprint === step.fingerprint) return [];
  // Something shared that another stack has made meanwhile is used as it is.
  if (step.operation === "create" && step.resource.tenure === "shared") return [];
  if (found === undefined) return [overtaken(step, "it is gone from the host", [])];
  if (step.fingerprint === undefined) {
    // What makes room for it is in the plan, and is looked at by itself.
    const goesFirst = plan.steps.some(({ operation, kind, host, key }) =>
      operation === "delete" && kind === step.kind && host === step.host && key === step.key
    );
    if (goesFirst) return [];
    return [overtaken(step, "something of that name exists on the host by now", [])];
  }
  const before = plan.resources.find(({ address }) => address === step.address)?.before;
  const now = kinds.get(step.kind)?.view(found);
  const fields = before === undefined || now === undefined ? [] : differences(before, now);
  return [overtaken(step, "it has been changed on the host", fields)];
}

function overtaken(step: Touched, what: string, fields: readonly string[]): StaddleError {
  return new StaddleError({
    code: "plan.stale",
    summary: `The plan is stale: ${step.address} is not as it was planned for: ${what}`,
    where: [`${step.kind} ${step.key} on host ${step.host}`],
    details: fields,
    help: "nothing was touched: plan again, and review that plan",
    exitCode: STALE,
  });
}

/** Fields as text by path. The order of keys, which a saved plan has by name, makes no difference. */
function texts(spec: JsonObject): ReadonlyMap<string, string> {
  const ordered = JSON.parse(canonicalJson(spec)) as JsonObject;
  return new Map(rows(ordered).map(({ path, text }) => [path, text]));
}

/** `memory: 2 GiB -> 1 GiB` for each field that moved. */
function differences(before: JsonObject, now: JsonObject): string[] {
  const old = texts(before);
  const fresh = texts(now);
  return [...new Set([...old.keys(), ...fresh.keys()])].flatMap((path) => {
    const [was, is] = [old.get(path), fresh.get(path)];
    return was === is ? [] : [`${path}: ${was ?? "(none)"} -> ${is ?? "(none)"}`];
  });
}
