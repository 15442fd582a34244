/**
 * How a text is made unreadable on its way into a store, and readable on its way out.
 *
 * Every stack has a data key of its own, 32 random bytes. It is kept beside the stack, itself encrypted
 * with age to everyone who may read the record, and the stack's texts are sealed with it (AES-256-GCM).
 * So age's asymmetric part is paid once a run and not once a row, and a row can be sealed inside a
 * database transaction, where nothing may be awaited.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { corrupt } from "../errors.ts";

/** Encrypts and decrypts the texts of one stack. */
export interface RowCipher {
  /** The data key, itself encrypted, as it is kept with the stack; null when texts stay readable. */
  readonly key: string | null;
  /** `place` says where the text stands: sealed there, it opens nowhere else. */
  seal(text: string, place: string): string;
  /**
   * The text that was sealed.
   *
   * @throws {StaddleError} `state.corrupt` when it was changed or stands in another place.
   */
  open(sealed: string, place: string): string;
}

/** Leaves texts as they are. */
export const readable: RowCipher = {
  key: null,
  seal: (text) => text,
  open: (text) => text,
};

/** Bytes of the nonce, and of the tag that tells whether the text was changed. */
const NONCE = 12;
const TAG = 16;

/** Seals with a data key of 32 bytes. */
export function cipherOf(dataKey: Uint8Array, key: string, location: string): RowCipher {
  return {
    key,
    seal(text, place) {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv("aes-256-gcm", dataKey, nonce);
      cipher.setAAD(Buffer.from(place));
      const sealed = [nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
      return Buffer.concat(sealed).toString("base64");
    },
    open(sealed, place) {
      const bytes = Buffer.from(sealed, "base64");
      try {
        const decipher = createDecipheriv("aes-256-gcm", dataKey, bytes.subarray(0, NONCE));
        decipher.setAAD(Buffer.from(place));
        decipher.setAuthTag(bytes.subarray(bytes.length - TAG));
        const body = bytes.subarray(NONCE, bytes.length - TAG);
        return decipher.update(body, undefined, "utf8") + decipher.final("utf8");
      } catch (error) {
        throw corrupt(location, [`${place}: what was encrypted there has been changed`], error);
      }
    },
  };
}
