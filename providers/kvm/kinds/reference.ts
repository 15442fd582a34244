/**
 * What several schemas share. Imports zod alone.
 *
 * @module
 */

import { z } from "zod";

/** The address of a resource of one of these kinds, for example `lab/pool.store`. */
export function reference(...kinds: readonly string[]): z.ZodString {
  return z.string().regex(
    new RegExp(`^[^/]+(/[^/]+)*/(${kinds.join("|")})\\.[^/]+$`),
    `must be the address of ${/^[aeiou]/.test(kinds[0]!) ? "an" : "a"} ${
      kinds.join(" or ")
    }, for example "lab/${kinds[0]}.name"`,
  );
}

/** A file name in a pool. */
export const fileName: z.ZodString = z.string().regex(
  /^(?!\.{1,2}$)[^/\p{Cc}]{1,200}$/u,
  "must be a file name: 1 to 200 characters without / or control characters",
);

/** The name of a libvirt object: it becomes the name of a file on the host. */
export const objectName: z.ZodString = z.string().regex(
  /^(?!\.{1,2}$)[^/\p{Cc}\s][^/\p{Cc}]{0,199}$/u,
  "must be 1 to 200 characters without / or control characters, and not begin with a space",
);
