/**
 * Reading a host in bulk: each list once, then the XML of what was asked for, all of it in flight.
 *
 * States come from the lists' own filters, a call each however many objects there are.
 *
 * @module
 */

import type { JsonObject, Mark, Observed, ReadRequest } from "../../provider.ts";
import { fingerprints } from "../kinds/mod.ts";
import { imageStamp } from "../kinds/image/mod.ts";
import {
  type Connection,
  type Domain,
  isNotFound,
  LibvirtError,
  type Network,
  type StoragePool,
  type StorageVolume,
} from "../libvirt/mod.ts";
import { partStamp } from "../operations/volume.ts";
import { readMarkInText } from "../xml/mod.ts";
import { type SavedState, savedState } from "./saved_state.ts";

/** Reads what was asked for; what does not exist is left out. */
export async function readHost(
  connection: Connection,
  host: string,
  requests: readonly ReadRequest[],
  refresh: (pool: StoragePool) => Promise<void>,
): Promise<readonly Observed[]> {
  const byKind = Map.groupBy(requests, ({ kind }) => kind);
  const volumes = requests.filter(({ kind }) => VOLUMES.has(kind));
  const found = await Promise.all([
    readPools(connection, host, byKind.get("pool") ?? []),
    readVolumes(connection, host, volumes, refresh),
    readNetworks(connection, host, byKind.get("network") ?? []),
    readMachines(connection, host, byKind.get("machine") ?? []),
  ]);
  return found.flat();
}

const VOLUMES: ReadonlySet<string> = new Set(["volume", "image", "seed"]);

interface Named {
  readonly name: string;
  readonly uuid: string;
  [Symbol.dispose](): void;
}

/** Gives the handles back when all is read. */
function disposeAll(...lists: readonly (readonly Disposable[])[]): void {
  for (const list of lists) for (const handle of list) handle[Symbol.dispose]();
}

/** The objects that were asked for, by UUID or by name. */
function wanted<T extends Named>(objects: readonly T[], requests: readonly ReadRequest[]): T[] {
  const names = new Set(requests.map(({ key }) => key));
  const uuids = new Set(requests.map(({ uuid }) => uuid));
  return objects.filter(({ name, uuid }) => names.has(name) || uuids.has(uuid));
}

function uuidsOf(objects: readonly Named[]): ReadonlySet<string> {
  return new Set(objects.map(({ uuid }) => uuid));
}

/** Undefined for an object that went away since it was listed. */
async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Undefined in the place of an object that went away since it was listed. */
function unlessGoneError(read: string | Error | undefined): string | undefined {
  if (!(read instanceof Error)) return read;
  if (isNotFound(read)) return undefined;
  throw read;
}

function observed(
  kind: string,
  host: string,
  object: { readonly name: string; readonly uuid?: string },
  source: JsonObject,
  mark?: Mark,
): Observed {
  return {
    kind,
    host,
    key: object.name,
    ...(object.uuid === undefined ? {} : { uuid: object.uuid }),
    ...(mark === undefined ? {} : { mark }),
    fingerprint: fingerprints.get(kind)!(source),
    source,
  };
}

/** `VIR_CONNECT_LIST_DOMAINS_…`. */
const DOMAINS = { transient: 8, paused: 32, other: 128, saved: 256, autostart: 1024 } as const;
/** `VIR_DOMAIN_XML_INACTIVE`. */
const DOMAIN_INACTIVE = 2;

