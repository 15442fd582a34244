/**
 * Volumes: blank ones, overlays over an image, full copies of one.
 *
 * The effectful half creates a blank volume and an overlay by `virStorageVolCreateXML`, a full copy
 * by `virStorageVolCreateXMLFrom` with the image's volume, all from {@linkcode volumeXml}. **A full
 * copy keeps the image's capacity whatever its XML says**: where `capacity` is declared it is resized
 * afterwards (`virStorageVolResize`; read back, for success is reported either way). Growing is
 * `virDomainBlockResize` while a machine runs on the volume, else `virStorageVolResize`. A create
 * step that is repeated finds a half-made volume under its name (the journal says that it began, the
 * plan that there was none): it deletes that and starts again.
 *
 * @module
 */

import type {
  FieldChange,
  FieldDoc,
  Issue,
  JsonObject,
  Kind,
  Lookup,
  Observed,
  Reference,
  Resource,
} from "../../../provider.ts";
import {
  compareTable,
  custom,
  describeTable,
  elsewhere,
  field,
  type Table,
  text,
  writeTable,
} from "../../table/mod.ts";
import { element, getPath, parseXml, serializeXml, setPath } from "../../xml/mod.ts";
import { sourceText } from "../canonical.ts";
import { hatch, type Patch } from "../hatch.ts";
import { resolveImage } from "../image/mod.ts";
import { required } from "../lookup.ts";
import { patchIssues } from "../patch_issues.ts";
import { formatBytes } from "../size.ts";
import { volumeSchema } from "./schema.ts";
import { toldIssues } from "./told_places.ts";
import { readVolume, type VolumeView } from "./view.ts";

export { volumeSchema } from "./schema.ts";
export { readVolume, volumeFingerprint, type VolumeView } from "./view.ts";

/** What a volume was made from. */
export interface BackingSpec extends JsonObject {
  /** Pool of the image on the host. */
  readonly pool: string;
  /** Name of the image's volume. */
  readonly volume: string;
  /** Its path, when the pool's folder is known. */
  readonly path?: string;
  /** Format of the image. */
  readonly format: "qcow2" | "raw";
  /** Whether the volume stands on the image or is a copy. */
  readonly clone: "overlay" | "full";
}

/** A resolved volume. */
export interface VolumeSpec extends JsonObject {
  /** Name of the pool on the host. */
  readonly pool: string;
  /** Name of the file. */
  readonly volume: string;
  /** Format of the file. */
  readonly format: "qcow2" | "raw";
  /** Bytes. */
  readonly capacity?: number;
  /** The image that it was cloned from. */
  readonly backing?: BackingSpec;
  /** What no other field says. */
  readonly xml?: readonly Patch[] & JsonObject["xml"];
}

const shape = volumeSchema.shape;

/** The fields of a volume, with their places in libvirt's XML. */
export const volumeTable: Table = {
  pool: field({ schema: shape.pool, binding: elsewhere("the pool"), change: "replace" }),
  name: field({ schema: shape.name, binding: text("./name"), change: "replace" }),
  format: field({
    schema: shape.format,
    binding: text("./target/format/@type"),
    change: "replace",
  }),
  capacity: field({
    schema: shape.capacity,
    binding: custom(
      "./capacity",
      (volume) => {
        const bytes = getPath(volume, "./capacity");
        return bytes === undefined ? undefined : Number(bytes);
      },
      (volume, value) => {
        setPath(volume, "./capacity", value === undefined ? undefined : String(value));
        if (value !== undefined) setPath(volume, "./capacity/@unit", "bytes");
      },
    ),
    // libvirt rounds up to sectors.
    equal: (declared, actual) => sectors(declared as number) === sectors(actual as number ?? 0),
    change: "live",
    format: "bytes",
  }),
  image: field({ schema: shape.image, binding: text("./backingStore/path"), change: "replace" }),
  clone: field({ schema: shape.clone, binding: text("./backingStore"), change: "replace" }),
  // libvirt takes what a volume is made of when it is made, and has no call for later.
  xml: { ...hatch(() => shape.xml), change: "replace" },
};

function sectors(bytes: number): number {
  return Math.ceil(bytes / 512);
}

let docs: readonly FieldDoc[] | undefined;

