/**
 * What the kinds of storage ask of other resources while they resolve.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { Lookup, Resource } from "../../provider.ts";
import { getPath, parseXml } from "../xml/mod.ts";
import { sourceText } from "./canonical.ts";

/**
 * A resource that must be there.
 *
 * @throws {StaddleError} `reference.missing`; the planner checks references before it resolves.
 */
export function required(lookup: Lookup, address: string, by: Resource): Resource {
  const found = lookup.resource(address);
  if (found !== undefined) return found;
  throw new StaddleError({
    code: "reference.missing",
    summary: `${by.address} refers to ${address}, which the stack does not declare`,
    where: by.declaredAt === undefined ? [] : [by.declaredAt],
    help: "declare it, or correct the reference",
  });
}

/** Folder of a managed pool that declares none. */
export function defaultPoolPath(name: string): string {
  return `/var/lib/libvirt/pools/${name}`;
}

/**
 * Folder of a pool as far as it is known when planned: declared, else as the host has it, else, for
 * one that is still to be made, the default.
 */
export function poolPath(pool: Resource, lookup: Lookup): string | undefined {
  if (typeof pool.spec.path === "string") return pool.spec.path;
  const observed = lookup.observed(pool.address);
  if (observed !== undefined) {
    return getPath(parseXml(sourceText(observed.source, "xml")), "./target/path");
  }
  return pool.tenure === "existing" ? undefined : defaultPoolPath(String(pool.spec.name));
}

/** Path of a volume in a pool, when the pool's folder is known. */
export function volumePath(pool: Resource, volume: string, lookup: Lookup): string | undefined {
  const folder = poolPath(pool, lookup);
  return folder === undefined ? undefined : `${folder === "/" ? "" : folder}/${volume}`;
}
