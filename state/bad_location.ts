/**
 * A location that cannot be used.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";

/** The location itself is left out of the message: it may hold a password. */
export function badLocation(reason: string): StaddleError {
  return new StaddleError({
    code: "state.bad-location",
    summary: `Cannot use the location of the store: ${reason}`,
    help: "STADDLE_STATE takes a path, or for example postgres://user@host/database?sslmode=" +
      "verify-full, s3://bucket/prefix?region=eu-central-1, https://host/state",
  });
}