/** The kind `volume`. */
export const volumeKind: Kind = {
  kind: "volume",
  schema: volumeSchema,
  get fields() {
    return docs ??= describeTable(volumeTable);
  },
  hides: true,
  // What was taken over holds what nobody declared; an image's clone begins with the image.
  remakes: (resource) => resource.spec.backing !== undefined,
  references,
  resolve,
  key: (resource) => `${resource.spec.pool}/${resource.spec.volume}`,
  check,
  complete: (resource) => resource.spec,
  view: (observed) => readVolume(sourceText(observed.source, "xml")),
  diff,
  waits: () => undefined,
};

function references(resource: Resource): readonly Reference[] {
  const { pool, image } = resource.spec;
  const list: Reference[] = [{ address: String(pool), path: "pool", kinds: ["pool"] }];
  if (typeof image === "string") list.push({ address: image, path: "image", kinds: ["image"] });
  return list;
}

function resolve(resource: Resource, lookup: Lookup): JsonObject {
  const { spec } = resource;
  const pool = required(lookup, String(spec.pool), resource);
  const resolved: VolumeSpec = {
    pool: String(pool.spec.name),
    volume: String(spec.name),
    format: spec.format as VolumeSpec["format"],
    ...(typeof spec.capacity === "number" ? { capacity: spec.capacity } : {}),
    ...(spec.xml === undefined ? {} : { xml: spec.xml as VolumeSpec["xml"] }),
  };
  if (typeof spec.image !== "string") return resolved;
  const image = resolveImage(required(lookup, spec.image, resource), lookup);
  const backing: BackingSpec = {
    pool: image.pool,
    volume: image.volume,
    ...(image.path === undefined ? {} : { path: image.path }),
    format: image.format,
    clone: spec.clone === "full" ? "full" : "overlay",
  };
  return { ...resolved, backing };
}

function check(resource: Resource, lookup: Lookup): readonly Issue[] {
  if (resource.tenure === "existing") return [];
  const spec = resource.spec as VolumeSpec;
  const issues = [...patchIssues("volume", volumeTable, spec.xml), ...toldIssues(spec.xml)];
  if (spec.capacity === undefined) {
    if (spec.backing === undefined) {
      issues.push({
        code: "volume.no-capacity",
        path: "capacity",
        message: "a blank volume needs a capacity",
        help: 'give one, for example "20GiB", or an image to clone',
      });
    }
    return issues;
  }
  const observed = lookup.observed(resource.address);
  const has = observed === undefined ? undefined : readVolume(sourceText(observed.source, "xml"));
  if (
    has?.capacity !== undefined && sectors(has.capacity) > sectors(spec.capacity) &&
    replacements(spec, has).length === 0
  ) {
    issues.push({
      code: "volume.shrink",
      path: "capacity",
      message: `it has ${formatBytes(has.capacity)}, and ${
        formatBytes(spec.capacity)
      } would cut off what its end holds`,
      help: `declare at least ${
        formatBytes(has.capacity)
      }, or make a new volume under another name`,
    });
  }
  const image = imageCapacity(spec, lookup, resource.host);
  if (image !== undefined && sectors(spec.capacity) < sectors(image)) {
    issues.push({
      code: "volume.smaller-than-image",
      path: "capacity",
      message: `${formatBytes(spec.capacity)} is less than its image needs, ${formatBytes(image)}`,
      help: `declare at least ${formatBytes(image)}, or leave the capacity out`,
    });
  }
  return issues;
}

/** The images of each host that are there already, by key; found once a plan. */
const images = new WeakMap<Lookup, ReadonlyMap<string, Observed>>();

/** Capacity of the image behind a volume, if the host has it already. */
function imageCapacity(spec: VolumeSpec, lookup: Lookup, host: string): number | undefined {
  if (spec.backing === undefined) return undefined;
  let known = images.get(lookup);
  if (known === undefined) {
    const found = new Map<string, Observed>();
    for (const resource of lookup.resources?.() ?? []) {
      const observed = resource.kind === "image" ? lookup.observed(resource.address) : undefined;
      if (observed === undefined || observed.source.complete === false) continue;
      found.set(`${resource.host}\n${observed.key}`, observed);
    }
    images.set(lookup, known = found);
  }
  const observed = known.get(`${host}\n${spec.backing.pool}/${spec.backing.volume}`);
  return observed && readVolume(sourceText(observed.source, "xml")).capacity;
}

