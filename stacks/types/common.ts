/**
 * What every declaration takes.
 *
 * @module
 */

import type { Handle } from "../handles.ts";

/** Fields that every declaration takes. */
export interface CommonOptions {
  /** Name on the host; the nested scopes and the declared name joined with `-` unless given. */
  readonly name?: string;
  /** Resources that must be done before this one, beyond those that it refers to. */
  readonly dependsOn?: readonly Handle[];
}

/** What an object that is on the host already, and nobody's, takes to become a stack's own. */
export interface AdoptOptions {
  /**
   * UUID of an object that is on the host already: it becomes this one when the stack is applied, as it
   * is, and keeps its UUID. Leave it in place afterwards: it is the identity from then on.
   */
  readonly adopt?: string;
}
