/**
 * Whether the secrets that a plan sets can be had: said when planned, asked before anything is touched.
 *
 * @module
 */

import { indexObserved, type ObservedByHost } from "../planner/observed.ts";
import type { Plan } from "../planner/plan.ts";
import { StaddleError, StaddleErrors } from "../providers/error.ts";
import type { Kind, Step } from "../providers/provider.ts";
import { secretFor, type SecretSource, type SecretUse } from "../providers/secret.ts";

/** A secret that could not be had, and what for. */
interface Missing {
  readonly step: Step;
  readonly use: SecretUse;
  readonly error: StaddleError;
}

/**
 * Fetches every secret that a step of the plan sets.
 *
 * @throws {StaddleErrors} `secret.…`, each naming the resource and the field.
 */
export async function checkSecrets(
  plan: Plan,
  kinds: ReadonlyMap<string, Kind>,
  source: SecretSource,
): Promise<void> {
  const errors: StaddleError[] = [];
  const failed = new Set<string>();
  for await (const { step, use, error } of missing(plan, kinds, source)) {
    const key = `${error.code} ${use.secret}`;
    if (!failed.has(key)) errors.push(at(error, step, use));
    failed.add(key);
  }
  if (errors.length > 0) throw new StaddleErrors(errors);
}

/** What is known of the secrets of a plan. */
export interface SecretKnowledge {
  readonly source: SecretSource;
  /** What the plan was made from: why a secret could not be compared is in the plan's notes already. */
  readonly observed: ObservedByHost;
}

/**
 * The plan with a note at each resource whose step needs a secret that cannot be had here: a plan may
 * be made where no values are, and carried out where they are.
 */
export async function withSecretNotes(
  plan: Plan,
  kinds: ReadonlyMap<string, Kind>,
  { source, observed }: SecretKnowledge,
): Promise<Plan> {
  const notes = new Map<string, string[]>();
  const found = indexObserved(observed);
  for await (const { step, use, error } of missing(plan, kinds, source)) {
    const { host, kind, key, resource } = step;
    const object = found.byKey(host, kind, key) ?? found.byUuid(host, kind, resource.uuid);
    if (object?.secrets?.[use.path]?.why === error.message) continue;
    const why = [error.message, ...error.details].join(": ");
    const known = notes.get(step.address) ?? [];
    notes.set(step.address, [...known, `${use.path} will be needed: ${why}`]);
  }
  if (notes.size === 0) return plan;
  const resources = plan.resources.map((resource) => {
    const more = notes.get(resource.address);
    return more === undefined ? resource : { ...resource, notes: [...resource.notes, ...more] };
  });
  return { ...plan, resources };
}

async function* missing(
  { steps }: Plan,
  kinds: ReadonlyMap<string, Kind>,
  source: SecretSource,
): AsyncIterable<Missing> {
  for (const step of steps) {
    for (const use of usesOf(step, kinds.get(step.kind))) {
      try {
        await secretFor(use, source);
      } catch (error) {
        if (!(error instanceof StaddleError)) throw error;
        yield { step, use, error };
      }
    }
  }
}

function usesOf(step: Step, kind: Kind | undefined): readonly SecretUse[] {
  if (step.operation !== "create" && step.operation !== "update") return [];
  const uses = kind?.secrets?.(step.resource) ?? [];
  return step.operation === "create"
    ? uses
    : uses.filter(({ path }) => step.changes.some((change) => path.startsWith(change.path)));
}

function at(error: StaddleError, { address, resource }: Step, { path }: SecretUse): StaddleError {
  const { code, message: summary, details, help, exitCode } = error;
  return new StaddleError({
    code,
    summary: `cannot set ${path} of ${address}: ${summary}`,
    where: resource.declaredAt === undefined ? [] : [resource.declaredAt],
    details,
    help: `nothing was touched; ${help}`,
    exitCode,
  });
}
