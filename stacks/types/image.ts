/**
 * What an image is declared by.
 *
 * @module
 */

import type { Pool } from "../handles.ts";
import type { CommonOptions } from "./common.ts";

/** An image. It is kept under its digest, so two stacks that use it share one file. */
export interface ImageOptions extends Omit<CommonOptions, "name"> {
  /**
   * Where it comes from: `https://…`, or a file on this machine, its path relative to the stack's
   * folder (`./images/web.qcow2`) or absolute.
   */
  readonly from: string;
  /** SHA-256 of the file, 64 hexadecimal digits. Required for `https://…`. */
  readonly sha256?: string;
  /** Taken from the file's name unless declared: `.qcow2`, else raw; `.img` may be either. */
  readonly format?: "qcow2" | "raw";
  /** Pool that keeps it; the host's store unless declared. */
  readonly pool?: Pool;
}
