/**
 * A connection to a host: what can be found on it and defined on it, and how it is closed. What can be asked
 * of the host itself stands beside.
 *
 * @module
 */

import type { DomainStats } from "./calls/connection.ts";
import { fromColumns } from "./calls/objects.ts";
import { Domain } from "./domain.ts";
import { readXmls } from "./domain_xmls.ts";
import type { EventMap, EventName } from "./event_kinds.ts";
import { Events, type EventSubscription } from "./events.ts";
import { usingAll } from "./handle.ts";
import { HostQuestions } from "./host_questions.ts";
import { HostInterface, Network, NwFilter } from "./network.ts";
import { NodeDevice } from "./node_device.ts";
import { Secret } from "./secret.ts";
import type { Session } from "./session.ts";
import { StoragePool, StorageVolume } from "./storage.ts";

/** Milliseconds that closing waits for calls that are under way. */
const CLOSE_GRACE = 2_000;

/**
 * A connection to a host. Any number of calls may be under way; those made in one turn travel
 * together. Four slow calls (changes, guest agent, transfers) run at once, further ones wait; reads go
 * past them.
 */
export class Connection extends HostQuestions implements AsyncDisposable {
  readonly #events: Events;
  readonly #onClosed: (closed: boolean) => Promise<void>;
  readonly #closeCallback: bigint | null;
  #closing: Promise<void> | undefined;
  /** libvirt's own form of the URI. */
  readonly uri: string;
  /** Whether a host that does not answer any more will be noticed. */
  readonly keepalive: boolean;

  /** @internal */
  constructor(
    session: Session,
    init: {
      keepalive: boolean;
      events: Events;
      closeCallback: bigint | null;
      onClosed: (closed: boolean) => Promise<void>;
    },
  ) {
    super(session);
    this.#events = init.events;
    this.#onClosed = init.onClosed;
    this.#closeCallback = init.closeCallback;
    this.uri = session.uri;
    this.keepalive = init.keepalive;
  }

  /** What it is, for messages. */
  override toString(): string {
    return `connection to ${this.uri}`;
  }

  /** All domains, or those that match `ListDomainsFlags`. */
  async domains(flags = 0): Promise<Domain[]> {
    const found = await this._call("virConnectListAllDomains", flags);
    return fromColumns(found).map((described) => new Domain(this._session, described));
  }

  /**
   * The XML of many domains, in their order, asked for in portions: much cheaper than one by one. What
   * cannot be read, for example because it went away, is an error in its place. `flags`:
   * `DomainXmlFlags`.
   */
  async domainXmls(
    domains: readonly Domain[],
    flags = 0,
  ): Promise<readonly (string | Error)[]> {
    this._session.assertOpen();
    return await readXmls(this._session.lane, domains, flags);
  }

  /** A domain by its name. */
  async domainByName(name: string): Promise<Domain> {
    const found = await this._call("virDomainLookupByName", name);
    return new Domain(this._session, found);
  }

  /** A domain by its UUID. */
  async domainByUuid(uuid: string): Promise<Domain> {
    const found = await this._call("virDomainLookupByUUIDString", uuid);
    return new Domain(this._session, found);
  }

  /** A running domain by its id. */
  async domainById(id: number): Promise<Domain> {
    const found = await this._call("virDomainLookupByID", id);
    return new Domain(this._session, found);
  }

  /** Defines a domain, or changes the configuration of one. `flags`: `DefineDomainFlags`. */
  async defineDomain(xml: string, flags = 0): Promise<Domain> {
    const made = await this._call("virDomainDefineXMLFlags", xml, flags);
    return new Domain(this._session, made);
  }

  /** Starts a domain that is gone when it stops. `flags`: `DomainStartFlags`. */
  async createDomain(xml: string, flags = 0): Promise<Domain> {
    const made = await this._call("virDomainCreateXML", xml, flags);
    return new Domain(this._session, made);
  }

  /** Goes on with a domain that `save` wrote to a file. */
  async restoreDomain(path: string, xml: string | null = null, flags = 0): Promise<void> {
    await this._call("virDomainRestoreFlags", path, xml, flags);
  }

  /** State and numbers of all domains in one call. `stats`: `DomainStatsTypes`, 0: all. */
  async allDomainStats(
    options: { stats?: number; flags?: number } = {},
  ): Promise<readonly DomainStats[]> {
    const { stats = 0, flags = 0 } = options;
    return await this._call("virConnectGetAllDomainStats", stats, flags);
  }

