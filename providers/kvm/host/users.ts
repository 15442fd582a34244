/**
 * Who on a host uses what is to be taken away: every domain that is defined or runs, its saved state, its
 * snapshots and checkpoints, and every volume that stands on another. All of it is read, whoever made it;
 * so it is asked for only where something goes.
 *
 * @module
 */

import type { Observed, Use } from "../../provider.ts";
import { namedIn } from "../kinds/machine/named.ts";
import { readVolume } from "../kinds/volume/mod.ts";
import {
  type Connection,
  type Domain,
  type DomainCheckpoint,
  type DomainSnapshot,
  isInvalidState,
  isNotFound,
  isUnsupported,
  type StoragePool,
} from "../libvirt/mod.ts";
import { getPath, parseXml } from "../xml/mod.ts";
import { savedState } from "./saved_state.ts";

/** `VIR_DOMAIN_XML_INACTIVE`. */
const INACTIVE = 2;
/** `VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE`, `…_HAS_SNAPSHOT`, `…_HAS_CHECKPOINT`. */
const DOMAINS = { saved: 256, snapshots: 4096, checkpoints: 16384 } as const;
/** `VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE`. */
const ACTIVE_POOLS = 2;

const FILES: ReadonlySet<string> = new Set(["volume", "image", "seed"]);
const USED: ReadonlySet<string> = new Set([...FILES, "pool", "network"]);

/** Who uses the objects. */
export async function readUsers(
  connection: Connection,
  objects: readonly Observed[],
): Promise<readonly Use[]> {
  const asked = objects.filter(({ kind }) => USED.has(kind));
  if (asked.length === 0) return [];
  const find = finder(asked);
  const files = asked.filter(({ kind }) => FILES.has(kind));
  const found = await Promise.all([
    usesOfDomains(connection, find),
    files.length === 0 ? [] : usesOfVolumes(connection, files),
  ]);
  return found.flat();
}

/** What an XML names of the objects. */
type Find = (xml: string) => readonly Observed[];

function finder(objects: readonly Observed[]): Find {
  const ofKind = (kind: string) =>
    new Map(objects.filter((one) => one.kind === kind).map((one) => [one.key, one]));
  const files = objects.filter(({ kind }) => FILES.has(kind));
  const paths = new Map(files.map((one) => [String(one.source.path), one]));
  const volumes = new Map(files.map((one) => [one.key, one]));
  const networks = ofKind("network");
  const pools = ofKind("pool");
  const bridges = new Map(
    [...networks.values()].flatMap((one) => {
      const bridge = ownBridge(String(one.source.liveXml ?? one.source.xml));
      return bridge === undefined ? [] : [[bridge, one] as const];
    }),
  );
  return (xml) => {
    const named = namedIn(xml);
    const found = [
      ...[...named.texts].map((path) => paths.get(path)),
      ...[...named.volumes].map((key) => volumes.get(key)),
      ...[...named.pools].map((name) => pools.get(name)),
      ...[...named.networks].map((name) => networks.get(name)),
      ...[...named.bridges].map((name) => bridges.get(name)),
    ];
    return [...new Set(found.filter((one) => one !== undefined))];
  };
}

/** The bridge that goes with a network; one that the host had before stays. */
function ownBridge(xml: string): string | undefined {
  const network = parseXml(xml);
  const mode = getPath(network, "./forward/@mode");
  return mode === "bridge" ? undefined : getPath(network, "./bridge/@name");
}

