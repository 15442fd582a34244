/**
 * Storage volumes: blank, or cloned from an image.
 *
 * @module
 */

import type { JsonObject } from "../../providers/provider.ts";
import { type Image, type Pool, seal, type Volume } from "../handles.ts";
import { complaint, type Subject, validate } from "../refuse.ts";
import { volumeSchema } from "../schemas.ts";
import {
  checkFields,
  commonFields,
  type Context,
  formerName,
  record,
  reference,
  subjectOf,
  unknown,
} from "./context.ts";
import type { OwnOptions } from "./options.ts";
import { declarePath, fileIn, poolOrStore } from "./pool.ts";
import type { ExistingVolumeOptions, VolumeContent, VolumeOptions } from "../types/volume.ts";

/** Fields of {@linkcode VolumeContent}. */
export const contentFields: readonly string[] = ["size", "clone", "mode", "format", "pool"];

/** Declares a volume of its own. */
export function declareVolume(context: Context, name: string, options: unknown): Volume {
  const subject = subjectOf(context, "volume", name);
  checkFields(subject, options, [...commonFields, ...contentFields, "xml", "adopt"]);
  const given = options as VolumeOptions;
  return makeVolume(context, subject, {
    name,
    stem: [...context.scopes, name].join("-"),
    file: given.name,
    content: given,
    path: [],
    xml: given.xml,
    dependsOn: given.dependsOn,
    adopt: given.adopt === true || undefined,
  });
}

/** Makes a volume for a declaration or for a machine's inline disk. */
export function makeVolume(
  context: Context,
  subject: Subject,
  init: {
    readonly name: string;
    /** Name of the file, without the format. */
    readonly stem: string;
    /** The whole name, given by the author. */
    readonly file?: string | undefined;
    readonly content: VolumeContent;
    /** Where the content stands in the author's declaration. */
    readonly path: readonly PropertyKey[];
    readonly xml?: VolumeOptions["xml"];
    readonly defaultPool?: Pool | undefined;
    readonly dependsOn?: unknown;
    readonly adopt?: true | undefined;
    /** Those of the declaration that the context stands for, unless given. */
    readonly options?: OwnOptions;
  },
): Volume {
  const { content, path } = init;
  const image = content.clone === undefined
    ? undefined
    : reference<Image>(context, subject, [...path, "clone"], "image", content.clone);
  if (image === undefined && content.mode !== undefined) {
    throw complaint(subject, {
      code: "stack.invalid-value",
      path: [...path, "mode"],
      message: 'says how an image is cloned, but there is no "clone"',
      help: 'name the image, clone: image, or leave "mode" out',
    });
  }
  if (image === undefined && content.size === undefined) {
    throw complaint(subject, {
      code: "stack.invalid-value",
      path: [...path, "size"],
      message: "is required for a blank volume",
      help: 'give a size, for example size: "20GiB", or an image, clone: image',
    });
  }
  const mode = image === undefined ? undefined : content.mode ?? "overlay";
  if (mode === "overlay" && content.format === "raw") {
    throw complaint(subject, {
      code: "stack.invalid-value",
      path: [...path, "format"],
      message: "an overlay cannot be raw: the raw format has no backing file",
      help: 'leave "format" out, or set mode: "full"',
    });
  }
  const imagePool = image === undefined ? undefined : context.recorder.pools.get(image.resource);
  const pool = poolOrStore(
    context,
    subject,
    [...path, "pool"],
    content.pool ?? init.defaultPool ?? imagePool,
  );
  const format = content.format ?? "qcow2";
  const file = init.file ?? formerName(context, "volume", init.name) ?? `${init.stem}.${format}`;
  const spec = validate(subject, volumeSchema, {
    pool: pool.resource,
    name: file,
    format,
    capacity: content.size,
    image: image?.resource,
    clone: mode,
    xml: init.xml,
  }, (inner) => [...path, ...inner.map((part) => author[String(part)] ?? part)]) as JsonObject;
  context.recorder.claim(context.host, `volume "${pool.name}/${file}"`, subject);
  const entry = record(context, subject, {
    kind: "volume",
    name: init.name,
    tenure: "managed",
    spec,
    dependsOn: init.dependsOn,
    adopt: init.adopt,
    options: init.options,
  });
  context.recorder.pools.set(entry.address, pool);
  return volumeHandle(context, { address: entry.address, pool, file, format, name: init.name });
}

/** Declares a volume that is there already. */
export function declareExistingVolume(context: Context, name: string, options: unknown): Volume {
  const subject = subjectOf(context, "volume", name);
  checkFields(subject, options, [...commonFields, "pool", "format"]);
  const given = options as ExistingVolumeOptions;
  const pool = reference<Pool>(context, subject, ["pool"], "pool", given.pool);
  const file = given.name ?? name;
  const format = given.format ?? "qcow2";
  const spec = validate(subject, volumeSchema, { pool: pool.resource, name: file, format });
  context.recorder.claim(context.host, `volume "${pool.name}/${file}"`, subject);
  const { dependsOn } = given;
  const init = { kind: "volume", name, tenure: "existing", spec, dependsOn } as const;
  const { address } = record(context, subject, init);
  context.recorder.pools.set(address, pool);
  return volumeHandle(context, { address, pool, file, format, name });
}

function volumeHandle(
  context: Context,
  { address, pool, file, format, name }: {
    readonly address: string;
    readonly pool: Pool;
    readonly file: string;
    readonly format: "qcow2" | "raw";
    readonly name: string;
  },
): Volume {
  return seal({
    kind: "volume",
    resource: address,
    host: context.host,
    name: file,
    format,
    get path(): string {
      const path = fileIn(context, pool, file);
      if (path !== undefined) return path;
      throw unknown(`volume ${name}`, "its path", declarePath(pool));
    },
  });
}

/** Names of a spec's fields as the author writes them. */
const author: Readonly<Record<string, string>> = {
  capacity: "size",
  image: "clone",
  clone: "mode",
};
