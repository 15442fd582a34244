/**
 * Validation of a topology against the kinds: everything that can be known to be wrong before a
 * host is asked. All errors are found, not the first alone.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import type { JsonObject, Kind, Resource } from "../providers/provider.ts";
import { topologicalOrder } from "./graph.ts";
import { nearest } from "./nearest.ts";
import { optionErrors } from "./decide/options.ts";
import { pathText } from "./paths.ts";
import { problem } from "./problem.ts";
import { Slots } from "./slots.ts";
import { type Dependencies, dependencies, type Kinds, resolveTopology } from "./resolve.ts";
import type { Topology } from "./topology.ts";

/** A topology that was looked at. */
export interface Validated {
  /** With every spec as its kind's schema normalises it. */
  readonly topology: Topology;
  /** Empty: the topology is valid. */
  readonly errors: readonly StaddleError[];
}

/** Validates a topology whose frame has been parsed by `topologySchema`. */
export function validateTopology(topology: Topology, kinds: Kinds): Validated {
  const errors: StaddleError[] = [];
  const byAddress = new Map<string, Resource>();
  const resources: Resource[] = [];
  for (const raw of topology.resources) {
    const other = byAddress.get(raw.address);
    if (other !== undefined) {
      errors.push(problem(raw, {
        code: "topology.duplicate-address",
        message: "declared twice",
        others: [other],
        help: "give one of them another name",
      }));
      continue;
    }
    const frame = frameErrors(raw, topology, kinds);
    errors.push(...frame);
    const kind = kinds.get(raw.kind);
    const resource = kind === undefined ? raw : parsed(raw, kind, errors);
    byAddress.set(resource.address, resource);
    resources.push(resource);
  }
  const valid: Topology = { ...topology, resources };
  // Kinds may assume a spec that their schema accepted; without it there is nothing to go on from.
  if (errors.length > 0) return { topology: valid, errors };

  const deps = dependencies(valid, kinds);
  for (const resource of resources) checkReferences(resource, byAddress, deps, errors);
  errors.push(...aliasErrors(resources, byAddress));
  for (const resource of resources) {
    if (resource.options !== undefined) {
      errors.push(...optionErrors(resource, kinds.get(resource.kind)!));
    }
  }
  if (errors.length === 0) {
    for (const cycle of topologicalOrder(deps.graph).cycles) {
      errors.push(cycleError(cycle, byAddress));
    }
  }
  if (errors.length === 0) errors.push(...collisions(valid, kinds));
  return { topology: valid, errors };
}

function frameErrors(resource: Resource, topology: Topology, kinds: Kinds): StaddleError[] {
  const errors: StaddleError[] = [];
  if (!kinds.has(resource.kind)) {
    const guess = nearest(resource.kind, kinds.keys());
    errors.push(problem(resource, {
      code: "topology.unknown-kind",
      message: `there is no kind "${resource.kind}"`,
      help: guess === undefined
        ? `kinds are ${[...kinds.keys()].sort().join(", ")}`
        : `did you mean "${guess}"?`,
    }));
  }
  if (!Object.hasOwn(topology.hosts, resource.host)) {
    const hosts = Object.keys(topology.hosts).sort();
    const guess = nearest(resource.host, hosts);
    errors.push(problem(resource, {
      code: "topology.unknown-host",
      message: `the stack declares no host "${resource.host}"`,
      help: guess !== undefined
        ? `did you mean "${guess}"?`
        : hosts.length === 0
        ? "declare a host first"
        : `hosts are ${hosts.join(", ")}`,
    }));
  }
  const tail = `/${resource.kind}.${resource.name}`;
  if (!resource.address.startsWith(`${resource.host}/`) || !resource.address.endsWith(tail)) {
    errors.push(problem(resource, {
      code: "topology.wrong-address",
      message: `the address does not belong to ${resource.kind} "${resource.name}" on host ` +
        `${resource.host}`,
      help: `an address is "<host>[/<scope>…]${tail}"`,
    }));
  }
  return errors;
}

/** The resource with its spec normalised; what the schema refuses becomes errors. */
function parsed(resource: Resource, kind: Kind, errors: StaddleError[]): Resource {
  const result = kind.schema.safeParse(resource.spec);
  if (result.success) return { ...resource, spec: result.data as JsonObject };
  for (const issue of result.error.issues) {
    const path = pathText(resource.spec, issue.path);
    const keys = issue.code === "unrecognized_keys" ? issue.keys : undefined;
    if (keys === undefined) {
      errors.push(problem(resource, {
        code: "topology.invalid-spec",
        path,
        message: `${path === "" ? "the declaration" : `"${path}"`} is not valid: ${issue.message}`,
        help: `see the reference of kind "${resource.kind}" for what "${path}" may be`,
      }));
      continue;
    }
    const known = fieldNames(kind, issue.path);
    for (const key of keys) {
      const field = path === "" ? key : `${path}.${key}`;
      const guess = nearest(key, known);
      errors.push(problem(resource, {
        code: "topology.unknown-field",
        path: field,
        message: `${resource.kind} has no field "${field}"`,
        help: guess !== undefined
          ? `did you mean "${guess}"?`
          : known.length === 0
          ? `see the reference of kind "${resource.kind}"`
          : `fields are ${known.join(", ")}`,
      }));
    }
  }
  return resource;
}

