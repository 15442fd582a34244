/**
 * Errors about a resource, all of one form: the address in the summary, the place of declaration,
 * the path in the spec.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import type { Issue, Resource } from "../providers/provider.ts";

/** What went wrong with a resource. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  /** Path in the spec. */
  readonly path?: string;
  readonly details?: readonly string[];
  readonly help?: string;
  /** Other resources concerned: their places are named too. */
  readonly others?: readonly Resource[];
}

/** The lines that say where a resource stands. */
export function placesOfResource(resource: Resource, path?: string): string[] {
  const here = path === undefined || path === "" ? resource.address : `${resource.address} ${path}`;
  return resource.declaredAt === undefined ? [here] : [resource.declaredAt, here];
}

/** An error about a resource. */
export function problem(resource: Resource, init: Problem): StaddleError {
  return new StaddleError({
    code: init.code,
    summary: `${resource.address}: ${init.message}`,
    where: [
      ...placesOfResource(resource, init.path),
      ...(init.others ?? []).flatMap((other) => placesOfResource(other)),
    ],
    details: init.details,
    help: init.help,
  });
}

/** An issue that a kind found, as an error. */
export function issueError(resource: Resource, issue: Issue): StaddleError {
  return problem(resource, issue);
}
