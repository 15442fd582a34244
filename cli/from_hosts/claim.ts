/**
 * What on the hosts is a stack's, as entries of a record.
 *
 * With the stack's declarations at hand each is looked for under its derived identity. What carries the
 * stack's mark and is declared no more is found by the mark. A volume can carry none: one of a declared
 * name is the stack's if its own machines alone use it, or if it lies in the stack's own pool.
 *
 * @module
 */

import { digest } from "../../planner/digest.ts";
import { matchesPattern } from "../../planner/select.ts";
import { withChanges } from "../../planner/paths.ts";
import { type Kinds, type Resolved, resolveTopology } from "../../planner/resolve.ts";
import type { Topology } from "../../planner/topology.ts";
import type { Lookup, Observed } from "../../providers/provider.ts";
import type { ResourceRecord } from "../../state/store.ts";
import type { Contents } from "./contents.ts";
import { type HostIndex, indexHost } from "./host_index.ts";
import type { LeftAlone } from "./left_alone.ts";
import { entriesByMark } from "./marks.ts";

/** What was found. */
export interface Claimed {
  /** In order of their addresses. */
  readonly rows: readonly ResourceRecord[];
  readonly left: readonly LeftAlone[];
}

/** What claiming looks at. */
export interface ClaimInput {
  readonly stack: string;
  readonly kinds: Kinds;
  readonly contents: readonly Contents[];
  /** As `validateTopology` gave it back; left out: marks alone are gone by. */
  readonly topology?: Topology;
  /** Patterns over addresses of volumes that the person says are the stack's. */
  readonly claim?: readonly string[];
}

/** Finds what is the stack's. */
export function claimFromHosts(input: ClaimInput): Claimed {
  const rows = new Map<string, ResourceRecord>();
  const left: LeftAlone[] = [];
  const hosts = input.contents.map((contents) => indexHost(contents, input.stack));
  if (input.topology !== undefined) {
    const observed = Object.fromEntries(hosts.map(({ name, contents }) => [
      name,
      [...contents.machines, ...contents.networks, ...contents.pools, ...contents.volumes]
        .map((object) => ({ ...object, host: name })),
    ]));
    const { resolved, lookup } = resolveTopology(input.topology, input.kinds, { observed });
    for (const entry of resolved.values()) {
      const host = hosts.find(({ name }) => name === entry.resource.host);
      if (host === undefined) continue;
      const found = claimDeclared(entry, host, input, lookup, left);
      if (found !== undefined) rows.set(found.address, found);
    }
  }
  for (const host of hosts) {
    for (const row of entriesByMark(host, input.stack, [...rows.values()], left)) {
      rows.set(row.address, row);
    }
  }
  return {
    rows: [...rows.values()].sort((a, b) => (a.address < b.address ? -1 : 1)),
    left,
  };
}

function claimDeclared(
  entry: Resolved,
  host: HostIndex,
  input: ClaimInput,
  lookup: Lookup,
  left: LeftAlone[],
): ResourceRecord | undefined {
  const { resource, kind, key } = entry;
  if (resource.tenure === "existing") return undefined;
  const found = host.find(kind.kind, key) ?? host.findUuid(kind.kind, resource.uuid);
  if (found === undefined) return undefined;
  const whose = resource.tenure === "shared" ? undefined : doubt(entry, found, host, input);
  if (whose === undefined) return recorded(entry, found, lookup);
  const { address, kind: name } = resource;
  left.push({ address, host: host.name, kind: name, key: found.key, ...whose });
  return undefined;
}

/** Why an object of the right name is not the stack's; undefined when it is. */
function doubt(
  { resource, kind }: Resolved,
  found: Observed,
  host: HostIndex,
  { stack, claim, topology }: ClaimInput,
): Pick<LeftAlone, "why" | "claimable"> | undefined {
  const { mark } = found;
  if (mark !== undefined) {
    const former = resource.options?.aliases ?? [];
    if (mark.stack === stack && [resource.address, ...former].includes(mark.address)) {
      return undefined;
    }
    const why = `its mark says that it is ${mark.address} of stack "${mark.stack}"`;
    return { why, claimable: false };
  }
  if (found.uuid !== undefined) {
    if (found.uuid.toLowerCase() === resource.uuid.toLowerCase()) return undefined;
    return { why: `its UUID is ${found.uuid}, not ${resource.uuid}`, claimable: false };
  }
  if (kind.kind === "seed") return undefined; // Its name holds the digest of what it says.
  const users = host.usersOf(found.key);
  const other = users.find((user) => !host.isOurs(user));
  if (other !== undefined) {
    return { why: `machine "${other}" uses it, which is not this stack's`, claimable: false };
  }
  if (users.length > 0 || inOwnPool(found.key, host, topology)) return undefined;
  if (claim?.some((pattern) => matchesPattern(pattern, resource.address))) return undefined;
  return { why: "nothing on the host says whose it is", claimable: true };
}

/** Whether a volume lies in a pool that the stack has made: one that carries a derived UUID. */
function inOwnPool(key: string, host: HostIndex, topology: Topology | undefined): boolean {
  const uuid = host.find("pool", key.slice(0, key.indexOf("/")))?.uuid?.toLowerCase();
  return uuid !== undefined &&
    topology?.resources.some((resource) =>
        resource.kind === "pool" && resource.tenure === "managed" && resource.host === host.name &&
        resource.uuid.toLowerCase() === uuid
      ) === true;
}

/**
 * The entry of a declared resource. Where the host differs, the mark's digest tells whether what is
 * declared now was applied (then the host has drifted), or something else was (then that is taken for
 * what the host has).
 */
function recorded(entry: Resolved, found: Observed, lookup: Lookup): ResourceRecord {
  const { resource, kind, needs } = entry;
  const changes = resource.tenure === "shared" ? [] : kind.diff(resource, found, { lookup });
  const row = {
    address: resource.address,
    kind: kind.kind,
    host: resource.host,
    key: found.key,
    status: "present",
    needs,
  } as const;
  const declared = { ...row, resource, specDigest: digest(resource.spec) };
  if (changes.length === 0) return { ...declared, fingerprint: found.fingerprint };
  if (found.mark?.digest === digest(resource.spec)) return declared;
  const applied = changes.map((change) => ({ ...change, after: change.before }));
  const spec = withChanges(resource.spec, applied);
  return {
    ...row,
    resource: { ...resource, spec },
    specDigest: digest(spec),
    fingerprint: found.fingerprint,
  };
}
