/**
 * Whose age keys may read a record, and the data key of each stack that they open.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { StaddleError } from "../providers/error.ts";
import { cipherOf, readable, type RowCipher } from "./rows/cipher.ts";

/** Keys as a person gives them: https://age-encryption.org. */
export interface AgeKeys {
  /** `AGE-SECRET-KEY-1…`: any of them may open a record. */
  readonly identities: readonly string[];
  /** `age1…`: who can read what is written besides the owners of the identities. */
  readonly recipients: readonly string[];
  /** Where they came from, for messages. */
  readonly origin: string;
}

/** Finds the keys, when they are first needed; undefined when none are configured. */
export type KeySource = () => Promise<AgeKeys | undefined>;

/** Opens and makes the data keys of stacks. */
export class Keyring {
  readonly #location: string;
  readonly #source: KeySource;
  readonly #ciphers = new Map<string, RowCipher>();
  #keys: Promise<AgeKeys | undefined> | undefined;

  /** `location` is the store's, for messages. */
  constructor(location: string, source: KeySource) {
    this.#location = location;
    this.#source = source;
  }

  /**
   * The cipher to read a stack with, whose data key is kept as `kept`.
   *
   * @throws {StaddleError} `state.key-missing`, `state.key-wrong`, `state.bad-key`.
   */
  async reader(stack: string, kept: string | null | undefined): Promise<RowCipher> {
    if (kept === null || kept === undefined) return readable;
    const known = this.#ciphers.get(kept);
    if (known !== undefined) return known;
    const keys = await this.#configured();
    if (keys === undefined) throw keyMissing(stack, this.#location);
    const cipher = cipherOf(await unwrap(kept, keys, stack, this.#location), kept, this.#location);
    this.#ciphers.set(kept, cipher);
    return cipher;
  }

  /**
   * The cipher to write a stack with: the one that it has, or a new one for a stack without a record.
   *
   * @throws {StaddleError} `state.not-encrypted` for a readable record when a key is configured.
   */
  async writer(stack: string, kept: string | null | undefined): Promise<RowCipher> {
    if (kept !== undefined && kept !== null) return await this.reader(stack, kept);
    const keys = await this.#configured();
    if (keys === undefined) return readable;
    if (kept === null) throw notEncrypted(stack, this.#location, keys.origin);
    return await this.make(await recipientsOf(keys));
  }

  /** A new data key for these recipients; for none, texts stay readable. */
  async make(recipients: readonly string[]): Promise<RowCipher> {
    if (recipients.length === 0) return readable;
    const { armor, Encrypter } = await import("age-encryption");
    const dataKey = randomBytes(32);
    const encrypter = new Encrypter();
    for (const recipient of recipients) {
      try {
        encrypter.addRecipient(recipient);
      } catch (error) {
        throw badKey(`the age recipient ${JSON.stringify(recipient)}`, error);
      }
    }
    const kept = armor.encode(await encrypter.encrypt(dataKey));
    const cipher = cipherOf(dataKey, kept, this.#location);
    this.#ciphers.set(kept, cipher);
    return cipher;
  }

  #configured(): Promise<AgeKeys | undefined> {
    return this.#keys ??= this.#source();
  }
}

/**
 * Reads an identity file as `age-keygen` writes it: one key a line, with comments. Lines of recipients
 * may stand among them.
 *
 * @throws {StaddleError} `state.bad-key`, which does not show the text.
 */
export function parseKeys(text: string, origin: string, more: string = ""): AgeKeys {
  const lines = `${text}\n${more.replaceAll(/[\s,]+/g, "\n")}`.split("\n")
    .map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  const identities = lines.filter((line) => /^AGE-SECRET-KEY-[\dA-Z-]+$/i.test(line));
  const recipients = lines.filter((line) => /^age1[\da-z]+$/.test(line));
  if (identities.length + recipients.length < lines.length) {
    throw badKey(origin, "a line is neither an age identity nor a recipient");
  }
  if (identities.length === 0) throw badKey(origin, "there is no line AGE-SECRET-KEY-1…");
  return { identities, recipients, origin };
}

/** Everyone who can read what these keys write. */
export async function recipientsOf(keys: AgeKeys): Promise<readonly string[]> {
  const { identityToRecipient } = await import("age-encryption");
  const own = keys.identities.map(async (identity) => {
    try {
      return await identityToRecipient(identity);
    } catch {
      throw badKey(keys.origin, "an identity in it is not complete");
    }
  });
  return [...new Set([...await Promise.all(own), ...keys.recipients])];
}

async function unwrap(
  kept: string,
  keys: AgeKeys,
  stack: string,
  location: string,
): Promise<Uint8Array> {
  const { armor, Decrypter } = await import("age-encryption");
  const decrypter = new Decrypter();
  for (const identity of keys.identities) {
    try {
      decrypter.addIdentity(identity);
    } catch {
      throw badKey(keys.origin, "an identity in it is not complete");
    }
  }
  let dataKey: Uint8Array;
  try {
    dataKey = await decrypter.decrypt(armor.decode(kept));
  } catch (error) {
    throw new StaddleError({
      code: "state.key-wrong",
      summary: `Cannot decrypt the record of stack "${stack}": the key in ${keys.origin} is not ` +
        "one that it was encrypted for",
      where: [location],
      details: [`age says: ${error instanceof Error ? error.message : error}`],
      help: "give the key that the record was last written or rotated with; nothing was changed",
      cause: error,
    });
  }
  return Buffer.from(dataKey);
}

function keyMissing(stack: string, location: string): StaddleError {
  return new StaddleError({
    code: "state.key-missing",
    summary: `Cannot read the record of stack "${stack}": it is encrypted, and no key is given`,
    where: [location],
    help: "give its age identity in STADDLE_STATE_KEY, the file that holds it in " +
      "STADDLE_STATE_KEY_FILE, or a command that prints it in STADDLE_STATE_KEY_COMMAND",
  });
}

function notEncrypted(stack: string, location: string, origin: string): StaddleError {
  return new StaddleError({
    code: "state.not-encrypted",
    summary: `Cannot write the record of stack "${stack}": it is not encrypted, and ${origin} ` +
      "asks for that",
    where: [location],
    help: `staddle state rotate ${stack} encrypts what is there; nothing was changed`,
  });
}

/** `what` names the key's origin; the key itself is never shown. */
function badKey(what: string, reason: unknown): StaddleError {
  return new StaddleError({
    code: "state.bad-key",
    summary: `Cannot use ${what} for the record's encryption`,
    details: [reason instanceof Error ? reason.message : String(reason)],
    help: "age-keygen makes an identity (AGE-SECRET-KEY-1…) and shows its recipient (age1…)",
  });
}
