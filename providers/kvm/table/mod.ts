/**
 * The language in which a kind states its fields once. May not: know any kind, call libvirt.
 *
 * @module
 */

export * from "./bindings.ts";
export * from "./describe.ts";
export * from "./field.ts";
export * from "./same_value.ts";
export * from "./schema.ts";
export * from "./walk.ts";
