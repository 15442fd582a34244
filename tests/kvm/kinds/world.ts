/**
 * A small world for kinds: resources, what the hosts have for them, and a lookup over both.
 *
 * @module
 */

import type {
  JsonObject,
  Kind,
  Lookup,
  Observed,
  Resource,
  Tenure,
} from "../../../providers/provider.ts";
import { fingerprints, kinds } from "../../../providers/kvm/kinds/mod.ts";

/** What a test says of a resource. */
export interface Declared {
  readonly address: string;
  readonly spec: JsonObject;
  readonly tenure?: Tenure;
  /** What the host has for it. */
  readonly source?: JsonObject;
}

/** The UUID of every resource here but those that are given another. */
export const UUID = "c0ffee00-1111-5222-8333-444444444444";

/** The kind of a name. */
export function kindOf(name: string): Kind {
  return kinds.get(name)!;
}

/** An object as it was read. */
export function observed(resource: Resource, source: JsonObject): Observed {
  const { kind, host } = resource;
  return {
    kind,
    host,
    key: kindOf(kind).key(resource),
    fingerprint: fingerprints.get(kind)!(source),
    source,
  };
}

/** Parses and resolves resources in order, so that each finds those before it. */
export function world(...declared: readonly Declared[]): {
  readonly resources: readonly Resource[];
  readonly lookup: Lookup;
  /** The resolved resource. */
  at(address: string): Resource;
} {
  const resources = new Map<string, Resource>();
  const found = new Map<string, Observed>();
  const lookup: Lookup = {
    stack: "test",
    resource: (address) => resources.get(address),
    resources: () => resources.values(),
    observed: (address) => found.get(address),
    facts: () => undefined,
  };
  for (const { address, spec, tenure, source } of declared) {
    const [, kind, name] = /([a-z]+)\.([^/]+)$/.exec(address)!;
    const raw: Resource = {
      address,
      kind: kind!,
      host: address.split("/")[0]!,
      name: name!,
      uuid: UUID,
      tenure: tenure ?? (kind === "image" ? "shared" : "managed"),
      spec: kindOf(kind!).schema.parse(spec) as JsonObject,
      dependsOn: [],
      declaredAt: "stack.ts:1:1",
    };
    const resource = { ...raw, spec: kindOf(kind!).resolve(raw, lookup) };
    resources.set(address, resource);
    if (source !== undefined) found.set(address, observed(resource, source));
  }
  return {
    resources: [...resources.values()],
    lookup,
    at: (address) => resources.get(address)!,
  };
}

/** A resource alone, completed as for creation. */
export function completed(resource: Resource, lookup: Lookup): Resource {
  return { ...resource, spec: kindOf(resource.kind).complete(resource, lookup) };
}
