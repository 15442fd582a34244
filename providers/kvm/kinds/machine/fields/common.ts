/**
 * What several fields share.
 *
 * @module
 */

import { z } from "zod";

/** The name of a device in its machine. */
export const deviceName = z.string().regex(
  /^[A-Za-z0-9_-]{1,60}$/,
  "must be 1 to 60 letters, digits, - or _ (it becomes the device's libvirt alias)",
);

/** For fields that are compared elsewhere, or never. */
export const always = (): boolean => true;

/** Refuses a list in which a name stands twice. */
export function distinct(entries: readonly { name: string }[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, { name }] of entries.entries()) {
    if (seen.has(name)) {
      context.addIssue({
        code: "custom",
        path: [index, "name"],
        message: `"${name}" stands twice`,
      });
    }
    seen.add(name);
  }
}
