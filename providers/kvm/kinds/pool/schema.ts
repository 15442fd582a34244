/**
 * The schema of a storage pool. Imports zod alone: the sandbox loads it at every plan.
 *
 * @module
 */

import { z } from "zod";
import { patchSchema, refuseTwice } from "../patch.ts";
import { objectName } from "../reference.ts";

/** A storage pool. */
export const poolSchema = z.strictObject({
  name: objectName.describe("Name of the libvirt storage pool."),
  path: z.string().superRefine((path, context) => {
    const refuse = (message: string) => context.addIssue({ code: "custom", message });
    if (!path.startsWith("/")) {
      refuse(
        `"${path}" is a relative path: write the host's absolute one, "/srv/${path}" for example`,
      );
    } else if (path.split("/").some((part) => part === "." || part === "..")) {
      refuse(`"${path}" has a "." or ".." in it: write the path without`);
    } else if (/\p{Cc}/u.test(path)) {
      refuse("holds a control character");
    }
  }).overwrite((path) => path.replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "")).optional()
    .describe("Folder on the host; made if it is not there. Absolute."),
  autostart: z.boolean().default(true).describe("Start together with the host."),
  xml: z.array(patchSchema).superRefine(refuseTwice).optional().describe(
    "What no other field says: places in libvirt's XML and what must stand there. A place that " +
      "another field owns is refused.",
  ),
});

/** A storage pool, normalised. */
export type PoolDeclaration = z.output<typeof poolSchema>;
