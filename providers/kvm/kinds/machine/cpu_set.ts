/**
 * Sets of CPUs or NUMA nodes as libvirt writes them: `0-3,8,^2`.
 *
 * @module
 */

import { z } from "zod";

const PATTERN = /^\^?\d+(-\d+)?(,\^?\d+(-\d+)?)*$/;

/** A set of CPUs or nodes. */
export const cpuSet: z.ZodString = z.string().regex(
  PATTERN,
  'must be a list of numbers and ranges, for example "0-3,8" or "0-7,^2"',
);

/** The numbers in a set, ascending. */
export function parseCpuSet(text: string): number[] {
  const found = new Set<number>();
  for (const part of text.replaceAll(" ", "").split(",")) {
    const [, not, first, last] = /^(\^?)(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === undefined) continue;
    for (let number = Number(first); number <= Number(last ?? first); number++) {
      if (not === "^") found.delete(number);
      else found.add(number);
    }
  }
  return [...found].sort((a, b) => a - b);
}

/** Whether two sets hold the same numbers, however they are written. */
export function sameCpuSet(declared: unknown, actual: unknown): boolean {
  if (declared === actual) return true;
  if (typeof declared !== "string" || typeof actual !== "string") return false;
  return parseCpuSet(declared).join() === parseCpuSet(actual).join();
}