function diff(
  resource: Resource,
  observed: Observed,
  { previous }: { readonly previous?: JsonObject },
): readonly FieldChange[] {
  if (resource.tenure === "existing") return [];
  const spec = resource.spec as VolumeSpec;
  const has = readVolume(sourceText(observed.source, "xml"));
  const changes = replacements(spec, has, previous as VolumeSpec | undefined)
    // One that was taken over stays on what it stands on, unless the stack names an image.
    .filter(({ path }) =>
      resource.adopt !== true || spec.backing !== undefined || path !== "image"
    );
  const config = parseXml(sourceText(observed.source, "xml"));
  changes.push(...compareTable({ xml: volumeTable.xml! }, { spec, config }));
  if (
    spec.capacity !== undefined && sectors(spec.capacity) !== sectors(has.capacity ?? 0)
  ) {
    changes.push({
      path: "capacity",
      before: has.capacity,
      after: spec.capacity,
      // A check refuses to shrink; should it come here all the same, nothing is cut off in place.
      disruption: sectors(spec.capacity) > sectors(has.capacity ?? 0) ? "live" : "replace",
      format: "bytes",
    });
  }
  return changes;
}

/** Changes for which a volume has to be made anew. */
function replacements(spec: VolumeSpec, has: VolumeView, previous?: VolumeSpec): FieldChange[] {
  const changes: FieldChange[] = [];
  if (has.format !== spec.format) {
    changes.push({
      path: "format",
      before: has.format,
      after: spec.format,
      disruption: "replace",
    });
  }
  const { backing } = spec;
  if (backing?.clone === "overlay") {
    if (!isOver(backing, has)) {
      changes.push({
        path: "image",
        before: has.backing?.path,
        after: backing.path ?? backing.volume,
        disruption: "replace",
      });
    } else if (has.backing!.format !== undefined && has.backing!.format !== backing.format) {
      changes.push({
        path: "image.format",
        before: has.backing!.format,
        after: backing.format,
        disruption: "replace",
      });
    }
    return changes;
  }
  if (has.backing !== undefined) {
    changes.push({
      path: backing === undefined ? "image" : "clone",
      before: backing === undefined ? has.backing.path : "overlay",
      after: backing === undefined ? undefined : "full",
      disruption: "replace",
    });
    return changes;
  }
  // A copy does not tell what it was copied from: the last declaration does.
  if (previous !== undefined && previous.backing?.volume !== backing?.volume) {
    changes.push({
      path: "image",
      before: previous.backing?.volume,
      after: backing?.volume,
      disruption: "replace",
    });
  }
  return changes;
}

function isOver(backing: BackingSpec, has: VolumeView): boolean {
  const path = has.backing?.path;
  if (path === undefined) return false;
  if (backing.path !== undefined && path === backing.path) return true;
  // The same name in another folder only counts when ours is not known; links may lead elsewhere.
  return backing.path === undefined && path.slice(path.lastIndexOf("/") + 1) === backing.volume;
}

/**
 * The XML of a new volume.
 *
 * @param backingPath Path of the image on the host, when the resolved spec does not know it.
 */
export function volumeXml(spec: VolumeSpec, backingPath?: string): string {
  const { backing } = spec;
  const path = backing?.path ?? backingPath;
  const overlay = backing?.clone === "overlay" && path !== undefined;
  const volume = element(
    "volume",
    {},
    element("name", {}, spec.volume),
    // A clone without capacity takes the image's.
    spec.capacity !== undefined && element("capacity", { unit: "bytes" }, spec.capacity),
    // Nothing is allocated ahead: libvirt would fill a raw volume with zeros.
    element("allocation", { unit: "bytes" }, 0),
    element("target", {}, element("format", { type: spec.format })),
    overlay && element(
      "backingStore",
      {},
      element("path", {}, path),
      element("format", { type: backing.format }),
    ),
  );
  writeTable({ xml: volumeTable.xml! }, volume, spec);
  return serializeXml(volume);
}