async function usesOfDomains(connection: Connection, find: Find): Promise<Use[]> {
  const [all, saved, snapshots, checkpoints] = await Promise.all([
    connection.domains(),
    listed(connection, DOMAINS.saved),
    listed(connection, DOMAINS.snapshots),
    listed(connection, DOMAINS.checkpoints),
  ]);
  try {
    const active = all.filter(({ id }) => id >= 0);
    const [configs, lives, states, points] = await Promise.all([
      connection.domainXmls(all, INACTIVE),
      connection.domainXmls(active),
      Promise.all(saved.map((domain) => savedState(domain))),
      Promise.all([
        ...snapshots.map((domain) => pointsOf(domain, "snapshot", domain.snapshots())),
        ...checkpoints.map((domain) => pointsOf(domain, "checkpoint", domain.checkpoints())),
      ]),
    ]);
    const own = [
      ...all.map((user, at) => ({ user, xml: configs[at]! })),
      ...active.map(
        (user, at) => ({ user, xml: lives[at]! }),
      ),
    ];
    const uses = own.flatMap(({ user, xml }) => {
      if (typeof xml === "string") return usesIn(user, xml, find);
      if (isNotFound(xml)) return [];
      throw xml;
    });
    const others = [
      ...saved.map((user, at) => ({
        user,
        by: "the saved state",
        xml: states[at]!.savedXml ?? "",
      })),
      ...points.flat(),
    ].flatMap(({ user, by, xml }) => usesIn(user, xml, find, by));
    return distinct([...uses, ...others]);
  } finally {
    for (const domain of [all, saved, snapshots, checkpoints].flat()) domain[Symbol.dispose]();
  }
}

/** Domains of a sort that a driver may not know: then it has none. */
async function listed(connection: Connection, flag: number): Promise<Domain[]> {
  try {
    return await connection.domains(flag);
  } catch (error) {
    if (isUnsupported(error)) return [];
    throw error;
  }
}

function usesIn({ name, uuid }: Domain, xml: string, find: Find, by?: string): Use[] {
  const user = { kind: "machine", key: name, uuid };
  return find(xml).map(({ kind, key }) => ({
    object: { kind, key },
    user,
    ...(by === undefined ? {} : { by }),
  }));
}

/** What is read of a domain besides; nothing of what went away since, or what a driver cannot tell. */
async function textOf(reading: Promise<string>): Promise<string> {
  try {
    return await reading;
  } catch (error) {
    if (isNotFound(error) || isUnsupported(error) || isInvalidState(error)) return "";
    throw error;
  }
}

async function pointsOf(
  user: Domain,
  what: "snapshot" | "checkpoint",
  listing: Promise<readonly (DomainSnapshot | DomainCheckpoint)[]>,
): Promise<{ readonly user: Domain; readonly by: string; readonly xml: string }[]> {
  let points: readonly (DomainSnapshot | DomainCheckpoint)[] = [];
  try {
    points = await listing;
    return await Promise.all(points.map(async (point) => ({
      user,
      by: `${what} "${point.name}"`,
      xml: await textOf(point.xml()),
    })));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  } finally {
    for (const point of points) point[Symbol.dispose]();
  }
}

function distinct(uses: readonly Use[]): Use[] {
  const seen = new Map(
    uses.map((use) => [JSON.stringify([use.object, use.user.uuid, use.by]), use]),
  );
  return [...seen.values()];
}

/** Volumes of all pools that run, that stand on one of the files. */
async function usesOfVolumes(connection: Connection, files: readonly Observed[]): Promise<Use[]> {
  const paths = new Map(files.map((one) => [String(one.source.path), one]));
  const pools = await connection.pools(ACTIVE_POOLS);
  try {
    return (await Promise.all(pools.map((pool) => usesInPool(pool, paths)))).flat();
  } finally {
    for (const pool of pools) pool[Symbol.dispose]();
  }
}

async function usesInPool(
  pool: StoragePool,
  paths: ReadonlyMap<string, Observed>,
): Promise<Use[]> {
  let volumes: Awaited<ReturnType<StoragePool["volumes"]>> = [];
  try {
    volumes = await pool.volumes();
    const uses = await Promise.all(volumes.map(async (volume): Promise<Use[]> => {
      const xml = await textOf(volume.xml());
      const backing = xml.includes("<backingStore") ? readVolume(xml).backing?.path : undefined;
      const object = backing === undefined ? undefined : paths.get(backing);
      if (object === undefined) return [];
      const user = { kind: "volume", key: `${pool.name}/${volume.name}` };
      return [{ object: { kind: object.kind, key: object.key }, user }];
    }));
    return uses.flat();
  } catch (error) {
    // A pool that goes away in these moments, as when its stack is destroyed.
    if (isNotFound(error) || isInvalidState(error)) return [];
    throw error;
  } finally {
    for (const volume of volumes) volume[Symbol.dispose]();
  }
}