/** Names of the fields that stand directly under a path, from the kind's table. */
function fieldNames(kind: Kind, path: readonly PropertyKey[]): string[] {
  const above = path.filter((part) => typeof part === "string").join(".");
  const names = new Set<string>();
  for (const field of kind.fields) {
    const plain = field.path.replaceAll(/\[[^\]]*\]/g, "");
    if (above === "") names.add(plain.split(".")[0]!);
    else if (plain.startsWith(`${above}.`)) names.add(plain.slice(above.length + 1).split(".")[0]!);
  }
  return [...names].sort();
}

function checkReferences(
  resource: Resource,
  byAddress: ReadonlyMap<string, Resource>,
  deps: Dependencies,
  errors: StaddleError[],
): void {
  for (const { address, path, kinds } of deps.references.get(resource.address)!) {
    const target = byAddress.get(address);
    if (target === undefined) {
      errors.push(problem(resource, {
        code: "topology.unknown-reference",
        path,
        message: `"${path}" refers to ${address}, which the stack does not declare`,
        help: didYouMean(address, byAddress, (other) => kinds.includes(other.kind)),
      }));
    } else if (!kinds.includes(target.kind)) {
      errors.push(problem(resource, {
        code: "topology.wrong-kind",
        path,
        message: `"${path}" refers to ${address}, which is a ${target.kind}`,
        others: [target],
        help: `it must be a ${kinds.join(" or a ")}`,
      }));
    } else if (target.host !== resource.host) {
      errors.push(problem(resource, {
        code: "topology.other-host",
        path,
        message: `"${path}" refers to ${address} on host ${target.host}, but this ` +
          `${resource.kind} is on host ${resource.host}`,
        others: [target],
        help: `declare a ${target.kind} on host ${resource.host} too`,
      }));
    }
  }
  for (const address of resource.dependsOn) {
    if (byAddress.has(address)) continue;
    errors.push(problem(resource, {
      code: "topology.unknown-dependency",
      path: "dependsOn",
      message: `depends on ${address}, which the stack does not declare`,
      help: didYouMean(address, byAddress, () => true),
    }));
  }
}

/** Former addresses that are still in use, or that two resources claim. */
function* aliasErrors(
  resources: readonly Resource[],
  byAddress: ReadonlyMap<string, Resource>,
): Generator<StaddleError> {
  const claimed = new Map<string, Resource>();
  for (const resource of resources) {
    for (const alias of resource.options?.aliases ?? []) {
      const still = byAddress.get(alias);
      const other = claimed.get(alias);
      if (still !== undefined && still !== resource) {
        yield problem(resource, {
          code: "topology.alias-in-use",
          path: "aliases",
          message: `it is said to have been ${alias}, which the stack still declares`,
          others: [still],
          help: "a resource that was renamed is declared once: take one of the two away",
        });
      } else if (other !== undefined) {
        yield problem(resource, {
          code: "topology.alias-twice",
          path: "aliases",
          message: `it and ${other.address} are both said to have been ${alias}`,
          others: [other],
          help: "only one of them can be it: take the alias from the other",
        });
      }
      claimed.set(alias, resource);
    }
  }
}

function didYouMean(
  address: string,
  byAddress: ReadonlyMap<string, Resource>,
  fits: (resource: Resource) => boolean,
): string {
  const guess = nearest(
    address,
    [...byAddress.values()].filter(fits).map((resource) => resource.address).sort(),
  );
  return guess === undefined ? "declare it, or refer to one that is" : `did you mean ${guess}?`;
}

function cycleError(
  cycle: readonly string[],
  byAddress: ReadonlyMap<string, Resource>,
): StaddleError {
  return new StaddleError({
    code: "topology.cycle",
    summary: cycle.length === 2
      ? `${cycle[0]} depends on itself`
      : `resources depend on each other in a cycle: ${cycle.join(" -> ")}`,
    where: cycle.slice(0, -1).map((address) => {
      const place = byAddress.get(address)?.declaredAt;
      return place === undefined ? address : `${place} (${address})`;
    }),
    help: "take one of these references or dependsOn entries away",
  });
}

/** Names and claims that two resources have at once. */
function collisions(topology: Topology, kinds: Kinds): StaddleError[] {
  const { resolved, errors: unresolved } = resolveTopology(topology, kinds);
  const errors = [...unresolved];
  const names = new Slots<Resource>();
  for (const { resource, key } of resolved.values()) {
    const other = names.get(resource.host, resource.kind, key);
    if (other === undefined) names.set(resource.host, resource.kind, key, resource);
    else if (other.tenure !== "existing" || resource.tenure !== "existing") {
      errors.push(problem(resource, {
        code: "topology.duplicate-name",
        message: `on host ${resource.host} this ${resource.kind} and ${other.address} would both ` +
          `be named "${key}"`,
        others: [other],
        help: `give one of them another name`,
      }));
    }
  }
  const claims = new Slots<{ readonly resource: Resource; readonly path: string }>();
  for (const resource of topology.resources) {
    for (const claim of kinds.get(resource.kind)?.claims?.(resource) ?? []) {
      const host = claim.scope === "host" ? resource.host : "";
      const other = claims.get(host, "", claim.what);
      if (other === undefined) claims.set(host, "", claim.what, { resource, path: claim.path });
      else {
        const same = other.resource.address === resource.address;
        errors.push(problem(resource, {
          code: "topology.claimed-twice",
          path: claim.path,
          message: same
            ? `"${claim.path}" and "${other.path}" both have ${claim.what}`
            : `"${claim.path}" has ${claim.what}, which "${other.path}" of ` +
              `${other.resource.address} has too`,
          others: same ? [] : [other.resource],
          help: "only one of them may have it: change the other",
        }));
      }
    }
  }
  return errors;
}
