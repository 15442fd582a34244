/**
 * Keys that sign plans: ed25519, in the forms in which OpenSSL and OpenSSH write them.
 *
 * @module
 */

import { hash } from "node:crypto";
import { StaddleError } from "../providers/error.ts";

/** A private key and its public half. */
export interface SigningKey {
  readonly key: CryptoKey;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** A public key whose signatures count. */
export interface TrustedKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Where it was given, for messages. */
  readonly from: string;
}

const TYPE = "ssh-ed25519";
const ALGORITHM = "Ed25519";
/** PKCS#8 and SPKI of an ed25519 key (RFC 8410) before the key's 32 bytes. */
const PKCS8 = hexBytes("302e020100300506032b657004220420");
const SPKI = hexBytes("302a300506032b6570032100");

/**
 * Reads a private key from its file: PKCS#8 (`openssl genpkey -algorithm ed25519`) or OpenSSH's own
 * form (`ssh-keygen -t ed25519`), without a passphrase.
 *
 * @throws {StaddleError} `signature.bad-key`
 */
export async function readSigningKey(file: string): Promise<SigningKey> {
  const text = await readKeyFile(file);
  const [block] = pemBlocks(text);
  if (block === undefined) throw badKey(file, "it holds no private key in PEM form");
  if (block.label === "ENCRYPTED PRIVATE KEY") throw withPassphrase(file);
  const der = block.label === "OPENSSH PRIVATE KEY"
    ? concat(PKCS8, openSshSeed(block.bytes, file))
    : block.bytes;
  if (block.label !== "PRIVATE KEY" && block.label !== "OPENSSH PRIVATE KEY") {
    throw badKey(file, `it holds a ${block.label}`);
  }
  try {
    const key = await crypto.subtle.importKey("pkcs8", der.slice(), ALGORITHM, true, ["sign"]);
    const { x } = await crypto.subtle.exportKey("jwk", key);
    return { key, publicKey: Uint8Array.fromBase64(x!, { alphabet: "base64url" }) };
  } catch (error) {
    throw badKey(file, "it is no ed25519 key", error);
  }
}

/**
 * The public keys that are named: by a file (PEM, or lines as in `id_ed25519.pub` and
 * `authorized_keys`), or by such a line itself.
 *
 * @throws {StaddleError} `signature.bad-key`
 */
export async function readTrustedKeys(named: readonly string[]): Promise<TrustedKey[]> {
  const keys: TrustedKey[] = [];
  for (const name of named) {
    const inline = name.startsWith(`${TYPE} `);
    const from = inline ? name : name.trim();
    const text = inline ? name : await readKeyFile(from);
    const found = publicKeys(text, from);
    if (found.length === 0) throw badKey(from, "it holds no ed25519 public key");
    keys.push(...found.map((publicKey) => ({ publicKey, from })));
  }
  return keys;
}

/** A key's fingerprint as `ssh-keygen -lf` shows it. */
export function fingerprintOf(publicKey: Uint8Array): string {
  const blob = concat(sshString(new TextEncoder().encode(TYPE)), sshString(publicKey));
  return `SHA256:${hash("sha256", blob, "base64").replace(/=+$/, "")}`;
}

/** Signs a text. */
export async function sign({ key }: SigningKey, text: string): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.sign(ALGORITHM, key, bytes));
}

/** Whether a signature is the key's, over this text. */
export async function verify(
  publicKey: Uint8Array,
  signature: Uint8Array,
  text: string,
): Promise<boolean> {
  const spki = concat(SPKI, publicKey);
  const key = await crypto.subtle.importKey("spki", spki, ALGORITHM, false, ["verify"])
    .catch(() => undefined);
  if (key === undefined) return false; // No point of the curve: nobody signs with it.
  const bytes = new TextEncoder().encode(text);
  return await crypto.subtle.verify(ALGORITHM, key, signature.slice(), bytes);
}

async function readKeyFile(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    throw badKey(file, error instanceof Error ? error.message : String(error), error);
  }
}

