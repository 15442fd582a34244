/**
 * Everything that a host has of some kinds, for an import: listed, then read in bulk.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { JsonObject, Observed, ReadRequest } from "../../provider.ts";
import { domainUses, poolFolders } from "../kinds/machine/uses.ts";
import { withPassword } from "./read_secrets.ts";
import type { KvmSession } from "./session.ts";

/** What is asked for by name. Nothing at all: all machines. */
export interface SurveyRequest {
  /** Names of domains. */
  readonly machines?: readonly string[];
  /** Names of networks. */
  readonly networks?: readonly string[];
  /** Names of pools. */
  readonly pools?: readonly string[];
  /** Volumes, as `<pool>/<volume>`. */
  readonly volumes?: readonly string[];
}

/** What a host has. */
export interface Survey {
  /** Domains: those that were named, else all. */
  readonly machines: readonly Observed[];
  /** Names of those of them that have a display with a password. */
  readonly withPassword: readonly string[];
  /** The other domains: what they use is not for one stack to own. */
  readonly others: readonly Observed[];
  /** All networks. */
  readonly networks: readonly Observed[];
  /** All pools. */
  readonly pools: readonly Observed[];
  /** Volumes that the domains' disks stand on, and those that were named. */
  readonly volumes: readonly Observed[];
  /** What the host can do, as plans look at it. */
  readonly facts: JsonObject;
}

/**
 * Surveys a host.
 *
 * @throws {StaddleError} `import.no-such-…` when something that was named is not there.
 */
export async function surveyHost(
  session: KvmSession,
  request: SurveyRequest,
): Promise<Survey> {
  const { machines = [], networks = [], pools = [], volumes = [] } = request;
  const named = machines.length + networks.length + pools.length + volumes.length > 0;
  const all = await readAll(session);
  for (
    const [kind, names] of Object.entries({ machine: machines, network: networks, pool: pools })
  ) {
    refuseMissing(session, kind, names, all.filter((object) => object.kind === kind));
  }
  const byKind = (kind: string) =>
    all.filter((object) => object.kind === kind).sort((a, b) => (a.key < b.key ? -1 : 1));
  const chosen = (machine: Observed) => named ? machines.includes(machine.key) : true;
  const domains = byKind("machine");
  const folders = poolFolders(byKind("pool"));
  const used = domains.flatMap((domain) => domainUses(domain, folders).volumes);
  const keys = new Set([...volumes, ...used]);
  const found = keys.size === 0
    ? []
    : await session.read([...keys].sort().map((key) => ({ kind: "volume", key })));
  refuseMissing(session, "volume", volumes, found);
  return {
    machines: domains.filter(chosen),
    withPassword: await withPassword(domains.filter(chosen), await session.connection()),
    others: domains.filter((machine) => !chosen(machine)),
    networks: byKind("network"),
    pools: byKind("pool"),
    volumes: found,
    facts: await session.facts(),
  };
}

async function readAll(session: KvmSession): Promise<readonly Observed[]> {
  const connection = await session.connection();
  const [domains, networks, pools] = await Promise.all([
    connection.domains(),
    connection.networks(),
    connection.pools(),
  ]);
  let requests: ReadRequest[];
  try {
    requests = [
      ...domains.map(({ name, uuid }) => ({ kind: "machine", key: name, uuid })),
      ...networks.map(({ name, uuid }) => ({ kind: "network", key: name, uuid })),
      ...pools.map(({ name, uuid }) => ({ kind: "pool", key: name, uuid })),
    ];
  } finally {
    for (const handle of [...domains, ...networks, ...pools]) handle[Symbol.dispose]();
  }
  return await session.read(requests);
}

function refuseMissing(
  session: KvmSession,
  kind: string,
  wanted: readonly string[],
  there: readonly Observed[],
): void {
  const keys = there.map(({ key }) => key);
  const missing = wanted.filter((name) => !keys.includes(name));
  if (missing.length === 0) return;
  const { name, uri } = session.declaration;
  const shown = keys.toSorted().slice(0, 12).join(", ");
  throw new StaddleError({
    code: `import.no-such-${kind}`,
    summary: `the host has no ${kind} ${missing.map((one) => `"${one}"`).join(", ")}`,
    where: [name === uri ? uri : `host ${name} (${uri})`],
    details: keys.length === 0
      ? kind === "volume" ? [] : [`it has no ${kind}s at all`]
      : [`${kind}s that are there: ${shown}${keys.length > 12 ? ", …" : ""}`],
    help: kind === "machine"
      ? "name machines that are there, or none for all of them"
      : kind === "volume"
      ? "name a volume of a pool that is active, as POOL/VOLUME"
      : `name a ${kind} that is there`,
  });
}
