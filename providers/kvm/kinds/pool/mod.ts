/**
 * Storage pools: folders of a host that libvirt keeps volumes in.
 *
 * The effectful half makes a pool by defining, building (which makes the folder) and starting it. It
 * takes one away by stopping and undefining it; the folder stays, with whatever else is in it. A
 * changed patch stops it, defines it anew and starts it: running machines have their files open and go
 * on. A `shared` pool goes only when no volume is left in it. Changes at `active` and `autostart` are the
 * states of those names.
 *
 * @module
 */

import type {
  Claim,
  FieldChange,
  FieldDoc,
  Issue,
  JsonObject,
  Kind,
  Lookup,
  Observed,
  Resource,
} from "../../../provider.ts";
import {
  compareTable,
  describeTable,
  elsewhere,
  field,
  readTable,
  type Table,
  text,
  writeTable,
} from "../../table/mod.ts";
import { append, element, insertBefore, parseXml, serializeXml } from "../../xml/mod.ts";
import { digestOf, sourceText } from "../canonical.ts";
import { hatch, type Patch } from "../hatch.ts";
import { defaultPoolPath } from "../lookup.ts";
import { patchIssues } from "../patch_issues.ts";
import { poolSchema } from "./schema.ts";

export { poolSchema } from "./schema.ts";

/** A resolved pool. */
export interface PoolSpec extends JsonObject {
  /** Name of the libvirt storage pool. */
  readonly name: string;
  /** Folder on the host. */
  readonly path?: string;
  /** Starts together with the host. */
  readonly autostart?: boolean;
  /** What no other field says. */
  readonly xml?: readonly Patch[] & JsonObject["xml"];
}

const shape = poolSchema.shape;

/** The fields of a pool that stand in its XML. */
export const poolTable: Table = {
  name: field({ schema: shape.name, binding: text("./name"), change: "replace" }),
  path: field({ schema: shape.path, binding: text("./target/path"), change: "replace" }),
  xml: hatch(() => shape.xml),
};

const poolState: Table = {
  autostart: field({
    schema: shape.autostart,
    binding: elsewhere("virStoragePoolSetAutostart"),
    change: "live",
  }),
};

let docs: readonly FieldDoc[] | undefined;

/** The kind `pool`. */
export const poolKind: Kind = {
  kind: "pool",
  schema: poolSchema,
  get fields() {
    return docs ??= describeTable({ ...poolTable, ...poolState });
  },
  references: () => [],
  // The folder is left out where it is not declared: a pool that is there keeps its own.
  resolve: (resource) => resource.spec,
  key: (resource) => String(resource.spec.name),
  check,
  complete: (resource) => ({
    ...resource.spec,
    path: resource.spec.path ?? defaultPoolPath(String(resource.spec.name)),
  }),
  view: (observed) => ({
    ...readTable(poolTable, parseXml(sourceText(observed.source, "xml"))),
    autostart: observed.source.autostart === true,
    active: observed.source.active === true,
  }),
  diff,
  waits: () => undefined,
  claims(resource): readonly Claim[] {
    const { path } = resource.spec;
    return typeof path !== "string" || resource.tenure === "existing"
      ? []
      : [{ what: `folder ${path}`, path: "path", scope: "host" }];
  },
};

function check(resource: Resource, lookup: Lookup): readonly Issue[] {
  const observed = lookup.observed(resource.address);
  if (resource.tenure === "managed") {
    return [...patchIssues("pool", poolTable, (resource.spec as PoolSpec).xml)];
  }
  if (observed === undefined) return [];
  const issues: Issue[] = [];
  const view = poolKind.view(observed);
  if (resource.tenure === "existing" && view.active === false) {
    issues.push({
      code: "pool.inactive",
      path: "name",
      message: `pool "${resource.spec.name}" of the host is not active, and is not ours to start`,
      help: `start it: virsh pool-start ${resource.spec.name}`,
    });
  }
  const { path } = resource.spec;
  if (typeof path === "string" && typeof view.path === "string" && path !== view.path) {
    issues.push({
      code: "pool.other-path",
      path: "path",
      message: `pool "${resource.spec.name}" of the host is in ${view.path}, not in ${path}`,
      help: "correct the path, or name another pool",
    });
  }
  return issues;
}

function diff(
  resource: Resource,
  observed: Observed,
  { previous }: { readonly previous?: JsonObject },
): readonly FieldChange[] {
  if (resource.tenure === "existing") return [];
  const { spec } = resource;
  const { source } = observed;
  const changes: FieldChange[] = [];
  // A shared pool is used as it is, but it has to run.
  if (resource.tenure === "managed") {
    const config = parseXml(sourceText(source, "xml"));
    // What runs has the same XML: a patch waits for no start, the pool is stopped and started for it.
    const live = source.active === true ? config : undefined;
    changes.push(...compareTable(poolTable, { spec, previous, config, live }));
  }
  if (source.active !== true) {
    changes.push({ path: "active", before: false, after: true, disruption: "live" });
  }
  const autostart = source.autostart === true;
  if (
    resource.tenure === "managed" && spec.autostart !== undefined && spec.autostart !== autostart
  ) {
    changes.push({
      path: "autostart",
      before: autostart,
      after: spec.autostart,
      disruption: "live",
    });
  }
  return changes;
}

/**
 * The XML of a new pool from its completed resource. A shared pool gets its UUID from libvirt:
 * stacks share it, and each would derive another.
 */
export function poolXml(resource: Resource): string {
  const root = element("pool", { type: "dir" });
  writeTable(poolTable, root, resource.spec);
  if (resource.tenure !== "shared") {
    const uuid = element("uuid", {}, resource.uuid);
    const next = root.children[1];
    if (next === undefined) append(root, uuid);
    else insertBefore(root, uuid, next);
  }
  return serializeXml(root);
}

/** The XML of a pool with its patches as they are declared; every other node stays. */
export function patchPoolXml(xml: string, resource: Resource): string {
  const root = parseXml(xml);
  const { xml: patches } = poolTable;
  writeTable({ xml: patches! }, root, resource.spec);
  return serializeXml(root);
}

/** Digest of a pool as it was read, less how full it is. */
export function poolFingerprint(source: JsonObject): string {
  const xml = sourceText(source, "xml").replace(
    /\s*<(capacity|allocation|available)\b[^>]*>[^<]*<\/\1>/g,
    "",
  );
  return digestOf(xml, `${source.active === true} ${source.autostart === true}`);
}
