/**
 * The schema of a volume. Imports zod alone: the sandbox loads it at every plan.
 *
 * @module
 */

import { z } from "zod";
import { patchSchema, refuseTwice } from "../patch.ts";
import { fileName, reference } from "../reference.ts";
import { size } from "../size.ts";

/** A volume. */
export const volumeSchema = z.strictObject({
  pool: reference("pool").describe("Address of the pool that keeps the volume."),
  name: fileName.describe("Name of the file, with its extension."),
  format: z.enum(["qcow2", "raw"], {
    error: (issue) => `${JSON.stringify(issue.input)} is no format: write qcow2 or raw`,
  }).describe("Format of the file. An overlay is always qcow2."),
  capacity: size().optional().describe(
    "What the guest sees. A blank volume needs it; a clone has the image's unless it is larger.",
  ),
  image: reference("image").optional().describe("Address of the image that it is cloned from."),
  clone: z.enum(["overlay", "full"], {
    error: (issue) => `${JSON.stringify(issue.input)} is no way to clone: write overlay or full`,
  }).optional().describe(
    "overlay (unless declared): holds what differs from the image; full: a copy of it.",
  ),
  xml: z.array(patchSchema).superRefine(refuseTwice).optional().describe(
    "What no other field says: places in libvirt's XML and what must stand there, from when it is made. " +
      "A place that another field owns, or that changes by itself, is refused.",
  ),
}).superRefine((volume, context) => {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  if (volume.clone !== undefined && volume.image === undefined) {
    refuse("clone", "says how an image is cloned, and there is no image");
  }
  if (
    volume.image !== undefined && (volume.clone ?? "overlay") === "overlay" &&
    volume.format !== "qcow2"
  ) {
    refuse("format", 'an overlay is always qcow2; for a raw volume declare clone: "full"');
  }
});

/** A volume, normalised. */
export type VolumeDeclaration = z.output<typeof volumeSchema>;
