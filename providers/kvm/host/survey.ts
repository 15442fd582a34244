/**
 * Everything that a host has of some kinds, for an import: listed, then read in bulk.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { Observed, ReadRequest } from "../../provider.ts";
import { children, getElement, getPath, parseXml } from "../xml/mod.ts";
import type { KvmSession } from "./session.ts";

/** What a host has. */
export interface Survey {
  /** Domains: those that were named, else all. */
  readonly machines: readonly Observed[];
  /** All networks. */
  readonly networks: readonly Observed[];
  /** All pools. */
  readonly pools: readonly Observed[];
  /** Volumes that the domains refer to. */
  readonly volumes: readonly Observed[];
}

/**
 * Surveys a host.
 *
 * @throws {StaddleError} `import.no-such-machine` when a named domain is not there.
 */
export async function surveyHost(
  session: KvmSession,
  names: readonly string[],
): Promise<Survey> {
  const connection = await session.connection();
  const [domains, networks, pools] = await Promise.all([
    connection.domains(),
    connection.networks(),
    connection.pools(),
  ]);
  let requests: ReadRequest[];
  try {
    const missing = names.filter((name) => !domains.some((domain) => domain.name === name));
    if (missing.length > 0) {
      throw noSuchMachine(session, missing, domains.map(({ name }) => name));
    }
    const chosen = domains.filter(({ name }) => names.length === 0 || names.includes(name));
    requests = [
      ...chosen.map(({ name, uuid }) => ({ kind: "machine", key: name, uuid })),
      ...networks.map(({ name, uuid }) => ({ kind: "network", key: name, uuid })),
      ...pools.map(({ name, uuid }) => ({ kind: "pool", key: name, uuid })),
    ];
  } finally {
    for (const handle of [...domains, ...networks, ...pools]) handle[Symbol.dispose]();
  }
  const read = await session.read(requests);
  const byKind = (kind: string) =>
    read.filter((object) => object.kind === kind).sort((a, b) => (a.key < b.key ? -1 : 1));
  const machines = byKind("machine");
  const volumes = await session.read(volumeRequests(machines));
  return { machines, networks: byKind("network"), pools: byKind("pool"), volumes };
}

function volumeRequests(machines: readonly Observed[]): ReadRequest[] {
  const keys = new Set<string>();
  for (const { source } of machines) {
    const devices = getElement(parseXml(String(source.xml)), "./devices");
    for (const disk of devices === undefined ? [] : children(devices, "disk")) {
      const pool = getPath(disk, "./source/@pool");
      const volume = getPath(disk, "./source/@volume");
      if (pool !== undefined && volume !== undefined) keys.add(`${pool}/${volume}`);
    }
  }
  return [...keys].sort().map((key) => ({ kind: "volume", key }));
}

function noSuchMachine(
  session: KvmSession,
  missing: readonly string[],
  there: readonly string[],
): StaddleError {
  const { name, uri } = session.declaration;
  const shown = there.toSorted().slice(0, 12).join(", ");
  return new StaddleError({
    code: "import.no-such-machine",
    summary: `the host has no machine ${missing.map((one) => `"${one}"`).join(", ")}`,
    where: [name === uri ? uri : `host ${name} (${uri})`],
    details: there.length === 0
      ? ["it has no machines at all"]
      : [`machines that are there: ${shown}${there.length > 12 ? ", …" : ""}`],
    help: "name machines that are there, or none for all of them",
  });
}
