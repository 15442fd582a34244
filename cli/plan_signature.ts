/**
 * Signed plans: who may have a plan carried out is a matter of keys, not of who holds the file.
 *
 * @module
 */

import { type PlanDocument, type PlanSignature, signedText } from "../planner/plan_json.ts";
import { StaddleError } from "../providers/error.ts";
import type { JsonObject } from "../providers/provider.ts";
import {
  fingerprintOf,
  readSigningKey,
  readTrustedKeys,
  sign,
  type TrustedKey,
  verify,
} from "./signing_keys.ts";

/** Exit status of a plan that the policy refuses. */
const REFUSED = 3;

/** The keys that must have signed what is carried out, by flag and by `STADDLE_PLAN_KEYS`. */
export function trustedKeyNames(given: readonly string[] = []): readonly string[] {
  const named = (Deno.env.get("STADDLE_PLAN_KEYS") ?? "").split(",")
    .map((name) => name.trim()).filter((name) => name !== "");
  return [...given, ...named];
}

/** Signs a document with the key in a file. */
export async function signDocument(
  document: PlanDocument,
  keyFile: string,
): Promise<PlanSignature> {
  const key = await readSigningKey(keyFile);
  const value = await sign(key, signedText(document as unknown as JsonObject));
  return {
    algorithm: "ed25519",
    publicKey: key.publicKey.toBase64(),
    value: value.toBase64(),
  };
}

/** Who signed a document; `fits` is false when it was changed afterwards. Undefined: nobody. */
export async function signerOf(
  document: JsonObject,
): Promise<{ readonly fingerprint: string; readonly fits: boolean } | undefined> {
  const signature = signatureIn(document);
  if (signature === undefined) return undefined;
  const { publicKey, value } = signature;
  const said = textOf(document);
  const fits = said !== undefined && await verify(publicKey, value, said);
  return { fingerprint: fingerprintOf(publicKey), fits };
}

/**
 * Makes sure that one of the keys has signed the text of a plan, as it stands.
 *
 * @throws {StaddleError} `policy.unsigned`, `policy.foreign-signer`, `policy.bad-signature`
 * (exit code 3); `signature.bad-key`.
 */
export async function requireSignature(
  text: string,
  path: string,
  keyNames: readonly string[],
): Promise<void> {
  const trusted = await readTrustedKeys(keyNames);
  const document = asObject(text);
  const signature = document === undefined ? undefined : signatureIn(document);
  if (document === undefined || signature === undefined) throw unsigned(path, trusted);
  const { publicKey, value } = signature;
  const known = trusted.find((key) => key.publicKey.toBase64() === publicKey.toBase64());
  if (known === undefined) throw foreign(path, publicKey, trusted);
  const said = textOf(document);
  if (said === undefined || !await verify(known.publicKey, value, said)) {
    throw altered(path, publicKey);
  }
}

/**
 * Refuses to plan and carry out at once where only what was signed may be carried out.
 *
 * @throws {StaddleError} `policy.unsigned` (exit code 3)
 */
export function refuseUnsignedRun(command: string, keyNames: readonly string[]): void {
  if (keyNames.length === 0) return;
  throw new StaddleError({
    code: "policy.unsigned",
    summary: `Cannot ${command} a stack here: only a signed plan may be carried out`,
    help: `staddle plan STACK${command === "destroy" ? " --destroy" : ""} --out FILE --sign KEY, ` +
      "then staddle apply FILE",
    exitCode: REFUSED,
  });
}

/** What the signature is over; undefined for a document that nobody can have signed: 1e999 has no form. */
function textOf(document: JsonObject): string | undefined {
  try {
    return signedText(document);
  } catch {
    return undefined;
  }
}

function asObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value)
      ? value as JsonObject
      : undefined;
  } catch {
    return undefined;
  }
}

function signatureIn(
  document: JsonObject,
): { readonly publicKey: Uint8Array; readonly value: Uint8Array } | undefined {
  const signature = (document.staddle as JsonObject | undefined | null)?.signature as
    | JsonObject
    | undefined
    | null;
  if (signature?.algorithm !== "ed25519") return undefined;
  try {
    const publicKey = Uint8Array.fromBase64(String(signature.publicKey));
    const value = Uint8Array.fromBase64(String(signature.value));
    return publicKey.length === 32 && value.length === 64 ? { publicKey, value } : undefined;
  } catch {
    return undefined;
  }
}

function accepted(trusted: readonly TrustedKey[]): string[] {
  return trusted.map(({ publicKey, from }) =>
    `accepted: ${fingerprintOf(publicKey)}${from.startsWith("ssh-") ? "" : ` (${from})`}`
  );
}

function unsigned(path: string, trusted: readonly TrustedKey[]): StaddleError {
  return new StaddleError({
    code: "policy.unsigned",
    summary: `The plan ${path} is not signed, and only a signed one may be carried out`,
    details: accepted(trusted),
    help: "nothing was touched; staddle plan STACK --out FILE --sign KEYFILE signs a plan",
    exitCode: REFUSED,
  });
}

function foreign(
  path: string,
  publicKey: Uint8Array,
  trusted: readonly TrustedKey[],
): StaddleError {
  return new StaddleError({
    code: "policy.foreign-signer",
    summary: `The plan ${path} is signed by a key that is not accepted here`,
    details: [`signed by ${fingerprintOf(publicKey)}`, ...accepted(trusted)],
    help: "nothing was touched; have it signed by one of the accepted keys",
    exitCode: REFUSED,
  });
}

function altered(path: string, publicKey: Uint8Array): StaddleError {
  return new StaddleError({
    code: "policy.bad-signature",
    summary: `The plan ${path} is not what was signed: its signature does not fit`,
    details: [`it claims to be signed by ${fingerprintOf(publicKey)}`],
    help: "nothing was touched; plan again, and have that plan signed",
    exitCode: REFUSED,
  });
}
