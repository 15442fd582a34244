/**
 * What goes wrong on a Worker, as plain data that can be sent to the main thread, where `error.ts`
 * turns it into an error class.
 *
 * @module
 */

/** A libvirt call that failed, with its thread's own last error. */
export interface CallFailure {
  readonly kind: "libvirt";
  /** The C function, for example `virDomainDefineXML`. */
  readonly call: string;
  /** `virErrorNumber`. */
  readonly code: number;
  /** `virErrorDomain`. */
  readonly domain: number;
  /** `virErrorLevel`: 1 warning, 2 error. */
  readonly level: number;
  /** libvirt's message. */
  readonly message: string;
}

/** A symbol that the library found does not have. */
export interface MissingSymbol {
  readonly kind: "symbol";
  readonly symbol: string;
  readonly library: string;
  /** The libvirt version that brought it, if it is newer than the oldest one supported. */
  readonly since: string | undefined;
  readonly detail: string;
}

/** A local file operation that failed. */
export interface FileFailure {
  readonly kind: "file";
  readonly what: string;
  readonly errno: number;
}

/** A transfer that the caller stopped. */
export interface Aborted {
  readonly kind: "aborted";
}

/** Anything else that was thrown on a Worker. */
export interface UnexpectedFailure {
  readonly kind: "unexpected";
  readonly call: string;
  readonly name: string;
  readonly message: string;
}

/** What goes wrong on a Worker. */
export type Failure = CallFailure | MissingSymbol | FileFailure | Aborted | UnexpectedFailure;

/** Carries a {@linkcode Failure} up the stack of one thread. */
export class Raised extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.kind);
    this.failure = failure;
  }
}
