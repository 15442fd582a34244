/**
 * Leftovers: the old half of a replacement that is made before the old one goes.
 *
 * While such a replacement runs, the record holds two objects of one address: the new one under the
 * address, the old one under `<address>#<its name on the host>`. A run that is stopped in between
 * leaves that entry, and the next plan takes the object away.
 *
 * @module
 */

import type { Step } from "../providers/provider.ts";

/** Address under which the record keeps the old half of a replacement until it is gone. */
export function leftoverAddress(address: string, key: string): string {
  return `${address}#${key}`;
}

/** Address of the resource that an entry belongs to: itself, unless it is a leftover. */
export function ownerOf(address: string): string {
  const cut = address.indexOf("#");
  return cut < 0 ? address : address.slice(0, cut);
}

/** Whether a record's entry is the old half of a replacement that was stopped. */
export function isLeftover(address: string): boolean {
  return address.includes("#");
}

/**
 * Replacements of a plan that are made before the old one goes: the step that deletes the old half,
 * by the id of the step that creates the new one. When the latter begins, the record has to keep
 * the old entry under its {@linkcode leftoverAddress}.
 */
export function deletedAfterCreate(steps: readonly Step[]): ReadonlyMap<string, Step> {
  const result = new Map<string, Step>();
  for (const step of steps) {
    const create = `create:${step.address}`;
    if (step.id === `delete:${step.address}#old` && step.needs.includes(create)) {
      result.set(create, step);
    }
  }
  return result;
}
