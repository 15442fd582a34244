/**
 * The schema of a storage pool. Imports zod alone: the sandbox loads it at every plan.
 *
 * @module
 */

import { z } from "zod";
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
});

/** A storage pool, normalised. */
export type PoolDeclaration = z.output<typeof poolSchema>;
