/**
 * Objects that are on a host and nobody's, and that a stack says are to become its own.
 *
 * @module
 */

import type { StaddleError } from "../../providers/error.ts";
import type { Observed } from "../../providers/provider.ts";
import type { ResourceStatus } from "../../state/store.ts";
import { diff } from "./compare.ts";
import type { Decision } from "./decision.ts";
import { type Base, type DecideContext, decision, listed } from "./deciding.ts";
import { ownership } from "./ownership.ts";
import { problem } from "../problem.ts";
import type { Resolved } from "../resolve.ts";

/** Whether an object is to become this stack's. */
export function adopts(entry: Resolved, found: Observed, context: DecideContext): boolean {
  return ownership(entry, found, context.records).status === "adopted";
}

/** An object that becomes this stack's, as it is or with changes, but never by being made anew. */
export function imported(
  entry: Resolved,
  base: Base,
  context: DecideContext,
  found: Observed,
): Decision | undefined {
  const changes = diff(entry, found, undefined, context);
  const lost = changes.filter((change) => change.disruption === "replace");
  if (lost.length === 0) {
    return decision(base, "update", "to-import", { changes, observed: found });
  }
  const { host, kind, key, resource } = base;
  context.errors.push(problem(resource, {
    code: "import.would-replace",
    path: lost[0]!.path,
    message: `the ${kind.kind} "${key}" of host ${host} cannot become what is declared without ` +
      "being made anew, and an import destroys nothing",
    details: lost.map(({ path, before, after }) =>
      `${path} is ${JSON.stringify(before ?? null)}, declared ${JSON.stringify(after ?? null)}`
    ),
    help: "declare these fields as they are; change them when it has been imported",
  }));
  return undefined;
}

/**
 * There is nothing that could become the stack's; or what it took over is gone, and nothing declared
 * could make it as it was. Undefined: it is made anew.
 */
export function nothingToAdopt(
  base: Base,
  status: ResourceStatus | undefined,
  context: DecideContext,
): StaddleError | undefined {
  const { host, kind, key, resource } = base;
  const there = context.observed.keys(host, kind.kind);
  const details = there.length === 0 ? [] : [`${kind.kind}s that are there: ${listed(there)}`];
  if (status === undefined) {
    return problem(resource, {
      code: "import.missing",
      message: `host ${host} has no ${kind.kind} "${key}" that could be adopted`,
      details,
      help: 'correct the name, or leave "adopt" out to have it made',
    });
  }
  // What a run was to make anew, and was stopped at, was given up when that was planned.
  const given = status === "creating" || status === "deleting";
  if (given || (kind.remakes?.(resource) ?? true)) return undefined;
  return problem(resource, {
    code: "import.gone",
    message:
      `host ${host} has no ${kind.kind} "${key}" any more, which this stack had taken over: ` +
      "what it held is not known, and an empty one is no substitute",
    details,
    help:
      'bring it back; to have an empty one made, leave "adopt" out; to be rid of it, take its ' +
      "declaration out",
  });
}