  /** State and numbers of some domains in one call. */
  async domainStats(
    domains: readonly Domain[],
    options: { stats?: number; flags?: number } = {},
  ): Promise<readonly DomainStats[]> {
    const { stats = 0, flags = 0 } = options;
    this._session.assertOpen();
    const { lane } = this._session;
    return await usingAll(
      domains,
      (pointers) => lane.call("virDomainListGetStats", pointers, stats, flags),
    );
  }

  /** All networks, or those that match `ListNetworksFlags`. */
  async networks(flags = 0): Promise<Network[]> {
    const found = await this._call("virConnectListAllNetworks", flags);
    return found.map((described) => new Network(this._session, described));
  }

  /** A network by its name. */
  async networkByName(name: string): Promise<Network> {
    const found = await this._call("virNetworkLookupByName", name);
    return new Network(this._session, found);
  }

  /** A network by its UUID. */
  async networkByUuid(uuid: string): Promise<Network> {
    const found = await this._call("virNetworkLookupByUUIDString", uuid);
    return new Network(this._session, found);
  }

  /** Defines a network. `flags` 1: validate (libvirt 7.7.0). */
  async defineNetwork(xml: string, flags = 0): Promise<Network> {
    const made = flags === 0
      ? await this._call("virNetworkDefineXML", xml)
      : await this._call("virNetworkDefineXMLFlags", xml, flags);
    return new Network(this._session, made);
  }

  /** Starts a network that is gone when it stops. */
  async createNetwork(xml: string): Promise<Network> {
    const made = await this._call("virNetworkCreateXML", xml);
    return new Network(this._session, made);
  }

  /** All pools, or those that match `ListPoolsFlags`. */
  async pools(flags = 0): Promise<StoragePool[]> {
    const found = await this._call("virConnectListAllStoragePools", flags);
    return found.map((described) => new StoragePool(this._session, described));
  }

  /** A pool by its name. */
  async poolByName(name: string): Promise<StoragePool> {
    const found = await this._call("virStoragePoolLookupByName", name);
    return new StoragePool(this._session, found);
  }

  /** A pool by its UUID. */
  async poolByUuid(uuid: string): Promise<StoragePool> {
    const found = await this._call("virStoragePoolLookupByUUIDString", uuid);
    return new StoragePool(this._session, found);
  }

  /** A pool by the path of its target. */
  async poolByTargetPath(path: string): Promise<StoragePool> {
    const found = await this._call("virStoragePoolLookupByTargetPath", path);
    return new StoragePool(this._session, found);
  }

  /** Defines a pool. `flags` 1: validate. */
  async definePool(xml: string, flags = 0): Promise<StoragePool> {
    const made = await this._call("virStoragePoolDefineXML", xml, flags);
    return new StoragePool(this._session, made);
  }

  /** Starts a pool that is gone when it stops. `flags`: `PoolCreateFlags`. */
  async createPool(xml: string, flags = 0): Promise<StoragePool> {
    const made = await this._call("virStoragePoolCreateXML", xml, flags);
    return new StoragePool(this._session, made);
  }

  /** Looks for what pools of a type could stand on, XML. */
  async findPoolSources(type: string, source: string | null = null): Promise<string> {
    return await this._call("virConnectFindStoragePoolSources", type, source, 0);
  }

  /** A volume of any active pool by its path. */
  async volumeByPath(path: string): Promise<StorageVolume> {
    const { volume, pool } = await this._call("virStorageVolLookupByPath", path);
    return new StorageVolume(this._session, volume, pool);
  }

  /** A volume of any active pool by its key. */
  async volumeByKey(key: string): Promise<StorageVolume> {
    const { volume, pool } = await this._call("virStorageVolLookupByKey", key);
    return new StorageVolume(this._session, volume, pool);
  }

  /** All secrets. */
  async secrets(flags = 0): Promise<Secret[]> {
    const found = await this._call("virConnectListAllSecrets", flags);
    return found.map((described) => new Secret(this._session, described));
  }

  /** A secret by its UUID. */
  async secretByUuid(uuid: string): Promise<Secret> {
    const found = await this._call("virSecretLookupByUUIDString", uuid);
    return new Secret(this._session, found);
  }

