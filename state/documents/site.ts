/**
 * What a server must do that keeps one document for each stack.
 *
 * @module
 */

/** A document as it was found. */
export interface FoundDocument {
  readonly text: string;
  /** The text as it lies, also where it is none any more. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Tells this content from any other at the same place. */
  readonly tag: string;
}

/** A server's own lock, where it has one. */
export interface ServerLock {
  /** Takes it for a lease, or says which lease has it. */
  take(
    stack: string,
    lease: { readonly id: string; readonly who: string },
  ): Promise<LockRefusal | undefined>;
  /** Gives back the lock of a lease; nothing happens if it is another's or nobody's. */
  give(stack: string, id: string): Promise<void>;
}

/** What a server says of the lock that is in the way. */
export interface LockRefusal {
  /** Id of the lease that has it, as far as the server says. */
  readonly id?: string;
  readonly who?: string;
  /** ms since 1970. */
  readonly since?: number;
}

/** A server. Every failure comes out as a `StaddleError` that names the location. */
export interface DocumentSite {
  /** For messages: without a password. */
  readonly location: string;
  /** Of the stacks that may have a document. */
  stacks(): Promise<readonly string[]>;
  /** The document; undefined if there is none. */
  read(stack: string): Promise<FoundDocument | undefined>;
  /**
   * Puts a document in the place of the one with this tag (undefined: where there is none), and gives
   * the new tag; undefined when something else is there, or the server's lock is not this lease's.
   */
  write(
    stack: string,
    text: string,
    tag: string | undefined,
    lease: string,
  ): Promise<string | undefined>;
  /** ms since 1970 by the server's clock, as far as it has told it. */
  now(): number;
  readonly lock?: ServerLock;
  /**
   * Makes sure that the server keeps what it promises; called after a lease was taken.
   *
   * @throws {StaddleError}
   */
  probe?(stack: string, found: { readonly text: string }): Promise<void>;
  /** Makes a copy of the document, as it lies, under another name, and gives the copy's place. */
  copy?(stack: string, suffix: string): Promise<string>;
}
