/**
 * Seeds: the NoCloud images that cloud-init reads, kept as volumes under a name that holds their
 * digest. Another content is another volume, made before the old one goes.
 *
 * The effectful half creates the volume ({@linkcode seedXml}: raw, capacity 0; it grows by the
 * upload) and uploads `seedIso(spec)`. A seed that was cut off is shorter than it should be
 * (`diff` reports the change at `content`): it is uploaded once more, from the start.
 *
 * @module
 */

import { seedIsoSize } from "../../cloudinit/seed_iso.ts";
import type {
  FieldChange,
  FieldDoc,
  Issue,
  JsonObject,
  Kind,
  Lookup,
  Observed,
  Resource,
} from "../../../provider.ts";
import { describeTable, elsewhere, field, type Table, text } from "../../table/mod.ts";
import { digestOf, sourceText } from "../canonical.ts";
import { fileXml } from "../image/mod.ts";
import { required } from "../lookup.ts";
import { readVolume, volumeFingerprint } from "../volume/view.ts";
import { seedSchema } from "./schema.ts";

export { seedSchema } from "./schema.ts";

/** A resolved seed. */
export interface SeedSpec extends JsonObject {
  /** Name of the pool on the host. */
  readonly pool: string;
  /** Name of the file in the pool. */
  readonly volume: string;
  /** What the guest does at its first boot. */
  readonly userData: string;
  /** Who the guest is. */
  readonly metaData: string;
  /** The guest's network. */
  readonly networkConfig?: string;
  /** SHA-256 (hex) over the three texts. */
  readonly digest: string;
}

const shape = seedSchema.shape;

const seedTable: Table = {
  pool: field({ schema: shape.pool, binding: elsewhere("the pool"), change: "replace" }),
  name: field({ schema: shape.name, binding: text("./name"), change: "replace" }),
  userData: field({
    schema: shape.userData,
    binding: elsewhere("user-data on the seed"),
    change: "replace",
  }),
  metaData: field({
    schema: shape.metaData,
    binding: elsewhere("meta-data on the seed"),
    change: "replace",
  }),
  networkConfig: field({
    schema: shape.networkConfig,
    binding: elsewhere("network-config on the seed"),
    change: "replace",
  }),
};

let docs: readonly FieldDoc[] | undefined;

/** The kind `seed`. */
export const seedKind: Kind = {
  kind: "seed",
  schema: seedSchema,
  get fields() {
    return docs ??= describeTable(seedTable);
  },
  references: (resource) => [{
    address: String(resource.spec.pool),
    path: "pool",
    kinds: ["pool"],
  }],
  resolve: resolveSeed,
  key: (resource) => `${resource.spec.pool}/${resource.spec.volume}`,
  check,
  complete: (resource) => resource.spec,
  view: (observed) => {
    const { name, capacity } = readVolume(sourceText(observed.source, "xml"));
    return { volume: name, capacity };
  },
  diff,
  waits: () => undefined,
};

/** A seed with its names on the host. A resolved one comes back as it is. */
export function resolveSeed(resource: Resource, lookup: Lookup): SeedSpec {
  const { spec } = resource;
  if (typeof spec.volume === "string") return spec as SeedSpec;
  const pool = required(lookup, String(spec.pool), resource);
  const userData = String(spec.userData);
  const metaData = String(spec.metaData);
  const networkConfig = typeof spec.networkConfig === "string" ? spec.networkConfig : undefined;
  const digest = digestOf(
    userData,
    metaData,
    ...(networkConfig === undefined ? [] : [networkConfig]),
  );
  return {
    pool: String(pool.spec.name),
    volume: `${spec.name}-seed-${digest.slice(0, 12)}.iso`,
    userData,
    metaData,
    ...(networkConfig === undefined ? {} : { networkConfig }),
    digest,
  };
}

function check(resource: Resource): readonly Issue[] {
  const { userData, metaData } = resource.spec as SeedSpec;
  const issues: Issue[] = [];
  if (userData !== "" && !/^(#|Content-Type: |MIME-Version: |## template)/i.test(userData)) {
    issues.push({
      code: "seed.user-data-unknown",
      path: "userData",
      message: `begins with ${JSON.stringify(userData.slice(0, 20))}, which cloud-init ignores`,
      help: 'begin it with "#cloud-config" or "#!/bin/sh"',
    });
  }
  if (!/^\s*["']?instance-id["']?\s*:/m.test(metaData) && !/["']instance-id["']/.test(metaData)) {
    issues.push({
      code: "seed.no-instance-id",
      path: "metaData",
      message: "has no instance-id, without which cloud-init ignores the seed",
      help: 'add "instance-id: <uuid>"',
    });
  }
  return issues;
}

function diff(resource: Resource, observed: Observed): readonly FieldChange[] {
  const spec = resource.spec as SeedSpec;
  const expected = seedIsoSize(spec);
  const { capacity } = readVolume(sourceText(observed.source, "xml"));
  if (capacity === expected) return [];
  return [{
    path: "content",
    before: capacity,
    after: expected,
    disruption: "live",
    format: "bytes",
  }];
}

/**
 * The XML of the volume that a seed is uploaded into. It may hold password hashes: it is root's, and
 * QEMU's while a machine runs with it.
 */
export function seedXml(spec: SeedSpec): string {
  return fileXml(spec.volume, "0600");
}

/** Digest of a seed as it was read. */
export function seedFingerprint(source: JsonObject): string {
  return volumeFingerprint(source);
}
