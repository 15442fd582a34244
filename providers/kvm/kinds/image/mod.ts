/**
 * Images: files kept once a host, under a name that holds their digest. Always shared: other stacks
 * use the same file, and it never changes.
 *
 * **A half-uploaded image must not be taken for a whole one.** libvirt cannot rename volumes, every
 * stack sees the pool, and nothing in a torn file gives it away. So there are two volumes: the image,
 * and its stamp ({@linkcode imageStamp}), an empty one that is made when the image is whole. The
 * effectful half keeps this order:
 *
 * 1. Reading: an image is there if both volumes are. Without its stamp it is left out, as if it were
 *    not there, so that the plan creates it. (Or it is returned with `complete: false` in its
 *    source; then `diff` reports the change at `content`.)
 * 2. Creating. An image without stamp is being uploaded by another run, or was left by one that was
 *    cut off; libvirt does not tell which, and lets a volume be deleted while an upload into it goes
 *    on. So its size ({@linkcode physicalBytes}) is watched for some seconds: if it grows, wait for
 *    the stamp; if not, delete it. Then create the volume ({@linkcode imageXml}: raw, capacity 0;
 *    libvirt finds the format when it looks at the file). Creating is atomic: with
 *    `VIR_ERR_STORAGE_VOL_EXIST` another run was first; watch again. Upload from the first byte to
 *    the last while hashing, so that the file has its full size only when it is whole. A wrong digest
 *    deletes the volume. Read the volume again: **only if its size is the number of bytes that were
 *    sent**, create the stamp ({@linkcode imageStampXml}); otherwise another run has deleted ours and
 *    put its own in its place: watch again.
 * 3. Deleting: the stamp first, then the image.
 *
 * @module
 */

import { StaddleError } from "../../../error.ts";
import type {
  FieldChange,
  FieldDoc,
  JsonObject,
  Kind,
  Lookup,
  Observed,
  Resource,
} from "../../../provider.ts";
import { describeTable, elsewhere, field, type Table, text } from "../../table/mod.ts";
import { element, serializeXml } from "../../xml/mod.ts";
import { sourceText } from "../canonical.ts";
import { required, volumePath } from "../lookup.ts";
import { readVolume, volumeFingerprint } from "../volume/view.ts";
import { imageSchema } from "./schema.ts";

export { physicalBytes } from "../volume/view.ts";
export { imageSchema } from "./schema.ts";

/** A resolved image. */
export interface ImageSpec extends JsonObject {
  /** Name of the pool on the host. */
  readonly pool: string;
  /** Name of the file in the pool. */
  readonly volume: string;
  /** URL, or file of this machine. */
  readonly from: string;
  /** 64 hexadecimal digits in lower case. */
  readonly sha256: string;
  /** Format of the file. */
  readonly format: "qcow2" | "raw";
  /** Path on the host, when the pool's folder is known. */
  readonly path?: string;
}

const shape = imageSchema.shape;

const imageTable: Table = {
  pool: field({ schema: shape.pool, binding: elsewhere("the pool"), change: "replace" }),
  name: field({ schema: shape.name, binding: text("./name"), change: "replace" }),
  from: field({ schema: shape.from, binding: elsewhere("uploaded"), change: "live" }),
  sha256: field({ schema: shape.sha256, binding: text("./name"), change: "replace" }),
  format: field({
    schema: shape.format,
    binding: text("./target/format/@type"),
    change: "replace",
  }),
};

let docs: readonly FieldDoc[] | undefined;

/** The kind `image`. */
export const imageKind: Kind = {
  kind: "image",
  schema: imageSchema,
  get fields() {
    return docs ??= describeTable(imageTable);
  },
  hides: true,
  references: (resource) => [{
    address: String(resource.spec.pool),
    path: "pool",
    kinds: ["pool"],
  }],
  resolve: resolveImage,
  key: (resource) => `${resource.spec.pool}/${resource.spec.volume}`,
  check: () => [],
  complete: (resource) => resource.spec,
  view: (observed) => {
    const { format, capacity } = readVolume(sourceText(observed.source, "xml"));
    return { format, capacity };
  },
  diff,
  waits: () => undefined,
};

/**
 * An image with its names on the host. A resolved one comes back as it is.
 *
 * @throws {StaddleError} `image.digest-unknown` for a file whose digest nobody worked out yet.
 */
export function resolveImage(resource: Resource, lookup: Lookup): ImageSpec {
  const { spec } = resource;
  if (typeof spec.volume === "string") return spec as ImageSpec;
  const pool = required(lookup, String(spec.pool), resource);
  if (typeof spec.sha256 !== "string") {
    throw new StaddleError({
      code: "image.digest-unknown",
      summary: `Cannot plan ${resource.address}: the digest of ${spec.from} is not known`,
      where: resource.declaredAt === undefined ? [] : [resource.declaredAt],
      help: `declare sha256: "…" (sha256sum ${spec.from})`,
    });
  }
  const format = spec.format as ImageSpec["format"];
  const volume = `${spec.name}-${spec.sha256.slice(0, 12)}.${format}`;
  const path = volumePath(pool, volume, lookup);
  return {
    pool: String(pool.spec.name),
    volume,
    from: String(spec.from),
    sha256: spec.sha256,
    format,
    ...(path === undefined ? {} : { path }),
  };
}

function diff(resource: Resource, observed: Observed): readonly FieldChange[] {
  const spec = resource.spec as ImageSpec;
  if (observed.source.complete === false) {
    return [{ path: "content", before: "incomplete", after: spec.sha256, disruption: "live" }];
  }
  const { format } = readVolume(sourceText(observed.source, "xml"));
  // libvirt calls a raw file with the structure of a CD-ROM an ISO.
  if (format === spec.format || (spec.format === "raw" && format === "iso")) return [];
  return [{ path: "format", before: format, after: spec.format, disruption: "replace" }];
}

/** The XML of the volume that an image is uploaded into. */
export function imageXml(spec: ImageSpec): string {
  return fileXml(spec.volume, "0644");
}

/** Name of the volume that says that an image is whole. */
export function imageStamp(volume: string): string {
  return `${volume}.verified`;
}

/** The XML of an image's stamp. */
export function imageStampXml(volume: string): string {
  return fileXml(imageStamp(volume), "0644");
}

/**
 * A raw volume without content.
 *
 * @param mode Permissions in octal digits. An image is readable by QEMU whatever user it runs as:
 * many machines may stand on it at once.
 */
export function fileXml(name: string, mode: string): string {
  return serializeXml(
    element(
      "volume",
      {},
      element("name", {}, name),
      element("capacity", { unit: "bytes" }, 0),
      element(
        "target",
        {},
        element("format", { type: "raw" }),
        element("permissions", {}, element("mode", {}, mode)),
      ),
    ),
  );
}

/** Digest of an image as it was read. */
export function imageFingerprint(source: JsonObject): string {
  return volumeFingerprint(source);
}
