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

/** A UUID as libvirt takes it: of any version, or none of RFC 9562's. */
export const uuid = z.guid(
  "must be a UUID, for example 3f1c1c9e-5d7b-4a38-9f61-2f7a4be5a001",
).toLowerCase();

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
