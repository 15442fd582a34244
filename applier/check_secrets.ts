/**
 * Whether the secrets that a plan sets can be had, before anything is touched.
 *
 * @module
 */

import type { Plan } from "../planner/plan.ts";
import { StaddleError, StaddleErrors } from "../providers/error.ts";
import type { Kind, Step } from "../providers/provider.ts";
import { secretFor, type SecretSource, type SecretUse } from "../providers/secret.ts";

/**
 * Fetches every secret that a step of the plan sets.
 *
 * @throws {StaddleErrors} `secret.…`, each naming the resource and the field.
 */
export async function checkSecrets(
  { steps }: Plan,
  kinds: ReadonlyMap<string, Kind>,
  source: SecretSource,
): Promise<void> {
  const errors: StaddleError[] = [];
  const failed = new Set<string>();
  for (const step of steps) {
    for (const use of usesOf(step, kinds.get(step.kind))) {
      try {
        await secretFor(use, source);
      } catch (error) {
        if (!(error instanceof StaddleError)) throw error;
        const key = `${error.code} ${use.secret}`;
        if (!failed.has(key)) errors.push(at(error, step, use));
        failed.add(key);
      }
    }
  }
  if (errors.length > 0) throw new StaddleErrors(errors);
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
