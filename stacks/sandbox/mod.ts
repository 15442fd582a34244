/**
 * The sandbox: runs a stack file in a process without permissions, and walks its modules before a
 * word of what it says is believed.
 *
 * `runner.ts`, `isolate.ts` and `report.ts` run inside; the rest runs outside. May not: hand anything
 * of the environment to the inside, or show output of the inside before the walk has agreed.
 *
 * @module
 */

export { denoDirectory, type Limits } from "./process.ts";
export { findProject, type Project } from "./project.ts";
export { type LocalModule, walkModules } from "./walk.ts";