async function readMachines(
  connection: Connection,
  host: string,
  requests: readonly ReadRequest[],
): Promise<Observed[]> {
  if (requests.length === 0) return [];
  if (requests.length <= FEW) return await readFewMachines(connection, host, requests);
  const [all, autostart, transient, paused, other, saved] = await Promise.all([
    connection.domains(),
    connection.domains(DOMAINS.autostart),
    connection.domains(DOMAINS.transient),
    connection.domains(DOMAINS.paused),
    connection.domains(DOMAINS.other),
    connection.domains(DOMAINS.saved),
  ]);
  try {
    const starts = uuidsOf(autostart);
    const fleeting = uuidsOf(transient);
    const stopped = uuidsOf(paused);
    const odd = new Map(
      await Promise.all(
        wanted(other, requests).map(async (domain) =>
          [domain.uuid, (await unlessGone(domain.state()))?.state] as const
        ),
      ),
    );
    const asked = wanted(all, requests);
    const active = asked.filter(runs);
    const [configs, liveConfigs, savedStates] = await Promise.all([
      connection.domainXmls(asked, DOMAIN_INACTIVE),
      connection.domainXmls(active),
      Promise.all(
        wanted(saved, requests).map(async (domain) =>
          [domain.uuid, await savedState(domain)] as const
        ),
      ),
    ]);
    const restored = new Map(savedStates);
    const live = new Map(active.map((domain, at) => [domain, unlessGoneError(liveConfigs[at])]));
    return asked.flatMap((domain, at) => {
      const xml = unlessGoneError(configs[at]);
      if (xml === undefined) return [];
      const state = odd.get(domain.uuid);
      const states = {
        state: stopped.has(domain.uuid)
          ? "paused"
          : state !== undefined
          ? STATES[state] ?? "unknown"
          : runs(domain)
          ? "running"
          : "shutoff",
        autostart: starts.has(domain.uuid),
        persistent: !fleeting.has(domain.uuid),
        ...restored.get(domain.uuid),
      };
      return [observedMachine(domain, host, { xml, liveXml: live.get(domain), ...states })];
    });
  } finally {
    disposeAll(all, autostart, transient, paused, other, saved);
  }
}

/** Up to as many machines it is cheaper to look each up than to list all that the host has. */
const FEW = 4;

async function readFewMachines(
  connection: Connection,
  host: string,
  requests: readonly ReadRequest[],
): Promise<Observed[]> {
  const found = (await Promise.all(requests.map((request) => lookUp(connection, request)))).flat();
  try {
    const domains = [...new Map(found.map((domain) => [domain.uuid, domain])).values()];
    const read = domains.map(async (domain) => {
      const states = await unlessGone(
        Promise.all([
          domain.state(),
          domain.autostart(),
          domain.isPersistent(),
          runs(domain) ? {} : savedState(domain),
        ]),
      );
      if (states === undefined) return undefined;
      const [{ state }, autostart, persistent, saved] = states;
      return await readDomain(domain, host, {
        state: STATES[state] ?? "unknown",
        autostart,
        persistent,
        ...saved,
      });
    });
    return (await Promise.all(read)).filter((item) => item !== undefined);
  } finally {
    disposeAll(found);
  }
}

/** The machine with the UUID, and whichever has the name. */
async function lookUp(connection: Connection, { key, uuid }: ReadRequest): Promise<Domain[]> {
  const own = uuid === undefined ? undefined : await unlessGone(connection.domainByUuid(uuid));
  if (own?.name === key) return [own];
  const named = await unlessGone(connection.domainByName(key));
  return [own, named].filter((domain) => domain !== undefined);
}

async function readDomain(
  domain: Domain,
  host: string,
  states: States,
): Promise<Observed | undefined> {
  const [xml, liveXml] = await Promise.all([
    unlessGone(domain.xml(DOMAIN_INACTIVE)),
    runs(domain) ? unlessGone(domain.xml()) : undefined,
  ]);
  return xml === undefined ? undefined : observedMachine(domain, host, { xml, liveXml, ...states });
}

interface States extends SavedState {
  readonly state: string;
  readonly autostart: boolean;
  readonly persistent: boolean;
}

function runs(domain: Domain): boolean {
  return domain.id >= 0;
}

function observedMachine(
  domain: Domain,
  host: string,
  { xml, liveXml, ...states }: States & { readonly xml: string; readonly liveXml?: string },
): Observed {
  return observed("machine", host, domain, {
    xml,
    ...(liveXml === undefined ? {} : { liveXml }),
    active: runs(domain),
    ...states,
  }, readMarkInText(xml));
}

/** `virDomainState`. */
const STATES: Readonly<Record<number, string>> = {
  1: "running",
  2: "blocked",
  3: "paused",
  4: "shutdown",
  5: "shutoff",
  6: "crashed",
  7: "pmsuspended",
};

/** `VIR_CONNECT_LIST_NETWORKS_…`. */
const NETWORKS = { active: 2, transient: 8, autostart: 16 } as const;
/** `VIR_NETWORK_XML_INACTIVE`. */
const NETWORK_INACTIVE = 1;

