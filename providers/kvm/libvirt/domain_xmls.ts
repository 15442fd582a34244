/**
 * Reading the XML of many domains: in portions, for what a call costs on its way to a Worker and back is a
 * third of what a daemon on the same machine takes to answer it.
 *
 * @module
 */

import type { Domain } from "./domain.ts";
import { toError } from "./error.ts";
import { usingAll } from "./handle.ts";
import type { Lane } from "./lane.ts";

/** Domains in a portion at most. */
const MAX_PORTION = 16;
/** So many portions for each Worker, so that they end at the same time. */
const PORTIONS = 16;

/** The XML of each domain, in their order, or why it cannot be read. */
export async function readXmls(
  lane: Lane,
  domains: readonly Domain[],
  flags: number,
): Promise<readonly (string | Error)[]> {
  const size = Math.floor(domains.length / (lane.limit * PORTIONS));
  const portion = Math.max(1, Math.min(MAX_PORTION, size));
  const portions: Promise<readonly (string | Error)[]>[] = [];
  for (let from = 0; from < domains.length; from += portion) {
    const some = domains.slice(from, from + portion);
    portions.push(usingAll(some, async (pointers) => {
      const many = "virDomainGetXMLDesc, many";
      const found = await lane.callMany(many, some.length, pointers, flags);
      return found.map((one) => typeof one === "string" ? one : toError(one, lane.uri));
    }));
  }
  return (await Promise.all(portions)).flat();
}