function publicKeys(text: string, from: string): Uint8Array[] {
  const blocks = pemBlocks(text);
  if (blocks.some(({ label }) => label.includes("PRIVATE KEY"))) {
    throw badKey(from, "it is a private key: name the public one");
  }
  const pem = blocks.filter(({ label }) => label === "PUBLIC KEY").map(({ bytes }) => {
    const head = bytes.subarray(0, SPKI.length);
    if (bytes.length !== SPKI.length + 32 || !same(head, SPKI)) {
      throw badKey(from, "it is no ed25519 key");
    }
    return bytes.slice(SPKI.length);
  });
  const lines = text.split("\n").flatMap((line) => {
    const match = /(?:^|\s)ssh-ed25519\s+([A-Za-z0-9+/=]+)/.exec(line);
    if (match === null || line.trimStart().startsWith("#")) return [];
    const blob = fromBase64(match[1]!, from);
    const fields = new SshReader(blob, from);
    if (fields.text() !== TYPE) throw badKey(from, "it is no ed25519 key");
    const key = fields.bytes();
    if (key.length !== 32) throw badKey(from, "it is cut off");
    return [key];
  });
  return [...pem, ...lines];
}

interface PemBlock {
  readonly label: string;
  readonly bytes: Uint8Array;
}

function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (const match of text.matchAll(/-----BEGIN ([A-Z ]+)-----([^-]*)-----END \1-----/g)) {
    try {
      blocks.push({ label: match[1]!, bytes: Uint8Array.fromBase64(match[2]!) });
    } catch {
      continue; // Not PEM after all: whoever looks for a key says that there is none.
    }
  }
  return blocks;
}

/**
 * The 32 bytes of the private key in OpenSSH's form
 * (https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key).
 */
function openSshSeed(bytes: Uint8Array, file: string): Uint8Array {
  const magic = "openssh-key-v1\0";
  const head = new TextDecoder().decode(bytes.subarray(0, magic.length));
  if (head !== magic) throw badKey(file, "it is no OpenSSH key");
  const outer = new SshReader(bytes.subarray(magic.length), file);
  const cipher = outer.text();
  if (cipher !== "none") throw withPassphrase(file);
  outer.text(); // The key derivation: none.
  outer.bytes(); // Its options.
  if (outer.number() !== 1) throw badKey(file, "it holds several keys");
  outer.bytes(); // The public key.
  const inner = new SshReader(outer.bytes(), file);
  if (inner.number() !== inner.number()) throw badKey(file, "it is damaged");
  const type = inner.text();
  if (type !== TYPE) throw badKey(file, `it is a key of type ${type}, not ${TYPE}`);
  inner.bytes(); // The public key once more.
  const secret = inner.bytes();
  if (secret.length !== 64) throw badKey(file, "it is damaged");
  return secret.subarray(0, 32);
}

/** Reads the fields of SSH's wire format (RFC 4251, section 5). */
class SshReader {
  #at = 0;

  constructor(readonly data: Uint8Array, readonly file: string) {}

  number(): number {
    const { data } = this;
    if (this.#at + 4 > data.length) throw badKey(this.file, "it is cut off");
    const value = new DataView(data.buffer, data.byteOffset + this.#at, 4).getUint32(0);
    this.#at += 4;
    return value;
  }

  bytes(): Uint8Array {
    const length = this.number();
    if (this.#at + length > this.data.length) throw badKey(this.file, "it is cut off");
    const value = this.data.slice(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }
}

function sshString(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return concat(length, bytes);
}

function fromBase64(text: string, from: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text);
  } catch (error) {
    throw badKey(from, "it is no base64", error);
  }
}

function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function hexBytes(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex);
}

function withPassphrase(file: string): StaddleError {
  return badKey(file, "it is protected by a passphrase");
}

function badKey(from: string, why: string, cause?: unknown): StaddleError {
  return new StaddleError({
    code: "signature.bad-key",
    summary: `Cannot use the key ${from}: ${why}`,
    help:
      "openssl genpkey -algorithm ed25519, or ssh-keygen -t ed25519 -N '', makes a private key; " +
      "openssl pkey -pubout, or the .pub file, is the public one",
    ...(cause === undefined ? {} : { cause }),
  });
}