async function readNetworks(
  connection: Connection,
  host: string,
  requests: readonly ReadRequest[],
): Promise<Observed[]> {
  if (requests.length === 0) return [];
  const [all, running, transient, autostart] = await Promise.all([
    connection.networks(),
    connection.networks(NETWORKS.active),
    connection.networks(NETWORKS.transient),
    connection.networks(NETWORKS.autostart),
  ]);
  try {
    const active = uuidsOf(running);
    const fleeting = uuidsOf(transient);
    const starts = uuidsOf(autostart);
    const found = await Promise.all(
      wanted<Network>(all, requests).map(async (network) => {
        const runs = active.has(network.uuid);
        const [xml, liveXml] = await Promise.all([
          unlessGone(configuration(network, NETWORK_INACTIVE)),
          runs ? unlessGone(network.xml()) : undefined,
        ]);
        if (xml === undefined) return undefined;
        return observed("network", host, network, {
          xml,
          ...(liveXml === undefined ? {} : { liveXml }),
          active: runs,
          autostart: starts.has(network.uuid),
          persistent: !fleeting.has(network.uuid),
        }, readMarkInText(xml));
      }),
    );
    return found.filter((item) => item !== undefined);
  } finally {
    disposeAll(all, running, transient, autostart);
  }
}

/** `VIR_CONNECT_LIST_STORAGE_POOLS_…`. */
const POOLS = { active: 2, autostart: 16 } as const;
/** `VIR_STORAGE_XML_INACTIVE`. */
const POOL_INACTIVE = 1;
/** `VIR_ERR_INVALID_ARG`. */
const INVALID_ARGUMENT = 8;

async function readPools(
  connection: Connection,
  host: string,
  requests: readonly ReadRequest[],
): Promise<Observed[]> {
  if (requests.length === 0) return [];
  const [all, running, autostart] = await Promise.all([
    connection.pools(),
    connection.pools(POOLS.active),
    connection.pools(POOLS.autostart),
  ]);
  try {
    const active = uuidsOf(running);
    const starts = uuidsOf(autostart);
    const found = await Promise.all(
      wanted<StoragePool>(all, requests).map(async (pool) => {
        const xml = await unlessGone(configuration(pool, POOL_INACTIVE));
        if (xml === undefined) return undefined;
        return observed("pool", host, pool, {
          xml,
          active: active.has(pool.uuid),
          autostart: starts.has(pool.uuid),
        });
      }),
    );
    return found.filter((item) => item !== undefined);
  } finally {
    disposeAll(all, running, autostart);
  }
}

/** The configuration. The in-memory driver knows no flags here: its objects have one XML. */
async function configuration(object: Network | StoragePool, inactive: number): Promise<string> {
  try {
    return await object.xml(inactive);
  } catch (error) {
    if (error instanceof LibvirtError && error.code === INVALID_ARGUMENT) return await object.xml();
    throw error;
  }
}

async function readVolumes(
  connection: Connection,
  host: string,
  requests: readonly ReadRequest[],
  refresh: (pool: StoragePool) => Promise<void>,
): Promise<Observed[]> {
  if (requests.length === 0) return [];
  // A pool's name holds no slash.
  const byPool = Map.groupBy(requests, ({ key }) => key.slice(0, key.indexOf("/")));
  const pools = await connection.pools(POOLS.active);
  try {
    const found = await Promise.all(pools.map(async (pool) => {
      const asked = byPool.get(pool.name);
      if (asked === undefined) return [];
      await refresh(pool);
      return await readPoolVolumes(pool, host, asked);
    }));
    return found.flat();
  } finally {
    disposeAll(pools);
  }
}

async function readPoolVolumes(
  pool: StoragePool,
  host: string,
  requests: readonly ReadRequest[],
): Promise<Observed[]> {
  const volumes = await pool.volumes();
  try {
    const byName = new Map<string, StorageVolume>(volumes.map((item) => [item.name, item]));
    const found = await Promise.all(requests.map(async ({ kind, key }) => {
      const name = key.slice(key.indexOf("/") + 1);
      const volume = byName.get(name);
      if (volume === undefined) return undefined;
      // Half made: as if it were not there, so that it is made anew.
      if (kind === "image" && !byName.has(imageStamp(name))) return undefined;
      if (kind === "volume" && byName.has(partStamp(name))) return undefined;
      const xml = await unlessGone(volume.xml());
      if (xml === undefined) return undefined;
      return observed(kind, host, { name: key }, { xml, path: volume.key });
    }));
    return found.filter((item) => item !== undefined);
  } finally {
    disposeAll(volumes);
  }
}
