/**
 * Reusable modules: plain typed functions over a scope, which a stack imports and calls.
 *
 * May not: declare hosts, take anything but a scope and options, do more than the language does.
 *
 * @module
 */

export { clusterOf } from "./cluster_of.ts";
export type { Member, Site } from "./cluster_of.ts";
export { threeTier } from "./three_tier.ts";
export type { ThreeTier, ThreeTierOptions, TierOptions } from "./three_tier.ts";
