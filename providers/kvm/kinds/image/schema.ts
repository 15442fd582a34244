/**
 * The schema of an image. Imports zod alone: the sandbox loads it at every plan.
 *
 * @module
 */

import { z } from "zod";
import { fileName, reference } from "../reference.ts";

/** An image. */
export const imageSchema = z.strictObject({
  pool: reference("pool").describe("Address of the pool that keeps the image."),
  name: fileName.describe("First part of the file's name; the digest follows."),
  from: z.string().min(1).superRefine((from, context) => {
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(from)?.[1]?.toLowerCase();
    if (scheme !== undefined && scheme !== "https" && scheme !== "http") {
      context.addIssue({
        code: "custom",
        message: `"${from}" is neither an http(s) URL nor a file: write "https://…" or "./file"`,
      });
    }
  }).describe(
    "Where it comes from: `https://…`, or a file of this machine, relative to the stack's folder.",
  ),
  sha256: z.string().regex(/^[0-9A-Fa-f]{64}$/, "must be 64 hexadecimal digits (sha256sum FILE)")
    .overwrite((digest) => digest.toLowerCase()).optional()
    .describe("SHA-256 of the file, 64 hexadecimal digits. Required for URLs."),
  format: z.enum(["qcow2", "raw"], {
    error: (issue) => `${JSON.stringify(issue.input)} is no format: write qcow2 or raw`,
  }).describe("Format of the file. Kernels and initial RAM disks are raw."),
}).superRefine((image, context) => {
  if (image.sha256 !== undefined || !/^https?:\/\//i.test(image.from)) return;
  context.addIssue({
    code: "custom",
    path: ["sha256"],
    message: `is required for ${image.from}: what a URL yields can change`,
  });
});

/** An image, normalised. */
export type ImageDeclaration = z.output<typeof imageSchema>;