  /** A secret by what it is for (`SecretUsageType`). */
  async secretByUsage(type: number, id: string): Promise<Secret> {
    const found = await this._call("virSecretLookupByUsage", type, id);
    return new Secret(this._session, found);
  }

  /** Defines a secret; its value is set afterwards. */
  async defineSecret(xml: string, flags = 0): Promise<Secret> {
    const made = await this._call("virSecretDefineXML", xml, flags);
    return new Secret(this._session, made);
  }

  /** All network filters. */
  async nwfilters(): Promise<NwFilter[]> {
    const found = await this._call("virConnectListAllNWFilters", 0);
    return found.map((described) => new NwFilter(this._session, described));
  }

  /** A network filter by its name. */
  async nwfilterByName(name: string): Promise<NwFilter> {
    const found = await this._call("virNWFilterLookupByName", name);
    return new NwFilter(this._session, found);
  }

  /** Defines a network filter. */
  async defineNwfilter(xml: string): Promise<NwFilter> {
    const made = await this._call("virNWFilterDefineXML", xml);
    return new NwFilter(this._session, made);
  }

  /** All devices of the host, or those that match `ListNodeDevicesFlags`. */
  async nodeDevices(flags = 0): Promise<NodeDevice[]> {
    const found = await this._call("virConnectListAllNodeDevices", flags);
    return found.map((described) => new NodeDevice(this._session, described));
  }

  /** A device of the host by its name. */
  async nodeDeviceByName(name: string): Promise<NodeDevice> {
    const found = await this._call("virNodeDeviceLookupByName", name);
    return new NodeDevice(this._session, found);
  }

  /** Makes a device that is gone when it is destroyed, for example a mediated one. */
  async createNodeDevice(xml: string): Promise<NodeDevice> {
    const made = await this._call("virNodeDeviceCreateXML", xml, 0);
    return new NodeDevice(this._session, made);
  }

  /** Defines a mediated device. libvirt 7.3.0. */
  async defineNodeDevice(xml: string): Promise<NodeDevice> {
    const made = await this._call("virNodeDeviceDefineXML", xml, 0);
    return new NodeDevice(this._session, made);
  }

  /** The host's interfaces. Many hosts have no driver for them (`VIR_ERR_NO_SUPPORT`). */
  async interfaces(flags = 0): Promise<HostInterface[]> {
    const found = await this._call("virConnectListAllInterfaces", flags);
    return found.map((described) => new HostInterface(this._session, described));
  }

  /** One of the host's interfaces by its name. */
  async interfaceByName(name: string): Promise<HostInterface> {
    const found = await this._call("virInterfaceLookupByName", name);
    return new HostInterface(this._session, found);
  }

  /**
   * Listens to events of one kind. Await `ready` to know that none is missed from there on. Dispose of
   * what is returned to stop.
   */
  on<K extends EventName>(event: K, listener: (event: EventMap[K]) => void): EventSubscription {
    this._session.assertOpen();
    return this.#events.on(event, listener);
  }

  /**
   * Closes the connection and every handle that came from it. Calls that have not begun are rejected;
   * those that are under way are waited for two seconds, then given up.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const session = this._session;
    session.closed = true;
    const reason = `the connection to ${this.uri} was closed`;
    session.lane.close(reason);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const idle = await Promise.race([
      session.lane.idle().then(() => true),
      new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(false), CLOSE_GRACE);
      }),
    ]);
    clearTimeout(timer);
    if (idle) return await this.#finish(reason);
    session.lane.abandon(reason);
    // Given up here, but not leaked: closed as soon as libvirt lets go of it.
    void session.lane.idle().then(() => this.#finish(reason));
  }

  async #finish(reason: string): Promise<void> {
    const { lane, holdings, pointer, runtime } = this._session;
    let closed = false;
    lane.reopen();
    try {
      await this.#events.close();
      for (const holding of [...holdings]) holding.release();
      await lane.call("virConnectClose", pointer, this.#closeCallback);
      closed = true;
    } catch {
      // The Workers are gone, because a call never came back: libvirt keeps the connection.
      runtime.keepCallbacks();
    } finally {
      lane.close(reason);
      await this.#onClosed(closed);
    }
  }

  /** Closes the connection. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
