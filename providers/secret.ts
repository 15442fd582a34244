/**
 * Secrets: a declaration holds their names, and only the effectful half ever sees a value.
 *
 * Nothing that is written, shown or sent on may hold a value, a digest of one, or its length. What
 * leaves the effectful half is a {@linkcode SecretState}.
 *
 * @module
 */

import { StaddleError } from "./error.ts";

/** A secret's name: it names a variable and a file, and is no path. */
export const SECRET_NAME = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/;

/** What {@linkcode SECRET_NAME} asks for, in words. */
export const SECRET_NAME_RULE = "a secret's name has 1 to 63 lower-case letters, digits, - or _, " +
  "and begins and ends with a letter or a digit";

/** A secret as a declaration names it. */
export type SecretReference = {
  /** Its name; where its value comes from is the business of whoever runs Staddle. */
  readonly secret: string;
};

/** A place in a declaration that refers to a secret. Made by the kind, plain data. */
export interface SecretUse {
  /** Path in the spec: `displays[vnc].password`. */
  readonly path: string;
  /** Name of the secret. */
  readonly secret: string;
  /** Where the value stands in the object's XML. */
  readonly xml: string;
  /** What takes it, for messages: `a VNC display`. */
  readonly taker: string;
  /** Most bytes (UTF-8) that it takes. */
  readonly most: number;
}

/**
 * How the value of a secret compares with what an object has: `unknown` where it cannot be told here,
 * since the value or what the host has could not be had.
 */
export type SecretState = "same" | "other" | "absent" | "unknown";

/** The comparison at one place, and nothing more of either value. */
export interface SecretVerdict {
  /** In the object's configuration. */
  readonly config: SecretState;
  /** In the running object; absent: it does not run, or has no such place. */
  readonly live?: SecretState;
  /** Why a state is `unknown`. */
  readonly why?: string;
}

/** Where the values of secrets come from. */
export interface SecretSource {
  /**
   * The value of a secret.
   *
   * @throws {StaddleError} `secret.…`, which names the secret and never holds its value.
   */
  resolve(name: string): Promise<string>;
}

/** Knows no secret: what a provider has that was given no source. */
export const noSecrets: SecretSource = {
  resolve: (name) =>
    Promise.reject(
      new StaddleError({
        code: "secret.no-source",
        summary: `secret "${name}" has no value: this program was given no source of secrets`,
        help: "give the provider one when it is made",
      }),
    ),
};

/**
 * The value for a place that refers to a secret, fit for it.
 *
 * @throws {StaddleError} `secret.too-long`, `secret.not-fit`, and those of the source.
 */
export async function secretFor(use: SecretUse, source: SecretSource): Promise<string> {
  const value = await source.resolve(use.secret);
  if (new TextEncoder().encode(value).length > use.most) {
    throw unfit(
      use,
      "secret.too-long",
      `is longer than the ${use.most} bytes that ${use.taker} takes`,
    );
  }
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x1f\x7f]/.test(value)) {
    throw unfit(use, "secret.not-fit", `holds a control character, which ${use.taker} cannot take`);
  }
  return value;
}

function unfit(use: SecretUse, code: string, what: string): StaddleError {
  return new StaddleError({
    code,
    summary: `the value of secret "${use.secret}" ${what}`,
    where: [use.path],
    help: "give the secret another value, where its value comes from",
  });
}
