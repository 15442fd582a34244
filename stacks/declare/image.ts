/**
 * Images: files that machines are cloned from, kept once a host.
 *
 * @module
 */

import { type Image, seal } from "../handles.ts";
import { complaint, show, validate } from "../refuse.ts";
import { imageSchema } from "../schemas.ts";
import {
  checkFields,
  commonFields,
  type Context,
  formerName,
  record,
  subjectOf,
  unknown,
} from "./context.ts";
import { declarePath, fileIn, poolOrStore } from "./pool.ts";
import type { ImageOptions } from "../types/image.ts";

/** Declares an image. */
export function declareImage(context: Context, name: string, options: unknown): Image {
  const subject = subjectOf(context, "image", name);
  checkFields(subject, options, [
    ...commonFields.filter((field) => field !== "name"),
    "from",
    "sha256",
    "format",
    "pool",
  ]);
  const given = options as Partial<ImageOptions>;
  const { from } = given;
  if (typeof from !== "string" || from === "") {
    throw complaint(subject, {
      code: "stack.invalid-value",
      path: ["from"],
      message: from === undefined ? "is required" : `must be a string, is ${show(from)}`,
      help: 'give "https://…" or a path relative to the stack, for example "./debian.qcow2"',
    });
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(from)?.[1]?.toLowerCase();
  if ((scheme === "https" || scheme === "http") && given.sha256 === undefined) {
    throw complaint(subject, {
      code: "stack.image-without-digest",
      path: ["sha256"],
      message: `is required for ${from}: what a URL yields can change`,
      help: "publishers list it beside the image (SHA256SUMS); where they list another digest, " +
        "download the image once, check it by that, and take sha256sum's answer",
    });
  }
  const pool = poolOrStore(context, subject, ["pool"], given.pool);
  const file = from.split(/[?#]/)[0]!;
  if (given.format === undefined && /\.img$/i.test(file)) {
    throw complaint(subject, {
      code: "stack.invalid-value",
      path: ["format"],
      message: `is required: an .img file may be either format (${from})`,
      help: 'say format: "qcow2" (Ubuntu\'s cloud images are) or format: "raw"; ' +
        "qemu-img info tells which",
    });
  }
  const format = given.format ?? (/\.qcow2$/i.test(file) ? "qcow2" : "raw");
  const called = formerName(context, "image", name) ?? name;
  const spec = validate(subject, imageSchema, {
    pool: pool.resource,
    name: called,
    from,
    sha256: given.sha256,
    format,
  });
  const entry = record(context, subject, {
    kind: "image",
    name,
    tenure: "shared",
    spec,
    dependsOn: given.dependsOn,
  });
  context.recorder.pools.set(entry.address, pool);
  const digest = typeof spec.sha256 === "string" ? spec.sha256.toLowerCase() : undefined;
  const stored = digest === undefined ? undefined : `${called}-${digest.slice(0, 12)}.${format}`;
  return seal({
    kind: "image",
    resource: entry.address,
    host: context.host,
    get name(): string {
      if (stored !== undefined) return stored;
      throw unknown(
        `image ${name}`,
        "its file name",
        'it follows from the digest: declare "sha256"',
      );
    },
    format,
    get path(): string {
      const path = fileIn(context, pool, this.name);
      if (path !== undefined) return path;
      throw unknown(`image ${name}`, "its path", declarePath(pool));
    },
  });
}
