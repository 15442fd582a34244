/**
 * What is left alone, and why.
 *
 * @module
 */

/** Something that may be the stack's, and is not taken for it. */
export interface LeftAlone {
  readonly address: string;
  readonly host: string;
  readonly kind: string;
  readonly key: string;
  readonly why: string;
  /** Whether the person can say that it is the stack's. */
  readonly claimable: boolean;
}
