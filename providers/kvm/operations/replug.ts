/**
 * Keeping running guests on a network that is restarted.
 *
 * libvirt takes a network's bridge down and makes a new one, and leaves the taps of running guests
 * behind, on no bridge. A NIC that is moved to another network and back is plugged in again. So its
 * NICs are moved to a network of their own for the time; should the run be cut off there, the
 * machine's NIC differs from what is declared, and the next run brings it back.
 *
 * @module
 */

import type { Connection, Domain, Network } from "../libvirt/mod.ts";
import { child, getElements, parseXml, serializeXml, type XmlElement } from "../xml/mod.ts";
import { findNetworkByName } from "./find.ts";

/** `VIR_CONNECT_LIST_DOMAINS_ACTIVE`. */
const ACTIVE = 1;
/** `VIR_DOMAIN_AFFECT_LIVE`. */
const LIVE = 1;

/**
 * Runs `restart` while the network's guests are parked elsewhere, and brings them back. Gives how
 * many NICs it moved.
 */
export async function whileParked(
  connection: Connection,
  network: Network,
  restart: () => Promise<void>,
): Promise<number> {
  const parking = parkingName(network);
  const guests = await guestsOn(connection, [network.name, parking]);
  if (guests.length === 0) {
    await restart();
    await unpark(connection, network);
    return 0;
  }
  try {
    using elsewhere = await findParking(connection, network) ??
      await connection.createNetwork(parkingXml(parking, network.uuid));
    await Promise.all(guests.map(({ domain }) => move(domain, network.name, parking)));
    await restart();
    const moved = await Promise.all(
      guests.map(({ domain }) => move(domain, parking, network.name)),
    );
    await elsewhere.destroy();
    return moved.reduce((sum, count) => sum + count, 0);
  } finally {
    for (const { domain } of guests) domain[Symbol.dispose]();
  }
}

/**
 * Takes away what a run that was cut off has left of parking, once its guests are back. What goes
 * with the network itself brings nobody back.
 */
export async function unpark(connection: Connection, network: Network): Promise<void> {
  using parking = await findParking(connection, network);
  if (parking === undefined) return;
  if (await network.isActive()) {
    const guests = await guestsOn(connection, [parking.name]);
    try {
      await Promise.all(guests.map(({ domain }) => move(domain, parking.name, network.name)));
    } finally {
      for (const { domain } of guests) domain[Symbol.dispose]();
    }
  }
  await parking.destroy();
}

function parkingName({ name }: Network): string {
  return `${name}-restart`;
}

/** The network that guests were parked on: known by its bridge, for anyone may use its name. */
async function findParking(
  connection: Connection,
  network: Network,
): Promise<Network | undefined> {
  const found = await findNetworkByName(connection, parkingName(network));
  if (found === undefined) return undefined;
  if ((await found.xml()).includes(`<bridge name='${parkingBridge(network.uuid)}'`)) return found;
  found[Symbol.dispose]();
  return undefined;
}

function parkingBridge(uuid: string): string {
  return `sdp${uuid.replaceAll("-", "").slice(0, 8)}`;
}

/** A bridge without addresses; its name fits the kernel's 15 characters. */
function parkingXml(name: string, uuid: string): string {
  const bridge = parkingBridge(uuid);
  const root = parseXml("<network><name/><bridge stp='off' delay='0'/></network>");
  child(root, "name")!.children.push({ kind: "text", text: name });
  child(root, "bridge")!.attributes.set("name", bridge);
  return serializeXml(root);
}

async function guestsOn(
  connection: Connection,
  networks: readonly string[],
): Promise<{ domain: Domain }[]> {
  const domains = await connection.domains(ACTIVE);
  const found = await Promise.all(domains.map(async (domain) => {
    // One that stops meanwhile has nothing to be plugged in.
    const xml = await domain.xml().catch(() => "");
    const on = nicsOf(xml).some((nic) => networks.includes(sourceOf(nic) ?? ""));
    if (on) return { domain };
    domain[Symbol.dispose]();
    return undefined;
  }));
  return found.filter((guest) => guest !== undefined);
}

function nicsOf(xml: string): XmlElement[] {
  if (!xml.includes("<interface type='network'>")) return [];
  return getElements(parseXml(xml), "./devices/interface").filter((nic) =>
    nic.attributes.get("type") === "network"
  );
}

function sourceOf(nic: XmlElement): string | undefined {
  return child(nic, "source")?.attributes.get("network");
}

async function move(domain: Domain, from: string, to: string): Promise<number> {
  const nics = nicsOf(await domain.xml()).filter((nic) => sourceOf(nic) === from);
  for (const nic of nics) {
    const { attributes } = child(nic, "source")!;
    attributes.set("network", to);
    // What the old network gave it.
    for (const name of ["bridge", "portid"]) attributes.delete(name);
    await domain.updateDevice(serializeXml(nic), LIVE);
  }
  return nics.length;
}
